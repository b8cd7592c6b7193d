"""Progress on standard error, where that is a terminal: what is made, how far it is, time left.

One painter draws all of it. It hears of the stages that a command goes through, and draws those
that are open once the command has worked for a while. What makes no steps that it could tell of is
drawn by a thread, so that nobody waits without a word.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from memsim.progress import Stage, listening, stage

if TYPE_CHECKING:
    from memsim.sweeps.verb import Progress

PATIENCE = 1.0
"""Seconds that a command works before it is shown what it does."""

PAUSE = 0.25
"""Seconds between two pictures."""

DEEPEST = 3
"""Stages inside one another that are shown."""

COUNTED = 1000
"""Steps up to which they are counted; of more the share is told."""


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], object]]:
    """A function of what is done and of how much there is, which the command's bars show.

    Parameters
    ----------
    what : str
        What is counted, in the plural.
    """
    with stage(what) as now:
        yield now.tell


@contextmanager
def bar_of_stages() -> Iterator[None]:
    """Show the stages of long work while a block runs: one line each, gone when they have ended."""
    if not sys.stderr.isatty():
        yield
        return
    painter = _Painter()
    try:
        with listening(painter.hear):
            yield
    finally:
        painter.close()


class _Painter:
    """The stages that are open, and their picture on the terminal, if there is one."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._watching = False
        self._open: dict[Stage, float] = {}
        self._begun = self._drawn = 0.0
        self._picture: _Picture | None = None

    def hear(self, now: Stage) -> None:
        """Take note of a stage that begins, goes on or has ended."""
        if os.getpid() != self._process:
            return  # a child of this process, which shows nothing
        with self._lock:
            if now.ended:
                self._open.pop(now, None)
                if not self._open:
                    self._wipe()
                return
            self._open.setdefault(now, time.monotonic())
            self._begun = self._begun or time.monotonic()
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="progress", daemon=True).start()
        self._look()

    def close(self) -> None:
        """Draw nothing any more."""
        self._closed.set()
        with self._lock:
            self._open.clear()
            self._wipe()

    def _watch(self) -> None:
        while not self._closed.wait(max(PAUSE, 0.1)):
            self._look()

    def _look(self) -> None:
        """Draw what is open, if it is time."""
        with self._lock:
            now = time.monotonic()
            early = now - self._begun < PATIENCE or now - self._drawn < PAUSE
            if early or not self._open or self._closed.is_set():
                return
            self._drawn = now
            if self._picture is None:
                self._picture = _Picture()
            self._picture.draw(self._open, now)

    def _wipe(self) -> None:
        picture, self._picture = self._picture, None
        if picture is not None:
            picture.wipe()


class _Picture:
    """Lines on a terminal, one for each stage that is open."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[far]}"),
            TextColumn("[dim]{task.fields[time]}"),
        )  # fmt: skip
        console = Console(stderr=True)
        self._shown = Progress(*columns, console=console, transient=True, auto_refresh=False)
        self._shown.start()
        self._tasks: dict[Stage, Any] = {}

    def draw(self, stages: dict[Stage, float], now: float) -> None:
        """Show how far some stages are that began at a time each."""
        from rich.markup import escape

        for gone in set(self._tasks) - set(stages):
            self._shown.remove_task(self._tasks.pop(gone))
        for each, begun in list(stages.items())[:DEEPEST]:
            if each not in self._tasks:
                what = escape(each.what)
                self._tasks[each] = self._shown.add_task(what, total=None, far="", time="")
            done, total = each.done, each.total
            self._shown.update(
                self._tasks[each], completed=done, total=total or None, far=_far(done, total),
                time=_time(now - begun, done, total),
            )  # fmt: skip
        self._shown.refresh()

    def wipe(self) -> None:
        """Leave nothing of it."""
        self._shown.stop()


def _far(done: int, total: int) -> str:
    """How far that is.

    Examples
    --------
    >>> _far(3, 8), _far(500, 2000), _far(12, 0), _far(0, 0)
    ('3 of 8', '25%', '12', '')
    """
    if not total:
        return f"{done:,}" if done else ""
    return f"{done} of {total}" if total <= COUNTED else f"{100 * done // total}%"


def _time(seconds: float, done: int, total: int) -> str:
    """The time that is left if it goes on like this, or the time that has passed.

    Examples
    --------
    >>> _time(10, 1, 4), _time(75.2, 0, 4), _time(7300, 5, 0)
    ('0:30 left', '1:15', '2:01:40')
    """
    known = 0 < done <= total
    whole = math.ceil(seconds * (total - done) / done) if known else int(seconds)
    minutes, left = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
    return f"{clock} left" if known else clock


EVERY = 10.0
"""Seconds between the lines that tell progress where no bar can."""


@contextmanager
def bar_of_points() -> Iterator[Callable[[Progress], object]]:
    """A function of how far a sweep is: a bar on a terminal, a line now and then elsewhere."""
    with listening(None), _points() as tell:
        yield tell


@contextmanager
def _points() -> Iterator[Callable[[Progress], object]]:
    if not sys.stderr.isatty():
        yield _Lines().tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        "points", BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(), TextColumn("[red]{task.fields[failed]}"),
    )  # fmt: skip
    began = time.monotonic()
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None, rate="", failed="")

        def tell(far: Progress) -> None:
            rate = (far.done - far.kept) / max(time.monotonic() - began, 1e-3)
            failed = f"{far.failed:,} failed" if far.failed else ""
            shown.update(
                task, completed=far.done, total=far.points, rate=f"{rate:,.0f}/s", failed=failed
            )

        yield tell


class _Lines:
    """Progress in lines: now and then, and when all is done."""

    def __init__(self) -> None:
        self.began = self.told = time.monotonic()

    def tell(self, far: Progress) -> None:
        """Print a line if it is time, or all is done."""
        now = time.monotonic()
        if far.done < far.points and now - self.told < EVERY:
            return
        if far.done == far.points and self.told == float("inf"):
            return
        made = far.done - far.kept
        rate = made / max(now - self.began, 1e-3)
        left = (far.points - far.done) / rate if rate else 0.0
        words = [f"{far.done:,} of {far.points:,} points"]
        words += [f"{far.kept:,} found finished"] if far.kept else []
        words += [f"{rate:,.0f} a second", f"{left:,.0f} s left"] if far.done < far.points else []
        words += [f"{far.failed:,} failed"] if far.failed else []
        click.echo(f"memsim: {', '.join(words)}", err=True)
        self.told = now if far.done < far.points else float("inf")
