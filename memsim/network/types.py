"""Data types of what a layer writes and stores, where they are not the network's."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

__all__ = ["NETWORKS", "USUAL", "Types", "output_type", "stored_types"]

NETWORKS = "network"
"""Stands for the data type of the network, whichever it is."""

QUANTISED = ("int8", "uint8")
"""Data types whose products are summed up in ``int32``."""


class Types(NamedTuple):
    """The data types of a layer that it does not take over.

    Attributes
    ----------
    output : str
        Of what it writes; empty: what its operator says, or the type of its first input. An input
        has the network's.
    weight, bias : str
        Of its stored parameters; empty: the network's, or where it reads a quantised tensor that
        tensor's for weights and ``int32`` for a bias.
    """

    output: str = ""
    weight: str = ""
    bias: str = ""

    def problem(self, known: Container[str]) -> str:
        """What is wrong with them; empty if nothing is."""
        if self == USUAL:
            return ""
        for part, name in self._asdict().items():
            if name and name not in known and name != NETWORKS:
                return f"the {part} has the unknown data type {name!r}"
        return ""


USUAL = Types()
"""Nothing but what is taken over."""


def stored_types(said: Types, read: str, network: str) -> tuple[str, str]:
    """The data types of a layer's weights and bias.

    Parameters
    ----------
    said : Types
    read, network : str
        The data types of its first input and of the network.

    Examples
    --------
    >>> stored_types(Types(), "int8", "fp32"), stored_types(Types(), "int8", "int8")
    (('int8', 'int32'), ('int8', 'int8'))
    >>> stored_types(Types(weight="int8"), "fp16", "fp16")
    ('int8', 'fp16')
    """
    quantised = read in QUANTISED and read != network
    weight = said.weight or (read if quantised else network)
    bias = said.bias or ("int32" if quantised else network)
    return (network if weight == NETWORKS else weight, network if bias == NETWORKS else bias)


def output_type(said: str, written: str, inherited: str, network: str) -> str:
    """The data type of an output.

    Parameters
    ----------
    said : str
        What the node says; empty if nothing.
    written : str
        What the operator says; empty if it takes over its input's.
    inherited : str
        That of the first input, or the network's where there is none.
    network : str

    Examples
    --------
    >>> output_type("", "", "int8", "fp16"), output_type("", "network", "int8", "fp16")
    ('int8', 'fp16')
    """
    name = said or written or inherited
    return network if name == NETWORKS else name
