"""What there is to choose from: the parts of every registry, with a line each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from memsim.errors import InputError, Problem, did_you_mean
from memsim.sheets.facts import Facts
from memsim.sheets.sheet import Grid, Sheet

if TYPE_CHECKING:
    from memsim.machine import Machine

__all__ = ["KINDS", "Listing", "MachineNumbers", "listing"]

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
    "libraries": "memsim.program.library.onednn:LIBRARIES",
    "heaps": "memsim.program.memory.heaps.heap:HEAPS",
    "clocks": "memsim.simulate.verbs:CLOCKS",
    "figures": "memsim.plot:FIGURES",
    "traces": "memsim.traces:FORMATS",
}
"""Where the parts of a kind are; one says itself what it is, or its docstring's first
sentence does."""

BESIDES = {
    "schedules": {"auto": "Groups of layers depth first, found for the cache: what moves least."},
    "groups": {"auto": "Groups, strips and tiles that are found for the cache: what moves least."},
    "orders": {
        "larger_outer": "Of weights and inputs a kernel reads the larger once, in the outer loop.",
        "best": "The one of the first three that moves least at the cache, for all kernels.",
    },
    "libraries": {"none": "No library: kernels that are cut into tasks for the buffers."},
}
"""What an option takes beside the parts of its kind: how to choose one, or that there is none."""

SWEEP = ("sweep", "one number of a sweep's file over its axes")
"""The figure of a file of ``memsim sweep``, which is no figure of networks."""

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
    numbers : mapping of str to (mapping of str to int)
        By name, numbers that are told beside it: bytes, bytes per second, MAC/s.
    """

    laid_out_by: ClassVar[str] = "memsim.cli.listing:listing_sheet"

    kind: str
    entries: Mapping[str, str]
    numbers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.list/1"``."""
        return {"schema": SCHEMA, "kind": self.kind, "entries": self.rows()}

    def rows(self) -> list[dict[str, Any]]:
        """A row for each."""
        return [
            {"name": name, **self.numbers.get(name, {}), "description": told}
            for name, told in self.entries.items()
        ]

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """Name, numbers and description of each, as they are shown."""
        return [
            (name, *(_shown(*number) for number in self.numbers.get(name, {}).items()), told)
            for name, told in self.entries.items()
        ]

    @property
    def lines(self) -> list[tuple[str, str]]:
        """A name and the rest of its line for each, one below the other."""
        columns = [max(map(len, column)) for column in zip(*self.cells, strict=True)]
        found = []
        for name, *numbers, told in self.cells:
            widths = zip(numbers, columns[1:-1], strict=True)
            told = "  ".join(["", *(cell.rjust(width) for cell, width in widths), told])
            found.append((name, f"{'':<{columns[0] - len(name)}}{told}".rstrip()))
        return found


UNITS = {"cache_bytes": "cache", "bandwidth_bytes_per_s": "DRAM", "macs_per_s": "compute"}
"""How a column of numbers is headed."""


def _shown(key: str, number: int) -> str:
    from memsim.readable import format_bytes, format_rate

    if key == "cache_bytes":
        return format_bytes(number)
    return format_rate(number, "MAC") if key == "macs_per_s" else format_rate(number)


def listing_sheet(listing: Listing, layers: int | None = None) -> Sheet:
    """Lay out a listing; ``layers`` does not apply."""
    numbers = next(iter(listing.numbers.values()), {})
    columns = ("name", *(UNITS[key] for key in numbers), "description")
    return Sheet(listing.kind, grids=(Grid("", columns, tuple(listing.cells)),))


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

        machines = {name: load_machine(name) for name in machine_names()}
        told = {name: machine.description for name, machine in machines.items()}
        return Listing(kind, told, {name: _numbers(each) for name, each in machines.items()})
    if kind not in REGISTRIES:
        message = f"nothing is called {kind!r}"
        raise InputError(Problem(message, hint=did_you_mean(kind, KINDS)))
    told = {name: _said(part) for name, part in _registry(kind).items()}
    told |= BESIDES.get(kind, {})
    return Listing(kind, {**told, **({SWEEP[0]: SWEEP[1]} if kind == "figures" else {})})


@dataclass(frozen=True)
class MachineNumbers(Facts):
    """Every number of a machine, as it was understood."""

    laid_out_by: ClassVar[str] = "memsim.cli.listing:numbers_sheet"

    machine: Machine

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: :meth:`memsim.Machine.resolved`."""
        return self.machine.resolved()

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        return [dict(_flat(self.to_dict()))]


def numbers_sheet(shown: MachineNumbers, layers: int | None = None) -> Sheet:
    """Lay out the numbers of a machine; ``layers`` does not apply."""
    numbers = [(key, value) for key, value in _flat(shown.to_dict()) if key != "machine"]
    told = tuple((key, "-" if value is None else f"{value:,}" if isinstance(value, int) else
                  str(value)) for key, value in numbers)  # fmt: skip
    return Sheet(f"{shown.machine.name}: {shown.machine.description}", facts=told)


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _numbers(machine: Machine) -> dict[str, int]:
    return {
        "cache_bytes": machine.cache_bytes,
        "bandwidth_bytes_per_s": int(machine.dram.bandwidth),
        "macs_per_s": int(machine.mac_rate("conv")),
    }


def _registry(kind: str) -> Mapping[str, object]:
    module, _, name = REGISTRIES[kind].partition(":")
    found: Mapping[str, object] = getattr(import_module(module), name)
    return found


def _said(part: object) -> str:
    """What a part says of itself, or its docstring's first sentence, without markup."""
    own = getattr(part, "told", "") or getattr(part, "summary", "")
    written = own or inspect.getdoc(part) or ""
    paragraph = " ".join(written.split("\n\n")[0].split())
    sentence = re.match(r".*?\.(?= [A-Z(]|$)", paragraph)
    text = sentence.group() if sentence else paragraph
    text = re.sub(r":[a-z:]+:`[~.]?(?:[\w.]*\.)?(\w+)`", r"\1", text)
    return text.replace("``", "")
