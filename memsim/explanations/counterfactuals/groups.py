"""Groups of layers that run strip by strip together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from memsim.errors import MemsimError
from memsim.explanations.question import Change, Question
from memsim.program.depth_first import PATTERNS, kernel_groups
from memsim.program.kernel_graph import kernel_readers
from memsim.results.run import Result

TRIED = 2
"""How many groups by hand are tried."""

LONGEST = 8
"""Kernels of a group by hand at most."""


def groups_of_layers(question: Question, result: Result) -> Iterator[Change]:
    """Schedule ``depth_first``: around what spills most, and with groups by each pattern.

    A map that is spilled between the kernel that writes it and one soon after would stay where
    all from the one to the other run strip by strip. The search ``auto`` is left to who wants to
    wait for it.
    """
    program = result.program
    if program.options["schedule"] == "depth_first" or program.spans:
        return
    for group in islice(_around_spills(result), TRIED):
        what = f"fuse {group.replace('..', ' to ')}"
        yield Change(what, {"schedule": "depth_first", "group": (group,)}, besides=("groups",))
    for pattern in PATTERNS:
        if PATTERNS[pattern](result.network, program.kernels):
            yield Change(
                f"fuse layers {pattern}",
                {"schedule": "depth_first", "groups": pattern},
                besides=("group",),
            )


def _around_spills(result: Result) -> Iterator[str]:
    """Groups from the writer of a map to its last reader, of the maps that are spilled most."""
    kernels = result.program.kernels
    place = {kernel.name: number for number, kernel in enumerate(kernels)}
    readers = kernel_readers(result.network, kernels)
    spilled = [tensor for tensor in result.tensors if tensor.spilled_bytes and tensor.readers]
    found: set[str] = set()
    for tensor in sorted(spilled, key=lambda t: -(t.spilled_bytes + t.reloaded_bytes)):
        text = f"{tensor.producer}..{tensor.readers[-1]}"
        first, last = place[tensor.producer], place[tensor.readers[-1]]
        if 0 < last - first < LONGEST and text not in found:
            try:
                kernel_groups(result.network, kernels, (text,), readers)
            except MemsimError:
                continue
            found.add(text)
            yield text
