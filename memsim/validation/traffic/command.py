"""What the main command says of the DRAM traffic of a run: one place, whatever stands behind it.

A subject is a machine of one kind, asked as ``memsim run NETWORK --machine M --cache SIZE`` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memsim.formats import load
from memsim.network.graph import Network
from memsim.registry import Registry
from memsim.simulate import pytorch_traffic, run
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
    """

    name: str
    title: str
    says: Said
    facts: tuple[tuple[str, str], ...]


def network_of(series: Series) -> Network:
    """The network of a series with its input."""
    return load(series.network, input_shape=(3, series.side, series.side))


def library(series: Series, sizes: Sequence[int]) -> list[Moved]:
    """By the kernels of the library that really ran."""
    found = pytorch_traffic(network_of(series), series.lowering, sizes)
    columns = [found.column(which).tolist() for which in range(3)]
    return [Moved(*counts) for counts in zip(*columns, strict=True)]


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
                "memsim run NETWORK --machine zen3 --cache SIZE, whose kernels are those of "
                "PyTorch's library, on the two levels of cache that were simulated",
            ),
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
