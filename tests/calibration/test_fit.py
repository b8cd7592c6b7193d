"""A fit finds a known machine again, and tells what it cannot find."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memsim.calibration.calibration import Calibration, calibrate
from memsim.calibration.fit import Observation, fit
from memsim.calibration.parameters import PARAMETERS, available
from memsim.calibration.runs import Run
from memsim.calibration.workload import Spent
from memsim.errors import InputError, SimulationError
from memsim.machine import Machine
from tests.calibration.synthetic import BASE, NETWORKS, TRUE, base, measured, true_machine

pytestmark = pytest.mark.needs("scipy")

NAMES = tuple(TRUE)


def found(calibration: Calibration) -> dict[str, float]:
    costs = {name: each.cost for name, each in calibration.fit.estimates.items()}
    return {name: cost if name == "overhead" else 1 / cost for name, cost in costs.items()}


@pytest.mark.parametrize("overlap", ["none", "kernel", "all"])
def test_exact_times_give_the_machine_back(tmp_path, overlap):
    limits = base(tmp_path, BASE.replace("overlap: none", f"overlap: {overlap}"))
    runs = measured(true_machine(limits, overlap))
    calibration = calibrate(runs, limits, parameters=NAMES)
    assert calibration.fit.fitted == tuple(name for name in PARAMETERS if name in NAMES)
    for name, value in found(calibration).items():
        assert value == pytest.approx(TRUE[name], rel=2e-3), name
    assert calibration.scores["left_out"].worst < 2e-3


def test_noisy_times_give_intervals_that_hold_the_truth(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), noise=0.03)
    calibration = calibrate(runs, limits, parameters=NAMES)
    for name, estimate in calibration.fit.estimates.items():
        truth = TRUE[name] if name == "overhead" else 1 / TRUE[name]
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < truth < estimate.high, name
        assert estimate.high - estimate.low > 0
    assert calibration.scores["simulated"].mape < 0.02


def test_times_of_kernels_give_it_back_too(tmp_path):
    limits = base(tmp_path)
    networks = ("resnet18", "mobilenetv2", "hardnet39ds")
    runs = measured(true_machine(limits), networks, kernels=True, sizes=(64,))
    calibration = calibrate(runs, limits, parameters=NAMES)
    assert calibration.level == "kernel"
    for name, value in found(calibration).items():
        assert value == pytest.approx(TRUE[name], rel=2e-3), name
    assert calibration.kernel_scores["simulated"].wape < 2e-3
    assert calibration.kernel_scores["left_out"].wape < 0.01
    assert calibration.scores["simulated"].worst < 2e-3


def test_what_no_network_has_is_refused(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), ("resnet18", "squeezenet1_0", "hardnet68"),
                    sizes=(64, 96, 128))  # fmt: skip
    estimate = calibrate(runs, limits, parameters=NAMES).fit.estimates["depthwise"]
    assert estimate.status == "refused"
    assert estimate.reason == "nothing was timed that has MACs of depthwise convolutions"
    assert 1 / estimate.cost == pytest.approx(1e12)


class Made:
    """A workload that says what it is told to say."""

    def __init__(self, **units: float) -> None:
        self.units = units

    def spent(self, machine: Machine, kernel: int | None = None, hidden: bool = True) -> Spent:
        return Spent({k: v for k, v in self.units.items() if hidden <= (k != "conv3x3")}, 0.0)


def made(*parts: dict[str, float]) -> list[Observation]:
    """Times of the true machine for amounts of each parameter."""
    costs = {name: value if name == "overhead" else 1 / value for name, value in TRUE.items()}
    times = [sum(costs[name] * amount for name, amount in each.items()) for each in parts]
    return [
        Observation(Run("x", (1, 1, 1), "eager", time), Made(**each), None, 1 / time)  # type: ignore[arg-type]
        for each, time in zip(parts, times, strict=True)
    ]


def test_what_grows_together_is_told_apart_by_nobody(tmp_path):
    parts = [{"bandwidth": n * 8e6, "conv": n * 1e9 * (1 + n % 2 / 50), "overhead": n * n}
             for n in range(1, 7)]  # fmt: skip
    estimates = fit(made(*parts), base(tmp_path), ("bandwidth", "conv", "overhead")).estimates
    assert estimates["conv"].status == "refused"
    assert estimates["conv"].reason == (
        "its MACs of convolutions without a class of their own grow with the bytes: the two "
        "cannot be told apart"
    )
    assert estimates["bandwidth"].status == estimates["overhead"].status == "fitted"


def test_what_is_hidden_in_every_time_is_refused(tmp_path):
    parts = [{"bandwidth": n * 8e6, "overhead": n * n, "conv3x3": n} for n in range(1, 7)]
    estimate = fit(made(*parts), base(tmp_path), ("bandwidth", "conv3x3")).estimates["conv3x3"]
    assert estimate.status == "refused"
    assert estimate.reason == (
        "its MACs of 3x3 convolutions of stride 1 are hidden behind slower parts in every time"
    )


def test_what_is_too_small_to_see_is_refused(tmp_path):
    parts = [{"bandwidth": n * 8e6, "depthwise": 1e4 * (n % 2)} for n in range(1, 7)]
    estimate = fit(made(*parts), base(tmp_path), ("bandwidth", "depthwise")).estimates["depthwise"]
    assert (estimate.status, estimate.reason) == ("refused", "it is at most 0.5% of any time")


def test_what_drowns_in_noise_is_refused(tmp_path):
    parts = [{"bandwidth": n * 8e6, "depthwise": 4e4 * (n % 3)} for n in range(1, 10)]
    noisy = [replace(each, run=replace(each.run, seconds=each.seconds * (1 + (n % 2) / 10)))
             for n, each in enumerate(made(*parts))]  # fmt: skip
    estimate = fit(noisy, base(tmp_path), ("bandwidth", "depthwise")).estimates["depthwise"]
    assert (estimate.status, estimate.reason) == (
        "refused", "its 95% interval reaches a cost of 0: the times do not show it"
    )  # fmt: skip


def test_a_rate_above_the_limit_stays_at_the_limit(tmp_path):
    slow = base(tmp_path, BASE.replace("100GB/s", "50GB/s"))
    runs = measured(true_machine(base(tmp_path)))
    calibration = calibrate(runs, slow, parameters=NAMES)
    estimate = calibration.fit.estimates["bandwidth"]
    assert estimate.status == "limit"
    assert estimate.reason == "the times would have it faster than the base machine's limit"
    assert calibration.machine.dram.efficiency == 1


def test_fewer_times_than_parameters_are_an_error(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), ("resnet18", "mobilenetv2"), sizes=(64,))
    with pytest.raises(SimulationError, match="2 times cannot tell 5 parameters"):
        calibrate(runs, limits, parameters=NAMES)


def test_one_network_cannot_be_left_out(tmp_path):
    limits = base(tmp_path)
    with pytest.raises(SimulationError, match="one network cannot be left out"):
        calibrate(measured(true_machine(limits), ("resnet18",)), limits)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bandwith", "unknown parameter 'bandwith' (did you mean 'bandwidth'?)"),
        (
            "linear",
            "made_up has no 'linear' to fit (give it a rate of its own in the base machine)",
        ),
    ],
)
def test_an_unknown_parameter(tmp_path, name, message):
    limits = base(tmp_path)
    with pytest.raises(InputError) as caught:
        calibrate(measured(true_machine(limits), NETWORKS[:2]), limits, parameters=(name,))
    assert str(caught.value) == message


def test_a_machine_offers_the_classes_it_names(tmp_path):
    assert available(base(tmp_path)) == (
        "bandwidth", "conv", "conv3x3", "depthwise", "overhead", "elementwise",
    )  # fmt: skip
