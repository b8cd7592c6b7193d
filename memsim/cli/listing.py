"""What there is to choose from: the parts of every registry, with a line each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from memsim.errors import InputError, Problem, did_you_mean
from memsim.sheets.facts import Facts
from memsim.sheets.sheet import Grid, Sheet

__all__ = ["KINDS", "Listing", "listing"]

SCHEMA = "memsim.list/1"

REGISTRIES = {
    "lowerings": "memsim.program.lowering:LOWERINGS",
    "schedules": "memsim.program.schedule:SCHEDULES",
    "groups": "memsim.program.depth_first.patterns:PATTERNS",
    "layer-orders": "memsim.simulate.layer_orders:LAYER_ORDERS",
    "orders": "memsim.program.tiling.orders:ORDERS",
    "policies": "memsim.engines.cache.policies:POLICIES",
    "managements": "memsim.engines.cache.managements:MANAGEMENTS",
    "allocators": "memsim.program.memory.allocator:ALLOCATORS",
    "operators": "memsim.network.ops:OPERATORS",
    "patterns": "memsim.network.patterns:PATTERNS",
    "edits": "memsim.network.edits:EDITS",
    "traces": "memsim.traces:FORMATS",
}
"""Where the parts of a kind are; one says itself what it is, or its docstring's first
sentence does."""

KINDS = ("networks", "machines", *REGISTRIES)
"""What can be listed."""


@dataclass(frozen=True)
class Listing(Facts):
    """The parts of one kind.

    Attributes
    ----------
    kind : str
    entries : mapping of str to str
        What is said of each, by name.
    """

    laid_out_by: ClassVar[str] = "memsim.cli.listing:listing_sheet"

    kind: str
    entries: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.list/1"``."""
        return {"schema": SCHEMA, "kind": self.kind, "entries": self.rows()}

    def rows(self) -> list[dict[str, Any]]:
        """A row for each."""
        return [{"name": name, "description": told} for name, told in self.entries.items()]

    @property
    def lines(self) -> list[str]:
        """A line for each, the descriptions one below the other."""
        width = max(map(len, self.entries))
        return [f"{name:<{width}}  {told}".rstrip() for name, told in self.entries.items()]


def listing_sheet(listing: Listing, layers: int | None = None) -> Sheet:
    """Lay out a listing; ``layers`` does not apply."""
    rows = tuple(listing.entries.items())
    return Sheet(listing.kind, grids=(Grid("", ("name", "description"), rows),))


def listing(kind: str) -> Listing:
    """List the parts of a kind.

    Raises
    ------
    InputError
        For an unknown kind, with a did-you-mean.

    Examples
    --------
    >>> listing("schedules").entries["layer_by_layer"]
    'Kernel after kernel, each for the whole batch: the order in which tasks are listed.'
    >>> listing("schedule")
    Traceback (most recent call last):
    memsim.errors.InputError: nothing is called 'schedule' (did you mean 'schedules'?)
    """
    if kind == "networks":
        from memsim.formats import names

        return Listing(kind, {entry.name: entry.description for entry in names()})
    if kind == "machines":
        from memsim.machine import load_machine, machine_names

        return Listing(kind, {name: load_machine(name).description for name in machine_names()})
    if kind not in REGISTRIES:
        message = f"nothing is called {kind!r}"
        raise InputError(Problem(message, hint=did_you_mean(kind, KINDS)))
    return Listing(kind, {name: _said(part) for name, part in _registry(kind).items()})


def _registry(kind: str) -> Mapping[str, object]:
    module, _, name = REGISTRIES[kind].partition(":")
    found: Mapping[str, object] = getattr(import_module(module), name)
    return found


def _said(part: object) -> str:
    """What a part says of itself, or its docstring's first sentence, without markup."""
    written = getattr(part, "told", "") or inspect.getdoc(part) or ""
    paragraph = " ".join(written.split("\n\n")[0].split())
    sentence = re.match(r".*?\.(?= [A-Z(]|$)", paragraph)
    text = sentence.group() if sentence else paragraph
    text = re.sub(r":[a-z:]+:`[~.]?(?:[\w.]*\.)?(\w+)`", r"\1", text)
    return text.replace("``", "")
