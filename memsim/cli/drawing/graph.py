"""``memsim graph``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import click

from memsim.cli.formats import PICTURES, Kinds, send, send_picture
from memsim.cli.once import once
from memsim.cli.options import LOADING, Chosen, network_options, options_of
from memsim.cli.output import output_option
from memsim.errors import InputError, Problem, did_you_mean
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options

if TYPE_CHECKING:
    from memsim.network.graph import Network

TEXTS = {".dot": "dot", ".gv": "dot", ".graphml": "graphml"}
"""The endings that are written as text; the others are drawn."""

DRAWN = {ending: PICTURES[ending] for ending in (".svg", ".png", ".pdf")}

WRITTEN = Kinds("a graph", {**DRAWN, **TEXTS}, "graph.svg")


@click.command("graph")
@network_options
@options_of("graph")
@WRITTEN.option()
@output_option("The file: .svg, .png, .pdf, .dot or .graphml.")
@once("--colour", default="traffic", show_default=True,
              help="What colours show: traffic, moc or none.")  # fmt: skip
@once("--expand", metavar="BLOCKS",
              help="Blocks whose kernels are drawn, such as block1,block2; or all.")  # fmt: skip
def command(
    network: Chosen,
    format_: str | None,
    output: str | None,
    colour: str,
    expand: str | None,
    **options: Unpack[Options],
) -> None:
    """Draw the graph of NETWORK, or write it for other programs.

    A picture shows kernels: a convolution with what is fused into it is one node. Of more than 100
    it shows blocks, folded, but for those that --expand names. DOT and GraphML files hold every
    layer and every tensor.

    \b
    memsim graph resnet18 --cache 512KiB -o resnet18.svg
    memsim graph patterns/harmonic --colour moc -o harmonic.png
    memsim graph densenet121 --expand block1 -o densenet121.svg
    memsim graph hardnet68 --colour none -o hardnet68.graphml
    """
    from memsim.plot.figures.graph import COLOURS, graph

    if colour not in COLOURS:
        hint = did_you_mean(colour, COLOURS)
        raise InputError(Problem(f"unknown colour {colour!r}", path="--colour", hint=hint))
    format_ = WRITTEN.chosen(format_, output)
    if expand is not None and format_ in TEXTS.values():
        hint = "leave it out, or draw: -o graph.svg"
        raise InputError(Problem("this file holds every layer", path="--expand", hint=hint))
    if format_ == "graphml" and colour == "moc":
        hint = "leave it out, or draw: -o graph.svg"
        raise InputError(Problem("GraphML holds MoC, and no colours", path="--colour", hint=hint))
    refuse(_verb(colour, format_), {**options, **network.said}, LOADING)
    loaded = network.load()
    if format_ in TEXTS.values():
        send(_text_of(loaded, format_, colour, options), output)
        return
    blocks = None if expand is None else [name.strip() for name in expand.split(",")]
    drawn = graph(loaded, colour=colour, expand=blocks, **options)
    send_picture(drawn, output, format_)


def _verb(colour: str, format_: str) -> str:
    """What of a simulation such a picture or file shows."""
    if colour == "traffic":
        return "graph"
    if format_ == "graphml":
        return "network"
    return "graph of layers" if format_ in TEXTS.values() else "graph of kernels"


def _text_of(network: Network, format_: str, colour: str, options: Options) -> str:
    from memsim.formats.graphs import to_dot, to_graphml
    from memsim.plot.figures.graph import layer_values, shades
    from memsim.simulate import run

    result = run(network, **options) if colour == "traffic" else None
    if format_ == "dot":
        colours = shades(layer_values(network, colour, result), colour)
        return to_dot(network, colours)
    facts: dict[str, dict[str, Any]] = {}
    if result is not None:
        moved = layer_values(network, colour, result)
        facts = {name: {"dram_bytes": int(amount)} for name, amount in moved.items()}
    return to_graphml(network, facts)
