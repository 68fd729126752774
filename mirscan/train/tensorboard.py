"""Event files of a training for TensorBoard, written with TensorFlow alone: the tensorboard package is needed only to look at them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from mirscan.errors import InputError
from mirscan.train.loop import StepReport


@contextlib.contextmanager
def event_log(folder: Path) -> Iterator[Callable[[StepReport], None]]:
    """Function that logs loss and learning rate of every step and every number of a validation; InputError without TensorFlow."""
    try:
        import tensorflow as tf
    except ImportError:
        raise InputError("tensorboard: needs TensorFlow, which is not installed here; train without --tensorboard") from None
    proto = tf.compat.v1.SummaryMetadata
    # tf.summary.scalar would ask for the tensorboard package; this is what it writes.
    scalar = proto(plugin_data=proto.PluginData(plugin_name="scalars"), data_class=1)
    writer = tf.summary.create_file_writer(str(folder))

    def log(step: StepReport) -> None:
        values = {"learning_rate": step.learning_rate} | ({} if step.loss is None else {"loss": step.loss})
        if step.validation is not None:
            values |= {f"validation/{name}": step.validation[key] for name, key in _VALIDATION.items()}
        with writer.as_default():
            for name, value in values.items():
                tf.summary.write(name, tf.constant(value, tf.float32), step=step.step, metadata=scalar)

    try:
        yield log
    finally:
        writer.close()


_VALIDATION = {"loss": "validation_loss", "average_precision": "average_precision", "auroc": "auroc"}
