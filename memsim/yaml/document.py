"""A text file's data with the place of every value, for messages that point into the file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from memsim.errors import InputError, Problem
from memsim.files import read_bytes

__all__ = ["MOST_PROBLEMS", "Document", "Path", "Spot", "read", "shown", "written"]

Path = tuple[str | int, ...]
"""Keys and indices from the root of a document to a value."""

LARGEST_FILE = 1_000_000
"""Bytes of the largest file that is read."""

MOST_PROBLEMS = 50
"""Problems told at once; a reader repairs the first ones first."""


@dataclass(slots=True)
class Spot:
    """Where a value stands (1-based), and its parts; ``size`` and ``height`` count aliases."""

    line: int
    column: int
    keys: dict[str | int, tuple[int, int]] = field(default_factory=dict)
    parts: dict[str | int, Spot] = field(default_factory=dict)
    size: int = 1
    height: int = 1


@dataclass(frozen=True)
class Document:
    """The data of a YAML text, and where each value was written.

    Attributes
    ----------
    data : dict, list, str, int, float, bool or None
        An anchored value and its aliases are one object; do not modify it.
    file : str
        The name shown in problems.

    Examples
    --------
    >>> from memsim.yaml.text import load
    >>> document = load("layers:\\n  - conv: {kernel: on}\\n", "net.yaml")
    >>> document.data
    {'layers': [{'conv': {'kernel': 'on'}}]}
    >>> print(document.problem(("layers", 0, "conv", "kernel"), "not a number"))
    net.yaml:2:12: layers[0].conv.kernel: not a number
    """

    data: Any
    file: str
    _root: Spot = field(repr=False, compare=False)

    def problem(self, path: Path, message: str, hint: str = "") -> Problem:
        """A problem at a path: at the key of a mapping's entry, at an item of a list.

        A path that leads beyond the document points at the last part that exists.
        """
        spot, place = self._root, (self._root.line, self._root.column)
        for part in path:
            if part not in spot.parts:
                break
            place = spot.keys[part]
            spot = spot.parts[part]
        return Problem(message, written(path), hint, self.file, *place)


def written(path: Path) -> str:
    """Render a path.

    Examples
    --------
    >>> written(("layers", 3, "conv", "kernel")), written(("variants", "v1.5"))
    ('layers[3].conv.kernel', "variants['v1.5']")
    """
    text = ""
    for part in path:
        if isinstance(part, str) and re.fullmatch(r"\w[\w-]*", part) and len(part) <= 60:
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def shown(value: object) -> str:
    """A value as a message quotes it: on one line, and short.

    Examples
    --------
    >>> shown("3x3"), shown(True), shown(None), shown({"out": 3})
    ("'3x3'", 'true', 'nothing', 'a mapping')
    """
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return "a list"
    text = f"[{', '.join(map(shown, value[:20]))}]" if isinstance(value, list) else repr(value)
    return text if len(text) <= 60 else f"{text[:40]}...{text[-17:]}"


def read(path: str | os.PathLike[str]) -> str:
    """Read a text file.

    Raises
    ------
    InputError
        If there is no such file, it is a directory, cannot be read, is not UTF-8 or is larger
        than 1 MB.

    Examples
    --------
    >>> read("no/such.yaml")
    Traceback (most recent call last):
    memsim.errors.InputError: no/such.yaml: no such file
    """
    file = os.fspath(path)
    return decoded(read_bytes(file, LARGEST_FILE), file)


def decoded(raw: bytes, file: str) -> str:
    """Read bytes as UTF-8, with or without a byte order mark.

    Raises
    ------
    InputError
        If they are not, with the place.

    Examples
    --------
    >>> decoded(b"a: \\xff", "a.yaml")
    Traceback (most recent call last):
    memsim.errors.InputError: a.yaml:1:4: is not UTF-8 text: byte 0xff
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"is not UTF-8 text: byte 0x{raw[error.start]:02x}"
        raise InputError(Problem(message, "", "", file, line, column)) from None
