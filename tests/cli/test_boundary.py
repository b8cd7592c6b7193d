"""Whatever happens, a command ends with lines that say so, and with an exit code."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.__main__ import main as begin
from memsim.calibration.runs import read_runs
from memsim.cli.boundary import Terminated, told
from memsim.cli.main import run
from memsim.files import as_it_was, check_writable, shown_as_text, write_text
from memsim.formats.scalesim import COLUMNS, from_text
from memsim.validation.split import read_split

HEAD = ", ".join(COLUMNS)


def shell(words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command line as a shell runs it."""
    return subprocess.run(
        ["bash", "-c", words.replace("memsim", f"{sys.executable} -m memsim", 1)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_what_was_not_foreseen_is_told_in_two_lines(monkeypatch, capsys) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a\nb")

    monkeypatch.setattr("memsim.cli.networks.list.command.callback", broken)
    assert run(["list"]) == 3
    assert capsys.readouterr().err == (
        "memsim: this was not foreseen: ZeroDivisionError: a b\n"
        "memsim: please report it, with the command and what it prints as memsim --debug COMMAND "
        "...\n"
    )
    with pytest.raises(ZeroDivisionError):
        run(["--debug", "list"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device is always full")
def test_a_full_disk_behind_standard_output() -> None:
    ended = shell("memsim list > /dev/full")
    told = "memsim: standard output: cannot be written: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, told)


def test_closed_streams(tmp_path) -> None:
    ended = shell("memsim list >&-")
    told = "memsim: standard output: is closed, and the answer goes there (-o writes a file)\n"
    assert (ended.returncode, ended.stderr) == (1, told)
    ended = shell(f"memsim list -o {tmp_path}/list.csv <&- >&- 2>&-")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "list.csv").read_text().startswith("name,description\n")


@pytest.mark.parametrize("words", ["memsim schema", "memsim --help"])
def test_a_reader_that_has_gone(tmp_path, monkeypatch, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    ended = shell(f"exec 3<>pipe 4>pipe 3<&-; {words} >&4")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_budget_is_missed_whether_anybody_reads_it_or_not(monkeypatch, capsys) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("memsim.cli.output.Delivery.send", gone)
    assert run(["check", "resnet18", "--budget", "1params"]) == 1
    assert "the budget is at most 1" in capsys.readouterr().err


def test_ctrl_c_is_what_it_is_whatever_a_library_makes_of_it() -> None:
    def told_of(first: BaseException, then: Exception) -> tuple[list[str], int]:
        try:
            try:
                raise first
            finally:
                raise then
        except Exception as error:
            return told(error)

    assert told_of(KeyboardInterrupt(), ImportError("half a module")) == ([], 130)
    assert told_of(Terminated(), SystemError("an exception was set")) == ([], 143)
    assert told_of(OSError(), ImportError("none"))[1] == 3


def test_ctrl_c_while_memsim_is_loaded(monkeypatch) -> None:
    class Loading(ModuleType):
        def __getattr__(self, name: str) -> None:
            raise KeyboardInterrupt

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setitem(sys.modules, "memsim.cli", Loading("memsim.cli"))
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit, match="130"):
        begin()


@pytest.mark.parametrize("name", ["x" * 300, "y/" * 3000 + "z", "\u00e9" * 200, "nul\0"])
def test_names_that_no_file_can_have(tmp_path, name: str) -> None:
    for write in (check_writable, lambda path: write_text(path, "")):
        with pytest.raises(memsim.InputError, match=r"cannot be written: |there is no directory"):
            write(os.path.join(tmp_path, name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 255, "\u00e9" * 127])
def test_the_longest_names_that_a_file_can_have(tmp_path, name: str) -> None:
    write_text(tmp_path / name, "all")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["all"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEAD},\rConv1,9,9,3,3,3,4,1,\r", ""),
        (f"{HEAD}\r\nConv1,9,9,3,3,3,4,1\r\n", ""),
        (f'{HEAD},\n"a\rb",9,9,3,3,3,4,1,\n', "toy.csv:2:1: a: has 1 columns, not 8"),
        (f"{HEAD}\n{'x' * 200_000},9,9,3,3,3,4,1\n",
         "toy.csv:2:1: is no row of a table: field larger than field limit (131072)"),
    ],
)  # fmt: skip
def test_lines_of_a_topology(text: str, told: str) -> None:
    if not told:
        assert from_text(text, "toy.csv").macs == 4 * 7 * 7 * 27
        return
    with pytest.raises(memsim.InputError) as caught:
        from_text(text, "toy.csv")
    assert str(caught.value).splitlines()[0] == told


@given(st.text(st.sampled_from('a1,"\r\n\0\x85\u2028 x'), max_size=60), st.booleans())
def test_tables_of_any_text(text: str, headed: bool) -> None:
    for read, head in (
        (from_text, HEAD),
        (lambda text, file: read_split(text, file), "network,lowering,input,split"),
    ):
        with suppress(memsim.InputError):
            read(f"{head}\n{text}" if headed else text, "any.csv")


def test_runs_of_a_file_with_a_long_cell(tmp_path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(f"network,lowering,input,median_s\n{'x' * 200_000},fused,3x9x9,1\n")
    with pytest.raises(memsim.InputError, match=r"runs.csv:2:1: is no row of a table"):
        read_runs([path])


@given(st.text(st.sampled_from("=+-@'a1 "), max_size=4))
def test_no_cell_is_a_formula_and_every_name_comes_back(name: str) -> None:
    cell = shown_as_text(name)
    assert len(cell) < 2 or cell[0] not in "=+-@"
    assert as_it_was(cell) == name


def test_names_like_formulas_in_what_is_printed(tmp_path, capsys) -> None:
    path = tmp_path / "net.yaml"
    path.write_text('{name: "=1+1", input: [3, 8, 8], layers: [{conv: 4, name: "@SUM(A1)"}]}')
    assert run(["run", str(path), "--format", "csv"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    cells = [cell for row in csv.reader(lines) for cell in row]
    assert "'@SUM(A1)" in cells
    assert not [cell for cell in cells if len(cell) > 1 and cell[0] in "=+@"]


def test_what_a_message_quotes_changes_no_terminal(memsim, tmp_path) -> None:
    head = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, "
    head += "Num Filter, Strides,\n"
    file = tmp_path / "a.csv"
    file.write_text(f"{head}\x1b[2Jc\u2028\0, 1, 1, 7, 7, 3, 64, 2,\n")
    code, out, err = memsim("run", str(file))
    assert (code, out) == (2, "")
    assert "\\x1b[2Jc\\u2028\\x00" in err
    assert err.endswith("\n")
    assert err[:-1].isprintable()
