"""The resolved configuration of a simulation, as every result tells it."""

from __future__ import annotations

from typing import Any

from memsim.machine import Machine
from memsim.program.program import Program


def resolved(program: Program, machine: Machine) -> dict[str, Any]:
    """Return the machine's numbers and the program's options as plain JSON values.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", cache="1MB")
    >>> config = resolved(result.program, result.machine)
    >>> config["cache_bytes"], config["lowering"], config["allocator"]
    (1000000, 'fused', 'caching')
    """
    return {**machine.resolved(), **of_program(program, machine)}


def of_program(program: Program, machine: Machine) -> dict[str, Any]:
    """Return the options of a program, and where the machine lays its feature maps."""
    options = dict(program.options)
    cut = {name: options.pop(name) for name in ("buffer_bytes", "block_bytes")}
    best = {"best": options.pop("best")} if "best" in options else {}
    return {**options, **machine.cache.addresses, **cut, **best}
