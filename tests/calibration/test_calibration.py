"""Leaving out really leaves out; the machine file holds what was found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from memsim.calibration.calibration import calibrate
from memsim.calibration.machine_file import machine_text
from memsim.calibration.runs import RunSet
from memsim.calibration.workload import Workload
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
    assert set(facts["errors"]) == {"regression", "simulated", "left_out", "family_out"}
    assert [row["network"] for row in facts["networks"]] == list(NETWORKS)
    assert facts["parameters"][0]["per"] == "bytes"


def test_a_family_is_left_out_whole(tmp_path):
    """Each by a fit that had seen none of its family, and not only not this network."""
    limits = base(tmp_path)
    names = ("resnet18", "resnet50", "mobilenetv2", "hardnet68", "densenet121", "squeezenet1_0")
    runs = measured(true_machine(limits), names, noise=0.05, sizes=(64,))
    asked = ("bandwidth", "overhead")
    found = calibrate(runs, limits, parameters=asked)
    others = RunSet(tuple(r for r in runs.runs if not r.network.startswith("resnet")))
    machine = calibrate(others, limits, parameters=asked).fit.machine
    for row in found.networks:
        if row.name.startswith("resnet"):
            alone = Workload.of(row.run, limits).simulate(machine)
            assert row.family_out_s == alone != row.left_out_s
        else:
            assert row.family_out_s == row.left_out_s  # the only one of its family
    assert found.calibrated.family_out == round(found.scores["family_out"].mape, 4)


def test_of_one_family_none_is_left_out(tmp_path):
    limits = base(tmp_path)
    names = ("resnet18", "resnet34", "resnet50", "resnet101")
    runs = measured(true_machine(limits), names, noise=0.05, sizes=(64,))
    found = calibrate(runs, limits, parameters=("bandwidth", "overhead"))
    assert {row.family_out_s for row in found.networks} == {None}
    assert "family_out" not in found.scores
    assert found.calibrated.family_out is None


def test_kernels_are_told_one_by_one_and_by_class(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), NETWORKS[:3], kernels=True, sizes=(64,))
    found = calibrate(runs, limits, parameters=("bandwidth", "conv", "overhead"))
    timed = [run for run in runs.runs if run.layer]
    assert [(k.name, k.layer, k.measured_s) for k in found.kernels] == [
        (run.network, run.layer, run.seconds) for run in timed
    ]
    assert sum(row.kernels for row in found.by_class) == len(timed)
    told = sum(row.measured_s for row in found.by_class)
    assert told == pytest.approx(sum(run.seconds for run in timed))
    text = machine_text(replace(found, base_text=BASE), "x")
    (conv,) = (row for row in found.by_class if row.name == "conv")
    assert f"{1e3 * conv.measured_s:13.2f}" in text


def test_errors_keep_all_their_digits_in_the_file(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), NETWORKS[:3], kernels=True, sizes=(64,), noise=0.6)
    found = calibrate(runs, limits, parameters=("bandwidth", "conv", "overhead"))
    lines = machine_text(replace(found, base_text=BASE), "x").splitlines()
    for name, title in (("simulated", "simulator"), ("left_out", "left out")):
        score = found.kernel_scores[name]
        (line,) = (line for line in lines if line.startswith(f"# kernels, {title}"))
        assert line.split()[-4:-1] == [f"{e:.2%}" for e in (score.mape, score.wape, score.worst)]
    assert max(score.mape for score in found.kernel_scores.values()) > 0.1


def test_sizes_of_a_network_are_runs_of_it_and_no_networks(tmp_path):
    limits = base(tmp_path)
    runs = measured(true_machine(limits), NETWORKS[:3], sizes=(64, 96))
    found = calibrate(runs, limits, parameters=("bandwidth", "overhead"))
    text = machine_text(replace(found, base_text=BASE), "x")
    assert "parameters fitted to 3 networks in 6 runs" in text


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
