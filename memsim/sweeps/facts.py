"""What a sweep tells of every point, and what each fact depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memsim.program.kernel import Cause, Role

__all__ = ["FACTS", "INNER", "SPLITS", "Fact", "split_facts"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A number of every point.

    Attributes
    ----------
    inner : tuple of str
        The axes that it depends on of those along which the program stays the same.
    unit, told : str
        The unit, and what figures write at the axis.
    whole : bool
        Whether it is exact: an int64.
    split : str
        ``role`` or ``cause`` where there is a number for each.
    """

    inner: tuple[str, ...]
    unit: str
    told: str
    whole: bool = True
    split: str = ""

    @property
    def dtype(self) -> type[np.generic]:
        """Of its array."""
        return np.int64 if self.whole else np.float64


INNER = ("cache", "bandwidth", "macs")
"""Axes along which neither the network nor its program changes."""

_SIZE = INNER[:1]
_TIME = INNER

FACTS: Mapping[str, Fact] = {
    "dram_bytes": Fact(_SIZE, "B", "DRAM traffic"),
    "dram_read_bytes": Fact(_SIZE, "B", "DRAM reads"),
    "dram_write_bytes": Fact(_SIZE, "B", "DRAM writes"),
    "dram_weight_bytes": Fact(_SIZE, "B", "DRAM traffic of weights"),
    "dram_feature_map_bytes": Fact(_SIZE, "B", "DRAM traffic of feature maps"),
    "compulsory_bytes": Fact((), "B", "compulsory traffic"),
    "time_ps": Fact(_TIME, "ps", "latency"),
    "time_s": Fact(_TIME, "s", "latency", whole=False),
    "stall_ps": Fact(_TIME, "ps", "stalls"),
    "stall_s": Fact(_TIME, "s", "stalls", whole=False),
    "energy_j": Fact(_SIZE, "J", "energy", whole=False),
    "energy_dram_j": Fact(_SIZE, "J", "energy of DRAM", whole=False),
    "peak_live_activation_bytes": Fact(_SIZE, "B", "peak of live feature maps"),
    "network_macs": Fact((), "MAC", "MACs"),
    "network_params": Fact((), "", "parameters"),
    "network_cio_elements": Fact((), "elements", "CIO"),
}
"""The facts of every sweep, by the name of their variable: as :class:`memsim.Result` names them."""

SPLITS: Mapping[str, tuple[str, ...]] = {
    "role": tuple(role.name.lower() for role in Role),
    "cause": tuple(cause.name.lower() for cause in Cause),
}
"""How the traffic may be split besides, and into what."""


def split_facts(by: tuple[str, ...]) -> dict[str, Fact]:
    """The facts of a sweep that asks for splits.

    Examples
    --------
    >>> list(split_facts(("role",)))[-1]
    'dram_bytes_by_role'
    """
    more = {f"dram_bytes_by_{split}": Fact(_SIZE, "B", "DRAM traffic", split=split) for split in by}
    return {**FACTS, **more}
