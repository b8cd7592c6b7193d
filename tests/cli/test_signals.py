"""A command that is told to end leaves the file as it was, and nothing beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import memsim

SLOW = """\
import sys, time
import memsim.files
from memsim.cli.main import main

def parts(text):
    yield text[:10]
    print("half", flush=True)
    time.sleep(60)

whole = memsim.files.write_chunks
memsim.files.write_text = lambda path, text: whole(path, parts(text.encode()))
main(["describe", "resnet18", "-o", "out.json"])
"""
"""A command that stops in the middle of writing its file."""


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
)
def test_a_command_that_is_ended_while_it_writes(
    tmp_path: Path, how: signal.Signals, code: int
) -> None:
    (tmp_path / "out.json").write_text("as it was")
    root = str(Path(memsim.__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    time.sleep(0.05)  # it sleeps by now
    process.send_signal(how)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Traceback" not in err
    assert (tmp_path / "out.json").read_text() == "as it was"
    if how is not signal.SIGKILL:
        assert [each.name for each in tmp_path.iterdir()] == ["out.json"]


LOST = """\
import os, signal, sys, time
import memsim.cli.networks.list as command
from memsim.cli import boundary
from memsim.cli.main import main

boundary.SOON = float(sys.argv[2])

class Callback:
    def __del__(self):
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        time.sleep(0)  # where the exception is raised, and Python lets none out

def listing(*words, **more):
    Callback()
    time.sleep(60)

command.command.callback = listing
main(["list"])
"""
"""A signal that comes where it cannot end the command."""


@pytest.mark.parametrize("soon", ["0.002", "0"])
@pytest.mark.parametrize(("how", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_in_a_callback_is_heard_behind_it(how: str, code: int, soon: str) -> None:
    """Also where it is sent again before what sends it has returned, as on a machine under load."""
    process = subprocess.run(
        [sys.executable, "-c", LOST, how, soon], capture_output=True, timeout=30,
        env={**os.environ, "PYTHONPATH": str(Path(memsim.__file__).parent.parent)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (process.returncode, process.stderr.strip()) == (code, b"")
