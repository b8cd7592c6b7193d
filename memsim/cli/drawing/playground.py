"""``memsim playground``."""

from __future__ import annotations

import click

from memsim.cli.once import once


@click.command("playground")
@once("-o", "--output", metavar="FILE", required=True, help="The HTML file to write.")
def command(output: str) -> None:
    """A page on which a block is edited by hand, and what it moves is seen at once.

    Growth, multiplier, depth and pattern are sliders; a click draws or removes a link. Arcs,
    lifetimes, live bytes and the traffic of every cache size follow, computed in the page, to the
    byte as memsim computes them. The file needs nothing else, no network either.

    \b
    memsim playground -o playground.html
    """
    from memsim.files import check_writable, write_text
    from memsim.playground import playground

    check_writable(output)
    write_text(output, playground())
