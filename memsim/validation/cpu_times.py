"""Times of networks on one core of a CPU, beside those of machines that were fitted to times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

from memsim.calibration.calibration import Calibration, calibrate
from memsim.calibration.runs import RunSet, read_runs
from memsim.files import read_table
from memsim.machine import load_machine
from memsim.simulate import run
from memsim.simulate.source import load_on
from memsim.validation.check import Check, CheckRow, Kernels, goal, same_order
from memsim.validation.split import Series, Split, side_of, split

CHOSEN = (
    "overlap: a sum, not a maximum",
    "a rate of its own for pools",
    "which rates there are: of whole vectors, of bytes through the cache",
    "the lowering eager_onednn",
)
"""What was chosen by looking at the times; leaving a network out does not undo that."""

NETWORK_GOAL, KERNEL_GOAL = 0.12, 0.25

UNSEEN_GOALS: Mapping[str, tuple[float, float]] = {"fused": (0.09, 0.2), "eager": (0.11, 0.2)}
"""Of networks that a machine was not fitted to: the mean error and the worst one, by mode."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """A core whose times were measured in one mode.

    Attributes
    ----------
    machine : str
        A preset, and the name of its check.
    runs : str
        The file of the runs that it was fitted to, in ``data``.
    mode : str
        What PyTorch ran: ``fused`` or ``eager``.
    modelled : str
        The lowering that stands for it.
    what : str
        The processor.
    test : str
        The file of the runs of test networks, which the machine was not fitted to; empty where
        none were measured.
    """

    machine: str
    runs: str
    mode: str
    modelled: str
    what: str
    test: str = ""


CPUS = (
    Cpu("zen3", "zen3_fused", "fused", "fused", "an AMD EPYC (Zen 3)"),
    Cpu("zen3_eager", "zen3_eager", "eager", "eager_onednn", "an AMD EPYC (Zen 3)"),
    Cpu(
        "xeon_avx512",
        "xeon_avx512_fused",
        "fused",
        "fused",
        "an Intel Xeon with AVX-512",
        "xeon_avx512_fused_test",
    ),
    Cpu(
        "xeon_avx512_eager",
        "xeon_avx512_eager",
        "eager",
        "eager_onednn",
        "an Intel Xeon with AVX-512",
        "xeon_avx512_eager_test",
    ),
)
"""Every core that was measured."""


def checks() -> Iterator[tuple[str, Callable[[], Check]]]:
    """Every check of a CPU's times, with its name: by fits, and of test networks where measured."""
    for cpu in CPUS:

        def fitted(cpu: Cpu = cpu) -> Check:
            return left_out(cpu)

        yield cpu.machine, fitted
    for cpu in CPUS:
        if cpu.test:

            def judged(cpu: Cpu = cpu) -> Check:
                runs = read_runs([runs_file(cpu.test)])
                return unseen(cpu, runs, frozen_times(), split("split_times"))

            yield f"{cpu.machine}_test", judged


def runs_file(name: str) -> Path:
    """A file of measured runs that comes along, as ``memsim measure`` wrote it."""
    return Path(str(resources.files("memsim.validation").joinpath("data", f"{name}.csv")))


@cache
def calibration(machine: str) -> Calibration:
    """The fit of a machine to its runs, kernel by kernel."""
    (cpu,) = (cpu for cpu in CPUS if cpu.machine == machine)
    return calibrate(runs_file(cpu.runs), machine)


def left_out(cpu: Cpu) -> Check:
    """Each network by a fit without it."""
    found = calibration(cpu.machine)
    rows = tuple(
        CheckRow(
            _where(row.name, row.run.input_shape),
            1e3 * row.measured_s,
            1e3 * row.left_out_s,
            1e3 * row.simulated_s,
            None if row.family_out_s is None else 1e3 * row.family_out_s,
        )
        for row in found.networks
    )
    kernels, fitted = found.kernel_scores["left_out"], found.fit.fitted
    networks = len({row.name for row in found.networks})
    check = Check(
        name=cpu.machine,
        title=f"Time: one core of {cpu.what}, {cpu.mode}",
        unit="ms",
        sample="left out",
        facts=(
            ("measured", _measured(cpu, found.facts, networks)),
            ("predicted", f"lowering {cpu.modelled}, memsim's engine on a machine fitted without "
                          "the row's network at any size; family: without any of its relatives"),
            ("parameters", f"{len(fitted)} fitted to the times of {kernels.rows} kernels: "
                           f"{', '.join(fitted)}"),
            ("all kernels", f"left out: MAPE {kernels.mape:.1%}, worst {kernels.worst:.0%}; small "
                            "kernels, whose time is overhead, weigh as much as large ones"),
        ),
        rows=rows,
        parameters=len(fitted),
        chosen=CHOSEN,
        kernels=_kernels(found),
    )  # fmt: skip
    claims = (
        goal("MAPE", check.score.mape, NETWORK_GOAL),
        goal("WAPE of kernels", kernels.wape, KERNEL_GOAL),
        same_order(rows),
    )
    return replace(check, claims=claims)


def _kernels(found: Calibration) -> Kernels:
    """Each kernel by the fit without its network, in milliseconds."""
    wholes: dict[str, float] = {}
    for row in found.networks:
        wholes[_where(row.name, row.run.input_shape)] = 1e3 * row.measured_s
    rows, totals = [], []
    for kernel in found.kernels:
        where = _where(kernel.name, kernel.input_shape)
        name = f"{where} {kernel.layer}"
        rows.append(CheckRow(name, 1e3 * kernel.measured_s, 1e3 * kernel.left_out_s))
        totals.append(wholes[where])
    return Kernels.of(rows, totals)


def _where(name: str, shape: tuple[int, int, int] | None) -> str:
    return f"{name} {shape[1]}" if shape else name


Times = Mapping[tuple[str, Series], float]
"""Predicted milliseconds by machine and series."""


@cache
def frozen_times() -> Times:
    """The predictions that were kept when the model was frozen."""
    return times_of(read_table("memsim.validation", "frozen_times"))


def times_of(rows: Iterable[Mapping[str, str]]) -> Times:
    """Kept predictions from the rows of their table."""
    return {
        (row["machine"], Series(row["network"], row["lowering"], side_of(row["input"]))): float(
            row["ms"]
        )
        for row in rows
    }


def frozen_times_text(facts: Mapping[str, str], rows: Iterable[tuple[str, Series, float]]) -> str:
    """The text of the file that :func:`times_of` reads: facts, a header and the predictions.

    Examples
    --------
    >>> series = Series("resnet34", "fused", 224)
    >>> print(frozen_times_text({"frozen": "a day"}, [("zen3", series, 80.125)]))
    # frozen: a day
    machine,network,lowering,input,ms
    zen3,resnet34,fused,224,80.125
    <BLANKLINE>
    """
    lines = [*(f"# {key}: {text}" for key, text in facts.items())]
    lines.append("machine,network,lowering,input,ms")
    lines += [
        f"{machine},{each.network},{each.lowering},{each.side},{ms:.3f}"
        for machine, each, ms in rows
    ]
    return "\n".join(lines) + "\n"


def milliseconds(cpu: Cpu, series: Series) -> float:
    """What ``memsim run NETWORK --machine MACHINE`` says of a series' time."""
    shape = (3, series.side, series.side)
    network = load_on(load_machine(cpu.machine), series.network, input_shape=shape)
    return 1e3 * run(network, machine=cpu.machine, clock="recurrence").time_s


def unseen(cpu: Cpu, runs: RunSet, times: Times, which: Split) -> Check:
    """Networks that no machine was fitted to, beside what was predicted before they were seen.

    Parameters
    ----------
    cpu : Cpu
    runs : RunSet
        Measured times.
    times : mapping
        As :func:`frozen_times`; a series that it lacks has no row.
    which : Split
        A series that is not on its side ``test`` has no row.
    """
    rows, test = [], set(which.series("test"))
    for timed in runs.runs:
        series = Series(timed.network, timed.lowering, timed.input_shape[1])
        if not timed.layer and series in test and (cpu.machine, series) in times:
            name, predicted = f"{timed.network} {series.side}", times[cpu.machine, series]
            rows.append(CheckRow(name, 1e3 * timed.seconds, predicted))
    mean, worst = UNSEEN_GOALS[cpu.mode]
    check = Check(
        name=f"{cpu.machine}_test",
        title=f"Time: one core of {cpu.what}, {cpu.mode}, test networks",
        unit="ms",
        sample="unseen",
        facts=(
            ("measured", _measured(cpu, runs.facts, len({row.name.split()[0] for row in rows}))),
            ("predicted", f"memsim run NETWORK --machine {cpu.machine}, kept when the model was "
                          "frozen; none of these networks is among those that were fitted to"),
            ("looked at", "; ".join(which.log) or "no look at these times is logged"),
        ),
        rows=tuple(rows),
    )  # fmt: skip
    if not rows:
        return check
    score = check.score
    claims = (
        goal("MAPE", score.mape, mean),
        goal("worst", score.worst, worst),
        same_order(check.rows),
    )
    return replace(check, claims=claims)


def _measured(cpu: Cpu, facts: Mapping[str, str], networks: int) -> str:
    sizes = "" if not networks else f", {networks} networks"
    return (
        f"memsim measure on one core of {cpu.what}, PyTorch "
        f"{facts.get('torch', '')}, fp32, batch 1{sizes}; {facts.get('memory', '')}; "
        f"{facts.get('date', '')}"
    )
