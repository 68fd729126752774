"""Text rows written by compiled code: names, integers and probabilities as bytes into a buffer."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mirscan.jit import njit

TAB, NEWLINE, ZERO, POINT, MINUS, LETTER_E = (ord(letter) for letter in "\t\n0.-e")
# int32 has at most 10 digits and a sign.
INT_WIDTH = 11
DECIMALS, SCIENTIFIC_DECIMALS = 6, 3
PROBABILITY_WIDTH = DECIMALS + 2
# Any int32, or a float32 below 2**31, with sign, point and decimals.
NUMBER_WIDTH = INT_WIDTH + 1 + DECIMALS


@dataclass(frozen=True)
class NameTable:
    """Names as one byte array: name `i` is `data[offsets[i] : offsets[i + 1]]`; `width` is the longest in bytes."""

    offsets: np.ndarray
    data: np.ndarray
    width: int


def pack_names(names: Iterable[str]) -> NameTable:
    """Names in the form the kernels read."""
    encoded = [name.encode() for name in names]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(name) for name in encoded], out=offsets[1:])
    return NameTable(offsets, np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8), int(np.diff(offsets).max(initial=0)))


@njit(inline="always")
def put_byte(out, at, byte):
    """Write one byte at `at`; like all `put_` functions, return the place behind it."""
    out[at] = byte
    return at + 1


@njit(inline="always")
def put_name(out, at, offsets, data, index):
    """Write name `index` of a NameTable."""
    for source in range(offsets[index], offsets[index + 1]):
        out[at] = data[source]
        at += 1
    return at


@njit(inline="always")
def put_int(out, at, value):
    """Write a non-negative integer in decimal."""
    width, rest = 1, value // 10
    while rest > 0:
        width += 1
        rest //= 10
    rest = value
    for place in range(at + width - 1, at - 1, -1):
        out[place] = ZERO + rest % 10
        rest //= 10
    return at + width


@njit(inline="always")
def put_scaled(out, at, scaled, decimals):
    """Write `scaled` / 10^decimals with all its decimals."""
    at = put_int(out, at, scaled // 10**decimals)
    at = put_byte(out, at, POINT)
    rest = scaled % 10**decimals
    for place in range(at + decimals - 1, at - 1, -1):
        out[place] = ZERO + rest % 10
        rest //= 10
    return at + decimals


@njit(inline="always")
def put_probability(out, at, value):
    """Write a number between 0 and 1 with six decimals; nothing at all for NaN, which stands for null."""
    if not np.isnan(value):
        scaled = np.int64(value * 10**DECIMALS + 0.5)
        at = put_scaled(out, at, scaled, DECIMALS)
    return at


@njit(inline="always")
def put_number(out, at, value):
    """Write a number with six decimals, as `put_probability`, with its sign where it is below 0."""
    if value < 0:
        at = put_byte(out, at, MINUS)
        value = -value
    return put_probability(out, at, value)


@njit(inline="always")
def put_scientific(out, at, value):
    """Write a number from 0 to 1 as 2.345e-06, with nothing at all for NaN, which stands for null."""
    if np.isnan(value):
        return at
    exponent = 0
    while value > 0 and value * 10**SCIENTIFIC_DECIMALS + 0.5 < 10**SCIENTIFIC_DECIMALS:
        value *= 10
        exponent += 1
    scaled = np.int64(value * 10**SCIENTIFIC_DECIMALS + 0.5)
    at = put_scaled(out, at, scaled, SCIENTIFIC_DECIMALS)
    at = put_byte(out, at, LETTER_E)
    at = put_byte(out, at, MINUS)
    at = put_byte(out, at, ZERO + exponent // 10)
    return put_byte(out, at, ZERO + exponent % 10)
