"""``memsim microscope``."""

from __future__ import annotations

import os
from typing import Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import (
    Chosen,
    Delivery,
    is_given,
    layers_option,
    network_options,
    options_of,
)
from memsim.errors import InputError, Problem
from memsim.simulate.options import Options

DRAWN = {".html": "page", ".gif": "film"}
"""What a file's ending stands for beyond the formats of a report."""


@click.command("microscope")
@network_options
@options_of("microscope")
@layers_option("10", "Rows of each table.")
@once("--format", "format_", metavar="FORMAT", help="table, json, csv, md, page or film.")
@once("-o", "--output", metavar="FILE",
      help="Write to a file: .html is the page, .gif the film.")  # fmt: skip
def command(
    network: Chosen,
    layers: int | None,
    format_: str | None,
    output: str | None,
    **options: Unpack[Options],
) -> None:
    """Look into the cache of NETWORK, task by task: LRU and Belady side by side.

    What comes, what is dead, who is evicted by whom. As a page it is played or scrubbed.

    \b
    memsim microscope patterns/harmonic --cache 128KiB --lowering concat_free
    memsim microscope hardnet68 --machine edge --cache 256KiB -o page.html
    memsim microscope patterns/harmonic --cache 128KiB --tile whole -o film.gif
    """
    drawn = format_ or DRAWN.get(os.path.splitext(output or "")[1].lower())
    if drawn not in DRAWN.values():
        delivery = Delivery(format_, output)
        loaded = network.load()
        from memsim.simulate import microscope

        delivery.send(microscope(loaded, **options), layers)
        return
    from memsim.files import check_writable, write_text

    if output is None:
        message = f"a {drawn} needs a file to be written to"
        ending = next(ending for ending, kind in DRAWN.items() if kind == drawn)
        raise InputError(Problem(message, path="-o", hint=f"such as -o microscope{ending}"))
    if is_given("layers"):
        raise InputError(
            Problem(f"a {drawn} shows everything", path="--layers", hint="leave it out")
        )
    check_writable(output)
    loaded = network.load()
    from memsim.simulate import microscope

    seen = microscope(loaded, **options)
    if drawn == "page":
        from memsim.page.microscope import microscope_page

        write_text(output, microscope_page(seen))
        return
    from memsim.plot import film

    film(seen).save(output)
