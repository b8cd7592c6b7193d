"""Processes that measurements start."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

STARTS = """\
import subprocess, sys
subprocess.run([sys.executable, "-c", '''
import time
from memsim.measurement.child import end_with_starter
end_with_starter()
print("begun", flush=True)
time.sleep(30)
'''])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot be asked for it")
def test_a_process_ends_with_the_one_that_started_it() -> None:
    """However that ended; the pipe that both write to is closed when both have gone."""
    process = subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.kill()
    process.wait()
    closed, _, _ = select.select([process.stdout], [], [], 20)
    assert closed
    assert os.read(process.stdout.fileno(), 1) == b""
    process.stdout.close()
