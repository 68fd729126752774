"""A compiled network on JAX, for GPUs that TensorFlow cannot use; needs Keras on its JAX backend."""

import numpy as np

from mirscan.scoring.keras_runner import KerasRunner


class JaxRunner(KerasRunner):
    """One jitted function of fixed shape, weights kept on the device."""

    name = "jax"

    @staticmethod
    def prepare(threads: int) -> tuple[bool, str | None]:
        """(A GPU is there, what could not be done); on a processor JAX decides on its own how many cores it uses."""
        import jax

        has_gpu = jax.default_backend() == "gpu"
        return has_gpu, None if has_gpu or threads == 1 else "JAX on a processor chooses its own number of threads"

    @property
    def device(self) -> str:
        import jax

        return "gpu" if jax.default_backend() == "gpu" else "cpu"

    def _trace(self) -> None:
        import jax

        compiled, names = self.compiled, self.compiled.input_names
        network = compiled.network
        self._weights = [
            jax.device_put([variable.value for variable in group])
            for group in (network.trainable_variables, network.non_trainable_variables)
        ]

        @jax.jit
        def predict(trainable, fixed, values):
            by_name = dict(zip(names, values, strict=True))
            inputs = (
                {name: by_name[name] for name in network.input} if isinstance(network.input, dict) else [by_name[name] for name in names]
            )
            outputs, _ = network.stateless_call(trainable, fixed, inputs, training=False)
            return outputs.reshape(-1)

        self._predict = predict

    def _compute(self, inputs: list[np.ndarray]):
        import jax.numpy as jnp

        # copied: JAX would else read the arrays later, when they hold the next batch
        values = [jnp.array(value.view(jnp.bfloat16) if value.dtype == np.uint16 else value, copy=True) for value in inputs]
        return self._predict(*self._weights, values)

    @staticmethod
    def _collect(result) -> np.ndarray:
        return np.asarray(result, np.float32)
