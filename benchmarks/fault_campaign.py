"""Faults: commands that are killed, starved or misled must lose nothing and write nothing half.

Every command that writes a file is ended at random moments by SIGTERM, SIGINT and SIGKILL; the file
must then be as it was, or whole. Then the same commands meet a full disk, a folder that cannot be
written to, a closed standard output, another locale, a narrow terminal, Python's -O and -W error, a
corrupt and a contended cache of compiled code. Nothing may end in a traceback.

``python benchmarks/fault_campaign.py [MOMENTS]`` prints a line per kind of fault, and what went
wrong; the exit code is the number of failures, at most 100. 200 moments take some minutes.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

COMMANDS = (
    "run resnet18 -o out.json",
    "run patterns/dense --machine textbook -o out.csv",
    "curve hardnet39ds -o out.json",
    "describe densenet121 -o out.md",
    "explain patterns/harmonic --machine textbook -o out.md",
    "compare resnet18 squeezenet1_0 -o out.html",
    "expand hardnet68 -o out.yaml",
    "trace resnet18 -o out.json",
    "plot curve resnet18 -o out.svg",
    "graph resnet18 -o out.svg",
    "report squeezenet1_0 -o out.html",
    "microscope patterns/harmonic --machine textbook -o out.html",
    "playground -o out.html",
    "sweep squeezenet1_0 --cache 64KiB,256KiB,1MiB --workers 1 -o out.csv",
    "schema -o out.json",
)
"""Each writes one file."""

OLD = "what was there before\n"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
FULL = Path("/dev/full")


def command(words: str, *flags: str) -> list[str]:
    return [sys.executable, *flags, "-m", "memsim", *words.split()]


def start(words: list[str], folder: Path, **settings: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words, cwd=folder, env={**os.environ, **settings},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        # A shell starts what runs behind "&" with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def whole(words: str, folder: Path) -> tuple[str, bytes, float]:
    """The name and the content of the file that a command writes undisturbed, and its seconds."""
    name = words.split()[-1]
    began = time.monotonic()
    process = start(command(words), folder)
    _, err = process.communicate()
    assert process.returncode == 0, (words, err.decode())
    content = (folder / name).read_bytes()
    return name, content, time.monotonic() - began


def killed(words: str, folder: Path, moment: float, how: signal.Signals) -> str:
    """What is wrong after a command is ended at a moment; empty where nothing is."""
    name = words.split()[-1]
    for left in folder.iterdir():
        if left.is_file():
            left.unlink()
    if not words.startswith("sweep"):  # which writes over nothing
        (folder / name).write_text(OLD)
    process = start(command(words), folder)
    time.sleep(moment)
    process.send_signal(how)
    _, err = process.communicate()
    left = sorted(each.name for each in folder.iterdir() if each.is_file())
    hidden = [each for each in left if each.startswith(".")]
    found = (folder / name).read_bytes() if (folder / name).exists() else None
    if b"Traceback" in err:
        return f"a traceback: {err.decode()[-300:]}"
    if hidden and how is not signal.SIGKILL:
        return f"left behind: {hidden}"
    if found not in (None, OLD.encode()) and not found.rstrip().endswith(ENDS[words]):
        return f"{name} is neither the old nor the new one: {len(found)} bytes"
    return ""


ENDS: dict[str, bytes] = {}
"""How the file of each command ends."""


def moments(number: int, folder: Path, seed: int = 0) -> list[str]:
    """End commands at so many random moments; what went wrong."""
    draw = random.Random(seed)
    lasts = {}
    for words in COMMANDS:
        for left in folder.iterdir():
            if left.is_file():
                left.unlink()
        _, content, lasts[words] = whole(words, folder)
        ENDS[words] = content.rstrip()[-20:]
    wrong = []
    for at in range(number):
        words, how = COMMANDS[at % len(COMMANDS)], SIGNALS[draw.randrange(3)]
        moment = draw.uniform(0.05, 1.1 * lasts[words])
        if told := killed(words, folder, moment, how):
            wrong.append(f"{words}, {how.name} after {moment:.2f} s: {told}")
    return wrong


def conditions(folder: Path) -> list[str]:
    """Commands under conditions that are not theirs to choose; what went wrong."""
    wrong = []

    def check(what: str, words: list[str], codes: tuple[int, ...], **settings: str) -> None:
        process = start(words, folder, **settings)
        _, err = process.communicate()
        if process.returncode not in codes or b"Traceback" in err:
            wrong.append(
                f"{what}: {' '.join(words[1:])}: {process.returncode} {err.decode()[-300:]}"
            )

    for words in COMMANDS:
        name = words.split()[-1]
        if (folder / name).exists():
            (folder / name).unlink()
        check("LANG=C", command(words), (0,), LANG="C", LC_ALL="C", PYTHONUTF8="0")
        (folder / name).unlink(missing_ok=True)
        check("40 columns", command(words.rsplit(" -o ", 1)[0]), (0, 2), COLUMNS="40")
        check("python -O", command(words, "-O"), (0,))
        (folder / name).unlink(missing_ok=True)
        check("python -W error", command(words, "-W", "error"), (0,))
        (folder / name).unlink(missing_ok=True)
        check("a folder that is not there", command(f"{words}/none/{name}"), (2,))
        if FULL.exists() and not words.startswith("sweep"):
            check("a full disk", command(words.replace(name, str(FULL))), (2,))
    cache = folder / "numba"
    cache.mkdir(exist_ok=True)
    long = command("run fc_densenet103 --policy fifo")
    pair = [start(long, folder, NUMBA_CACHE_DIR=str(cache)) for _ in range(2)]
    for process in pair:
        _, err = process.communicate()
        if process.returncode or b"Traceback" in err:
            wrong.append(f"two on a cold cache: {err.decode()[-300:]}")
    for each in filter(Path.is_file, cache.rglob("*")):
        each.write_bytes(each.read_bytes()[: each.stat().st_size // 2])
    check("a corrupt cache of compiled code", long, (0,), NUMBA_CACHE_DIR=str(cache))
    return wrong


def main(number: int) -> int:
    with tempfile.TemporaryDirectory() as told:
        folder = Path(told)
        wrong = moments(number, folder)
        print(f"{number} moments of {len(COMMANDS)} commands: {len(wrong)} failures")
        under = conditions(folder)
        print(f"{len(COMMANDS)} commands under other conditions: {len(under)} failures")
    for line, times in Counter([*wrong, *under]).items():
        print(f"{times} x {line}")
    return min(len(wrong) + len(under), 100)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
