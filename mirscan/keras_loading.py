"""Keras without its backend's start-up chatter, which would bury the one line that matters to a user."""

import contextlib
import importlib.util
import logging
import os
from collections.abc import Iterator

from mirscan.cache_folder import redirect_unwritable_home, temporary_folder
from mirscan.errors import RunError
from mirscan.lean import without

_BACKENDS = ("tensorflow", "jax", "torch")
# What Keras and TensorFlow import for no other reason than that it is installed: data frames, plots, wrappers, converters. Without it
# they need half the seconds and two thirds of the memory.
_NEEDLESS = ("jax", "matplotlib", "pandas", "scipy", "sklearn")


def _backend() -> str:
    # As Keras has it, an empty variable is none.
    return os.environ.get("KERAS_BACKEND") or "tensorflow"


def check_backend() -> None:
    """Raise RunError where KERAS_BACKEND names a backend that Keras does not have or this installation lacks."""
    backend = _backend()
    if backend not in _BACKENDS:
        raise RunError(f"KERAS_BACKEND={backend}: not a backend; expected {', '.join(_BACKENDS)}, or unset the variable")
    if importlib.util.find_spec(backend) is None:
        raise RunError(f"KERAS_BACKEND={backend}: the package {backend} is not installed; install it, or unset the variable for tensorflow")


def load_keras():
    """The keras module, imported with standard error closed to TensorFlow's notes on oneDNN and CPU features.

    Those come from C++ before any logging can be configured, so the file descriptor itself is turned away for the import.
    """
    check_backend()
    # TensorFlow asks for it when it is imported.
    temporary_folder()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    redirect_unwritable_home("KERAS_HOME", "keras")
    with _silent_standard_error(), without(*(name for name in _NEEDLESS if name != _backend())):
        try:
            import keras
        except (ImportError, ValueError) as error:
            what = f"Keras on {_backend()} does not load ({' '.join(str(error).split())})"
            raise RunError(f"{what}; install it anew, or mend KERAS_... variables and keras.json") from None
    # Each model that is loaded is traced once; TensorFlow takes several for one that is traced again and again, and warns.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return keras


@contextlib.contextmanager
def _silent_standard_error() -> Iterator[None]:
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
