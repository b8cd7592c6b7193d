"""A network on standard input: its text, which can be read once and is asked for several times."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TextIO

from memsim.errors import InputError, Problem
from memsim.yaml.document import LARGEST_FILE, decoded

__all__ = ["NAME", "SHOWN", "standard_input"]

NAME = "-"
"""What names it in the place of a file."""

SHOWN = "<stdin>"
"""How problems call it."""


def standard_input() -> str:
    """The text on standard input, however often it is asked for.

    Raises
    ------
    InputError
        If it is closed, is not UTF-8 or is larger than a file may be.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise InputError(Problem("standard input is closed", file=SHOWN))
    return _text(sys.stdin)


@lru_cache(maxsize=1)
def _text(stream: TextIO) -> str:
    """What a stream holds; kept for as long as it is standard input."""
    raw = getattr(stream, "buffer", None)
    read = stream.read(LARGEST_FILE + 1).encode() if raw is None else raw.read(LARGEST_FILE + 1)
    if len(read) > LARGEST_FILE:
        raise InputError(Problem(f"is larger than {LARGEST_FILE:,} bytes", file=SHOWN))
    return decoded(read, SHOWN)
