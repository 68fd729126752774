"""A 1-D residual network on seed-aligned pairs, after TargetNet."""

import keras
from keras import layers

from mirscan.networks.encoding import seed_aligned_pairs
from mirscan.networks.head import NetworkInputs, probability


def targetnet(
    inputs: NetworkInputs,
    *,
    length: int = 50,
    stem_filters: tuple[int, ...] = (16, 16),
    stem_kernel: int = 5,
    filters: tuple[int, ...] = (16, 32),
    kernel: int = 3,
    pool: int = 3,
    dense: tuple[int, ...] = (),
    dropout: float = 0.5,
    duplex_units: int = 16,
):
    """Seed-aligned strands (length, 8); stem convolutions; pre-activation residual blocks; ReLU, max pooling, one unit.

    Convolutions have no bias. Where a block widens, the shortcut is filled up with zero channels.
    """
    x = seed_aligned_pairs(inputs.mirna_codes, inputs.target_codes, length)
    for number, n_filters in enumerate(stem_filters, start=1):
        x = _convolve(x, n_filters, stem_kernel, f"stem_{number}")
        if number < len(stem_filters):
            x = _activate(x, dropout, f"stem_{number}")
    for number, n_filters in enumerate(filters, start=1):
        y = _convolve(_activate(x, dropout, f"block_{number}_first"), n_filters, kernel, f"block_{number}_first")
        y = _convolve(_activate(y, dropout, f"block_{number}_second"), n_filters, kernel, f"block_{number}_second")
        x = layers.Add(name=f"block_{number}_add")([y, _widen(x, n_filters)])
    x = layers.MaxPooling1D(pool, name="pool")(_activate(x, dropout, "last"))
    return probability(layers.Flatten(name="flatten")(x), inputs, tuple(dense), dropout, duplex_units)


def _convolve(x, filters: int, kernel: int, name: str):
    return layers.Conv1D(filters, kernel, padding="same", use_bias=False, name=f"{name}_conv")(x)


def _activate(x, dropout: float, name: str):
    return layers.Dropout(dropout, name=f"{name}_dropout")(layers.ReLU(name=f"{name}_relu")(x))


def _widen(x, filters: int):
    missing = filters - x.shape[-1]
    if missing < 0:
        raise ValueError(f"filters {filters} after {x.shape[-1]}; expected blocks that do not narrow")
    return keras.ops.pad(x, ((0, 0), (0, 0), (0, missing))) if missing else x
