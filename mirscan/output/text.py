"""Text rows written by compiled code: names, integers and probabilities as bytes into a buffer.

Places in the buffer are unsigned where a byte is written: with signed ones Numba tests each for being counted from the end, at half the
speed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mirscan.jit import helper

TAB, NEWLINE, ZERO, POINT, MINUS, LETTER_E = (ord(letter) for letter in "\t\n0.-e")
# int32 has at most 10 digits and a sign.
INT_WIDTH = 11
DECIMALS, SCIENTIFIC_DECIMALS = 6, 3
PROBABILITY_WIDTH = DECIMALS + 2
# Any int32, or a float32 below 2**31, with sign, point and decimals.
NUMBER_WIDTH = INT_WIDTH + 1 + DECIMALS
_ZERO, _ONE, _TWO, _TEN, _HUNDRED = (np.uint64(number) for number in (ZERO, 1, 2, 10, 100))
# Digits of 00 to 99: half as many divisions as one by one.
_PAIRS = np.frombuffer("".join(f"{number:02}" for number in range(100)).encode(), np.uint8)
# Letters of a name that are written at once, whether it has as many or not: what follows in the row is written over the rest.
AT_ONCE = 32
_LAST = np.uint64(AT_ONCE - 1)
_POWERS = 10 ** np.arange(DECIMALS + 1)


@dataclass(frozen=True)
class NameTable:
    """Names as one byte array: name `i` is `data[offsets[i] : offsets[i + 1]]`; `width` is the longest in bytes.

    `AT_ONCE` bytes stand behind the last.
    """

    offsets: np.ndarray
    data: np.ndarray
    width: int


def pack_names(names: Iterable[str]) -> NameTable:
    """Names in the form the kernels read."""
    encoded = [name.encode() for name in names]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(name) for name in encoded], out=offsets[1:])
    data = np.frombuffer(b"".join((*encoded, bytes(AT_ONCE))), dtype=np.uint8)
    return NameTable(offsets, data, int(np.diff(offsets).max(initial=0)))


def text_buffer(size: int) -> np.ndarray:
    """Room (bytes,) uint8 for `size` bytes of rows, and for what the last name in them may write beyond its end."""
    return np.empty(size + AT_ONCE, np.uint8)


@helper
def put_byte(out, at, byte):
    """Write one byte at `at`; like all `put_` functions, return the place behind it."""
    out[np.uintp(at)] = byte
    return at + 1


@helper
def put_name(out, at, offsets, data, index):
    """Write name `index` of a NameTable."""
    place, first, size = np.uintp(at), np.uintp(offsets[index]), np.uintp(offsets[index + 1] - offsets[index])
    for step in range((size + _LAST) & ~_LAST):
        out[place + step] = data[first + step]
    return at + np.int64(size)


@helper
def put_int(out, at, value):
    """Write a non-negative integer in decimal."""
    width, limit = 1, 10
    while value >= limit:
        width += 1
        limit *= 10
    return put_digits(out, at, value, width)


@helper
def put_digits(out, at, value, width):
    """Write the last `width` digits of a non-negative integer."""
    # Unsigned: division by a constant is a multiplication then, without the cases of numbers below 0.
    rest, place = np.uint64(value), at + width
    while place > at + 1:
        pair = _TWO * (rest % _HUNDRED)
        rest //= _HUNDRED
        place -= 2
        out[np.uintp(place)] = _PAIRS[pair]
        out[np.uintp(place) + _ONE] = _PAIRS[pair + _ONE]
    if place > at:
        out[np.uintp(at)] = np.uint8(_ZERO + rest % _TEN)
    return at + width


@helper
def put_number(out, at, value, decimals):
    """Write a number with 1 to `DECIMALS` decimals, and its sign where it is below 0; nothing at all for NaN, which stands for null."""
    if np.isnan(value):
        return at
    scale = _POWERS[decimals]
    whole = np.int64(abs(value))
    rest = np.int64((abs(value) - whole) * scale + 0.5)
    if rest == scale:
        whole, rest = whole + 1, 0
    if value < 0 and whole + rest > 0:
        at = put_byte(out, at, MINUS)
    at = put_int(out, at, whole)
    at = put_byte(out, at, POINT)
    return put_digits(out, at, rest, decimals)


@helper
def put_probability(out, at, value):
    """Write a number between 0 and 1 with six decimals; nothing at all for NaN."""
    return put_number(out, at, value, DECIMALS)


@helper
def put_scientific(out, at, value):
    """Write a number from 0 to 1 as 2.345e-06, with nothing at all for NaN, which stands for null."""
    if np.isnan(value):
        return at
    exponent = 0
    while value > 0 and value * 10**SCIENTIFIC_DECIMALS + 0.5 < 10**SCIENTIFIC_DECIMALS:
        value *= 10
        exponent += 1
    at = put_number(out, at, value, SCIENTIFIC_DECIMALS)
    at = put_byte(out, at, LETTER_E)
    at = put_byte(out, at, MINUS)
    at = put_byte(out, at, ZERO + exponent // 10)
    return put_byte(out, at, ZERO + exponent % 10)
