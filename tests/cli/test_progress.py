"""How far a long pass is: told by the engine, shown on a terminal, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest

import memsim
from memsim.cli import progress
from memsim.cli.main import run
from memsim.progress import Stage, counted, listening, stage

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
        self._patch.setenv("COLUMNS", "100")
        self._patch.setattr(progress, "PATIENCE", self._patience)
        self._patch.setattr(progress, "PAUSE", 0.0)
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


def test_short_work_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal(monkeypatch, patience=1e9) as terminal:
        assert run(["run", "resnet18", "--cache", "1MiB", *LONG]) == 0
    assert terminal.text == ""


def test_a_stage_has_a_line_and_so_has_the_one_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal(monkeypatch) as terminal, progress.bar_of_stages():
        for name in counted(["a", "b"], "[letters]"):
            with stage(f"lines of {name}", 4000) as now:
                now.tell(1000)
                assert sys.stderr.isatty()
    first, second = terminal.text.split("lines of b", 1)
    assert "[letters]" in first
    assert "0 of 2" in first
    assert "lines of a" in first
    assert "25%" in first
    assert "1 of 2" in second
    assert "lines of a" not in second
    assert terminal.text.rstrip().endswith(WIPED)


def test_time_that_is_left_is_told_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal(monkeypatch) as terminal, progress.bar_of_stages():
        painter = progress._Painter()
        with listening(painter.hear), stage("known", 4) as known, stage("unknown") as unknown:
            painter._open.update({known: painter._open[known] - 9, unknown: 0.0})
            monkeypatch.setattr(progress.time, "monotonic", lambda: 0.0)
            began = painter._open[known]
            monkeypatch.setattr(progress.time, "monotonic", lambda: began + 30)
            painter._open[unknown] = began
            known.tell(1)
        painter.close()
    assert "1:30 left" in terminal.text
    assert "0:30" in terminal.text.replace("1:30 left", "")


def test_work_that_says_nothing_is_shown_too(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Terminal(monkeypatch, patience=0.05)
    with waiting as terminal, progress.bar_of_stages(), stage("silence"):
        for _ in range(200):
            if "silence" in terminal.text:
                break
            threading.Event().wait(0.05)
    assert "silence" in terminal.text
    assert terminal.text.rstrip().endswith(WIPED)


def test_a_stage_that_fails_leaves_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        with progress.bar_of_stages(), stage("work", 3) as now:
            now.tell(1)
            raise ZeroDivisionError

    with Terminal(monkeypatch) as terminal, pytest.raises(ZeroDivisionError):
        fails()
    assert "1 of 3" in terminal.text
    assert terminal.text.rstrip().endswith(WIPED)


def test_a_child_process_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal(monkeypatch) as terminal, progress.bar_of_stages():
        monkeypatch.setattr(progress.os, "getpid", lambda: -1)
        with stage("work of a child", 3) as now:
            now.tell(1)
    assert terminal.text == ""


def test_an_engine_tells_growing_numbers_up_to_all_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    heard: list[tuple[int, int]] = []

    def hear(now: Stage) -> None:
        if now.what == "cache accesses" and not now.ended:
            heard.append((now.done, now.total))

    network = memsim.load("resnet18", input_shape=(3, 32, 32))
    with listening(hear):
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


STAGES = {
    ("run", "NET"): {
        "reading net.yaml", "shapes of layers", "kernels cut into tasks", "kernels planned",
        "lru cache of 128KiB", "time of each task", "answer",
    },
    ("run", "NET", "--policy", "belady"): {"belady cache of 128KiB"},
    ("run", "NET", "--policy", "pinned"): {"what stays on chip"},
    ("run", "NET", "--order", "best"): {"task orders"},
    ("run", "NET", "--schedule", "auto"): {"groupings tried", "rows that kernels need"},
    ("run", "NET", "--layer-order", "min_traffic"): {"search for the layer order min_traffic"},
    ("curve", "NET"): {"accesses, at every cache size"},
    ("memory", "NET", "--allocator", "arena"): {"places in memory, allocator arena"},
    ("bounds", "NET"): {"bound of every policy", "bound of every program", "policies",
                      "rungs of the ladder"},
    ("explain", "NET"): {"changes tried"},
    ("compare", "NET"): {"networks read", "networks"},
    ("plot", "lifetimes", "NET", "-o", "out.png"): {"figure lifetimes"},
    ("report", "NET", "-o", "out.html"): {"networks", "page"},
    ("size", "NET", "--over", "bandwidth", "--fps", "60"): {"search for the smallest bandwidth"},
}  # fmt: skip
"""What a few commands tell that they do."""

QUICK = (("run", "NET"), ("run", "NET", "--schedule", "auto"), ("curve", "NET"))
CACHED = ("run", "bounds", "explain", "compare")
NEEDED = {"bounds": ["scipy"], "plot": ["matplotlib"]}

NETWORK = """
name: small
input: [4, 20, 20]
layers:
  - {name: a, conv: {out: 64, kernel: 3}}
  - {conv: {out: 64, kernel: 3}, from: a}
  - conv: {out: 64, kernel: 3}
  - {name: b, conv: {out: 64, kernel: 3}, from: a}
  - {name: c, conv: {out: 64, kernel: 3}, from: a}
  - {add: [b, c]}
"""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            command,
            id=" ".join(command),
            marks=[pytest.mark.needs(each) for each in NEEDED.get(command[0], ())]
            + ([] if command in QUICK else [pytest.mark.slow]),
        )
        for command in STAGES
    ],
)
def test_commands_tell_what_they_do(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NETWORK)
    heard: dict[str, tuple[int, int]] = {}
    open_ = []

    def hear(now: Stage) -> None:
        if now.ended:
            assert open_.pop() is now
            heard[now.what] = now.done, now.total
        elif now not in open_:
            open_.append(now)

    words = ["net.yaml" if word == "NET" else word for word in command]
    with listening(hear):
        assert run([*words, *(["--cache", "128KiB"] if command[0] in CACHED else [])]) == 0
    assert not open_
    assert STAGES[command] <= set(heard)
    assert all(done <= total for done, total in heard.values() if total)
