"""The graph figure: a network's kernels and the tensors between them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.graph import Layer, Network
from memsim.network.metrics import moc
from memsim.plot.canvas import figure_of, new_axes
from memsim.plot.drawables import Drawables, network_of, result_of, single
from memsim.plot.folding import folded
from memsim.plot.graph_layout import GraphLayout, layered
from memsim.plot.style import BLACK, GREY, LIGHT, NOTE, TITLE, broken, short
from memsim.program.kernel_graph import kernel_readers
from memsim.readable import format_bytes, format_count
from memsim.results.run import Result
from memsim.simulate import Options, prepare
from memsim.simulate.heed import refuse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.patches import FancyBboxPatch

__all__ = ["COLOURS", "graph", "layer_values", "shades"]

COLOURS = ("traffic", "moc", "none")
"""What the colour of a kernel may mean."""

NODE = (2.5, 0.3)
"""Inches of a node."""

RANK = 0.45
"""Inches from one rank to the next."""

LARGEST = 190.0
"""Inches of the tallest and the widest picture."""

LARGEST_AREA = 6500.0
"""Square inches; as a PNG some 600 MB of memory while it is drawn."""


def graph(
    network: Drawables,
    *,
    ax: Axes | None = None,
    size: tuple[float, float] | None = None,
    colour: str = "traffic",
    expand: str | Sequence[str] | None = None,
    **options: Unpack[Options],
) -> Axes:
    """Draw a network's kernels, each below all it reads; of a large one, its blocks.

    A node is a kernel of the lowering: a convolution with the batch norm, the activation and
    the sum that are fused into it, named after its first layer. Its line tells operator, window
    and output; what is a view (a flatten; with ``concat_free`` a concat) is only its edges.

    Parameters
    ----------
    network : Network, Result, str or path
        One.
    ax : Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float), optional
        Inches of a new figure; as large as the graph needs if left out.
    colour : str
        ``traffic`` (DRAM bytes), ``moc`` (MACs over CIO) or ``none``.
    expand : str or sequence of str, optional
        Blocks whose kernels are drawn, the others as one node each; or ``all``. If left out, all
        kernels of a network of up to 100, and the blocks of a larger one.
    **options
        Of :func:`memsim.run`; ``lowering`` decides what a kernel is, the others the traffic.

    Raises
    ------
    InputError
        For another colour, a block that there is not, or a graph too large for a picture.

    Examples
    --------
    >>> axes = graph("resnet18", colour="moc")
    >>> len(axes.texts) > 20
    True
    """
    if colour not in COLOURS:
        raise InputError(Problem(f"unknown colour {colour!r}", hint=did_you_mean(colour, COLOURS)))
    one = single(network, "graph")
    result = None
    if colour == "traffic" or isinstance(one, Result):
        refuse("graph", options)
        result = result_of(one, options)
        program = result.program
    else:
        refuse("graph of kernels", options)
        # Of a name the machine may say how it is loaded.
        source = one if isinstance(one, str | os.PathLike) else network_of(one)
        program, _ = prepare(source, "graph of kernels", **options)
    drawn = program.network
    readers = kernel_readers(drawn, program.kernels)
    asked = [expand] if isinstance(expand, str) else expand
    view = folded(readers, len(readers) - len(program.kernels), asked)
    layout = layered(view.readers)
    axes = ax or new_axes(None, size or _size(layout))
    if colour == "traffic" and result is not None:
        values = {row.name: float(row.dram_bytes) for row in result.layers}
    else:
        values = layer_values(drawn, colour, result)
    parts = {kernel.name: kernel.layers for kernel in program.kernels}
    values |= _of_blocks(drawn, view.members, parts, values, colour)
    inside = {kernel for kernels in view.members.values() for kernel in kernels}
    values = {name: value for name, value in values.items() if name not in inside}
    _draw_edges(axes, layout)
    _draw_nodes(axes, drawn, layout, parts, shades(values, colour), view.members)
    left, right = layout.span
    axes.set_xlim(left - 0.6, right + 0.6)
    axes.set_ylim(layout.ranks - 0.4, -0.6)
    axes.axis("off")
    title = _title(drawn, colour, result)
    if view.members:
        title = broken(f"{title}; blocks folded", max(30, int(10 * figure_of(axes).get_figwidth())))
    axes.set_title(title, loc="left", fontsize=TITLE, fontweight="bold")
    if values and colour != "none":
        _scale(axes, values, colour, "kernel or block" if view.members else "kernel")
    return axes


def _of_blocks(
    network: Network,
    blocks: Mapping[str, tuple[str, ...]],
    parts: Mapping[str, tuple[str, ...]],
    values: Mapping[str, float],
    colour: str,
) -> dict[str, float]:
    """What the colour of a folded block shows: its kernels' bytes, or its MACs over its CIO."""
    if colour != "moc":
        return {
            name: sum(values[kernel] for kernel in kernels if kernel in values)
            for name, kernels in blocks.items()
            if colour == "traffic"
        }
    found = {}
    for name, kernels in blocks.items():
        layers = [network[each] for kernel in kernels for each in parts[kernel]]
        counted = [layer for layer in layers if layer.cio]
        if counted:
            found[name] = sum(each.macs for each in counted) / sum(each.cio for each in counted)
    return found


def layer_values(network: Network, colour: str, result: Result | None) -> dict[str, float]:
    """What the colour shows, by a kernel's first layer: DRAM bytes, or MoC of convolutions."""
    if colour == "traffic" and result is not None:
        moved: dict[str, float] = {}
        for row in result.layers:  # a library's own kernels count for the layer that they serve
            moved[row.layers[0]] = moved.get(row.layers[0], 0.0) + row.dram_bytes
        return moved
    if colour == "moc":
        values = ((layer.name, moc(layer)) for layer in network)
        return {name: value for name, value in values if value is not None}
    return {}


def shades(values: Mapping[str, float], colour: str) -> dict[str, str]:
    """Colours as ``#rrggbb`` by layer.

    Examples
    --------
    >>> shades({"a": 0, "b": 100}, "traffic")["a"]
    '#fff7ec'
    """
    if not values or colour == "none":
        return {}
    from matplotlib.colors import to_hex

    norm, scale = _norm(values, colour), _map(colour)
    return {name: to_hex(scale(norm(value))) for name, value in values.items()}


def _map(colour: str) -> Colormap:
    from matplotlib import colormaps

    # Dark is what costs: many bytes; few MACs for each.
    return colormaps["OrRd"] if colour == "traffic" else colormaps["YlGnBu_r"]


def _norm(values: Mapping[str, float], colour: str) -> Normalize:
    from matplotlib.colors import LogNorm, Normalize

    high = max(values.values())
    if colour == "traffic":
        return Normalize(0, high or 1)
    low = min(values.values())
    return LogNorm(low, high if high > low else 2 * low)


def _size(layout: GraphLayout) -> tuple[float, float]:
    left, right = layout.span
    width, height = NODE[0] * (right - left + 1.2) + 1.0, RANK * layout.ranks + 0.8
    if max(width, height) > LARGEST or width * height > LARGEST_AREA:
        message = f"the picture would be {width:.0f} x {height:.0f} inches"
        raise InputError(Problem(message, hint="export it: -o graph.dot or .graphml"))
    return max(width, 5.5), max(height, 2.5)


def _draw_edges(axes: Axes, layout: GraphLayout) -> None:
    """Draw a line per edge, from below its source to above its reader.

    It is straight where it passes the nodes of a rank, and bends between the ranks.
    """
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    half = NODE[1] / RANK / 2
    paths = []
    for points in layout.edges.values():
        x, y = points[0]
        vertices, codes = [(x, y + half)], [Path.MOVETO]
        for i, (across, rank) in enumerate(points[1:], 1):
            before = vertices[-1]
            middle = (before[1] + rank - half) / 2
            vertices += [(before[0], middle), (across, middle), (across, rank - half)]
            codes += [Path.CURVE4] * 3
            if i < len(points) - 1:  # straight past the nodes of the rank
                vertices.append((across, rank + half))
                codes.append(Path.LINETO)
        paths.append(Path(vertices, codes))
    axes.add_collection(
        PathCollection(paths, facecolors="none", edgecolors=GREY, linewidths=1.0, zorder=1)
    )


def _draw_nodes(
    axes: Axes,
    network: Network,
    layout: GraphLayout,
    parts: Mapping[str, tuple[str, ...]],
    colours: Mapping[str, str],
    blocks: Mapping[str, tuple[str, ...]],
) -> None:
    from matplotlib.patches import FancyBboxPatch

    height = NODE[1] / RANK
    for name, (x, rank) in layout.nodes.items():
        kernels = blocks.get(name, (name,))
        layers = [network[each] for each in parts.get(kernels[-1], (kernels[-1],))]
        first, last = layers[0], layers[-1]
        colour = colours.get(name, "white" if first.op.is_input else LIGHT)
        if not colours and not first.op.is_input:
            colour = "white"
        if name in blocks:  # a stack of cards
            for offset in (0.14, 0.07):
                axes.add_patch(_card(x + 0.1 * offset, rank + offset, height, colour))
        axes.add_patch(
            FancyBboxPatch(
                (x - 0.47, rank - height / 2), 0.94, height, zorder=2,
                boxstyle="round,pad=0,rounding_size=0.06", mutation_aspect=NODE[0] / RANK,
                facecolor=colour, edgecolor=BLACK if last.name in network.outputs else GREY,
                linewidth=1.6 if last.name in network.outputs else 0.8,
                linestyle=":" if first.op.is_input else "-",
            )
        )  # fmt: skip
        ink = "white" if _luminance(colour) < 0.5 else BLACK
        # A kernel that a library adds is no layer: its name says what it does for which.
        text = _line(layers) if name in network else _cut(name)
        if name in blocks:
            shape = "x".join(map(str, last.output.image))
            text = _cut(f"{name}  {len(kernels)} kernels  {shape}")
        axes.text(
            x, rank, text, ha="center",
            va="center",
            fontsize=NOTE - 1.2, color=ink, zorder=3, parse_math=False,
        )  # fmt: skip


def _card(x: float, rank: float, height: float, colour: str) -> FancyBboxPatch:
    from matplotlib.patches import FancyBboxPatch

    return FancyBboxPatch(
        (x - 0.47, rank - height / 2), 0.94, height, zorder=1.9,
        boxstyle="round,pad=0,rounding_size=0.06", mutation_aspect=NODE[0] / RANK,
        facecolor=colour, edgecolor=GREY, linewidth=0.8,
    )  # fmt: skip


def _luminance(colour: str) -> float:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _line(layers: list[Layer]) -> str:
    """A node's text: its name, what it does, what it writes."""
    first, last = layers[0], layers[-1]
    op: Any = first.op
    what = "" if op.is_input or op.joins else op.kind
    kernel = getattr(op, "kernel", None)
    if kernel is not None:
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        what = f"{height}x{width}" if op.kind == "conv" else f"{what} {height}x{width}"
        stride = getattr(op, "stride", 1)
        if stride not in (1, None):
            what += f" /{stride if isinstance(stride, int) else 'x'.join(map(str, stride))}"
        if getattr(op, "groups", 1) > 1:
            what += " dw" if op.groups == first.shapes[0][0] else f" g{op.groups}"
    what += "".join(f" +{each.op.kind}" for each in layers[1:] if each.op.combines)
    name = re.sub(r"\.(conv|linear)$", "", first.name)
    if re.fullmatch(rf"{re.escape(op.kind)}[0-9]*", name.rpartition(".")[2]):
        what = what.removeprefix(op.kind).strip()  # the name says it
    shape = "x".join(map(str, last.output.image))
    return _cut("  ".join(filter(None, (name, what, shape))))


def _cut(text: str) -> str:
    """The text, without its middle where it is too long for a node."""
    return text if len(text) <= 42 else f"{text[:20]}…{text[-21:]}"


def _title(network: Network, colour: str, result: Result | None) -> str:
    if colour == "moc":
        return f"{network.name}: MACs per element of convolution input and output"
    if colour == "none" or result is None:
        facts = f"{format_count(network.params)} parameters, {format_count(network.macs)} MACs"
        return f"{network.name}: {facts}"
    cache = short(format_bytes(result.machine.cache_bytes))
    total = short(format_bytes(result.dram_bytes))
    return f"{network.name}: {total} of DRAM traffic with {cache} of cache"


def _scale(axes: Axes, values: Mapping[str, float], colour: str, node: str) -> None:
    from matplotlib.cm import ScalarMappable

    norm, scale = _norm(values, colour), _map(colour)
    bar = axes.figure.colorbar(
        ScalarMappable(norm, scale), ax=axes, location="right", shrink=0.9, aspect=40, pad=0.01,
        anchor=(0, 1.0), fraction=0.03,
    )  # fmt: skip
    bar.ax.tick_params(labelsize=NOTE)
    bar.outline.set_visible(False)
    if colour == "traffic":
        bar.ax.yaxis.set_major_formatter(lambda value, _: short(format_bytes(round(value))))
        bar.set_label(f"DRAM traffic of the {node}", fontsize=NOTE)
    else:
        from matplotlib.ticker import LogLocator, NullFormatter

        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.set_label("MACs per element of convolution input and output", fontsize=NOTE)
