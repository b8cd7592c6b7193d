"""Comparisons: networks side by side on one machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from memsim.engines.cache.shortcuts import Shortcuts, shortcuts
from memsim.network.moc import MocDistribution
from memsim.program.lives import Lives
from memsim.program.parts import Part, chosen
from memsim.results.configuration import identity
from memsim.results.run import Result
from memsim.sheets.facts import Facts

SCHEMA = "memsim.comparison/3"

OF_THE_NETWORK = ("batch", "dtype", "input_shapes")
"""What of a configuration may differ from network to network."""


@dataclass(frozen=True)
class Contender:
    """One network of a comparison: its result, and what only a comparison asks for.

    Attributes
    ----------
    result : Result
    """

    result: Result

    @property
    def name(self) -> str:
        """The network's name."""
        return self.result.network.name

    @cached_property
    def shortcuts(self) -> Shortcuts | None:
        """What feature maps move because of shortcuts; None where that cannot be told.

        See :func:`memsim.engines.cache.shortcuts.without_shortcuts`.
        """
        result = self.result
        return shortcuts(result.program, result.machine.cache, result.traffic.traffic)

    @cached_property
    def lifetimes(self) -> Lives:
        """How long feature maps are kept."""
        return Lives.of(self.result.program).handed_on()

    @cached_property
    def moc(self) -> MocDistribution:
        """MACs over CIO of its convolutions."""
        return MocDistribution.of(self.result.network)

    @property
    def shortcut_share(self) -> float | None:
        """The part of the traffic of feature maps that would not be there without shortcuts."""
        if self.shortcuts is None:
            return None
        whole = int(chosen(self.result.traffic.traffic, Part.FEATURE_MAPS).sum())
        return self.shortcuts.dram_bytes / whole if whole else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        result, network = self.result, self.result.network
        totals = result.totals
        return {
            "name": network.name,
            "source": network.source,
            **{key: result.config[key] for key in OF_THE_NETWORK},
            "kernels": len(result.program.kernels),
            "params": network.params,
            "macs": network.macs,
            "cio_elements": network.cio,
            **{
                key: totals[key]
                for key in (
                    "dram_bytes", "dram_read_bytes", "dram_write_bytes", "dram_weight_bytes",
                    "dram_feature_map_bytes", "compulsory_bytes", "compulsory_weight_bytes",
                    "compulsory_feature_map_bytes",
                    "peak_live_activation_bytes", "time_s", "compute_s", "stall_s", "energy_j",
                )
            },
            "accuracy": result.accuracy.to_dict(),
            **({"frames": result.frames.ends()} if result.program.frames > 1 else {}),
            "by_role": result.by_role,
            "by_cause": result.by_cause,
            "shortcuts": self._shortcut_facts(),
            "lifetimes": self.lifetimes.to_dict(),
            "moc": self.moc.to_dict(),
        }  # fmt: skip

    def _shortcut_facts(self) -> dict[str, int | float | None]:
        """What shortcuts cost, all null where that cannot be told."""
        found = self.shortcuts
        return {
            "dram_bytes": None if found is None else found.dram_bytes,
            "dram_read_bytes": None if found is None else found.read_bytes,
            "dram_write_bytes": None if found is None else found.write_bytes,
            "dram_feature_map_bytes_without": None if found is None else found.without_bytes,
            "share": self.shortcut_share,
        }


@dataclass(frozen=True)
class Comparison(Facts):
    """Networks side by side on one machine.

    Attributes
    ----------
    contenders : tuple of Contender
        One for each network, in the order given.

    Examples
    --------
    >>> import memsim
    >>> facts = memsim.compare(["patterns/dense", "patterns/harmonic"], cache="1MB").to_dict()
    >>> [network["shortcuts"]["dram_bytes"] for network in facts["networks"]]
    [116343360, 35868224]
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.comparison:comparison_sheet"

    contenders: tuple[Contender, ...]

    @property
    def config(self) -> dict[str, Any]:
        """The machine and the program options that all have in common."""
        config = self.contenders[0].result.config
        return {key: value for key, value in config.items() if key not in OF_THE_NETWORK}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.comparison/3"``."""
        return {
            "schema": SCHEMA,
            "config": self.config,
            "networks": [contender.to_dict() for contender in self.contenders],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per network; nested names are joined by ``.``.

        Of ``accuracy`` it holds the error, the deviations and what lies outside of the fit.
        """
        return [_row(contender) for contender in self.contenders]


def _row(contender: Contender) -> dict[str, Any]:
    facts, known = contender.to_dict(), contender.result.accuracy
    facts["accuracy"] = {
        "error": known.error,
        "deviations": "; ".join(known.deviations),
        "outside": "; ".join(known.outside),
    }
    told = identity(contender.result.config, contender.name, OF_THE_NETWORK)
    del told["network"]  # which the row begins with
    return {**dict(_flat(facts)), **told}


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield f"{prefix}{key}", " ".join("x".join(map(str, item)) for item in value)
        else:
            yield f"{prefix}{key}", value
