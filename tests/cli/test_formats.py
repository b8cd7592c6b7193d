"""--format and -o say the same in every command, and ``-`` is standard output in all of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest

from memsim import plot
from memsim.cli.drawing import graph, playground, report
from memsim.cli.drawing import microscope as microscope_command
from memsim.cli.drawing import plot as plot_command
from memsim.cli.formats import DATASETS, PICTURES, Kinds
from memsim.cli.main import COMMANDS, cli
from memsim.cli.networks import expand, schema
from memsim.cli.simulation import design
from memsim.cli.simulation import sweep as sweep_command
from memsim.sheets.formats import ENDINGS
from memsim.sweeps.files import FORMATS

NETWORK = """\
name: two
input: [3, 16, 16]
layers:
  - conv: {out: 16, kernel: 3, act: relu}
  - conv: {out: 16, kernel: 3}
"""

KINDS = {
    module.__name__.rpartition(".")[2]: module.WRITTEN
    for module in (expand, schema, report, playground, microscope_command, plot_command, graph,
                   design, sweep_command)
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text(NETWORK)
    return tmp_path


def options_of(command: str) -> dict[str, click.Parameter]:
    with click.Context(cli) as context:
        found = cli.get_command(context, command)
    assert found is not None
    return {str(each.name): each for each in found.params}


def test_every_command_that_writes_takes_a_format() -> None:
    for name in COMMANDS:
        there = {"format_", "output"} & set(options_of(name))
        assert there in ({"format_", "output"}, set()), name
    assert all("output" in options_of(name) for name in COMMANDS)


def test_the_formats_are_those_of_who_writes_them() -> None:
    assert plot.ENDINGS == PICTURES
    assert {f".{name}" for name in DATASETS.values()} == set(FORMATS) == set(DATASETS)


def test_a_format_is_completed_and_told(here, memsim) -> None:
    for name, kinds in KINDS.items():
        option = options_of(name)["format_"]
        offered = [item.value for item in option.shell_complete(None, "")]  # type: ignore[arg-type]
        assert offered == kinds.formats, name
        assert all(each in memsim(name, "--help")[1] for each in kinds.formats), name


@pytest.mark.parametrize(
    ("line", "usual", "others"),
    [
        ("expand n.yaml", "yaml", {"json": "a.json"}),
        ("import n.yaml", "yaml", {"json": "a.json"}),
        ("schema", "json", {}),
        ("playground", "html", {}),
        ("report n.yaml", "html", {}),
    ],
)
def test_a_format_a_file_and_standard_output_hold_the_same(
    here, memsim, line: str, usual: str, others: dict[str, str]
) -> None:
    words = line.split()
    code, told, _ = memsim(*words, "--format", usual)
    assert code == 0
    assert memsim(*words, "-o", "-") == (0, told, "")
    assert memsim(*words, "--format", usual, "-o", "net.txt.of.mine")[0] == 0
    assert Path("net.txt.of.mine").read_text("utf-8") == told
    assert memsim(*words, "-o", f"a.{usual}")[0] == 0
    assert Path(f"a.{usual}").read_text("utf-8") == told
    for format_, file in others.items():
        other = memsim(*words, "--format", format_)[1]
        assert other != told
        assert memsim(*words, "-o", file)[0] == 0
        assert Path(file).read_text("utf-8") == other
    assert not Path("-").exists()


REFUSED = (
    ("expand n.yaml --format toml", "--format: unknown format 'toml' (known: json, yaml)"),
    ("expand n.yaml --format json -o a.yml",
     "a.yml: its ending says yaml, and --format says json (leave one out)"),
    ("run n.yaml --format json -o a.csv",
     "a.csv: its ending says csv, and --format says json (leave one out)"),
    ("trace n.yaml -f csv -o a.json",
     "a.json: its ending says perfetto, and --format says csv (leave one out)"),
    ("trace n.yaml -f csv -o a.trace",
     "a.trace: its ending says requests, and --format says csv (leave one out)"),
    ("microscope n.yaml --format html -o a.md",
     "a.md: its ending says md, and --format says page (leave one out)"),
    ("microscope n.yaml -o a.jpg", "a.jpg: a microscope is not written with the ending '.jpg' "
     "(known: .txt, .json, .csv, .md, .html, .htm, .gif)"),
    ("microscope n.yaml --format gif",
     "-o: film needs a file to be written to (such as -o microscope.gif)"),
    ("report n.yaml", "-o: a page needs a file to be written to "
     "(such as -o report.html; --format html prints it)"),
    ("report n.yaml --format pdf", "--format: unknown format 'pdf' (known: html)"),
    ("report --gallery --format html -o site",
     "--format: is of one file, and a gallery is a folder (leave it out)"),
    ("report --gallery -o -", "-o: a gallery needs a folder to be written to (such as -o site)"),
    ("playground --format htm", "--format: unknown format 'htm' (did you mean 'html'?)"),
    ("schema --format yaml", "--format: unknown format 'yaml' (known: json)"),
    ("plot layers n.yaml -o -", "-o: standard output has no ending that says what a figure is "
     "written as (--format says it: png, svg, pdf)"),
    ("sweep n.yaml -o -", "-o: standard output has no ending that says what a sweep is written as "
     "(--format says it: nc, parquet, csv)"),
    ("sweep n.yaml --format zarr", "-o: zarr needs a file to be written to "
     "(such as -o sweep.zarr)"),
    ("sweep n.yaml --format json",
     "--format: unknown format 'json' (known: csv, nc, parquet, zarr)"),
    ("design n.yaml --fps 30 --format parquet",
     "-o: parquet needs a file to be written to (such as -o front.parquet)"),
    ("calibrate --paper nano -o -", "-o: the table is printed, and the machine is written to a "
     "file (such as -o mine.yaml)"),
    ("run n.yaml -o dir/",
     "dir: cannot be written: a name with a slash at its end is a directory's"),
    ("run n.yaml --cache 64KiB..4MiB", "cache: '64KiB..4MiB' is no range: it does not say how to "
     "go from one to the other (64KiB:4MiB:log2 doubles; a range is start:stop:step, "
     "start:stop:log2 or start:stop:N@log)"),
    ("trace n.yaml --cache 64KiB-4MiB", "cache: '64KiB-4MiB' is several sizes, and memsim trace "
     "takes one (memsim run, compare and curve take several)"),
    ("sweep n.yaml --bandwidth 1GB/s..4GB/s -o a.csv", "bandwidth: '1GB/s..4GB/s' is no range: it "
     "does not say how to go from one to the other (1GB/s:4GB/s:log2 doubles; a range is "
     "start:stop:step, start:stop:log2 or start:stop:N@log)"),
)  # fmt: skip


@pytest.mark.needs("xarray")
def test_what_cannot_be_written_so_is_told_before_any_work(here, memsim) -> None:
    for line, told in REFUSED:
        assert memsim(*line.split()) == (2, "", f"memsim: {told}\n"), line
    assert os.listdir() == ["n.yaml"]


def test_any_text_may_lie_in_a_txt_file(here, memsim) -> None:
    told = memsim("describe", "n.yaml", "--format", "csv")[1]
    assert memsim("describe", "n.yaml", "--format", "csv", "-o", "a.txt") == (0, "", "")
    assert Path("a.txt").read_text() == told


def test_a_file_called_like_standard_output_has_a_folder(here, memsim) -> None:
    assert memsim("describe", "n.yaml", "-o", "./-") == (0, "", "")
    assert memsim("describe", "n.yaml", "-o", "-")[1] == Path("-").read_text()


# ---- sweeps and designs


@pytest.mark.needs("netCDF4", "pyarrow", "zarr", "xarray")
def test_a_sweep_is_printed_and_kept_in_a_file_without_an_ending(here, capfdbinary) -> None:
    from memsim import load_sweep
    from memsim.cli.main import run

    words = ["sweep", "n.yaml", "--cache", "1KiB,2KiB", "--workers", "1"]
    assert run([*words, "-o", "a.csv"]) == 0
    kept = load_sweep("a.csv")
    for format_ in DATASETS.values():
        assert run([*words, "--format", format_, "-o", f"of_{format_}"]) == 0
        assert load_sweep(f"of_{format_}", format_).identical(kept)
        assert run([*words, "--format", format_, "-o", f"of_{format_}"]) == 0  # nothing to do
    assert run([*words, "-o", "a.zarr/"]) == 0
    assert load_sweep("a.zarr").identical(kept)
    capfdbinary.readouterr()
    for format_ in ("csv", "nc", "parquet"):
        assert run([*words, "--format", format_]) == 0
        Path(f"b.{format_}").write_bytes(capfdbinary.readouterr().out)
        assert load_sweep(f"b.{format_}").identical(kept)
    assert not [*Path().glob("*.chunks")]


@pytest.mark.slow
@pytest.mark.needs("matplotlib", "pyarrow", "xarray")
def test_a_design_in_each_of_its_formats(here, memsim) -> None:
    words = ["design", "n.yaml", "--fps", "30"]
    code, drawn, _ = memsim(*words, "--format", "svg")
    assert code == 0
    assert memsim(*words, "-o", "a.svg")[0] == 0
    assert Path("a.svg").read_text("utf-8") == drawn
    assert memsim(*words, "--format", "parquet", "-o", "a")[0] == 0
    assert memsim(*words, "-o", "a.parquet")[0] == 0
    assert Path("a").read_bytes() == Path("a.parquet").read_bytes()


# ---- architectures in JSON


def test_an_architecture_in_json_is_read_where_a_network_is_named(here, memsim) -> None:
    assert memsim("expand", "n.yaml", "-o", "n.json")[0] == 0
    assert json.loads(Path("n.json").read_text())["layers"][0] == {
        "name": "conv1.conv",
        "conv": {"out": 16, "kernel": 3},
        "from": "input",
    }
    for command in ("run", "describe", "memory", "curve", "compare"):
        assert memsim(command, "n.json") == memsim(command, "n.yaml"), command
    assert memsim("check", "n.json")[0] == 0
    out = memsim("diff", "n.json", "n.yaml")[1]
    assert out.startswith("from n.json (A) to n.yaml (B)")


def test_json_as_others_write_it(here, memsim) -> None:
    tabs = json.dumps({"name": "\U0001f600", "input": [3, 8, 8], "layers": [{"conv": 3}]},
                      indent="\t")  # fmt: skip
    Path("a.JSON").write_text(tabs)
    assert "\\ud83d\\ude00" in tabs  # one character in two escapes
    assert memsim("describe", "a.JSON")[1].startswith("\U0001f600\n")
    Path("half.json").write_text('{"name": "\\ud83d", "input": [3, 8, 8], "layers": [{"conv": 3}]}')
    told = "half.json:1:10: U+D83D is half of a character, and the other half is missing"
    assert memsim("run", "half.json") == (2, "", f"memsim: {told}\n")


def test_an_answer_in_json_is_no_network(here, memsim) -> None:
    assert memsim("run", "n.yaml", "-o", "run.json")[0] == 0
    told = "holds an answer of memsim (memsim.result/2), and no network"
    hint = "memsim diff reads results of memsim run"
    for command in ("run", "check", "curve"):
        assert memsim(command, "run.json") == (2, "", f"memsim: run.json: {told} ({hint})\n")
    assert memsim("diff", "run.json", "n.yaml")[0] == 0


def test_kinds_without_a_usual_format_say_so() -> None:
    kinds = Kinds("a thing", {".a": "a", ".b": "b"}, "x.a")
    assert kinds.named("b", "thing") == "b"
    assert kinds.named(None, "thing.B") == "b"
    with pytest.raises(Exception, match=r"thing: has no ending such as .a \(known: .a, .b\)"):
        kinds.named(None, "thing")
    assert {".json": "json", ".csv": "csv"}.items() <= ENDINGS.items()
