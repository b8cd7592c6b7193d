"""Leaving out really leaves out; the machine file holds what was found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from memsim.calibration.calibration import calibrate
from memsim.calibration.machine_file import machine_text
from memsim.calibration.runs import RunSet
from memsim.errors import InputError
from memsim.machine import load_machine
from tests.calibration.synthetic import BASE, NETWORKS, TRUE, base, measured, true_machine

pytestmark = pytest.mark.needs("scipy")

NAMES = tuple(TRUE)


def test_a_left_out_network_does_not_change_its_own_prediction(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), noise=0.05)
    changed = RunSet(
        tuple(
            replace(run, seconds=3 * run.seconds) if run.network == "mobilenetv2" else run
            for run in runs.runs
        ),
        runs.facts,
    )
    before = calibrate(runs, limits, parameters=NAMES).networks
    after = calibrate(changed, limits, parameters=NAMES).networks
    for one, other in zip(before, after, strict=True):
        own = one.name == "mobilenetv2"
        assert (one.left_out_s == other.left_out_s) == own, one.name
        assert one.simulated_s != other.simulated_s


def test_all_runs_of_a_network_are_left_out_together(tmp_path):
    """Else a run would be predicted from the same network at another size."""
    limits = base(tmp_path)
    runs = measured(true_machine(limits), noise=0.05)
    touched = [run for run in runs.runs if run.network == "hardnet68"]
    changed = RunSet(
        tuple(
            replace(run, seconds=2 * run.seconds) if run is touched[0] else run for run in runs.runs
        )
    )
    rows = zip(
        calibrate(runs, limits, parameters=NAMES).networks,
        calibrate(changed, limits, parameters=NAMES).networks,
        strict=True,
    )
    assert all(a.left_out_s == b.left_out_s for a, b in rows if a.name == "hardnet68")


def test_the_file_is_the_machine(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), noise=0.02)
    calibration = calibrate(runs, tmp_path / "base.yaml", parameters=NAMES)
    text = machine_text(calibration, "memsim calibrate x.csv")
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    assert load_machine(file) == calibration.machine
    assert text.startswith(
        "# A made-up GPU.\n# Fitted to measured times by: memsim calibrate x.csv"
    )
    assert "  bandwidth: 100GB/s        # its peak\n" in text
    assert "  kernel_overhead: 20" in text
    assert "# data: made up\n" in text
    assert "# left out" in text
    assert all(f"# {row.name} " in text for row in calibration.networks)


def test_a_rate_for_all_classes_becomes_conv_s(tmp_path):
    text = BASE.replace(
        "  macs_per_s:\n    conv: 1TMAC/s\n    conv3x3: 2TMAC/s      # its limit\n"
        "    depthwise: 1TMAC/s\n",
        "  macs_per_s: 1TMAC/s\n",
    )
    runs = measured(true_machine(base(tmp_path)))
    base(tmp_path, text)
    calibration = calibrate(runs, tmp_path / "base.yaml", parameters=("bandwidth", "conv"))
    file = tmp_path / "mine.yaml"
    file.write_text(machine_text(calibration, "x"))
    assert load_machine(file) == calibration.machine


def test_a_machine_that_was_no_file_has_none_to_fill_in(tmp_path):
    runs = measured(true_machine(base(tmp_path)), sizes=(64,))
    calibration = calibrate(runs, base(tmp_path), parameters=("bandwidth", "overhead"))
    with pytest.raises(InputError, match="the machine to begin with was no file to fill in"):
        machine_text(calibration, "x")


def test_facts_in_json(tmp_path):
    limits = base(tmp_path)
    calibration = calibrate(measured(true_machine(limits), sizes=(64,)), limits,
                            parameters=("bandwidth", "overhead"))  # fmt: skip
    facts = json.loads(json.dumps(calibration.to_dict(), allow_nan=False))
    assert facts["schema"] == "memsim.calibration/1"
    assert set(facts["errors"]) == {"regression", "simulated", "left_out"}
    assert [row["network"] for row in facts["networks"]] == list(NETWORKS)
    assert facts["parameters"][0]["per"] == "bytes"


def test_timed_kernels_that_the_model_lacks_are_told(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), NETWORKS[:3], kernels=True, sizes=(64,))
    odd = replace(runs.runs[0], layer="reorder_1")
    calibration = calibrate(RunSet((*runs.runs, odd)), limits, parameters=("bandwidth", "conv"))
    assert calibration.unmatched == ("resnet18: reorder_1",)
    with pytest.raises(InputError, match="none of the 1 timed kernels is one of the model's"):
        calibrate(RunSet((odd,)), limits)


def test_levels(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), NETWORKS[:3], sizes=(64,))
    with pytest.raises(InputError, match="unknown level 'layers'"):
        calibrate(runs, limits, level="layers")
    with pytest.raises(InputError, match="the runs hold no times of kernels"):
        calibrate(runs, limits, level="kernel")
