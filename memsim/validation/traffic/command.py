"""What the main command says of the DRAM traffic of a run: one place, whatever stands behind it.

A subject is a machine of one kind, asked as ``memsim run NETWORK --machine M --cache SIZE`` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memsim.engines.cache.leveled import level_transfers
from memsim.engines.cache.transfers import Flow, Transfers
from memsim.formats import load
from memsim.network.graph import Network
from memsim.program import Program
from memsim.registry import Registry
from memsim.results.band import ends
from memsim.simulate import run
from memsim.simulate.preparation import prepare
from memsim.validation.split import Series
from memsim.validation.traffic.measured import Moved

Said = Callable[[Series, Sequence[int]], list[Moved]]


@dataclass(frozen=True)
class Subject:
    """A machine that is asked.

    Attributes
    ----------
    name, title : str
    says : callable
        Of a series and sizes in bytes: what moves at each of them.
    facts : tuple of (str, str)
        How it is asked, and what it is.
    chosen : tuple of str
        What of it was chosen by looking at measured traffic of development series.
    """

    name: str
    title: str
    says: Said
    facts: tuple[tuple[str, str], ...]
    chosen: tuple[str, ...] = ()


def network_of(series: Series) -> Network:
    """The network of a series with its input."""
    return load(series.network, input_shape=(3, series.side, series.side))


FRAMES = 3
"""Passes; the last one is told. In the second one the heap still grows a little."""

MACHINES = {"fused": "zen3", "eager": "zen3_eager"}
"""The machine that runs a library's kernels, by how the network is run."""


def library(series: Series, sizes: Sequence[int]) -> list[Moved]:
    """By the kernels of the library that really ran: the second of two passes, and its band."""
    machine = MACHINES[series.lowering]
    program, found = prepare(network_of(series), machine=machine, frames=FRAMES)
    point, best, worst = (
        [_last(each, flows) for flows in level_transfers(each, found.cache, sizes)]
        for each in (program, *ends(program))
    )
    moved = []
    for here, *others in zip(point, best, worst, strict=True):
        totals = [each.total for each in (here, *others)]
        moved.append(replace(here, low=min(totals), high=max(totals)))
    return moved


def _last(program: Program, moved: Transfers) -> Moved:
    """The last frame of a run: bytes that loads and stores fetch, and that are written back."""

    def of(flow: Flow, *, stores: bool | None = None) -> float:
        here = program.task_frame[program.touch_task[flow.at]] == program.frames - 1
        if stores is not None:
            here &= program.touch_write[flow.at] == stores
        return float(flow.amount[here].sum())

    written = of(moved.spills) + of(moved.results)
    return Moved(of(moved.fetches, stores=False), of(moved.fetches, stores=True), written)


def library_kernels(series: Series, size: int) -> dict[str, float]:
    """What moves during each kernel of the second pass, in bytes: whatever it is charged to.

    Copies that a convolution needs are part of it, as they are of PyTorch's operator.
    """
    program, found = prepare(network_of(series), machine=MACHINES[series.lowering], frames=FRAMES)
    (moved,) = level_transfers(program, found.cache, [size])
    totals = np.zeros(len(program.kernels), np.int64)
    for flow in (moved.fetches, moved.spills, moved.results):
        tasks = program.touch_task[flow.at]
        here = program.task_frame[tasks] == program.frames - 1
        np.add.at(totals, program.task_kernel[tasks[here]], flow.amount[here])
    named: dict[str, float] = {}
    for kernel, total in zip(program.kernels, totals.tolist(), strict=True):
        name = kernel.name.partition(".reorder_")[0]
        named[name] = named.get(name, 0.0) + total
    return named


def simulated(machine: str) -> Said:
    """By memsim's own program on a machine; what it writes is not fetched before."""

    def says(series: Series, sizes: Sequence[int]) -> list[Moved]:
        network, moved = network_of(series), []
        for size in sizes:
            said = run(network, machine=machine, cache=size, lowering=series.lowering).totals
            moved.append(Moved(said["dram_read_bytes"], 0.0, said["dram_write_bytes"]))
        return moved

    return says


SUBJECTS: Registry[Subject] = Registry("subject")
"""The machines that are asked, by kind."""

for _subject in (
    Subject(
        "library",
        "a machine that runs a library's kernels",
        library,
        (
            (
                "predicted",
                "memsim run NETWORK --machine zen3 --cache SIZE --frames 3, the last frame "
                "(zen3_eager where eager ran): kernels of PyTorch's library on the two levels of "
                "cache that were simulated",
            ),
        ),
        (
            "which kernels and copies run",
            "when freed memory is used again",
            "how far the floors of the runtime are known: the band",
        ),
    ),
    Subject(
        "generic",
        "a machine whose library nobody followed",
        simulated("cpu"),
        (
            (
                "predicted",
                "memsim run NETWORK --machine cpu --cache SIZE: kernels that go through their "
                "weights for each register tile, on a cache of sets of lines; no library's loops, "
                "and no runtime around them",
            ),
        ),
        (
            "the register tile, among three, at hardnet68, resnet18 and squeezenet1_0 fused",
            "the allocator, among three, at the same",
        ),
    ),
    Subject(
        "ideal",
        "a scratchpad of the same size, which no real kernel is",
        simulated("textbook"),
        (
            (
                "predicted",
                "memsim run NETWORK --machine textbook --cache SIZE: an ideal program on a "
                "scratchpad that knows lifetimes. It reads each block of a task once, writes "
                "nothing that is dead and fetches nothing that it writes over",
            ),
            (
                "meaning",
                "not a prediction of these runs: the difference is what real kernels and a cache "
                "of lines move beyond the ideal",
            ),
        ),
    ),
):
    SUBJECTS.add(_subject.name, _subject)
