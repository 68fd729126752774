"""The one Numba decorator: compiled code is cached on disk (a cold scan must start in under two seconds) and releases the GIL."""

import numba


def njit(function=None, **options):
    """`numba.njit` with mirscan's options; usable bare (`@njit`) or with more options (`@njit(inline="always")`)."""
    decorate = numba.njit(cache=True, nogil=True, **options)
    return decorate if function is None else decorate(function)
