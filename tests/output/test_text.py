import numpy as np

from mirscan.output.text import put_scientific


def written(value: float) -> str:
    out = np.zeros(32, np.uint8)
    return out[: put_scientific(out, 0, value)].tobytes().decode()


def test_scientific__equals_python_up_to_the_sign_of_no_exponent():
    random = np.random.default_rng(2)
    values = [1.0, 0.0, 0.1, 0.99996, 0.09996, 1e-10, 9.9995e-5, *(10 ** -random.uniform(0, 12, 500)).tolist()]
    for value in values:
        assert abs(float(written(value)) - float(f"{value:.3e}")) <= 1.001e-3 * value
    exact = [value for value in values if f"{value:.3e}".replace("+", "-") == written(value)]
    # Python rounds exact halves to even.
    assert len(exact) > 0.99 * len(values) and written(float("nan")) == ""
