"""Progress bars on standard error, where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from memsim.sweeps.verb import Progress


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], object]]:
    """A function of what is done and of how much there is; it draws nothing but on a terminal.

    Parameters
    ----------
    what : str
        What is counted, in the plural.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = (what, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


PATIENCE = 0.5
"""Seconds that a pass may take before it is shown how far it is."""


@contextmanager
def bar_of_passes() -> Iterator[None]:
    """Show how far each long pass of an engine is that is made while a block runs."""
    if not sys.stderr.isatty():
        yield
        return
    from memsim.engines.progress import listening

    with _PassBar() as bar, listening(bar.tell):
        yield


class _PassBar(ExitStack):
    """A bar that stands while a long pass is made, and is gone before anything is printed."""

    def __init__(self) -> None:
        super().__init__()
        self._done = 0
        self._began = 0.0
        self._update: Callable[[int, int], object] | None = None

    def tell(self, done: int, total: int) -> None:
        """So much of a pass is done; fewer than before is another pass."""
        if self._done == 0 or done < self._done:
            self._began = time.monotonic()
        self._done = done
        if self._update is None and time.monotonic() - self._began >= PATIENCE:
            self._update = self.enter_context(_accesses())
        if self._update is not None:
            self._update(done, total)
        if done >= total:
            self._done, self._update = 0, None
            self.close()


@contextmanager
def _accesses() -> Iterator[Callable[[int, int], object]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = ("cache accesses", BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


EVERY = 10.0
"""Seconds between the lines that tell progress where no bar can."""


@contextmanager
def bar_of_points() -> Iterator[Callable[[Progress], object]]:
    """A function of how far a sweep is: a bar on a terminal, a line now and then elsewhere."""
    from memsim.engines.progress import listening

    with listening(lambda done, total: None), _points() as tell:
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
