"""The campaign of faults in small, and that it would tell what it looks for."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from benchmarks.fault_campaign import moments, together
from benchmarks.fault_campaign.commands import COMMANDS, Command
from benchmarks.fault_campaign.conditions import judge
from benchmarks.fault_campaign.moments import OLD, Undisturbed, killed, undisturbed, when_it_writes
from benchmarks.fault_campaign.process import Ended, Log
from memsim.cli.main import COMMANDS as ALL

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals as Linux has them")

LISTED = Command("list operators -o out.json")
WHOLE = Undisturbed({"out.json": b"whole"}, 1.0)


def test_every_command_is_in_the_campaign() -> None:
    assert {each.words.split()[0] for each in COMMANDS} == set(ALL)
    assert len({each.words for each in COMMANDS}) == len(COMMANDS)


def test_a_moment_can_be_had_again() -> None:
    assert moments.draw(17, 3) == moments.draw(17, 3)
    drawn = [moments.draw(number, 0) for number in range(200)]
    assert {each.how for each in drawn} == set(moments.SIGNALS)
    assert 30 < sum(each.aimed for each in drawn) < 70
    assert {each.command for each in drawn} == set(COMMANDS)


@pytest.mark.parametrize(
    ("code", "err", "held", "beside", "told"),
    [
        (0, b"", b"whole", "", ""),
        (2, b"memsim: the disk is full", OLD.encode(), "", ""),
        (0, b"", b"who", "", "exit code 0, and out.json is not what it writes undisturbed"),
        (2, b"memsim: the disk is full", b"who", "", "out.json is not as it was"),
        (2, b"", OLD.encode(), "", "exit code 2, and nothing says why"),
        (1, b"Traceback (most", OLD.encode(), "", "it tells a traceback or the like"),
        (0, b"", b"whole", ".out.json.12345678.half", "left behind: ['.out.json.12345678.half']"),
    ],
)
def test_what_it_makes_of_an_end(
    tmp_path: Path, code: int, err: bytes, held: bytes, beside: str, told: str
) -> None:
    (tmp_path / "out.json").write_bytes(held)
    if beside:
        (tmp_path / beside).touch()
    old = {"out.json": OLD.encode()}
    assert judge(LISTED, tmp_path, WHOLE, old, Ended(code, b"", err, 1.0)) == told


CARELESS = 'open("out.json", "w").write("who"); open(".half", "w"); import time; time.sleep(60)'


def test_it_tells_of_a_careless_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "line", lambda words: [sys.executable, "-c", CARELESS])
    moment = when_it_writes(60, 0.0)
    wrong, _, _ = killed(LISTED, tmp_path, WHOLE, signal.SIGTERM, moment, False)
    assert wrong == (
        "out.json is neither the old nor the new one: {'out.json': 3}; left behind: ['.half']"
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", moments.SIGNALS)
def test_a_command_that_is_ended_when_it_begins_to_write(
    tmp_path: Path, how: signal.Signals
) -> None:
    folder = tmp_path / "here"
    whole = undisturbed(LISTED, folder)
    wrong, ended, _ = killed(LISTED, folder, whole, how, when_it_writes(9, 0.0), False)
    assert not wrong, ended.told


@pytest.mark.slow
def test_three_commands_with_one_output(tmp_path: Path) -> None:
    folder, log = tmp_path / "here", Log()
    together.same_output(LISTED, folder, undisturbed(LISTED, folder), log, 3)
    assert dict(log.tried) == {"3 on one output": 1}
    assert not log.failed
