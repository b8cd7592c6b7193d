"""Networks of different files that call themselves alike are told apart, in tables and figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from memsim.cli.apart import apart
from memsim.cli.main import run

NETWORK = """\
name: net
input: [8, 16, 16]
layers:
  - conv: {{out: {channels}, kernel: 3}}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    names = []
    for folder, channels in (("a", 8), ("b", 16)):
        Path(folder).mkdir()
        names.append(f"{folder}/net.yaml")
        Path(names[-1]).write_text(NETWORK.format(channels=channels))
    return names


def test_a_table_and_a_figure_tell_them_apart(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", *files, "--cache", "8kB", "--format", "csv"]) == 0
    told = capsys.readouterr().out
    assert "net (a/net.yaml)" in told
    assert "net (b/net.yaml)" in told
    assert run(["plot", "moc", *files, "-o", "moc.svg"]) == 0
    drawn = Path("moc.svg").read_text()
    assert "a/net.yaml" in drawn
    assert "b/net.yaml" in drawn


def test_a_network_alone_keeps_its_name(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", files[0], "resnet18", "--cache", "1MB", "--format", "csv"]) == 0
    assert "(" not in capsys.readouterr().out.splitlines()[1].split(",")[0]


def test_as_much_of_a_path_as_is_needed() -> None:
    sources = ["x/a/n.yaml", "y/a/n.yaml", "y/b/n.yaml"]
    assert apart(["n"] * 3, sources) == ["n (x/a/n.yaml)", "n (y/a/n.yaml)", "n (b/n.yaml)"]
