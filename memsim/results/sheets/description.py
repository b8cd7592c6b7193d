"""What is said of a network without a machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memsim.network.left_out import LeftOut
from memsim.readable import format_bytes, format_count
from memsim.results.description import Description
from memsim.sheets.sheet import Grid, Sheet

SHARED = "NAME's: it reads the parameters of that layer, where they are counted."

MOST_LEFT_OUT = 5
"""Parts of a graph that are named."""


def description_sheet(description: Description, layers: int | None = None) -> Sheet:
    """Lay out a description; ``layers`` limits the rows, None shows all."""
    facts = description.to_dict()
    network = facts["network"]
    rows = [
        (
            layer["name"],
            layer["op"],
            "x".join(map(str, layer["output_shape"][1:])),
            _parameters(layer),
            format_count(layer["macs"]) if layer["macs"] else "-",
            format_count(layer["cio_elements"]) if layer["cio_elements"] else "-",
            f"{layer['moc']:.1f}" if layer["moc"] is not None else "-",
        )
        for layer in facts["layers"][:layers]
    ]
    total = (
        "total",
        "",
        "",
        f"{network['params']:,}",
        format_count(network["macs"]),
        format_count(network["cio_elements"]),
        "",
    )
    left_out = description.network.left_out
    shared = any(layer["parameters_of"] for layer in facts["layers"])
    source = f", {network['source']}" if network["source"] else ""
    dtypes = " and ".join(description.network.dtypes)
    return Sheet(
        title=f"{network['name']}{source}",
        facts=(
            ("parameters", f"{network['params']:,}"),
            ("MACs", f"{network['macs']:,}"),
            (
                "CIO",
                f"{network['cio_elements']:,} elements, "
                f"{format_bytes(description.network.cio_bytes)} in {dtypes}",
            ),
            ("batch", str(network["batch"])),
            ("outputs", ", ".join(network["outputs"])),
            *((("groups", groups_words(network["groups"])),) if network["groups"] else ()),
            *((("left out", left_out_words(left_out)),) if left_out else ()),
        ),
        grids=(
            Grid(
                f"{network['layers']} layers",
                ("layer", "operator", "output", "params", "MACs", "CIO", "MoC"),
                (*rows, total),
                total=1,
            ),
        ),
        notes=(SHARED,) if shared else (),
    )


def _parameters(layer: dict[str, Any]) -> str:
    """The parameters that count with a layer, and whose it reads besides."""
    own = [f"{layer['params']:,}"] if layer["params"] else []
    return " + ".join([*own, *(f"{name}'s" for name in layer["parameters_of"])]) or "-"


def groups_words(groups: Sequence[Sequence[str]]) -> str:
    """The groups that a network's file says.

    Examples
    --------
    >>> groups_words([["conv1..conv4"], ["a", "b"]])
    'conv1..conv4; a, b'
    """
    return "; ".join(", ".join(items) for items in groups)


def left_out_words(parts: Sequence[LeftOut]) -> str:
    """What no output needs, the largest first, and all of it in numbers."""
    listed = sorted(parts, key=lambda each: (-each.macs, -each.params))[:MOST_LEFT_OUT]
    rest = len(parts) - len(listed)
    more = f" and {rest} more" if rest else ""
    macs, params = sum(each.macs for each in parts), sum(each.params for each in parts)
    names = "; ".join(map(str, listed))
    return f"{macs:,} MACs, {params:,} parameters that no output needs: {names}{more}"
