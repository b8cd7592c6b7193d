"""Another GPU of the same family: published times that nothing was fitted to, but seen."""

from __future__ import annotations

from fractions import Fraction

from memsim.calibration.runs import Run, load_network
from memsim.calibration.score import Score
from memsim.files import read_table
from memsim.machine import Machine, load_machine
from memsim.simulate import run
from memsim.validation.check import Check, CheckRow, goal, same_order

INPUT = (3, 1024, 1024)
LOWERING = "eager_cudnn"

CHOSEN = (
    "rates go by cores and not by published TFLOPS, which gave 11 to 16 % too slow: that was known "
    "when it was chosen. The reason does not rest on these times: both cards clock above their "
    "published boost as far as their power allows, and both may use 9 W a multiprocessor",
)


def gtx1080ti() -> Check:
    """Five networks on a GTX 1080 Ti, predicted by the GTX 1080 scaled by published figures."""
    machine = scaled("gtx1080", "gtx1080ti")
    rows = tuple(
        CheckRow(row["network"], float(row["ms"]), 1e3 * _seconds(row, machine))
        for row in read_table("memsim.validation", "gtx1080ti")
    )
    score = Score.of([row.measured for row in rows], [row.predicted for row in rows])
    return Check(
        name="gtx1080ti",
        title="Time: a GTX 1080 Ti, nothing fitted",
        unit="ms",
        sample="in",
        facts=(
            ("measured", "README of the released HarDNet code: GTX 1080 Ti, PyTorch 1.1.0, fp32, "
                         "batch 1, 1024x1024"),
            ("predicted", f"lowering {LOWERING}, memsim's engine on the fitted gtx1080 with the "
                          "published figures of the 1080 Ti: each rate and the wave by the ratio "
                          "of cores, the bandwidth by its ratio, the L2, the same efficiencies and "
                          "overhead"),
            ("parameters", "none"),
        ),
        rows=rows,
        claims=(goal("MAPE", score.mape, 0.08), same_order(rows)),
        chosen=CHOSEN,
        notes=(
            "Three of the five networks were among those that the gtx1080 was fitted to, on that "
            "device.",
        ),
    )  # fmt: skip


def scaled(known: str, other: str) -> Machine:
    """A machine as another device of its family, by the published figures of both.

    Chips of one generation run at one clock, which their power and not their published boost
    decides: rates are as the numbers of cores.

    Examples
    --------
    >>> machine = scaled("gtx1080", "gtx1080ti")
    >>> int(machine.dram.bandwidth), machine.cache_bytes
    (484000000000, 2883584)
    """
    figures = {row["device"]: row for row in read_table("memsim.validation", "devices")}
    mine, its = figures[known], figures[other]

    def ratio(column: str) -> Fraction:
        return Fraction(its[column]) / Fraction(mine[column])

    machine, faster = load_machine(known), ratio("cores")
    compute = machine.compute
    rates = {name: rate * faster for name, rate in compute.macs_per_s if rate is not None}
    dram = {"bandwidth": machine.dram.bandwidth * ratio("dram_gb_s")}
    return machine.model_copy(
        update={
            "name": other,
            "cache": machine.cache.model_copy(update={"size": int(its["l2_bytes"])}),
            "dram": machine.dram.model_copy(update=dram),
            "compute": compute.model_copy(
                update={
                    "macs_per_s": compute.macs_per_s.model_copy(update=rates),
                    "elementwise_per_s": compute.elementwise_per_s * faster,
                    "wave": round(compute.wave * ratio("multiprocessors")),
                }
            ),
        }
    )


def _seconds(row: dict[str, str], machine: Machine) -> float:
    network = load_network(Run(row["network"], INPUT, LOWERING, 1.0, variant=row["variant"]))
    return run(network, machine=machine, lowering=LOWERING, clock="recurrence").time_s
