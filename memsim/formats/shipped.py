"""The networks that ship with memsim: their names and files, without reading any."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Entry", "names", "shipped"]


class Entry(NamedTuple):
    """A shipped network.

    Attributes
    ----------
    name, description, source : str
    """

    name: str
    description: str
    source: str


@cache
def shipped() -> dict[str, Path]:
    """Files of the shipped networks by name: in the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "architectures", package.parent / "architectures"):
        if folder.is_dir():
            files = sorted(folder.rglob("*.yaml"))
            return {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}
    return {}


@cache
def names() -> tuple[Entry, ...]:
    """The shipped networks, by name.

    Only the head of each file is looked at, so this is cheap.

    Examples
    --------
    >>> [entry.source for entry in names() if entry.name == "hardnet68"]
    ['arXiv:1909.00948']
    """
    entries = []
    for name, path in shipped().items():
        head = path.read_text(encoding="utf-8").partition("\nlayers:")[0]
        facts = dict(re.findall(r"^(description|source): *(.*?) *$", head, re.MULTILINE))
        entries.append(Entry(name, facts.get("description", ""), facts.get("source", "")))
    return tuple(sorted(entries))
