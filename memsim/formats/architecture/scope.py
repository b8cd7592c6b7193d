"""Names: how layers are called where a file does not say, and what a name means where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memsim.formats.architecture.items import Item
from memsim.yaml.document import Path

__all__ = ["Reference", "Scope", "local_names"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names are looked up: the inside of a layer, then what is around it.

    Attributes
    ----------
    prefix : str
        The full name of the layer whose inside this is; empty for the file itself.
    values : mapping
        What ``$names`` stand for.
    around : Scope or None
    """

    prefix: str
    values: Mapping[str, Any]
    around: Scope | None = None

    def full(self, name: str) -> str:
        """A name as it is known everywhere."""
        return f"{self.prefix}.{name}" if self.prefix else name

    def candidates(self, name: str) -> list[str]:
        """The full names that a name may mean here, the nearest first."""
        outer = self.around.candidates(name) if self.around else []
        return [self.full(name), *outer]

    def visible(self, names: Iterable[str]) -> list[str]:
        """The names, of those that are known everywhere, as one may write them here."""
        start = f"{self.prefix}." if self.prefix else ""
        inner = [name.removeprefix(start) for name in names if name.startswith(start)]
        return inner + (self.around.visible(names) if self.around else [])


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that is read before it is described."""

    word: str
    scope: Scope
    path: Path


def local_names(items: Sequence[Item]) -> list[str]:
    """The names of the items of one list: their own, else the keyword and a number."""
    taken = {item.name for item in items}
    counts: dict[str, int] = {}
    names = []
    for item in items:
        if item.name:
            names.append(item.name)
            continue
        label = item.keyword.label if item.keyword else "faulty"
        while True:
            counts[label] = counts.get(label, 0) + 1
            name = f"{label}{counts[label]}"
            if name not in taken:
                break
        names.append(name)
    return names
