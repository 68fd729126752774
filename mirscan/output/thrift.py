"""Thrift's compact protocol, in which Parquet writes its footers: bytes <-> plain Python values, whatever the fields mean.

A struct is a dict from field number to (type, value), a list a (type of the items, items). Thrift compact protocol encoding,
thrift/doc/specs/thrift-compact-protocol.md.
"""

import struct

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _MAP, STRUCT = range(1, 13)
_INTEGERS = (I16, I32, I64)
# Lengths and field steps beyond this take bytes of their own.
_SHORT = 15


def decode_struct(data: bytes) -> dict[int, tuple]:
    """The struct that `data` begins with."""
    return _Reader(data).struct()


def encode_struct(fields: dict[int, tuple]) -> bytes:
    """The bytes of a struct; those that `decode_struct` read, when the writer used the shortest form."""
    out, before = bytearray(), 0
    for number, (kind, value) in sorted(fields.items()):
        step = number - before
        out += bytes([step << 4 | kind]) if 0 < step <= _SHORT else bytes([kind]) + _varint(_zigzag(number))
        out += b"" if kind in (TRUE, FALSE) else _encode(kind, value)
        before = number
    return bytes(out + b"\0")


def _encode(kind: int, value) -> bytes:
    if kind in _INTEGERS:
        return _varint(_zigzag(value))
    if kind == BINARY:
        return _varint(len(value)) + value
    if kind == STRUCT:
        return encode_struct(value)
    if kind in (LIST, SET):
        item_kind, items = value
        size = bytes([len(items) << 4 | item_kind]) if len(items) < _SHORT else bytes([_SHORT << 4 | item_kind]) + _varint(len(items))
        return size + b"".join([_encode(item_kind, item) for item in items])
    return struct.pack("<d", value) if kind == DOUBLE else bytes([value])


class _Reader:
    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def struct(self) -> dict[int, tuple]:
        fields, number = {}, 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else _unzigzag(self._varint())
            fields[number] = kind, kind == TRUE if kind in (TRUE, FALSE) else self._value(kind)
        return fields

    def _value(self, kind: int):
        if kind in _INTEGERS:
            return _unzigzag(self._varint())
        if kind == BINARY:
            return self._take(self._varint())
        if kind == STRUCT:
            return self.struct()
        if kind in (LIST, SET):
            head = self._byte()
            size = head >> 4 if head >> 4 < _SHORT else self._varint()
            return head & 15, [self._value(head & 15) for _ in range(size)]
        if kind not in (TRUE, FALSE, BYTE, DOUBLE):
            raise ValueError(f"thrift type {kind} at byte {self._at}; expected one that Parquet footers use")
        return struct.unpack("<d", self._take(8))[0] if kind == DOUBLE else self._byte()

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, n: int) -> bytes:
        self._at += n
        return self._data[self._at - n : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)
