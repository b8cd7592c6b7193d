"""What is said of a network without a machine."""

from __future__ import annotations

from memsim.readable import format_bytes, format_count
from memsim.results.description import Description
from memsim.sheets.sheet import Grid, Sheet


def description_sheet(description: Description, layers: int | None = None) -> Sheet:
    """Lay out a description; ``layers`` limits the rows, None shows all."""
    facts = description.to_dict()
    network = facts["network"]
    rows = [
        (
            layer["name"],
            layer["op"],
            "x".join(map(str, layer["output_shape"][1:])),
            f"{layer['params']:,}" if layer["params"] else "-",
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
    source = f", {network['source']}" if network["source"] else ""
    itemsize = description.network[description.network.inputs[0]].output.itemsize
    return Sheet(
        title=f"{network['name']}{source}",
        facts=(
            ("parameters", f"{network['params']:,}"),
            ("MACs", f"{network['macs']:,}"),
            (
                "CIO",
                f"{network['cio_elements']:,} elements, "
                f"{format_bytes(network['cio_elements'] * itemsize)} in {network['dtype']}",
            ),
            ("batch", str(network["batch"])),
            ("outputs", ", ".join(network["outputs"])),
        ),
        grids=(
            Grid(
                f"{network['layers']} layers",
                ("layer", "operator", "output", "params", "MACs", "CIO", "MoC"),
                (*rows, total),
                total=1,
            ),
        ),
    )
