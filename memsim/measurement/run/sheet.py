"""What is said of a measurement."""

from __future__ import annotations

from memsim.measurement.run.measurement import KernelTime, Measurement
from memsim.readable import format_bytes, format_count, format_time
from memsim.sheets.sheet import Grid, Sheet
from memsim.units import PICOSECONDS


def measurement_sheet(facts: Measurement, layers: int | None = 10) -> Sheet:
    """Lay out a measurement, with the ``layers`` slowest kernels; None: all, in order."""
    shape = "x".join(map(str, (facts.batch, *facts.input_shape)))
    listed = list(facts.kernels)
    if layers is not None and layers < len(listed):
        listed = sorted(listed, key=lambda kernel: -kernel.times.median_s)[:layers]
    counted = any(kernel.read_bytes is not None for kernel in facts.kernels)
    others = [kernel for kernel in facts.kernels if kernel not in listed]
    rows = [_row(kernel, facts, counted) for kernel in listed]
    if others:
        left = _sum(f"{len(others)} others", others, facts, counted)
        rows.append(left)
    rows.append(_sum("all kernels", list(facts.kernels), facts, counted))
    many = f"the {len(listed)} slowest of {len(facts.kernels)} kernels" if others else "kernels"
    counts = ("read", "write") if counted else ()
    return Sheet(
        title=f"{facts.network} ({shape}, {facts.dtype}) {facts.lowering}, measured",
        facts=(
            ("time", f"{_time(facts.whole.median_s)} ± {_time(facts.whole.spread_s / 2)}, "
                     f"{facts.whole.runs} passes{_outliers(facts.whole.outliers)}"),
            *_processor(facts),
            *_peak(facts),
            *facts.facts.items(),
        ),
        grids=(
            Grid(many, ("kernel", "op", "time", "±", "share", "MAC/s", *counts), tuple(rows),
                 total=1 + bool(others)),
        ),
        notes=(
            "±: half the interquartile range. Outliers: times more than 1.5 of these ranges above "
            "the upper quartile. Kernels are timed in passes of their own, which read a clock "
            "after each.",
        ),
    )  # fmt: skip


def _processor(facts: Measurement) -> tuple[tuple[str, str], ...]:
    """The processor's time, where it was read."""
    cpu_s = facts.whole.cpu_s
    return () if cpu_s is None else (("processor", f"{_time(cpu_s)} of this process"),)


def _peak(facts: Measurement) -> tuple[tuple[str, str], ...]:
    """The peak of memory, where it was measured."""
    if facts.peak is None:
        return ()
    tensors, everything, resident = (
        format_bytes(nbytes)
        for nbytes in (facts.peak.tensor_bytes, facts.peak.allocator_bytes, facts.resident_bytes)
    )
    return (
        ("peak", f"{tensors} of feature maps, {everything} with what kernels need for themselves"),
        ("beside", f"{resident} of weights and inputs"),
    )


def _row(kernel: KernelTime, facts: Measurement, counted: bool) -> tuple[str, ...]:
    seconds, spread = kernel.times.median_s, kernel.times.spread_s
    share, rate = f"{seconds / facts.kernels_s:.1%}", _rate(kernel.macs, seconds)
    row = (kernel.name, kernel.op, _time(seconds), _time(spread / 2), share, rate)
    return row + (_bytes([kernel]) if counted else ())


def _sum(
    name: str, kernels: list[KernelTime], facts: Measurement, counted: bool
) -> tuple[str, ...]:
    seconds = sum(kernel.times.median_s for kernel in kernels)
    row = (name, "", _time(seconds), "", f"{seconds / facts.kernels_s:.1%}",
           _rate(sum(kernel.macs for kernel in kernels), seconds))  # fmt: skip
    return row + (_bytes(kernels) if counted else ())


def _bytes(kernels: list[KernelTime]) -> tuple[str, str]:
    read = sum(kernel.read_bytes or 0 for kernel in kernels)
    return format_bytes(read), format_bytes(sum(kernel.write_bytes or 0 for kernel in kernels))


def _rate(macs: int, seconds: float) -> str:
    return format_count(round(macs / seconds)) if macs and seconds else "-"


def _time(seconds: float) -> str:
    return format_time(round(seconds * PICOSECONDS)) if seconds else "0"


def _outliers(count: int) -> str:
    return f", {count} of them far above the others" if count else ""
