"""The edit ``weights=DTYPE``: weights alone stored in another data type."""

from __future__ import annotations

from dataclasses import replace

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.graph import Network
from memsim.network.tensor import DTYPES

__all__ = ["stored"]


def stored(network: Network, where: str) -> Network:
    """A network whose layers that multiply store their weights in a data type.

    Biases, all other parameters, and the maps stay as they are; so does the type in which the
    products are computed.

    Parameters
    ----------
    network : Network
    where : str
        A data type, such as ``int8``.

    Raises
    ------
    InputError
        If there is no such data type, or nothing stores weights.

    Examples
    --------
    >>> import memsim
    >>> network = stored(memsim.load("resnet18"), "int8")
    >>> network["conv1.conv"].stored_as, network["conv1.conv"].output.dtype
    (('int8', 'fp32'), 'fp32')
    """
    if where not in DTYPES:
        hint = did_you_mean(where, DTYPES) or ", ".join(DTYPES)
        raise InputError(Problem(f"unknown data type {where!r}", "--edit", hint))
    owns = {layer.name for layer in network if layer.op.multiplies and layer.weights}
    if not owns:
        raise InputError(Problem(f"{network.name} stores no weights", "--edit"))
    return network.with_nodes(
        replace(node, types=node.types._replace(weight=where)) if node.name in owns else node
        for node in network.nodes
    )
