"""A measurement: the times of a network that really ran, and those of its kernels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from memsim.errors import InputError, Problem
from memsim.formats.library import split_variant
from memsim.formats.module.module import import_torch
from memsim.measurement.counters.gpu_counters import dram_bytes, find_ncu
from memsim.measurement.measured import MeasuredNetwork, at_least_one, identity
from memsim.measurement.probe.isa import instruction_set
from memsim.measurement.probe.processor import facts as processor_facts
from memsim.measurement.probe.processor import flags as processor_flags
from memsim.measurement.run.malloc import choose_malloc
from memsim.measurement.run.peak import Peak, peak_of
from memsim.measurement.run.quiet import Meanwhile, disturbances
from memsim.measurement.run.runnable import Runnable, prepare
from memsim.measurement.run.stopwatch import Clock, CpuClock, CudaClock, Times
from memsim.network.graph import Network
from memsim.simulate.source import Source, network_of

SCHEMA = "memsim.measurement/1"

RUNS = 9
"""Repetitions if nothing else is asked for."""

WARM_UP = 2
"""Forward passes that are not timed: caches, the allocator and oneDNN's kernels get ready."""


@dataclass(frozen=True, slots=True)
class KernelTime:
    """The times of one kernel.

    Attributes
    ----------
    name, op : str
        As ``memsim run --layers all`` shows them.
    layers : tuple of str
    macs : int
        Multiply-accumulates of the whole batch.
    times : Times
    read_bytes, write_bytes : int or None
        DRAM bytes, where a counter told.
    """

    name: str
    op: str
    layers: tuple[str, ...]
    macs: int
    times: Times
    read_bytes: int | None = None
    write_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement(MeasuredNetwork):
    """A network's times on the machine at hand.

    Attributes
    ----------
    threads : int
    device : str
    whole : Times
        Of whole forward passes, with no clock between kernels.
    kernels : tuple of KernelTime
        From other passes, in which the clock was read after every kernel.
    facts : mapping of str to str
        About machine, software and method.
    peak : Peak or None
        Most memory that one pass has allocated; None on a GPU.
    resident_bytes : int
        Parameters, buffers and inputs, which are there before and come on top of it.

    Examples
    --------
    >>> import memsim
    >>> measurement = memsim.measure("resnet18", runs=3)            # doctest: +SKIP
    >>> measurement.whole.median_s, len(measurement.kernels)        # doctest: +SKIP
    (0.0312, 31)
    """

    laid_out_by: ClassVar[str] = "memsim.measurement.run.sheet:measurement_sheet"

    threads: int
    device: str
    whole: Times
    kernels: tuple[KernelTime, ...]
    facts: Mapping[str, str]
    peak: Peak | None = None
    resident_bytes: int = 0

    @property
    def busy(self) -> str:
        """Why these are not the times of a quiet machine; empty where they seem to be."""
        return self.facts.get("busy", "")

    @property
    def kernels_s(self) -> float:
        """The kernels' medians, summed."""
        return sum(kernel.times.median_s for kernel in self.kernels)

    def rows(self) -> list[dict[str, Any]]:
        """One flat row for the network, ``layer`` empty, then one per kernel."""
        where = {**self.where, "threads": self.threads}
        rows = [{**where, "layer": "", "op": "", **_times(self.whole)}]
        for kernel in self.kernels:
            names = {"layer": kernel.name, "op": kernel.op}
            rows.append({**where, **names, **_times(kernel.times)})
        if any(kernel.read_bytes is not None for kernel in self.kernels):
            for row, each in zip(rows, (None, *self.kernels), strict=True):
                row["read_bytes"] = self._counted("read_bytes", each)
                row["write_bytes"] = self._counted("write_bytes", each)
        if self.peak is not None:
            whole = {
                "peak_tensor_bytes": self.peak.tensor_bytes,
                "peak_allocator_bytes": self.peak.allocator_bytes,
                "resident_bytes": self.resident_bytes,
            }
            for number, row in enumerate(rows):
                row.update(whole if number == 0 else dict.fromkeys(whole, ""))
        return rows

    def _counted(self, name: str, kernel: KernelTime | None) -> int | str:
        if kernel is None:
            return sum(getattr(each, name) or 0 for each in self.kernels)
        value: int | None = getattr(kernel, name)
        return "" if value is None else value

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.measurement/1"``."""
        return {
            "schema": SCHEMA,
            "facts": dict(self.facts),
            "device": self.device,
            **self.rows()[0],
            "kernels": [
                {
                    "layer": each.name,
                    "op": each.op,
                    "layers": list(each.layers),
                    "macs": each.macs,
                    **_times(each.times),
                    "read_bytes": each.read_bytes,
                    "write_bytes": each.write_bytes,
                }
                for each in self.kernels
            ],
        }


def _times(times: Times) -> dict[str, Any]:
    return {
        "median_s": float(f"{times.median_s:.6g}"),
        "cpu_s": None if times.cpu_s is None else float(f"{times.cpu_s:.6g}"),
        "spread_s": float(f"{times.spread_s:.3g}"),
        "runs": times.runs,
        "outliers": times.outliers,
    }


def measure(
    network: Source,
    lowering: str = "fused",
    *,
    threads: int = 1,
    device: str = "cpu",
    runs: int = RUNS,
    malloc: str = "keep",
    counters: bool | None = None,
    name: str = "",
    variant: str = "",
    progress: Callable[[int], object] = lambda done: None,
) -> Measurement:
    """Run a network in PyTorch and time it, whole and kernel by kernel.

    Passes that time the whole network and passes that time its kernels take turns, so that a
    machine that slows down slows down both.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.
    lowering : str
        ``eager`` or ``fused``, see :func:`memsim.measurement.run.runnable.prepare`.
    threads : int
        Of PyTorch on the CPU.
    device : str
        ``cpu``, or ``cuda``: timed by CUDA events.
    runs : int
        Timed passes of either kind.
    malloc : str
        ``keep`` or ``system``, see :func:`memsim.measurement.run.malloc.choose_malloc`: it holds
        for this process from now on.
    counters : bool, optional
        On ``cuda``: whether to count each kernel's DRAM bytes in a further process, where Nsight
        Compute (``ncu``) is installed; it does if left out.
    name, variant : str
        What the network is called in the result; as it was named here if empty.
    progress : callable
        Called with the passes that are done, of ``2 * runs + WARM_UP``.

    Raises
    ------
    InputError, SimulationError
        See :func:`memsim.measurement.run.runnable.prepare`; for no runs or threads.

    Examples
    --------
    >>> import memsim
    >>> measurement = memsim.measure("resnet18", "eager")  # doctest: +SKIP
    >>> measurement.save("runs/resnet18.csv")              # doctest: +SKIP
    """
    at_least_one(runs=runs, threads=threads)
    _refuse_idle(device, threads, malloc, counters)
    if not isinstance(network, Network):
        file, named = split_variant(network)
        name, variant = name or os.fspath(file), variant or named or ""
        network = network_of(network)
    memory = choose_malloc(malloc)
    with _threads(threads):
        # Inside, for oneDNN packs weights for the threads that it has: for others they would be
        # reordered on every call, by a reference kernel that takes 60 ns an element.
        runnable = prepare(network, lowering, device)
        clock: Clock = CpuClock() if device == "cpu" else CudaClock()
        meanwhile = Meanwhile()
        whole, kernel_times = _timed(runnable, clock, runs, progress)
        others = meanwhile.others() if device == "cpu" else None
        peak = peak_of(runnable.forward) if device == "cpu" else None
    facts = _facts(device, threads, clock, runs) | {"memory": memory}
    if others is not None:
        facts["others"] = f"kept {others:.2f} cores busy meanwhile"
    disturbed = disturbances(whole, threads, others)
    if disturbed:
        facts["busy"] = f"NOT a quiet machine: {'; '.join(disturbed)}"
    ncu = find_ncu() if device == "cuda" and counters is not False else None
    moved = dram_bytes(network, lowering, ncu) if ncu is not None else None
    if device == "cuda":
        facts["DRAM bytes"] = "Nsight Compute, of one pass" if moved else "not counted"
    kernels = tuple(
        KernelTime(
            step.kernel.name,
            step.kernel.op.kind,
            step.kernel.layers,
            step.kernel.macs,
            each,
            *((None, None) if moved is None else moved.get(step.kernel.name, (0, 0))),
        )
        for step, each in zip(runnable.steps, kernel_times, strict=True)
    )
    return Measurement(
        **identity(network, lowering, name, variant),
        threads=threads,
        device=device,
        whole=whole,
        kernels=kernels,
        facts=facts,
        peak=peak,
        resident_bytes=runnable.resident_bytes,
    )


def _refuse_idle(device: str, threads: int, malloc: str, counters: bool | None) -> None:
    """Refuse what does nothing on a device."""
    if device == "cpu" and counters is not None:
        raise InputError(Problem("counts on a GPU alone", "counters", "add device cuda"))
    if device == "cuda" and (threads != 1 or malloc != "keep"):
        path = "threads" if threads != 1 else "malloc"
        raise InputError(Problem("is of the processor, and cuda computes", path, "device cpu"))


def _timed(
    runnable: Runnable, clock: Clock, runs: int, progress: Callable[[int], object]
) -> tuple[Times, list[Times]]:
    """The times of the whole, and of every step."""
    done = 0
    for _ in range(WARM_UP):
        runnable.forward()
        done += 1
        progress(done)
    whole = _Repeated(1, clock)
    steps = _Repeated(len(runnable.steps), clock)
    for _ in range(runs):
        start = clock.mark()
        runnable.forward()
        whole.add([start, clock.mark()])
        marks = [clock.mark()]
        runnable.forward(lambda marks=marks: marks.append(clock.mark()))  # type: ignore[misc]
        steps.add(marks)
        done += 2
        progress(done)
    return whole.times()[0], steps.times()


class _Repeated:
    """Times of the same things in a row, again and again."""

    def __init__(self, things: int, clock: Clock) -> None:
        self.clock = clock
        self.wall: list[list[float]] = [[] for _ in range(things)]
        self.busy: list[list[float]] = [[] for _ in range(things)]

    def add(self, marks: list[Any]) -> None:
        """Add a repetition: a mark before the first thing, and one after each."""
        for each, seconds in zip(self.wall, self.clock.seconds(marks), strict=True):
            each.append(seconds)
        for each, seconds in zip(self.busy, self.clock.busy_seconds(marks) or (), strict=False):
            each.append(seconds)

    def times(self) -> list[Times]:
        return [
            Times.of(wall, busy or None) for wall, busy in zip(self.wall, self.busy, strict=True)
        ]


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """PyTorch with so many threads, and with as many as before afterwards."""
    torch = import_torch()
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _facts(device: str, threads: int, clock: Clock, runs: int) -> dict[str, str]:
    torch = import_torch()
    facts = {"measured by": "memsim measure", "device": device}
    if device == "cuda":
        facts["gpu"] = torch.cuda.get_device_name()
        facts["cuda"] = str(torch.version.cuda)
    facts |= processor_facts()
    capability = torch.backends.cpu.get_cpu_capability()
    facts |= {
        "instruction set": instruction_set(capability, processor_flags()),
        "torch": f"{torch.__version__}, {capability}",
        "threads": str(threads),
        "clock of the times": clock.describe(),
        "method": f"medians of {runs} passes after {WARM_UP} that are not timed; spread_s is the "
        "interquartile range; whole passes and passes with a clock after every kernel take turns",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    return facts
