"""Data types of a foreign graph's layers, where they are not the network's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from memsim.formats.foreign.records import Constant, View
from memsim.network import Node
from memsim.network.types import NETWORKS, Types, output_type, stored_types

__all__ = ["Stated", "typed"]


class Stated(Protocol):
    """Data types by value, such as a dict of them."""

    def get(self, name: str, /) -> str | None:
        """The data type of a value; None or empty where it is not known."""


def typed(
    nodes: Mapping[str, Node],
    values: Mapping[str, View],
    kinds: Stated,
    constants: Mapping[str, Iterable[Constant]],
    network: str,
) -> dict[str, Node]:
    """The layers with the data types of what they write and store.

    Parameters
    ----------
    nodes : mapping
        By name, what they read before them.
    values : mapping
        What the foreign graph calls the layers' outputs: the first name of a layer is its own.
    kinds : Stated
        Data types by the foreign graph's names.
    constants : mapping
        What each layer reads, weights before a bias.
    network : str
        The network's data type.

    Examples
    --------
    >>> from memsim.network.ops.shape import Input
    >>> nodes = {"x": Node("x", Input(shape=(3, 8, 8)))}
    >>> typed(nodes, {"x": View("x", (1, 3, 8, 8))}, {"x": "uint8"}, {}, "fp32")["x"].types.output
    'uint8'
    """
    own: dict[str, str] = {}
    for name, view in values.items():
        own.setdefault(view.layer, kinds.get(name) or "")
    written: dict[str, str] = {}
    found: dict[str, Node] = {}
    for name, node in nodes.items():
        inherited = written[node.inputs[0]] if node.inputs else network
        usual = output_type("", node.op.writes, inherited, network)
        wanted = own.get(name) or usual
        output = "" if wanted == usual else NETWORKS if wanted == network else wanted
        weight = bias = ""
        if node.op.multiplies:
            read = [each for each in constants.get(name, ()) if math.prod(each.shape) > 1]
            kept = [each.dtype for each in read][: 1 + int(node.op.biased)]
            usual_of = stored_types(Types(), inherited, network)
            weight, bias = (
                "" if not told or told == normal else NETWORKS if told == network else told
                for told, normal in zip([*kept, "", ""], usual_of, strict=False)
            )
        types = Types(output, weight, bias)
        written[name] = wanted
        found[name] = node if types == Types() else replace(node, types=types)
    return found
