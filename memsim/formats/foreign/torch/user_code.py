"""Whose line an operator or an error comes from: the user's, not PyTorch's."""

from __future__ import annotations

import linecache
import os
import re
import sysconfig
import traceback
from functools import cache
from pathlib import Path

from memsim import errors
from memsim.formats.foreign.records import Line

__all__ = ["line_of_error", "line_of_trace"]

_FRAME = re.compile(r'File "([^"\n]+)", line ([0-9]+)')


@cache
def _foreign() -> tuple[str, ...]:
    """Folders whose code is not the user's: memsim, Python's own library and PyTorch."""
    from importlib.util import find_spec

    folders = [str(Path(errors.__file__).parent), sysconfig.get_path("stdlib")]
    torch = find_spec("torch")
    if torch is not None and torch.origin:
        folders.append(str(Path(torch.origin).parent))
    return tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)


def _is_users(file: str) -> bool:
    if not os.path.isfile(file):
        return False
    path = os.path.realpath(file)
    memsims, stdlib, *others = _foreign()
    if path.startswith((memsims, *others)):
        return False
    return not path.startswith(stdlib) or "site-packages" in path


def _line(file: str, number: int) -> Line:
    text = linecache.getline(file, number).rstrip()
    near = os.path.relpath(file)
    shown = file if near.startswith(os.pardir) else near
    return Line(shown, number, len(text) - len(text.lstrip()) + 1, text.strip())


def line_of_error(error: BaseException) -> Line | None:
    """The user's innermost line on the way to an error; None where there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if frame.lineno and _is_users(frame.filename):
            return _line(frame.filename, frame.lineno)
    return None


def line_of_trace(trace: str | None) -> Line | None:
    """The user's innermost line of a stack trace in text, as nodes of a traced graph carry it.

    Examples
    --------
    >>> line_of_trace('File "nowhere.py", line 3, in forward') is None
    True
    """
    for file, number in reversed(_FRAME.findall(trace or "")):
        if _is_users(file):
            return _line(file, int(number))
    return None
