"""A machine carries its program, and says beside its times how far they can be trusted."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import pytest

import memsim
from memsim.cli.main import COMMANDS, cli, run
from tests.golden import check_golden


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
        assert round(1000 * facts["totals"]["time_s"], 1) == 44.8
        assert facts["accuracy"]["deviations"] == facts["accuracy"]["outside"] == []

    def test_what_was_timed_in_a_variant_is_run_in_it(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked = ["--machine", "titan_v", "--input", "3x352x480"]
        fitted = self.totals(capsys, "fc_hardnet84", *asked)
        named = self.totals(capsys, "fc_hardnet84@pre", *asked)
        other = self.totals(capsys, "fc_hardnet84@post", *asked)
        assert round(1000 * fitted["totals"]["time_s"], 1) == 28.4
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

    def test_streaming_rows_is_named_and_no_machine_does_it_by_itself(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in memsim.machine_names():
            assert memsim.load_machine(name).program.rows == "touched"
        asked = ["resnet50", "--machine", "gtx1080", "--input", "3x1024x1024"]
        facts = self.totals(capsys, *asked, "--rows", "streamed")
        assert facts["config"]["rows"] == "streamed"
        assert facts["accuracy"]["deviations"] == ["rows streamed, fitted with touched"]
        assert run(["run", "resnet18", "--machine", "textbook", "--rows", "streamed"]) == 0
        told = "program  fused, layer_by_layer, rows_outer, rows streamed, fp32\n"
        assert told in capsys.readouterr().out

    def test_an_error_is_told_beside_the_time_only_where_it_holds(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked = ["run", "resnet50", "--machine", "gtx1080", "--input", "3x1024x1024"]
        assert run(asked) == 0
        assert "time       44.8 ms ± 2.3%: " in capsys.readouterr().out
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


def test_a_table_of_very_many_tasks_tells_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "resnet18", "--machine", "textbook", "--buffer", "16KiB"]) == 0
    told = " ".join(capsys.readouterr().out.partition("\nbandwidth  ")[2].split())
    result = memsim.run("resnet18", machine="textbook", buffer="16KiB")
    assert result.program.tasks > 1000
    tenth, hundredth = result.to_dict()["bandwidth_for_stalls_bytes_per_s"].values()
    assert f"; {tenth / 1e9:.1f} GB/s would keep stalls below 10% of the time, " in told
    assert f"time, {hundredth / 1e9:.0f} GB/s below 1%" in told


def told(capsys: pytest.CaptureFixture[str], line: str) -> str:
    assert run(line.split()) == 0
    return capsys.readouterr().out


class TestEveryTimeHasItsErrorBesideIt:
    def test_side_by_side(self, capsys: pytest.CaptureFixture[str]) -> None:
        line = "compare fc_hardnet84 hardnet68 --machine titan_v --input 3x352x480"
        out = told(capsys, line)
        assert max(map(len, out.splitlines())) <= 80
        check_golden("compare_titan_v.txt", out)
        assert "\n| its error | ± 2.9% | beyond |" in told(capsys, f"{line} --format md")
        first, second = json.loads(told(capsys, f"{line} --format json"))["networks"]
        assert first["accuracy"]["outside"] == []
        (outside,) = second["accuracy"]["outside"]
        assert outside == "operators of class linear, of which none was timed"
        rows = list(csv.DictReader(io.StringIO(told(capsys, f"{line} --format csv"))))
        assert [row["accuracy.outside"] for row in rows] == ["", outside]
        assert float(rows[0]["accuracy.error"]) == first["accuracy"]["left_out"]
        assert rows[1]["accuracy.error"] == ""

    def test_at_chosen_cache_sizes(self, capsys: pytest.CaptureFixture[str]) -> None:
        line = "curve resnet18 --machine gtx1080 --input 3x1024x1024 --cache 1MB,2MiB"
        out = told(capsys, line)
        assert max(map(len, out.splitlines())) <= 80
        check_golden("curve_gtx1080.txt", out)
        points = json.loads(told(capsys, f"{line} --format json"))["points"]
        assert [each["accuracy"]["deviations"] for each in points] == [
            ["cache changed after the fit"], [],
        ]  # fmt: skip

    def test_where_nothing_was_measured_no_error_is_told(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = told(capsys, "compare resnet18 --machine edge")
        assert "accuracy  not known" in out
        assert "its error" not in out

    def test_on_the_page(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        page = tmp_path / "page.html"
        told(capsys, f"report resnet18 fc_hardnet84 --machine titan_v -o {page}")
        text = page.read_text("utf-8")
        assert "OUTSIDE of that: input 3x224x224, fitted at 3x352x480" in text
        assert "of fc_hardnet84: 2.9% off on average" in text

    def test_in_the_title_of_the_timeline_and_in_the_trace(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        result = memsim.run("fc_hardnet84", machine="titan_v")
        title = memsim.plot.timeline(result)[0].get_title(loc="left")
        assert " ms ± 2.9%, of which" in title
        trace = tmp_path / "trace.json"
        told(capsys, f"trace fc_hardnet84 --machine titan_v -o {trace}")
        head = json.loads(trace.read_text("utf-8"))["otherData"]
        assert head["accuracy"] == result.accuracy.to_dict()


VARIANTS = (
    "run {} --format json",
    "curve {} --format json",
    "explain {} --format json",
    "size {} --traffic 1GB --format json",
    "compare {} --format json",
    "bounds {} --format json",
    "memory {} --format json",
    "microscope {} --format json",
    "describe {} --format json",
    "expand {}",
    "check {}",
    "graph {} --colour none -o out.dot",
    "plot moc {} -o out.svg",
    "report {} -o out.html",
    "trace {} -f csv",
    "pytorch-traffic {} --cache 1MiB --format json",
)
"""Every command that takes a network; measuring takes PyTorch, and has a test of its own."""


@pytest.mark.needs("scipy")
@pytest.mark.parametrize("line", VARIANTS)
def test_a_variant_is_named_in_every_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(
        "name: net\ninput: [3, 16, 16]\nparameters: {width: 4}\n"
        "variants: {slim: {width: 4}, wide: {width: 8}}\n"
        "layers: [{conv: {out: $width, kernel: 3}}, {conv: {out: 4, kernel: 3}}, global_avgpool]\n"
    )

    def answer(network: str, *more: str) -> str:
        out = told(capsys, " ".join([line.format(network), *more]))
        written = [path for path in sorted(Path().iterdir()) if path.name.startswith("out.")]
        return written[0].read_text("utf-8") if written else out

    assert answer("net.yaml@slim") != answer("net.yaml@wide")
    assert run(line.format("net.yaml@fat").split()) == 2
    assert "unknown variant 'fat'" in capsys.readouterr().err


def test_the_list_above_is_of_every_command_that_takes_a_network() -> None:
    named = {line.split()[0] for line in VARIANTS}
    taking = set()
    for name in COMMANDS:
        with click.Context(cli) as context:
            command = cli.get_command(context, name)
        assert command is not None
        if {str(each.name) for each in command.params} & {"network", "networks", "files"}:
            taking.add(name)
    # What takes long, or needs an optional module, is asked elsewhere.
    assert taking - named == {"design", "measure", "search", "sweep"}


@pytest.mark.needs("torch")
def test_a_variant_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    line = "measure resnet50@v1.5 --input 3x32x32 --runs 1 --format csv"
    assert ",v1.5," in told(capsys, line)


def test_a_volume_outside_of_the_fit_is_told_with_its_own_axes(tmp_path):
    file = tmp_path / "volume.yaml"
    file.write_text(
        "name: volume\ninputs: {x: [1, 8, 16, 16]}\nlayers:\n"
        "  - {name: conv, conv: {out: 4, kernel: 3}, from: x}\n"
    )
    told = memsim.run(file, machine="gtx1080").accuracy.outside
    assert told == ("input 1x8x16x16, fitted at 3x1024x1024",)
