"""How far a long pass is: told by the engine, shown on a terminal, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from itertools import pairwise

import pytest

import memsim
from memsim.cli import progress
from memsim.cli.main import run
from memsim.engines.progress import listening, tell

LONG = ("--machine", "zen3", "--input", "3x32x32")


class Terminal:
    """A pseudo-terminal as standard error for a block; what is written to it is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, patience: float = 0.0) -> None:
        self._patch, self._patience = monkeypatch, patience
        self._pieces: list[bytes] = []

    def __enter__(self) -> Terminal:
        self._reads, writes = os.openpty()
        self._file = os.fdopen(writes, "w", encoding="utf-8")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._patch.setattr(sys, "stderr", self._file)
        self._patch.setenv("TERM", "xterm")
        self._patch.setattr(progress, "PATIENCE", self._patience)
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        self._file.close()
        self._reader.join()
        os.close(self._reads)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # nobody has the other end open any more
            while piece := os.read(self._reads, 4096):
                self._pieces.append(piece)

    @property
    def text(self) -> str:
        return b"".join(self._pieces).decode("utf-8")


WIPED = "\x1b[2K"
"""What a terminal is told to empty a line."""


@pytest.mark.parametrize(
    "command", [("run", "resnet18", "--cache", "1MiB"), ("curve", "resnet18", "--cache", "1MiB")]
)
def test_a_long_pass_has_a_bar_on_a_terminal_and_nowhere_else(
    command: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Terminal(monkeypatch) as terminal:
        assert run([*command, *LONG]) == 0
    said = capsys.readouterr()
    assert "cache accesses" in terminal.text
    assert terminal.text.rstrip().endswith(WIPED)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    assert run([*command, *LONG]) == 0
    assert capsys.readouterr() == said
    assert said.err == ""


def test_a_short_pass_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal(monkeypatch, patience=1e9) as terminal:
        assert run(["run", "resnet18", "--cache", "1MiB", *LONG]) == 0
    assert terminal.text == ""


def test_each_pass_has_a_bar_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal(monkeypatch) as terminal, progress.bar_of_passes():
        for done in (1, 2, 4, 1):
            tell(done, 4)
    first, second = terminal.text.split("\x1b[?25h")[:2]  # a bar that ends shows the cursor again
    assert "100%" in first
    assert "25%" in second
    assert "100%" not in second


def test_a_pass_that_fails_leaves_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        with progress.bar_of_passes():
            tell(1, 3)
            raise ZeroDivisionError

    with Terminal(monkeypatch) as terminal, pytest.raises(ZeroDivisionError):
        fails()
    assert "33%" in terminal.text
    assert terminal.text.rstrip().endswith(WIPED)


def test_an_engine_tells_growing_numbers_up_to_all_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    heard: list[tuple[int, int]] = []
    network = memsim.load("resnet18", input_shape=(3, 32, 32))
    with listening(lambda done, total: heard.append((done, total))):
        result = memsim.run(network, machine="zen3", cache="1MiB", frames=2)
    (total,) = {total for _, total in heard}
    done = [done for done, _ in heard]
    assert len(done) > 1
    assert all(one < other for one, other in pairwise(done))
    lines = sum(
        int(((s.start + s.length - 1) // 64 - s.start // 64 + 1).sum())
        for s, _ in result.program.spans
    )
    assert done[-1] == total == lines
    assert capsys.readouterr() == ("", "")
