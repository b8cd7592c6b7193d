"""The data type: the machine says it where nothing else does, and rates and energy follow it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from memsim.errors import InputError

TINY = "name: tiny\ninput: [3, 8, 8]\nlayers: [conv: {out: 4, kernel: 3}]\n"

Capture = pytest.CaptureFixture[str]


def facts(capsys: Capture, *words: str) -> dict[str, Any]:
    assert run(["run", *words, "--format", "json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return str(file)


def test_networks_run_in_the_data_type_of_the_machine(capsys: Capture, tiny: str) -> None:
    for machine, dtype, parameters in (("edge", "int8", 108), ("datacenter", "bf16", 216)):
        told = facts(capsys, tiny, "--machine", machine)
        assert told["config"]["dtype"] == dtype
        assert told["by_role"]["weight"] == parameters
        assert memsim.run(tiny, machine=machine).network.dtype == dtype
        assert run(["run", tiny, "--machine", machine]) == 0
        line = capsys.readouterr().out.partition("\nprogram  ")[2].partition("\n")[0]
        assert line == f"fused, layer_by_layer, rows_outer, {dtype}"


def test_a_file_that_says_its_data_type_keeps_it(capsys: Capture, tiny: str) -> None:
    Path(tiny).write_text(TINY + "dtype: fp16\n")
    assert facts(capsys, tiny, "--machine", "textbook")["config"]["dtype"] == "fp16"
    assert facts(capsys, tiny, "--machine", "edge", "--dtype", "int8")["config"]["dtype"] == "int8"
    assert run(["run", tiny, "--machine", "edge"]) == 2
    assert capsys.readouterr().err == (
        "memsim: dtype: edge computes in int8, not in fp16 (dtype int8)\n"
    )


def test_a_machine_without_the_data_type_refuses_it_in_every_verb(tiny: str) -> None:
    network = memsim.load(tiny)
    assert network.dtype == "fp32"
    for verb in (memsim.run, memsim.curve, memsim.bounds, memsim.memory, memsim.compare):
        with pytest.raises(InputError, match="edge computes in int8, not in fp32"):
            verb(network, machine="edge")


def test_a_topology_says_no_data_type_either(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "topology.csv"
    file.write_text(
        "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, "
        "Num Filter, Strides,\nConv1, 8, 8, 3, 3, 3, 4, 1,\n"
    )
    assert facts(capsys, str(file), "--machine", "edge")["config"]["dtype"] == "int8"
    assert facts(capsys, str(file), "--machine", "textbook")["config"]["dtype"] == "fp32"


def test_a_machine_fitted_in_another_data_type_says_so_beside_the_time(capsys: Capture) -> None:
    words = ["resnet18", "--machine", "gtx1080", "--input", "3x1024x1024", "--dtype", "int8"]
    assert facts(capsys, *words)["accuracy"]["outside"] == ["dtype int8, fitted in fp32"]
    assert run(["run", *words]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "(not as fitted): compute busy" in out
    assert "OUTSIDE of that: dtype int8, fitted in fp32" in out
    assert run(["compare", *words]) == 0
    out = capsys.readouterr().out
    (line,) = (line for line in out.splitlines() if line.startswith("its error"))
    assert line.split() == ["its", "error", "beyond"]


def test_the_energy_of_a_mac_follows_the_data_type() -> None:
    """2 outputs of 3 x 3 x 3 MACs, by hand: 0.3 pJ in int8, 4.6 pJ in fp32."""
    text = "{name: one, input: [3, 3, 4], layers: [conv: {out: 1, kernel: 3, padding: 0}]}"
    for dtype, picojoules in (("int8", 0.3), ("fp32", 4.6), ("fp16", 1.5)):
        totals = memsim.run(memsim.loads(text, dtype=dtype), machine="textbook").totals
        assert totals["energy_mac_j"] == pytest.approx(54 * picojoules * 1e-12)
        moved = 36 + 27 + 2
        size = {"int8": 1, "fp16": 2, "fp32": 4}[dtype]
        assert totals["energy_dram_j"] == pytest.approx(moved * size * 64e-12)
        parts = [totals[f"energy_{name}_j"] for name in ("dram", "onchip", "mac")]
        assert totals["energy_j"] == pytest.approx(sum(parts))


@pytest.mark.parametrize("machine", ["gtx1080", "titan_v", "zen3", "datacenter"])
def test_an_energy_that_is_not_known_is_not_told(capsys: Capture, tiny: str, machine: str) -> None:
    totals = facts(capsys, tiny, "--machine", machine)["totals"]
    assert totals["energy_j"] is totals["energy_mac_j"] is totals["energy_onchip_j"] is None
    assert run(["run", tiny, "--machine", machine]) == 0
    assert "energy" not in capsys.readouterr().out
    told = memsim.compare([tiny], machine=machine).to_dict()["networks"][0]
    assert told["energy_j"] is None


def test_a_data_type_whose_macs_have_no_energy_leaves_the_sum_out(tiny: str) -> None:
    totals = memsim.run(memsim.load(tiny, dtype="bf16"), machine="textbook").totals
    assert totals["energy_mac_j"] is totals["energy_j"] is None
    assert totals["energy_dram_j"] > 0


def test_time_follows_the_rate_of_the_data_type(tmp_path: Path) -> None:
    preset = Path(memsim.__file__).with_name("machine") / "presets" / "textbook.yaml"
    machine = tmp_path / "m.yaml"
    rates = "macs_per_s: 1GMAC/s\n  rate_by_dtype: {fp32: 1, int8: 4}"
    text = preset.read_text("utf-8").replace("macs_per_s: 0.5TMAC/s", rates)
    machine.write_text(text, encoding="utf-8")
    text = "{name: one, input: [3, 64, 64], layers: [conv: {out: 4, kernel: 3}]}"
    macs = 27 * 4 * 64 * 64
    for dtype, rate in (("fp32", 10**9), ("int8", 4 * 10**9)):
        result = memsim.run(memsim.loads(text, dtype=dtype), machine=machine)
        tasks = result.program.tasks
        assert sum(result.steps.compute) == pytest.approx(1e12 * macs / rate, abs=tasks)
        assert result.config["macs_per_s"]["conv"] == rate
