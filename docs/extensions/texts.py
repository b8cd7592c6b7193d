"""What the reference pages are written with: entries, tables, and docstrings as Markdown."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel

import memsim


def prose(part: object) -> str:
    """What a part says of itself, or its docstring without the sections of parameters."""
    own = getattr(part, "told", "") or getattr(part, "summary", "")
    text = own or inspect.getdoc(part) or ""
    text = re.split(r"^\w[\w ]*\n-{3,}$", text, maxsplit=1, flags=re.MULTILINE)[0].strip()
    return unmarked(re.sub(r" \[\d+\]_", "", text))


def unmarked(text: str) -> str:
    """The markup of a docstring as Markdown."""
    text = re.sub(r":[a-z:]+:`[~.]?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def cell(text: object) -> str:
    """Text that can stand in a table."""
    return " ".join(str(text).split()).replace("|", r"\|")


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A table of Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def shown(value: Any) -> str:
    """A default as a file would say it."""
    if value is None or isinstance(value, bool):
        return {None: "–", True: "`true`", False: "`false`"}[value]
    if isinstance(value, tuple) and value:
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, BaseModel):
        return f"`{value.kind}`" if isinstance(value, memsim.network.ops.Operator) else "–"
    return f"`{value}`" if value not in ((), "") else "–"


def section(name: str, *parts: str) -> str:
    """An entry under its heading."""
    return "\n\n".join([f"### {name}", *filter(None, parts)])
