"""What the documentation shows is what memsim does: every session of every page is run.

A page's sessions run in a folder of their own, in which lie the files that the page shows under a
caption. Python sessions run in processes of their own, as a reader's would. Commands of memsim run
in this process, through the function that the installed script calls: starting one for each of some
hundred lines took most of the time.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import memsim
from memsim.cli.main import run
from memsim.plot import FIGURES
from tests.sessions import python_session, shown

DOCS = Path(__file__).parent.parent / "docs"
MADE = {"drawn", "lessons"}
"""Folders that building the documentation fills."""

PAGES = [page for page in sorted(DOCS.rglob("*.md")) if page.parent.name not in MADE]
FILE = re.compile(r"^```\{code-block\} \w+\n:caption: (\S+)\n\n(.*?)^```", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^>>> ", re.MULTILINE)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPOKEN = re.compile(r"^```text\n(\$ .*?)^```", re.DOTALL | re.MULTILINE)
"""Sessions that show what is told on standard error, or that end with an error."""

LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")

NEEDS = {
    "design/ladder.md": "scipy",
    "howto/batch.md": "xarray",
    "howto/machine.md": "xarray",
    "howto/onnx.md": "onnx",
    "howto/policy.md": "xarray",
    "howto/pytorch.md": "torch",
    "howto/search.md": "optuna",
    "howto/sweep.md": "xarray",
}
"""Pages whose sessions need an optional module."""


def name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def those_with(found: re.Pattern[str]) -> list[pytest.param]:
    """The pages with something to run, marked with what they need."""
    return [
        pytest.param(
            page,
            id=name(page),
            marks=[pytest.mark.needs(NEEDS[name(page)])] if name(page) in NEEDS else [],
        )
        for page in PAGES
        if found.search(page.read_text(encoding="utf-8"))
    ]


def output_of(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str, list[int]]:
    """What a line of a console session prints, in the folder that the process is in, what memsim
    tells on standard error, and how it ends, each time."""
    printed, told, ends = "", "", []
    for part in line.split(" | "):
        first, *words = shlex.split(part)
        if first == "memsim":
            with monkeypatch.context() as here:
                here.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(printed.encode())))
                ends.append(run(words))
            printed, said = capsys.readouterr()
            told += said
            continue
        settings = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
        printed = subprocess.run(
            [sys.executable, *words] if first == "python" else part,
            shell=first != "python",
            env=settings,
            input=printed,
            capture_output=True,
            encoding="utf-8",
            check=False,
        ).stdout
    return printed, told, ends


@pytest.fixture(name="folder")
def _folder(page: Path, tmp_path: Path) -> Path:
    for file, text in FILE.findall(page.read_text(encoding="utf-8")):
        (tmp_path / file).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", those_with(PYTHON))
def test_python_sessions(page: Path, folder: Path) -> None:
    python_session(page, folder)


def commands(kind: re.Pattern[str], page: Path) -> Iterator[tuple[str, str]]:
    """The lines that a page's sessions of a kind enter, and what it shows of each."""
    for session in kind.findall(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            line, _, expected = part.partition("\n")
            yield line, expected


@pytest.mark.parametrize("page", those_with(CONSOLE))
def test_console_sessions(
    page: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    for line, expected in commands(CONSOLE, page):
        printed, told, ends = output_of(line, capsys, monkeypatch)
        assert max(ends, default=0) <= (" check " in line), told  # a budget may be missed
        shown(page, f"$ {line}\n{expected}", f"$ {line}\n{printed}")


@pytest.mark.parametrize("page", those_with(SPOKEN))
def test_sessions_that_tell_of_errors(
    page: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    for line, expected in commands(SPOKEN, page):
        if ">" in line:  # closed and full streams: tests/cli/test_boundary.py
            continue
        printed, told, _ = output_of(line, capsys, monkeypatch)
        shown(page, f"$ {line}\n{expected}", f"$ {line}\n{printed}{told}")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_something(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / link
        if target.parent.name == "lessons":  # copied from there when the documentation is built
            target = DOCS.parent / "notebooks" / target.name
        assert target.exists(), link


def test_no_page_installs_memsim_from_an_index_that_has_none() -> None:
    root = DOCS.parent
    for page in [*PAGES, *root.glob("*.md"), *root.glob("notebooks/*.md")]:
        assert not re.search(r"memsim\[[a-z,]+\]|pip install memsim", page.read_text("utf-8")), page


def test_every_kind_of_figure_is_shown() -> None:
    text = (DOCS / "figures.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{drawn\} (\w+)", text, re.MULTILINE) == list(FIGURES)


def test_every_comparison_is_explained() -> None:
    text = (DOCS / "trust.md").read_text(encoding="utf-8")
    report = (DOCS / "fidelity.md").read_text(encoding="utf-8")
    summary = report.partition("\n- **gtx1080**")[0]
    names = re.findall(r"^\| ([a-z]\S+) \|", summary, re.MULTILINE)
    assert len(names) > 20
    rows = "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    explained = re.findall(r"`(\w+)`", rows)
    assert sorted(explained) == sorted(name.replace("\\", "") for name in names)


def test_every_public_name_is_described() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    described = re.findall(r"auto\w+:: memsim\.(\w+)$", text, re.MULTILINE)
    assert sorted(described) == sorted(memsim.__all__)
