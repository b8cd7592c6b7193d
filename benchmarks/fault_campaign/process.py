"""Processes of the campaign, and failures as they are told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ON_STANDARD_INPUT = b"name: toy\ninput: [3, 32, 32]\nlayers:\n  - conv: 8\n  - conv: 8\n"
"""What ``-`` reads."""

WORST = 300
"""Seconds after which a command is said to hang."""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: bytes
    err: bytes
    seconds: float

    @property
    def told(self) -> str:
        return self.err.decode(errors="replace")

    @property
    def is_unforeseen(self) -> bool:
        """Whether it tells what nobody who uses memsim should read."""
        words = (b"Traceback", b"Exception ignored", b"not foreseen", b"Fatal Python error")
        return any(word in self.err for word in words)


def line(words: str, *flags: str) -> list[str]:
    return [sys.executable, *flags, "-m", "memsim", *words.split()]


def start(
    words: list[str], folder: Path, out: int = subprocess.DEVNULL, **settings: str | None
) -> subprocess.Popen[bytes]:
    """Start a process, a group of its own; a setting of None takes it out of the environment."""
    environment = {**os.environ, **settings}
    read, write = os.pipe()
    os.write(write, ON_STANDARD_INPUT)
    os.close(write)
    try:
        return subprocess.Popen(
            words, cwd=folder, stdin=read, stdout=out, stderr=subprocess.PIPE,
            env={name: value for name, value in environment.items() if value is not None},
            start_new_session=True,
            # A shell starts what runs behind "&" with SIGINT ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
    finally:
        os.close(read)


def wait(process: subprocess.Popen[bytes], began: float) -> Ended:
    """The end of a process; of one that hangs too."""
    try:
        out, err = process.communicate(timeout=WORST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        err += b"\nTraceback: it hung, and was ended"
    return Ended(process.returncode, out or b"", err, time.monotonic() - began)


def run(
    words: str | list[str], folder: Path, *flags: str, out: int = subprocess.DEVNULL,
    **settings: str | None,
) -> Ended:  # fmt: skip
    """Run a command to its end."""
    began = time.monotonic()
    told = line(words, *flags) if isinstance(words, str) else words
    return wait(start(told, folder, out, **settings), began)


def left_running(group: int, patience: float = 5.0) -> bool:
    """Whether a group still has processes after some seconds; they are ended then."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except OSError:
            return False
        time.sleep(0.05)
    with suppress(OSError):
        os.killpg(group, signal.SIGKILL)
    return True


@dataclass
class Log:
    """What was tried and what failed, told at once; threads may share it."""

    tried: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = field(default_factory=time.monotonic)

    def enter(self, kind: str, what: str, wrong: str, err: str = "", note: str = "") -> None:
        """One more was tried; where something is wrong it is printed, with the end of ``err``."""
        with self._lock:
            self.tried[kind] += 1
            if note:
                self.noted[f"{kind}: {note}"] += 1
            if wrong:
                self.failed[kind] += 1
                print(f"FAILED  {kind}: {what}\n        {wrong}", flush=True)
                for each in err.strip().splitlines()[-12:]:
                    print(f"        | {each}", flush=True)
            sum_ = sum(self.tried.values())
            if sys.stderr.isatty() or sum_ % 10 == 0:
                end = "\r" if sys.stderr.isatty() else "\n"
                told = f"{time.monotonic() - self._began:6.0f} s  {sum_} tried, "
                told += f"{sum(self.failed.values())} failed; {kind}: {what}"
                print(told[:110], end=end, file=sys.stderr, flush=True)

    def lines(self) -> list[str]:
        """The outcome as a table."""
        wide = max(map(len, self.tried), default=0)
        lines = [f"{'kind':{wide}}  tried  failed"]
        lines += [f"{k:{wide}}  {n:5}  {self.failed[k]:6}" for k, n in self.tried.items()]
        both = sum(self.tried.values()), sum(self.failed.values())
        lines += [f"{'all':{wide}}  {both[0]:5}  {both[1]:6}"]
        return lines + [f"{number} x {note}" for note, number in self.noted.items()]
