"""``memsim graph``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import LOADING, Chosen, network_options, options_of
from memsim.errors import InputError, Problem, did_you_mean
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options

if TYPE_CHECKING:
    from memsim.network.graph import Network

TEXTS = {".dot": "dot", ".gv": "dot", ".graphml": "graphml"}
"""The endings that are written as text; the others are drawn."""


@click.command("graph")
@network_options
@options_of("graph")
@once("-o", "--output", metavar="FILE", required=True,
              help="The file: .svg, .png, .pdf, .dot or .graphml.")  # fmt: skip
@once("--colour", default="traffic", show_default=True,
              help="What colours show: traffic, moc or none.")  # fmt: skip
@once("--expand", metavar="BLOCKS",
              help="Blocks whose kernels are drawn, such as block1,block2; or all.")  # fmt: skip
def command(
    network: Chosen,
    output: str,
    colour: str,
    expand: str | None,
    **options: Unpack[Options],
) -> None:
    """Draw the graph of NETWORK, or write it for other programs.

    A picture shows kernels: a convolution with what is fused into it is one node. Of more than 60
    it shows blocks, folded, but for those that --expand names. DOT and GraphML files hold every
    layer and every tensor.

    \b
    memsim graph resnet18 --cache 512KiB -o resnet18.svg
    memsim graph patterns/harmonic --colour moc -o harmonic.png
    memsim graph densenet121 --expand block1 -o densenet121.svg
    memsim graph hardnet68 --colour none -o hardnet68.graphml
    """
    from memsim.files import check_writable
    from memsim.plot import ENDINGS, image_format, save
    from memsim.plot.figures.graph import COLOURS, graph

    if colour not in COLOURS:
        hint = did_you_mean(colour, COLOURS)
        raise InputError(Problem(f"unknown colour {colour!r}", path="--colour", hint=hint))
    ending = os.path.splitext(output)[1].lower()
    if ending not in TEXTS and ending not in ENDINGS:
        what = f"no graph is written as {ending!r}" if ending else "the file needs an ending"
        hint = f"known: {', '.join(sorted([*ENDINGS, *TEXTS]))}"
        raise InputError(Problem(what, hint=hint, file=output))
    check_writable(output)
    if expand is not None and ending in TEXTS:
        hint = "leave it out, or draw: -o graph.svg"
        raise InputError(Problem("this file holds every layer", path="--expand", hint=hint))
    if ending == ".graphml" and colour == "moc":
        hint = "leave it out, or draw: -o graph.svg"
        raise InputError(Problem("GraphML holds MoC, and no colours", path="--colour", hint=hint))
    refuse(_verb(colour, ending), {**options, **network.said}, LOADING)
    loaded = network.load()
    if ending in TEXTS:
        _write_text(loaded, output, TEXTS[ending], colour, options)
        return
    image_format(output)
    blocks = None if expand is None else [name.strip() for name in expand.split(",")]
    save(graph(loaded, colour=colour, expand=blocks, **options), output)


def _verb(colour: str, ending: str) -> str:
    """What of a simulation such a picture or file shows."""
    if colour == "traffic":
        return "graph"
    if ending == ".graphml":
        return "network"
    return "graph of layers" if ending in TEXTS else "graph of kernels"


def _write_text(network: Network, output: str, format_: str, colour: str, options: Options) -> None:
    from memsim.files import write_text
    from memsim.formats.graphs import to_dot, to_graphml
    from memsim.plot.figures.graph import layer_values, shades
    from memsim.simulate import run

    result = run(network, **options) if colour == "traffic" else None
    if format_ == "dot":
        colours = shades(layer_values(network, colour, result), colour)
        write_text(output, to_dot(network, colours))
        return
    facts: dict[str, dict[str, Any]] = {}
    if result is not None:
        moved = layer_values(network, colour, result)
        facts = {name: {"dram_bytes": int(amount)} for name, amount in moved.items()}
    write_text(output, to_graphml(network, facts))
