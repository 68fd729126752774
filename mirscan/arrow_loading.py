"""Arrow without pandas, in processes of mirscan's own."""

import contextlib
import sys
from collections.abc import Iterator

from mirscan.keras_loading import is_lean


def spare_pandas() -> None:
    """Let Arrow look for pandas once while there is none: otherwise it imports pandas for the first list that becomes an array, which
    takes .2 s and 40 MB. Nothing is done unless `keep_lean` was asked for, since Arrow knows no data frames afterwards.
    """
    if not is_lean() or "pandas" in sys.modules:
        return
    import pyarrow

    with _without_pandas():
        pyarrow.array([None])


class _NoPandas:
    """A finder of modules that says of pandas that it is not there."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@contextlib.contextmanager
def _without_pandas() -> Iterator[None]:
    # A mark in sys.modules, as Python's own imports know it, would be taken for pandas by Cython.
    sys.meta_path.insert(0, _NoPandas)
    try:
        yield
    finally:
        sys.meta_path.remove(_NoPandas)
