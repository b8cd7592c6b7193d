"""What a command will take: told before the work, and --force where it would be refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from memsim.cli.once import once

if TYPE_CHECKING:
    from memsim.limits import Forecast

LONG = 10.0
"""Seconds from which on it is told what a program will take."""

force_option = once("--force", is_flag=True, help="Go on where a network is refused for its size.")


@contextmanager
def told_before(force: bool) -> Iterator[None]:
    """Tell on standard error what each large program will take, once for each network.

    Of the largest ones twice: what they take at least, and when it is counted what they take.
    """
    from memsim.limits import forced, foretelling

    told: set[tuple[str, bool]] = set()

    def tell(forecast: Forecast) -> None:
        if forecast.seconds >= LONG and (forecast.name, forecast.least) not in told:
            told.add((forecast.name, forecast.least))
            click.echo(f"memsim: note: {forecast}", err=True)

    with forced(force), foretelling(tell):
        yield
