"""The Numba decorators: compiled code is cached on disk (a cold scan must start in under two seconds) and releases the GIL."""

import hashlib
import logging
import multiprocessing
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from mirscan.cache_folder import cache_folder
from mirscan.errors import RunError
from mirscan.lean import without

try:
    # `arraymath` looks for SciPy, for linear algebra in compiled code: a tenth of a second in each start, and the kernels have none.
    with warnings.catch_warnings(), without("scipy"):
        # Numba warns with a traceback of a variable that it cannot read, and ends with another where it cannot go on.
        warnings.filterwarnings("error", "Environment variable 'NUMBA_", RuntimeWarning)
        import llvmlite.binding
        import numba.extending
        import numba.np.arraymath
except (RuntimeWarning, ValueError) as error:
    raise RunError(
        f"Numba refuses its settings ({str(error).splitlines()[0].rstrip('.')}); mend NUMBA_... variables or unset them"
    ) from None
if numba.config.DISABLE_JIT:
    raise RunError("NUMBA_DISABLE_JIT is set, and the kernels are right and fast only when they are compiled; unset it")


def njit(function=None, *, allocates: bool = True):
    """`numba.njit` with mirscan's options; usable bare (`@njit`) or with `allocates=False`.

    A kernel that makes no arrays and returns none needs no counting of references, which takes time to compile, and in loops to run.
    """
    folder = code_folder()

    def decorate(function):
        # Numba looks where to cache when it decorates. Its setting is for the whole process, and other packages have kernels, too.
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = folder or before
        try:
            dispatcher = numba.njit(cache=folder is not None, nogil=True, no_cfunc_wrapper=True, _nrt=allocates)(function)
        finally:
            numba.config.CACHE_DIR = before
        # Where Numba is told to compile nothing, it gives the function itself back.
        if folder is not None and dispatcher is not function:
            # Numba's own stamp tells of the kernel's file, and a kernel is made of helpers in others, too.
            file = dispatcher._cache._cache_file
            file._source_stamp = file._source_stamp, kernels_digest()
            dispatcher._cache.save_overload = _where_there_is_room(dispatcher._cache.save_overload, folder)
        return dispatcher

    return decorate if function is None else decorate(function)


def helper(function=None, *, allocates: bool = False):
    """For a function that kernels call: compiled as a part of them, once for all literal arguments, without what Python needs to call it.

    That takes as long as a small function itself. Python runs the function as it is written. `allocates` as for `njit`.
    """
    decorate = numba.extending.register_jitable(no_cfunc_wrapper=True, _nrt=allocates)
    return decorate if function is None else decorate(function)


def read_only(array: np.ndarray) -> np.ndarray:
    """A read-only plain view. Memory maps and arrays from other processes are read-only, and to Numba that is a type of its own: with
    one kind everywhere the kernels compile once."""
    view = np.asarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def _where_there_is_room(save, folder: str):
    """Numba's function that keeps machine code; a full disk or quota there costs the next start some seconds, and this one nothing."""

    def save_overload(signature, data) -> None:
        try:
            save(signature, data)
        except OSError as error:
            _tell_unkept(folder, (error.strerror or str(error)).lower())

    return save_overload


@cache
def _tell_unkept(folder: str, said: str) -> None:
    logging.getLogger("mirscan").warning(
        "%s: %s, so compiled code is not kept and the next start compiles again; free space there, or set NUMBA_CACHE_DIR", folder, said
    )


@cache
def kernels_digest() -> str:
    """Checksum of the files of this package that hold compiled code."""
    contents = (path.read_bytes() for path in sorted(Path(__file__).parent.rglob("*.py")))
    return hashlib.sha256(b"".join(content for content in contents if b"mirscan.jit" in content)).hexdigest()


@cache
def code_folder() -> str | None:
    """Folder of machine code for this processor and these versions; None, said once, where nothing can be written.

    Never beside the sources, which an administrator may have installed: one mechanism for every user. Hosts of a cluster that share a home
    folder have different processors, so each kind of processor has its own.
    """
    folder = cache_folder()
    if folder is None:
        # Workers leave it to the process that started them.
        if multiprocessing.parent_process() is None:
            logging.getLogger("mirscan").warning(
                "no cache folder can be written, so every start compiles for a quarter of a minute; set NUMBA_CACHE_DIR to one that can"
            )
        return None
    processor = llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten(), numba.__version__, sys.version
    return str(folder / f"kernels-{hashlib.sha256(repr(processor).encode()).hexdigest()[:12]}")
