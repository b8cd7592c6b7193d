"""The times of a CPU: what was measured, and the presets that come out of it."""

from __future__ import annotations

import pytest

from memsim.calibration.machine_file import machine_text
from memsim.calibration.runs import read_runs
from memsim.machine import load_machine
from memsim.machine.load import machine_file
from memsim.validation.cpu_times import calibration, runs_file

pytestmark = pytest.mark.needs("scipy")

CASES = [("zen3", "fused"), ("zen3_eager", "eager")]


@pytest.mark.parametrize(("machine", "lowering"), CASES)
def test_the_preset_is_what_the_fit_gives(machine: str, lowering: str) -> None:
    file = machine_file(machine)
    command = f"memsim calibrate memsim/validation/data/zen3_{lowering}.csv --machine {machine}"
    fitted = calibration(machine, lowering)
    text = machine_text(fitted, command)
    assert file.read_text("utf-8") == text, f"{command} -o memsim/machine/presets/{machine}.yaml"
    assert load_machine(machine) == fitted.machine


@pytest.mark.parametrize(("machine", "lowering"), CASES)
def test_at_least_six_networks_ran_at_three_sizes(machine: str, lowering: str) -> None:
    runs = read_runs([runs_file(lowering)])
    whole = {(run.network, run.input_shape[1]) for run in runs.runs if not run.layer}
    names = {name for name, _ in whole}
    assert len(names) >= 6
    assert whole == {(name, size) for name in names for size in (224, 512, 1024)}
    assert {run.lowering for run in runs.runs} == {lowering}
    for fact in ("cpu", "caches", "torch", "threads", "clock of the times", "memory", "date"):
        assert runs.facts[fact]


@pytest.mark.parametrize(("machine", "lowering"), CASES)
def test_every_timed_kernel_is_one_of_the_models(machine: str, lowering: str) -> None:
    fitted = calibration(machine, lowering)
    assert fitted.unmatched == ()
    assert fitted.level == "kernel"
    assert fitted.kernel_scores["left_out"].rows > 2000


@pytest.mark.parametrize(("machine", "lowering"), CASES)
def test_a_pass_takes_as_long_as_its_kernels(machine: str, lowering: str) -> None:
    """A clock after every kernel changes nothing; where it seems to, the machine was busy."""
    runs = read_runs([runs_file(lowering)]).runs
    whole = {run.place: run.seconds for run in runs if not run.layer}
    for place, seconds in whole.items():
        kernels = sum(run.seconds for run in runs if run.layer and run.place == place)
        assert abs(kernels / seconds - 1) < 0.08, place
