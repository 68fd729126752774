"""Processes of mirscan's own import only what mirscan uses: libraries look for others for no reason but that they might be there."""

import contextlib
import os
import sys
from collections.abc import Iterator

# What a user has set for work of their own with Keras and matplotlib would change networks and pictures, or keep both from loading:
# Keras takes a folder that cannot be for one without settings.
_PLAIN = {"KERAS_HOME": os.devnull, "MATPLOTLIBRC": os.devnull, "MPLBACKEND": "agg"}
_is_lean = False


def keep_lean() -> None:
    """Import Keras, Arrow and Numba without what mirscan has no use for, and without the user's settings of Keras and matplotlib.

    For processes of mirscan's own: Keras and Arrow know no data frames in them, and Numba no linear algebra.
    """
    global _is_lean
    _is_lean = True
    os.environ.update(_PLAIN)


@contextlib.contextmanager
def without(*names: str) -> Iterator[None]:
    """For the time being the packages `names` cannot be imported, if `keep_lean` was asked for; those that are imported already stay."""
    hidden = [name for name in names if _is_lean and name not in sys.modules]
    # None is Python's own mark of a module that must not be looked for.
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def spare_pandas() -> None:
    """Let Arrow look for pandas once while there is none, if `keep_lean` was asked for: otherwise it imports pandas for the first list that
    becomes an array, which takes .2 s and 40 MB.
    """
    if not _is_lean or "pandas" in sys.modules:
        return
    import pyarrow

    # The mark of `without` would be taken for pandas by Cython.
    sys.meta_path.insert(0, _NoPandas)
    try:
        pyarrow.array([None])
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    """A finder of modules that says of pandas that it is not there."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
