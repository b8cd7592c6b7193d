"""ONNX files without their weights, taken apart before anything is parsed.

An ONNX file is one protobuf message, most of it weights. Protobuf's parsers want all of it in
memory at once; here the file is mapped, its fields are walked, and the data of large tensors are
stepped over. What remains is a small ONNX file of the same graph, whatever the size of the
original; a file that remains large, or is cut short, is refused.
"""

from __future__ import annotations

import mmap
import os
import stat
from typing import NamedTuple

from memsim.errors import InputError, Problem

__all__ = ["skeleton"]

LARGEST_VALUE = 4096
"""Bytes of tensor data that are kept: shapes, axes, scales, and no weights to speak of."""

LARGEST_SKELETON = 16_000_000
"""Bytes of the graph without its weights; the largest networks have some 2 MB."""

MOST_FIELDS = 1_000_000
"""Fields of a file; a file of nothing but tiny fields would take forever."""

DEEPEST = 20
"""Levels of nesting, subgraphs included."""

Fields = dict[int, "Message"]


class Message(NamedTuple):
    """What to do with the fields of a message.

    Attributes
    ----------
    parts : dict
        Fields that are messages to look into.
    data : frozenset
        Fields that hold a tensor's elements.
    """

    parts: Fields
    data: frozenset[int] = frozenset()


# Field numbers of onnx.proto3.
_TENSOR = Message({}, frozenset({4, 5, 6, 7, 9, 10, 11}))
_SPARSE = Message({1: _TENSOR, 2: _TENSOR})
_ATTRIBUTE = Message({5: _TENSOR, 10: _TENSOR, 22: _SPARSE, 23: _SPARSE})
_NODE = Message({5: _ATTRIBUTE})
_GRAPH = Message({1: _NODE, 5: _TENSOR, 15: _SPARSE})
_ATTRIBUTE.parts.update({6: _GRAPH, 11: _GRAPH})
_FUNCTION = Message({7: _NODE, 11: _ATTRIBUTE})
_MODEL = Message({7: _GRAPH, 20: Message({1: _GRAPH, 2: _GRAPH}), 25: _FUNCTION})


def skeleton(path: str | os.PathLike[str]) -> bytes:
    """An ONNX file without the data of its large tensors.

    Parameters
    ----------
    path : str or path
        A regular file of any size.

    Raises
    ------
    InputError
        If it cannot be read, is cut short, is no protobuf, or is large without its weights.
    """
    file = os.fspath(path)
    try:
        if stat.S_ISDIR(os.stat(file).st_mode):
            raise InputError(Problem("is a directory, not a file", file=file))
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise InputError(Problem("is no regular file", file=file))
        with open(file, "rb") as stream:
            if not os.fstat(stream.fileno()).st_size:
                raise InputError(Problem("is empty", file=file))
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Walk(data, file).message(_MODEL, 0, len(data), 0)
    except FileNotFoundError:
        raise InputError(Problem("no such file", file=file)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(Problem(f"cannot be read: {reason}", file=file)) from None


class _Walk:
    def __init__(self, data: mmap.mmap, file: str) -> None:
        self.data, self.file = data, file
        self.fields = 0
        self.kept = 0

    def fail(self, message: str, at: int) -> InputError:
        return InputError(Problem(f"{message} (at byte {at:,})", file=self.file))

    def message(self, kind: Message, start: int, stop: int, depth: int) -> bytes:
        """The message between two positions, its large data left out."""
        if depth > DEEPEST:
            raise self.fail(f"subgraphs nested deeper than {DEEPEST} levels", start)
        kept = bytearray()
        at = start
        while at < stop:
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise self.fail(f"more than {MOST_FIELDS:,} fields", at)
            first = at
            tag, at = self.varint(at, stop)
            number, wire = tag >> 3, tag & 7
            body = at
            if wire == 0:
                _, at = self.varint(at, stop)
            elif wire == 1:
                at += 8
            elif wire == 5:
                at += 4
            elif wire == 2:
                length, body = self.varint(at, stop)
                at = body + length
            if wire not in (0, 1, 2, 5) or not number:
                raise self.fail("is no ONNX model", first)
            if at > stop:
                raise self.fail(f"is cut short: {at - stop:,} bytes are missing", first)
            if wire == 2 and number in kind.parts:
                inner = self.message(kind.parts[number], body, at, depth + 1)
                kept += _varint(tag) + _varint(len(inner)) + inner
            elif number not in kind.data or at - body <= LARGEST_VALUE:
                self.kept += at - first
                if self.kept > LARGEST_SKELETON:
                    message = f"is larger than {LARGEST_SKELETON:,} bytes even without its weights"
                    raise self.fail(message, first)
                kept += self.data[first:at]
        return bytes(kept)

    def varint(self, at: int, stop: int) -> tuple[int, int]:
        """A number of seven bits a byte, and where it ends."""
        value = 0
        for shift in range(0, 70, 7):
            if at >= stop:
                raise self.fail("is cut short", at)
            byte = self.data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise self.fail("is no ONNX model", at)


def _varint(value: int) -> bytes:
    """A number of seven bits a byte, the lowest first.

    Examples
    --------
    >>> _varint(300).hex()
    'ac02'
    """
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
