"""What is said of a calibration."""

from __future__ import annotations

from memsim.calibration.calibration import Calibration
from memsim.calibration.fit import CONFIDENCE, Estimate
from memsim.calibration.parameters import PARAMETERS
from memsim.calibration.score import Score
from memsim.readable import format_bytes_exact
from memsim.sheets.sheet import Grid, Sheet

TITLES = {
    "regression": "regression",
    "simulated": "simulator",
    "left_out": "left out",
    "family_out": "family out",
}


def calibration_sheet(facts: Calibration, layers: int | None = None) -> Sheet:
    """Lay out a calibration; ``layers`` does not apply, all networks are shown."""
    estimates, machine = facts.fit.estimates.values(), facts.machine
    fitted, times = len(facts.fit.fitted), len(facts.fit.predicted)
    what = "whole networks" if facts.level == "network" else "kernels"
    return Sheet(
        title=f"{machine.name} fitted to {counted(facts)}",
        facts=(
            *facts.facts.items(),
            ("fit", f"{fitted} of {len(estimates)} parameters to {times} times of {what}"),
            ("kept", f"cache {format_bytes_exact(machine.cache_bytes)}, buffers "
                     f"{format_bytes_exact(machine.buffer_bytes)}; the tiles follow"),
        ),
        grids=(
            Grid(
                "parameters",
                ("", "", "value", f"{CONFIDENCE:.0%} from", "to"),
                tuple(_estimate(each) for each in estimates),
            ),
            Grid("errors", ("", *SCORES), tuple(_errors(facts))),
            *_classes(facts),
            Grid(
                "networks, milliseconds",
                ("", "measured", "simulated", "%", "left out", "%", "family out %"),
                tuple(
                    (
                        row.name, _ms(row.measured_s), _ms(row.simulated_s),
                        f"{100 * (row.simulated_s / row.measured_s - 1):+.1f}",
                        _ms(row.left_out_s), _percent(row.error), _percent(row.family_error),
                    )
                    for row in facts.networks
                ),
            ),
        ),
        more=(*((each.name, each.reason) for each in estimates if each.reason), *_unmatched(facts)),
        notes=(
            "regression: the fit's own sum; simulator: memsim's engine on the fitted machine; left "
            "out: memsim's engine on a machine fitted without the network; family out: without "
            "all networks of its family. MAPE: mean of the relative errors; WAPE: all errors over "
            "all times.",
        ),
    )  # fmt: skip


SCORES = ("MAPE", "WAPE", "worst", "Spearman")


def score_cells(score: Score) -> tuple[str, str, str, str]:
    """The cells of a score, under :data:`SCORES`."""
    rank = "-" if score.spearman is None else f"{score.spearman:.3f}"
    return f"{score.mape:.2%}", f"{score.wape:.2%}", f"{score.worst:.2%}", rank


def counted(facts: Calibration) -> str:
    """How many networks were run, and how often where that is more.

    Sizes of one network are runs of it and no networks.
    """
    networks, runs = facts.calibrated.networks, len(facts.networks)
    return f"{networks} networks" + (f" in {runs} runs" if runs != networks else "")


def _classes(facts: Calibration) -> tuple[Grid, ...]:
    """What each class of operators took and was predicted to take, where kernels were timed."""
    if not facts.kernels:
        return ()
    rows = tuple(
        (
            row.name, str(row.kernels), _ms(row.measured_s),
            _ms(row.simulated_s), _percent(row.simulated_s / row.measured_s - 1),
            _ms(row.unseen_s), _percent(row.unseen_s / row.measured_s - 1), f"{row.wape:.1%}",
        )
        for row in facts.by_class
    )  # fmt: skip
    head = ("", "kernels", "measured", "simulated", "%", "unseen", "%", "WAPE")
    return (Grid("classes of operators, milliseconds", head, rows),)


def _percent(error: float | None) -> str:
    return "-" if error is None else f"{100 * error:+.1f}"


def _errors(facts: Calibration) -> list[tuple[str, ...]]:
    named = {TITLES[name]: score for name, score in facts.scores.items()}
    named |= {f"kernels, {TITLES[name]}": score for name, score in facts.kernel_scores.items()}
    return [(name, *score_cells(score)) for name, score in named.items()]


def _estimate(estimate: Estimate) -> tuple[str, ...]:
    parameter = PARAMETERS[estimate.name]
    low, high = ("-", "-")
    if estimate.low is not None and estimate.high is not None:
        low, high = parameter.told(estimate.high), parameter.told(estimate.low)
        if estimate.name == "overhead":
            low, high = high, low
    status = {"limit": "at its limit", "refused": "not fitted"}.get(estimate.status, "fitted")
    return estimate.name, status, parameter.told(estimate.cost), low, high


def _unmatched(facts: Calibration) -> tuple[tuple[str, str], ...]:
    if not facts.unmatched:
        return ()
    shown = ", ".join(facts.unmatched[:5]) + (", ..." if len(facts.unmatched) > 5 else "")
    return (("left alone", f"{len(facts.unmatched)} timed kernels that the model lacks: {shown}"),)


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.2f}"
