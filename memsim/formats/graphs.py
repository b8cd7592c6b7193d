"""Networks as graphs for other programs: Graphviz DOT and GraphML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from memsim.network import Layer, Network
from memsim.network.metrics import moc

__all__ = ["to_dot", "to_graphml"]

Facts = Mapping[str, Mapping[str, Any]]


def to_dot(network: Network, colours: Mapping[str, str] | None = None) -> str:
    """The graph of layers in Graphviz's language, one node a layer and one edge an operand.

    Parameters
    ----------
    network : Network
    colours : mapping, optional
        ``#rrggbb`` by layer.

    Examples
    --------
    >>> from memsim.formats.architecture.file import from_text
    >>> net = from_text('''
    ... name: tiny
    ... input: [3, 8, 8]
    ... layers:
    ...   - {name: c, conv: {out: 4, kernel: 3}}
    ... ''')
    >>> print(to_dot(net), end="")
    digraph "tiny" {
      node [shape=box, style="rounded,filled", fillcolor=white, fontname=Helvetica]
      "input" [label="input\\n3x8x8"]
      "c" [label="c\\nconv: out 4, kernel 3\\n4x8x8", peripheries=2]
      "input" -> "c"
    }
    """
    lines = [
        f"digraph {_quoted(network.name)} {{",
        '  node [shape=box, style="rounded,filled", fillcolor=white, fontname=Helvetica]',
    ]
    for layer in network:
        parts = [layer.name, *describe(layer), "x".join(map(str, layer.output.image))]
        options = [f"label={_quoted(*parts)}"]
        if layer.name in network.outputs:
            options.append("peripheries=2")
        colour = (colours or {}).get(layer.name)
        if colour is not None:
            ink = "white" if _dark(colour) else "black"
            options.append(f'fillcolor="{colour}", fontcolor={ink}')
        lines.append(f"  {_quoted(layer.name)} [{', '.join(options)}]")
    for source, target, _ in network.graph.edges(keys=True):
        lines.append(f"  {_quoted(source)} -> {_quoted(target)}")
    return "\n".join([*lines, "}"]) + "\n"


def describe(layer: Layer) -> list[str]:
    """An operator and its attributes in a line; nothing for an input.

    Examples
    --------
    >>> import memsim
    >>> describe(memsim.load("resnet18")["maxpool1"])
    ['maxpool: kernel 3, stride 2, padding 1']
    """
    if layer.op.is_input:
        return []
    attributes = layer.op.model_dump(exclude_defaults=True)
    listed = ", ".join(
        name if value is True else f"{name} {'x'.join(map(str, value))}"
        if isinstance(value, tuple) else f"{name} {value}"
        for name, value in attributes.items()
    )  # fmt: skip
    return [f"{layer.op.kind}: {listed}" if listed else layer.op.kind]


def to_graphml(network: Network, facts: Facts | None = None) -> str:
    """The graph of layers as GraphML, with what is known of layers and tensors as attributes.

    Parameters
    ----------
    network : Network
    facts : mapping, optional
        More attributes by layer, such as ``{"conv1": {"dram_bytes": 4096}}``.

    Notes
    -----
    Nodes have ``op``, ``attributes`` (JSON), ``channels``, ``height``, ``width``, ``bytes``,
    ``params``, ``macs``, ``cio_elements``, ``output`` and, where they are convolutions, ``moc``;
    edges have the ``operand``'s position, the ``tensor`` and its ``bytes``.

    Examples
    --------
    >>> import memsim, networkx
    >>> text = to_graphml(memsim.load("resnet18"))
    >>> graph = networkx.parse_graphml(text, force_multigraph=True)
    >>> graph.nodes["linear1"]["params"], len(graph.edges)
    (513000, 76)
    """
    import networkx as nx

    graph = nx.MultiDiGraph(name=network.name)
    for layer in network:
        channels, height, width = layer.output.image.box
        known: dict[str, Any] = {
            "op": layer.op.kind,
            "attributes": json.dumps(layer.op.model_dump(exclude_defaults=True)),
            "channels": channels,
            "height": height,
            "width": width,
            "bytes": layer.output.nbytes,
            "params": layer.params,
            "macs": layer.macs,
            "cio_elements": layer.cio,
            "output": layer.name in network.outputs,
            **(facts or {}).get(layer.name, {}),
        }
        density = moc(layer)
        if density is not None:
            known["moc"] = density
        graph.add_node(layer.name, **known)
    for layer in network:
        for operand, tensor in enumerate(layer.inputs):
            graph.add_edge(
                tensor.name, layer.name, operand=operand, tensor=tensor.name, bytes=tensor.nbytes
            )
    return "\n".join(nx.generate_graphml(graph)) + "\n"


def _quoted(*lines: str) -> str:
    """Text in quotes; several lines are broken as DOT breaks them."""
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def _dark(colour: str) -> bool:
    """Whether white is the better ink on a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 299 * red + 587 * green + 114 * blue < 128_000
