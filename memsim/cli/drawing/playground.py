"""``memsim playground``."""

from __future__ import annotations

import click

from memsim.cli.output import output_option, text_file


@click.command("playground")
@output_option("The HTML file; where left out it is printed.")
def command(output: str | None) -> None:
    """A page on which a block is edited by hand, and what it moves is seen at once.

    Growth, multiplier, depth and pattern are sliders; a click draws or removes a link. Arcs,
    lifetimes, live bytes and the traffic of every cache size follow, computed in the page, to the
    byte as memsim computes them. The file needs nothing else, no network either.

    \b
    memsim playground -o playground.html
    """
    from memsim.files import write_text
    from memsim.playground import playground

    text_file(output, ".html")
    if output is None:
        click.echo(playground(), nl=False)
    else:
        write_text(output, playground())
