"""What an order of layers gains against the file's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.machine import Machine
from memsim.program.parts import Part, chosen
from memsim.program.program import Program


@dataclass(frozen=True, slots=True)
class OrderGain:
    """An order of layers beside the order of the file.

    Attributes
    ----------
    name : str
        As it was asked for, such as ``min_peak``.
    search : str
        ``exact`` where no order of the layers is better, ``beam`` where that is not known; empty
        where nothing was searched.
    moved_kernels : int
        Kernels that run at another place than in the file's order.
    peak_live_bytes, file_peak_live_bytes : int
        The most bytes of feature maps that are live at once, here and in the file's order.
    dram_bytes, file_dram_bytes : int
        The traffic that is told, likewise.
    """

    name: str
    search: str
    moved_kernels: int
    peak_live_bytes: int
    file_peak_live_bytes: int
    dram_bytes: int
    file_dram_bytes: int


class Ran(Protocol):
    """A run, as far as it is needed here."""

    @property
    def program(self) -> Program: ...
    @property
    def machine(self) -> Machine: ...
    @property
    def traffic(self) -> CachePass: ...
    @property
    def only(self) -> Part | None: ...


def order_gain(run: Ran) -> OrderGain | None:
    """Compare a run with that of the file's order; None where no other was asked for.

    Examples
    --------
    >>> import memsim
    >>> run = memsim.run("highway", machine="textbook", lowering="eager", layer_order="min_peak")
    >>> gain = order_gain(run)
    >>> gain.search, gain.file_peak_live_bytes, gain.peak_live_bytes
    ('exact', 655360, 524288)
    """
    program, file = run.program, run.program.file_order
    if file is None:
        return None
    names = [kernel.name for kernel in program.kernels]
    as_listed = [kernel.name for kernel in file.kernels]
    before = run.traffic if names == as_listed else cache_pass(file, run.machine.cache)
    return OrderGain(
        name=str(program.options["layer_order"]),
        search=str(program.options.get("layer_order_search", "")),
        moved_kernels=sum(a != b for a, b in zip(names, as_listed, strict=True)),
        peak_live_bytes=int(program.live_bytes.max(initial=0)),
        file_peak_live_bytes=int(file.live_bytes.max(initial=0)),
        dram_bytes=int(chosen(run.traffic.traffic, run.only).sum()),
        file_dram_bytes=int(chosen(before.traffic, run.only).sum()),
    )


def order_facts(run: Ran) -> dict[str, Any]:
    """The same as plain values under ``layer_order``; nothing in the file's order."""
    gain = order_gain(run)
    return {} if gain is None else {"layer_order": asdict(gain)}
