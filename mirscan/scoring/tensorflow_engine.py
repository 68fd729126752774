"""A compiled network on TensorFlow: one graph of fixed shape, on processors and GPUs."""

import contextlib
import os

import numpy as np

from mirscan.scoring.keras_runner import KerasRunner


class TensorFlowRunner(KerasRunner):
    """One tf.function with a fixed signature; no model.predict, whose overhead is as large as a small network."""

    name = "tensorflow"

    @staticmethod
    def prepare(threads: int) -> tuple[bool, str | None]:
        """Let TensorFlow use `threads` cores, before it computes anything; (a GPU is there, what could not be done).

        Batches are spread over Python threads, each computing on its own core: at these sizes that is faster than several cores in one
        operation.
        """
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import tensorflow as tf

        note = None
        try:
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:
            found = tf.config.threading.get_intra_op_parallelism_threads(), tf.config.threading.get_inter_op_parallelism_threads()
            if found != (1, threads):
                note = f"TensorFlow already ran in this process and keeps its own threads {found} instead of (1, {threads})"
        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            with contextlib.suppress(RuntimeError):  # too late: the GPU is in use already
                # several processes may share a GPU, so the first must not take all its memory
                tf.config.experimental.set_memory_growth(gpu, True)
        return bool(gpus), note

    @property
    def device(self) -> str:
        import tensorflow as tf

        return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"

    def _trace(self) -> None:
        import tensorflow as tf

        compiled, names = self.compiled, self.compiled.input_names
        specs = [
            tf.TensorSpec((self.batch_size, *tensor.shape[1:]), tf.as_dtype(self._input_type(tensor.name)), tensor.name)
            for tensor in compiled.network.inputs
        ]

        @tf.function(input_signature=specs)
        def predict(*values):
            halves = [tf.bitcast(value, tf.bfloat16) if value.dtype == tf.uint16 else value for value in values]
            return tf.reshape(compiled.predict(dict(zip(names, halves, strict=True))), (-1,))

        self._predict = predict

    def _compute(self, inputs: list[np.ndarray]):
        # on a GPU the next batch is filled in while this one is under way
        return self._predict(*([value.copy() for value in inputs] if self.device == "gpu" else inputs))

    @staticmethod
    def _collect(result) -> np.ndarray:
        return result.numpy()
