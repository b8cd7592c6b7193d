"""CIO as traffic: what the paper's networks for CamVid move, beside the CIO that stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.files import read_table
from memsim.machine import Machine
from memsim.paper.table import SOURCE
from memsim.program import Program, Role
from memsim.results.configuration import in_common, resolved, with_network
from memsim.sheets.facts import Facts
from memsim.simulate.preparation import prepare
from memsim.units import Quantity

SCHEMA = "memsim.paper_traffic/1"

DEVICE = "titan_v"
"""The machine on which the paper timed these networks."""

CACHE = "4.5MB"
"""Its last level."""

LOWERING = "concat_free"
"""The paper's assumption: a concat is read where its parts lie."""

REFERENCE = "fc_densenet103"
"""The network that the paper compares its own with."""


@dataclass(frozen=True, slots=True)
class TrafficRow:
    """A network: the feature maps that it moves, and its CIO.

    Attributes
    ----------
    network : str
        As the paper calls it.
    feature_map_bytes, weight_bytes : int
        DRAM traffic.
    convolution_bytes : int
        Those of the feature maps that convolutions read and write.
    cio_bytes : int
        The paper's eq. 1, every convolution's input and output, in bytes.
    cio_paper_bytes : float
        As printed, which counts the 1x1 convolution of a transition down once.
    """

    network: str
    feature_map_bytes: int
    weight_bytes: int
    convolution_bytes: int
    cio_bytes: int
    cio_paper_bytes: float

    @property
    def ratio(self) -> float:
        """Feature-map traffic over CIO."""
        return self.feature_map_bytes / self.cio_bytes

    @property
    def convolution_ratio(self) -> float:
        """Feature-map traffic of convolutions over CIO."""
        return self.convolution_bytes / self.cio_bytes

    @property
    def ratio_paper(self) -> float:
        """Feature-map traffic over the printed CIO."""
        return self.feature_map_bytes / self.cio_paper_bytes

    @classmethod
    def of(cls, line: dict[str, str], program: Program, moved: CachePass) -> TrafficRow:
        """The row of one line of the data file."""
        network, by_role = program.network, moved.traffic.sum(axis=2)
        maps = by_role.sum(axis=1) - by_role[:, Role.WEIGHT]
        convolves = np.array([kernel.op.convolves for kernel in program.kernels])
        return cls(
            line["network"],
            int(maps.sum()),
            int(by_role[:, Role.WEIGHT].sum()),
            int(maps[convolves].sum()),
            network.cio_bytes,
            float(line["cio_mb"]) * 1e6,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "network": self.network,
            "feature_map_bytes": self.feature_map_bytes,
            "weight_bytes": self.weight_bytes,
            "convolution_bytes": self.convolution_bytes,
            "cio_bytes": self.cio_bytes,
            "cio_paper_bytes": self.cio_paper_bytes,
            "ratio": self.ratio,
            "convolution_ratio": self.convolution_ratio,
            "ratio_paper": self.ratio_paper,
        }


@dataclass(frozen=True)
class PaperTraffic(Facts):
    """The paper's networks for CamVid: feature-map traffic beside CIO.

    Attributes
    ----------
    program : Program
        One of them: all have its options.
    machine : Machine
    entries : tuple of TrafficRow

    Examples
    --------
    >>> table = paper_traffic()
    >>> row = table.by_name["fc_hardnet84"]
    >>> round(row.ratio, 2), [round(share, 2) for share in table.against(row)]
    (1.04, [-0.41, -0.41])
    """

    laid_out_by: ClassVar[str] = "memsim.paper.traffic_sheet:traffic_sheet"

    program: Program
    machine: Machine
    entries: tuple[TrafficRow, ...]

    @cached_property
    def by_name(self) -> dict[str, TrafficRow]:
        """The rows by network, as the paper calls it."""
        return {row.network: row for row in self.entries}

    def against(self, row: TrafficRow) -> tuple[float, float]:
        """How far a network is above :data:`REFERENCE`: in traffic, and in the printed CIO."""
        other = self.by_name[REFERENCE]
        return (
            row.feature_map_bytes / other.feature_map_bytes - 1,
            row.cio_paper_bytes / other.cio_paper_bytes - 1,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.paper_traffic/1"``; ratios are fractions."""
        return {
            "schema": SCHEMA,
            "source": SOURCE,
            "config": resolved(self.program, self.machine),
            "reference": REFERENCE,
            "rows": self._entries(),
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per network, with what it ran on."""
        said = in_common([with_network(self.program, self.machine)], ())
        return [{**entry, **said} for entry in self._entries()]

    def _entries(self) -> list[dict[str, Any]]:
        rows = []
        for row in self.entries:
            traffic, cio = self.against(row)
            rows.append({**row.to_dict(), "against_reference": traffic,
                         "cio_paper_against_reference": cio})  # fmt: skip
        return rows


def paper_traffic(cache: Quantity | None = None) -> PaperTraffic:
    """Find what the paper's networks for CamVid move, beside their CIO.

    On a ``titan_v``, on which the paper timed them, but with lowering ``concat_free``, which is
    the paper's assumption.

    Parameters
    ----------
    cache : str or int, optional
        A scratchpad; 4.5 MB, the machine's last level, where left out.

    Raises
    ------
    InputError
        For a size that is none.

    Examples
    --------
    >>> [row.network for row in paper_traffic("2MB").entries if row.ratio > 1.15]
    []
    """
    from memsim.formats import load

    entries: list[TrafficRow] = []
    size = CACHE if cache is None else cache
    for line in read_table("memsim.paper", "camvid"):
        if line["shipped"]:
            program, machine = prepare(
                load(line["shipped"], variant=line["variant"] or None),
                machine=DEVICE, lowering=LOWERING, management="scratchpad", policy="lru",
                cache=size,
            )  # fmt: skip
            entries.append(TrafficRow.of(line, program, cache_pass(program, machine.cache)))
    return PaperTraffic(program, machine, tuple(entries))
