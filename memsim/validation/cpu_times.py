"""Times of networks on one core of a CPU beside those of machines that were fitted to them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path

from memsim.calibration.calibration import Calibration, calibrate
from memsim.validation.check import Check, CheckRow, goal, same_order

CHOSEN = (
    "overlap (a sum, not a maximum), a rate of its own for pools, and the lowering eager_onednn "
    "were chosen by looking at these times; leaving a network out does not undo that"
)

NETWORK_GOAL, KERNEL_GOAL = 0.12, 0.25


def fused() -> Check:
    """Batch norms folded, activations fused, weights packed once, channels last."""
    return _check("zen3", "fused", "fused")


def eager() -> Check:
    """Every operator its own kernel."""
    return _check("zen3_eager", "eager", "eager_onednn")


def runs_file(lowering: str) -> Path:
    """The measured runs, as ``memsim measure`` wrote them."""
    return Path(str(resources.files("memsim.validation").joinpath("data", f"zen3_{lowering}.csv")))


@cache
def calibration(machine: str, lowering: str) -> Calibration:
    """The fit of a machine to the runs, kernel by kernel."""
    return calibrate(runs_file(lowering), machine)


def _check(machine: str, lowering: str, modelled: str) -> Check:
    found = calibration(machine, lowering)
    rows = tuple(
        CheckRow(
            f"{row.name} {row.run.input_shape[1]}",
            1e3 * row.measured_s,
            1e3 * row.left_out_s,
            1e3 * row.simulated_s,
        )
        for row in found.networks
    )
    kernels, facts, fitted = found.kernel_scores["left_out"], found.facts, found.fit.fitted
    networks = len({row.name for row in found.networks})
    check = Check(
        name=machine,
        title=f"Time: one core of an AMD EPYC (Zen 3), {lowering}",
        unit="ms",
        facts=(
            ("measured", f"memsim measure on one core of an {facts['cpu']} (Zen 3), PyTorch "
                         f"{facts['torch']}, fp32, batch 1, {networks} networks at three sizes; "
                         f"{facts['memory']}; {facts['date']}"),
            ("predicted", f"lowering {modelled}, memsim's engine on a machine fitted without the "
                          "row's network at any size"),
            ("parameters", f"{len(fitted)} fitted to the times of {kernels.rows} kernels: "
                           f"{', '.join(fitted)}"),
            ("kernels", f"left out: WAPE {kernels.wape:.1%}, MAPE {kernels.mape:.1%} (small "
                        "kernels, whose time is overhead, weigh as much as large ones)"),
            ("chosen", CHOSEN),
        ),
        rows=rows,
        parameters=len(fitted),
    )  # fmt: skip
    claims = (
        goal("MAPE", check.score.mape, NETWORK_GOAL),
        goal("WAPE of kernels", kernels.wape, KERNEL_GOAL),
        same_order(rows),
    )
    return replace(check, claims=claims)
