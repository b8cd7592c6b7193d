"""A machine carries its program, and says beside its times how far they can be trusted."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

import memsim
from memsim.cli.main import run


class TestAMachineCarriesItsProgram:
    def totals(self, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
        assert run(["run", *words, "--format", "json"]) == 0
        facts: dict[str, Any] = json.loads(capsys.readouterr().out)
        return facts

    def test_the_obvious_command_gives_the_fitted_answer(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["resnet50", "--machine", "gtx1080", "--input", "3x1024x1024"]
        facts = self.totals(capsys, *words)
        assert facts["config"]["lowering"] == "eager_cudnn"
        assert round(1000 * facts["totals"]["time_s"], 1) == 45.4
        assert facts["accuracy"]["deviations"] == facts["accuracy"]["outside"] == []

    def test_what_was_timed_in_a_variant_is_run_in_it(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked = ["--machine", "titan_v", "--input", "3x352x480"]
        fitted = self.totals(capsys, "fc_hardnet84", *asked)
        named = self.totals(capsys, "fc_hardnet84@pre", *asked)
        other = self.totals(capsys, "fc_hardnet84@post", *asked)
        assert round(1000 * fitted["totals"]["time_s"], 1) == 28.1
        assert fitted == named
        assert other["accuracy"]["deviations"] == ["variant post, fitted with pre"]

    def test_each_deviation_and_all_that_was_not_measured_is_named(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["mobilenetv2", "--machine", "titan_v", "--lowering", "fused", "--batch", "4"]
        known = self.totals(capsys, *words, "--cache", "2MB", "--bandwidth", "652.8GB/s")
        assert known["accuracy"]["deviations"] == [
            "lowering fused, fitted with eager",
            "cache changed after the fit",
        ]
        assert known["accuracy"]["outside"] == [
            "batch 4, fitted at 1",
            "input 3x224x224, fitted at 3x352x480",
            "operators of class depthwise, linear, of which none was timed",
        ]

    def test_fitted_machines_stream_rows_and_others_read_what_is_touched(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in memsim.machine_names():
            machine = memsim.load_machine(name)
            assert machine.program.rows == ("streamed" if machine.calibrated else "touched")
        asked = ["resnet50", "--machine", "gtx1080", "--input", "3x1024x1024"]
        facts = self.totals(capsys, *asked, "--rows", "touched")
        assert facts["config"]["rows"] == "touched"
        assert facts["accuracy"]["deviations"] == ["rows touched, fitted with streamed"]
        assert run(["run", "resnet18", "--machine", "textbook", "--rows", "streamed"]) == 0
        told = "program  fused, layer_by_layer, rows_outer, rows streamed, fp32\n"
        assert told in capsys.readouterr().out

    def test_an_error_is_told_beside_the_time_only_where_it_holds(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked = ["run", "resnet50", "--machine", "gtx1080", "--input", "3x1024x1024"]
        assert run(asked) == 0
        assert "time       45.4 ms ± 2.0%: " in capsys.readouterr().out
        assert run([*asked, "--lowering", "fused"]) == 0
        out = capsys.readouterr().out
        assert "±" not in out
        assert "BUT lowering fused, fitted with" in " ".join(out.split())

    def test_two_variants_of_one_network_contradict(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["run", "resnet50@v1.5", "--variant", "v1"]) == 2
        assert "names a variant, and so does 'v1' (name one)" in capsys.readouterr().err


def test_stalls_fall_below_a_tenth_at_the_bandwidth_that_is_told() -> None:
    result = memsim.run("hardnet68", machine="textbook")
    enough = result.bandwidth_for(Fraction(1, 10))
    assert enough is not None
    for bandwidth, below in ((enough, True), (enough * 998 // 1000, False)):
        again = memsim.run("hardnet68", machine="textbook", bandwidth=bandwidth)
        assert (again.totals["stall_s"] <= again.time_s / 10) is below


def test_a_table_of_very_many_tasks_leaves_the_search_to_who_asks_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["run", "resnet18", "--buffer", "16KiB"]) == 0
    line = capsys.readouterr().out.partition("\nbandwidth  ")[2].partition("\n")[0]
    assert line.endswith(" on average")
    assert memsim.run("resnet18", buffer="16KiB").program.tasks > 1000
