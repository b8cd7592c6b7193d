"""What every measurement says: of which network it is, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memsim.errors import InputError, Problem
from memsim.network.graph import Network
from memsim.sheets.facts import Facts


class Measured(Facts):
    """Measured facts.

    Attributes
    ----------
    facts : mapping of str to str
        About machine, software and method.
    """

    facts: Mapping[str, str]

    @property
    def csv_facts(self) -> Mapping[str, str]:
        """The facts: in CSV they stand before the rows, as :mod:`memsim.calibration.runs` says."""
        return self.facts


@dataclass(frozen=True, kw_only=True)
class MeasuredNetwork(Measured):
    """Measured facts of one network.

    Attributes
    ----------
    network, variant : str
        As the network was named.
    input_shape : tuple of int
        Channels, height, width.
    batch : int
    dtype, lowering : str
    """

    network: str
    variant: str
    input_shape: tuple[int, int, int]
    batch: int
    dtype: str
    lowering: str

    @property
    def where(self) -> dict[str, Any]:
        """What was run: the columns that all rows share, as files of runs have them."""
        return {
            "network": self.network,
            "variant": self.variant,
            "input": "x".join(map(str, self.input_shape)),
            "batch": self.batch,
            "dtype": self.dtype,
            "lowering": self.lowering,
        }


def identity(network: Network, lowering: str, name: str, variant: str) -> dict[str, Any]:
    """The fields of :class:`MeasuredNetwork`; the network's own name where none is given."""
    channels, height, width = network[network.inputs[0]].output.image
    return {
        "network": name or network.name,
        "variant": variant,
        "input_shape": (channels, height, width),
        "batch": network.batch,
        "dtype": network.dtype,
        "lowering": lowering,
    }


def at_least_one(**numbers: int) -> None:
    """Refuse numbers below 1, each named like its option.

    Raises
    ------
    InputError
        For the first of them.
    """
    for what, value in numbers.items():
        if value < 1:
            raise InputError(Problem(f"{value} is too few; expected 1 or more", f"--{what}"))
