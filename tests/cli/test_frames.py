"""``--frames`` on the command line."""

from __future__ import annotations

import json

import pytest

from memsim.cli.main import run


def told(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = run(args)
    return (code, *capsys.readouterr())


@pytest.mark.parametrize("number", ["0", "-1"])
def test_no_frames_are_an_error(capsys: pytest.CaptureFixture[str], number: str) -> None:
    code, out, err = told(capsys, "run", "resnet18", "--frames", number)
    assert (code, out) == (2, "")
    assert err == (
        f"memsim: frames: {number} is no number of inferences (a whole number, at least 1)\n"
    )


@pytest.mark.parametrize("number", ["2.5", "many", ""])
def test_what_is_no_number_is_an_error(capsys: pytest.CaptureFixture[str], number: str) -> None:
    code, out, err = told(capsys, "run", "resnet18", "--frames", number)
    assert (code, out) == (2, "")
    assert "--frames" in err


def test_too_many_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capsys, "run", "resnet18", "--machine", "edge", "--frames", "10000000000")
    assert (code, out) == (1, "")
    assert "frames: 10,000,000,000 frames of resnet18 take more than 100,000,000 accesses" in err
    assert "(at most " in err


@pytest.mark.parametrize(
    "command",
    [
        ("run", "patterns/harmonic"),
        ("curve", "patterns/harmonic"),
        pytest.param(("bounds", "patterns/harmonic"), marks=pytest.mark.needs("scipy")),
        ("compare", "patterns/harmonic", "patterns/dense"),
    ],
    ids=str,
)
def test_commands_that_heed_it(capsys: pytest.CaptureFixture[str], command: tuple[str]) -> None:
    options = ("--machine", "edge", "--format", "json")
    one, three = (
        json.loads(told(capsys, *command, *options, *more)[1]) for more in ((), ("--frames", "3"))
    )
    assert one["config"].get("frames") is None
    assert three["config"]["frames"] == 3
    assert told(capsys, *command, *options, "--frames", "1")[1] == json.dumps(one, indent=2) + "\n"


def test_a_memory_plan_refuses_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = told(capsys, "memory", "resnet18", "--frames", "2")
    assert code == 2
    assert "a memory plan is of one inference" in err or "--frames" in err
