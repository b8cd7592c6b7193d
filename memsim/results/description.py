"""The static facts of a network: shapes, parameters, MACs, CIO, MoC. No machine, no time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from memsim.network.graph import Layer, Network
from memsim.network.metrics import moc
from memsim.sheets.facts import Facts

SCHEMA = "memsim.description/1"


@dataclass(frozen=True)
class Description(Facts):
    """What can be said of a network without a machine.

    Examples
    --------
    >>> import memsim
    >>> facts = Description(memsim.load("resnet18")).to_dict()
    >>> facts["network"]["params"], facts["network"]["cio_elements"]
    (11689512, 4666368)
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.description:description_sheet"

    network: Network

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.description/1"``; units in the keys."""
        network = self.network
        return {
            "schema": SCHEMA,
            "network": {
                "name": network.name,
                "source": network.source,
                "layers": len(network),
                "params": network.params,
                "macs": network.macs,
                "cio_elements": network.cio,
                "batch": network.batch,
                "dtype": network.dtype,
                "outputs": list(network.outputs),
                "groups": [group.items for group in network.groups],
                "left_out": [asdict(each) for each in network.left_out],
            },
            "layers": [_layer(layer) for layer in network],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per layer, with the network that it is of."""
        network = self.network
        said = {"network": network.name, "batch": network.batch, "dtype": network.dtype}
        flat = []
        for row in self.to_dict()["layers"]:
            row["inputs"] = " ".join(row["inputs"])
            row["parameters_of"] = " ".join(row["parameters_of"])
            row["output_shape"] = "x".join(map(str, row["output_shape"]))
            flat.append({**row, **said})
        return flat


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "op": layer.op.kind,
        "inputs": [tensor.name for tensor in layer.inputs],
        "output_shape": list(layer.output.shape),
        "output_bytes": layer.output.nbytes,
        "params": layer.params,
        "parameters_of": list(_others(layer)),
        "macs": layer.macs,
        "cio_elements": layer.cio,
        "moc": moc(layer),
    }


def _others(layer: Layer) -> dict[str, None]:
    """The other layers whose parameters a layer reads."""
    return dict.fromkeys(n for n in (layer.weights_of, layer.bias_of) if n and n != layer.name)
