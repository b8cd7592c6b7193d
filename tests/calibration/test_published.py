"""The shipped machines are the fits, and the command line says what they are."""

from __future__ import annotations

import json

import pytest

from memsim.calibration.calibration import calibrate_published
from memsim.calibration.published import PUBLISHED, base_file
from memsim.machine import load_machine, machine_names
from memsim.machine.load import machine_file
from memsim.simulate import run as simulate
from tests.calibration.synthetic import BASE, base, measured, true_machine
from tests.golden import check_golden

pytestmark = pytest.mark.needs("scipy")


@pytest.mark.parametrize(
    "name", ["camvid", "nano", pytest.param("imagenet", marks=pytest.mark.slow)]
)
def test_a_shipped_machine_is_its_fit_to_the_letter(memsim, tmp_path, name):
    machine = PUBLISHED[name].machine
    file = tmp_path / "fitted.yaml"
    assert memsim("calibrate", "--paper", name, "-o", str(file))[0] == 0
    assert file.read_text() == machine_file(machine).read_text(), (
        f"memsim calibrate --paper {name} -o memsim/machine/presets/{machine}.yaml"
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_rate_exceeds_the_published_figures(name):
    published = PUBLISHED[name]
    limits, fitted = load_machine(published.base), load_machine(published.machine)
    assert fitted.dram_bytes_per_s <= limits.dram_bytes_per_s
    for kind, rate in fitted.compute.macs_per_s:
        assert rate is None or rate <= limits.mac_rate(kind)


def test_what_the_file_says_is_what_a_run_says(memsim):
    """The milliseconds in the preset come out of `memsim run`."""
    text = machine_file("titan_v").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("# fc_hardnet68 "))
    published = PUBLISHED["camvid"]
    (timed,) = (each for each in published.runs().runs if each.network == "fc_hardnet68")
    from memsim.calibration.runs import load_network

    result = simulate(load_network(timed), machine="titan_v", lowering=published.lowering)
    assert f"{1e3 * result.time_s:.2f}" == line.split()[3]


def test_a_calibration_as_a_table(memsim):
    code, out, err = memsim("calibrate", "--paper", "nano")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    check_golden("calibrate_nano.txt", out)


def test_a_calibration_in_json(memsim):
    facts = json.loads(memsim("calibrate", "--paper", "nano", "--format", "json")[1])
    assert facts["fitted_parameters"] == 2
    assert facts["errors"]["left_out"]["mape"] == pytest.approx(
        calibrate_published("nano").scores["left_out"].mape
    )


def test_runs_from_files_become_a_machine(memsim, tmp_path):
    limits = base(tmp_path)
    lines = ["# cpu: made up", "network,lowering,input,median_s"]
    for each in measured(true_machine(limits), noise=0.01).runs:
        shape = "x".join(map(str, each.input_shape))
        lines.append(f"{each.network},{each.lowering},{shape},{each.seconds}")
    (tmp_path / "x.csv").write_text("\n".join(lines))
    mine = tmp_path / "mine.yaml"
    code, out, err = memsim(
        "calibrate", str(tmp_path / "x.csv"), "--machine", str(tmp_path / "base.yaml"),
        "--parameter", "bandwidth", "--parameter", "conv", "--parameter", "conv3x3",
        "--parameter", "depthwise", "--parameter", "overhead", "-o", str(mine),
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "made_up fitted to 6 networks in 12 runs" in out
    assert "5 of 5 parameters to 12 times of whole networks" in out
    assert load_machine(mine).name == "made_up"
    assert "# cpu: made up" in mine.read_text()
    assert BASE.splitlines()[0] in mine.read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("calibrate", "give either files of runs or paper"),
        ("calibrate x.csv --paper nano", "give either files of runs or paper"),
        ("calibrate --paper nanoo", "unknown published times 'nanoo' (did you mean 'nano'?)"),
        ("calibrate --paper nano --machine textbook", "machine: does not go with paper"),
        ("calibrate --paper nano --parameter conv", "parameters: does not go with paper"),
        ("calibrate --paper nano --level kernel", "level: does not go with paper"),
        ("calibrate x.csv --machine edgy", "unknown machine 'edgy' (did you mean 'edge'?)"),
        ("calibrate x.csv", "machine: is missing: what are the limits?"),
        ("calibrate none.csv --machine textbook", "none.csv: cannot be read"),
        ("calibrate --paper nano -o no/such/file.yaml", "no/such/file.yaml: cannot be written"),
    ],
)
def test_errors(memsim, line, message):
    code, out, err = memsim(*line.split())
    assert (code, out) == (2, "")
    assert message in err


def test_a_fitted_machine_begins_with_its_published_limits():
    for published in PUBLISHED.values():
        assert published.machine in machine_names()
        assert base_file(published.machine) == published.base
    assert base_file("textbook") == machine_file("textbook")
