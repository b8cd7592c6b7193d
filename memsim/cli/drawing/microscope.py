"""``memsim microscope``."""

from __future__ import annotations

import os
from typing import Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, layers_option, network_options, options_of
from memsim.cli.output import Delivery, color_option, is_given, output_option
from memsim.errors import InputError, Problem
from memsim.simulate.options import Options

DRAWN = {".html": "page", ".gif": "film"}
"""What a file's ending stands for beyond the formats of a report."""


@click.command("microscope")
@network_options
@options_of("microscope")
@layers_option("10", "Rows of each table.")
@once("--format", "format_", metavar="FORMAT", help="table, json, csv, md, page or film.")
@output_option("Write to a file: .html is the page, .gif the film.")
@color_option
def command(
    network: Chosen,
    layers: int | None,
    format_: str | None,
    output: str | None,
    color: str | None,
    **options: Unpack[Options],
) -> None:
    """Look into the cache of NETWORK, task by task: LRU and Belady side by side.

    What comes, what is dead, who is evicted by whom. As a page it is played or scrubbed.

    \b
    memsim microscope patterns/harmonic --cache 128KiB --lowering concat_free
    memsim microscope hardnet68 --machine edge --cache 256KiB -o page.html
    memsim microscope patterns/harmonic --cache 128KiB --tile whole -o film.gif
    """
    drawn = DRAWN.get(f".{format_}", format_) or DRAWN.get(
        os.path.splitext(output or "")[1].lower()
    )
    if drawn not in DRAWN.values():
        delivery = Delivery(format_, output, color)
        loaded = network.load()
        from memsim.simulate import microscope

        delivery.send(microscope(loaded, **options), layers)
        return
    from memsim.files import check_writable, write_text

    if output is None and drawn == "film":
        message, hint = "a film needs a file to be written to", "such as -o microscope.gif"
        raise InputError(Problem(message, path="-o", hint=hint))
    for option in ("layers", "color"):
        if is_given(option):
            message, hint = f"a {drawn} shows everything", "leave it out"
            raise InputError(Problem(message, path=f"--{option}", hint=hint))
    if output is not None:
        check_writable(output)
    loaded = network.load()
    from memsim.simulate import microscope

    seen = microscope(loaded, **options)
    if drawn == "page":
        from memsim.page.microscope import microscope_page

        page = microscope_page(seen)
        if output is None:
            click.echo(page, nl=False)
        else:
            write_text(output, page)
        return
    from memsim.plot import film

    assert output is not None
    film(seen).save(output)
