"""``memsim playground``."""

from __future__ import annotations

import click

from memsim.cli.formats import PAGES, Kinds, send
from memsim.cli.output import output_option

WRITTEN = Kinds("a page", PAGES, "playground.html", usual="html", printed=True)


@click.command("playground")
@WRITTEN.option()
@output_option("The HTML file; where left out it is printed.")
def command(format_: str | None, output: str | None) -> None:
    """A page on which a block is edited by hand, and what it moves is seen at once.

    Growth, multiplier, depth and pattern are sliders; a click draws or removes a link. Arcs,
    lifetimes, live bytes and the traffic of every cache size follow, computed in the page, to the
    byte as memsim computes them. The file needs nothing else, no network either.

    \b
    memsim playground -o playground.html
    """
    from memsim.playground import playground

    WRITTEN.chosen(format_, output)
    send(playground(), output)
