"""``memsim trace``: to files and to the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memsim.cli.main import run


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command line in an empty directory; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> tuple[int, str, str]:
        code = run(["trace", *args])
        return code, *capsys.readouterr()

    return call


def test_perfetto_is_the_default(told) -> None:
    assert told("patterns/harmonic", "--cache", "1MB", "-o", "t.json") == (0, "", "")
    assert json.loads(Path("t.json").read_text())["otherData"]["network"] == "patterns/harmonic"


def test_a_trace_can_be_piped(told) -> None:
    code, out, err = told("patterns/harmonic", "-f", "dramsim3", "--cycle", "0.625ns")
    assert (code, err) == (0, "")
    first, second, *_ = out.splitlines()
    assert first == "0x0 READ 0"
    assert second.startswith("0x40 READ ")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("resnet18", "-f", "perfeto"), 2,
         "unknown trace format 'perfeto' (did you mean 'perfetto'?)"),
        (("resnet18", "--cycle", "0"), 2, "--cycle: a cycle takes some time (such as 0.625ns)"),
        (("resnet18", "-o", "no/t.json"), 2,
         "no/t.json: cannot be written: there is no directory no"),
        (("patterns/harmonic", "-f", "ramulator2", "--limit", "9", "-o", "t"), 1, None),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(told, args: tuple[str, ...], code: int, message: str | None) -> None:
    found = told(*args)
    assert found[:2] == (code, "")
    assert message is None or found[2] == f"memsim: {message}\n"
    assert not list(Path().iterdir())
