"""Numbers of a model that no fit found, but that were read off measured runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from memsim.files import read_table
from memsim.program.library.onednn.runtime import Runtime

READ_OFF = ("every", "kinds", "module", "start")
"""What of the runtime was read off the smaller rows of measured runs: its floors."""

KNOWN = ("processor", "in_place", "heap", "past")
"""What of it follows from software and hardware: from source text and data sheets."""

CALLS = "memsim.program.library.onednn", "calls"
"""The table of what operators ask of malloc, recorded from the library that is modelled."""


def numbers(part: object) -> int:
    """How many numbers but 0 a part of a model holds, parts of it included.

    Examples
    --------
    >>> numbers({"a": 3, "b": 0, "c": (1.5, 2)}), numbers(True), numbers("7")
    (3, 0, 0)
    """
    if isinstance(part, bool):
        return 0
    if isinstance(part, int | float):
        return int(part != 0)
    if isinstance(part, Mapping):
        return sum(map(numbers, part.values()))
    if isinstance(part, tuple | list):
        return sum(map(numbers, part))
    if is_dataclass(part):
        return sum(numbers(getattr(part, each.name)) for each in fields(part))
    return 0


def floors(runtime: Runtime | None = None) -> int:
    """How many numbers of the runtime were read off runs.

    Parameters
    ----------
    runtime : Runtime, optional
        The one that predictions take where nothing else is said.
    """
    chosen = runtime or Runtime()
    return sum(numbers(getattr(chosen, name)) for name in READ_OFF)


def told() -> tuple[str, str]:
    """A line of a check's facts: what was read off runs."""
    return (
        "read off runs",
        f"{floors()} numbers, the floors of the runtime: constants of what an operator touches "
        "besides its tensors, fitted by hand to the smaller rows of development runs "
        "(memsim.program.library.onednn.runtime.Runtime); and the calls of malloc of "
        f"{len(read_table(*CALLS))} kinds of operators, recorded one by one (data/calls.csv)",
    )
