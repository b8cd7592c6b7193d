"""``memsim microscope``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.formats import Kinds, send
from memsim.cli.options import Chosen, layers_option, network_options, options_of
from memsim.cli.output import Delivery, color_option, is_given, output_option
from memsim.errors import InputError, Problem
from memsim.sheets.formats import ENDINGS
from memsim.simulate.options import Options

DRAWN = {"html": "page", "gif": "film"}
"""What is no table, by the ending of its file."""

WRITTEN = Kinds(
    "a microscope",
    {**ENDINGS, ".html": "page", ".htm": "page", ".gif": "film"},
    "microscope.gif",
    usual="table",
    printed=True,
    files=("film",),
)


@click.command("microscope")
@network_options
@options_of("microscope")
@layers_option("10", "Rows of each table.")
@WRITTEN.option()
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
    drawn = WRITTEN.chosen(DRAWN.get(format_ or "", format_), output)
    if drawn not in DRAWN.values():
        delivery = Delivery(drawn, output, color)
        loaded = network.load()
        from memsim.simulate import microscope

        delivery.send(microscope(loaded, **options), layers)
        return
    for option in ("layers", "color"):
        if is_given(option):
            message, hint = f"a {drawn} shows everything", "leave it out"
            raise InputError(Problem(message, path=f"--{option}", hint=hint))
    loaded = network.load()
    from memsim.simulate import microscope

    seen = microscope(loaded, **options)
    if drawn == "page":
        from memsim.page.microscope import microscope_page

        send(microscope_page(seen), output)
        return
    from memsim.files import write_bytes
    from memsim.plot import film

    assert output is not None
    write_bytes(output, film(seen))
