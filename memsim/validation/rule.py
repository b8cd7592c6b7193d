"""What rules the time on a machine, by rank over the paper's networks: MACs, traffic or others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from memsim.calibration.score import spearman
from memsim.files import read_table
from memsim.machine import Machine, load_machine, machine_names
from memsim.network.graph import Network
from memsim.results.run import Result
from memsim.sheets.facts import Facts
from memsim.simulate import run
from memsim.simulate.source import load_on

SCHEMA = "memsim.rules/1"

SIZES = (224, 1024)
"""Pixels of a side of the input."""

MEASURED = ("gtx1080", 1024)
"""The machine and the size at which all of the networks were measured, too."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How the times of networks rank beside what might explain them; Spearman's correlation.

    Attributes
    ----------
    machine : str
    size : int
        Pixels of a side of the input.
    dtype : str
        The data type that the machine runs networks in.
    measured : bool
        Whether the times are measured; they are memsim's otherwise.
    macs, cio, traffic, feature_maps, kernels : float
        Of the time with each: MACs; CIO; DRAM traffic; DRAM traffic without weights; the number of
        kernels, each of which costs an overhead. 0 where that is the same for all networks. Of
        measured times the traffic and the kernels are memsim's, too.
    """

    machine: str
    size: int
    dtype: str
    measured: bool
    macs: float
    cio: float
    traffic: float
    feature_maps: float
    kernels: float

    @property
    def by(self) -> dict[str, float]:
        """The correlations by name."""
        return {
            "macs": self.macs,
            "cio": self.cio,
            "traffic": self.traffic,
            "feature_maps": self.feature_maps,
            "kernels": self.kernels,
        }

    @property
    def ruler(self) -> str:
        """The one that ranks most as the time does.

        Examples
        --------
        >>> Rule("m", 224, "fp32", False, 0.9, 0.7, 0.95, 0.8, 0.1).ruler
        'traffic'
        """
        return max(self.by, key=lambda name: self.by[name])

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "machine": self.machine,
            "size": self.size,
            "dtype": self.dtype,
            "measured": self.measured,
            **self.by,
            "ruler": self.ruler,
        }


@dataclass(frozen=True)
class Rules(Facts):
    """What rules the time on machines.

    Attributes
    ----------
    rules : tuple of Rule
    networks : int
        How many networks were ranked.

    Examples
    --------
    >>> Rules((), 16).to_dict()["schema"]
    'memsim.rules/1'
    """

    laid_out_by: ClassVar[str] = "memsim.validation.rule_sheet:rules_sheet"

    rules: tuple[Rule, ...]
    networks: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.rules/1"``."""
        return {"schema": SCHEMA, "networks": self.networks, "rules": self.rows()}

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per machine and size."""
        return [rule.to_dict() for rule in self.rules]


def rules(machines: str | Sequence[str | os.PathLike[str]] = ()) -> Rules:
    """Tell what rules the time on machines: whether MACs, CIO or DRAM traffic rank as it does.

    The networks are the sixteen classifiers of the HarDNet paper's Table 4, at 224x224 and at
    1024x1024, each as the machine runs it.

    Parameters
    ----------
    machines : str or sequence of str or path
        Names or files; if empty all that are shipped, but for those in register tiles or with a
        library's kernels, whose programs take minutes at 1024x1024.

    Returns
    -------
    Rules

    Raises
    ------
    InputError
        For an unknown name or a file that is wrong.

    Examples
    --------
    >>> import memsim
    >>> at_224, at_1024 = memsim.rules("textbook").rules
    >>> at_224.ruler, at_1024.ruler
    ('macs', 'macs')
    """
    if isinstance(machines, str):
        machines = [machines]
    chosen = [load_machine(name) for name in machines or machine_names()]
    if not machines:
        chosen = [each for each in chosen if _is_quick(each)]
    table = [row for row in read_table("memsim.paper", "imagenet") if row["shipped"]]
    found: list[Rule] = []
    for machine in chosen:
        for size in SIZES:
            loaded = [
                load_on(
                    machine,
                    row["shipped"],
                    variant=row["variant"] or None,
                    input_shape=(3, size, size),
                )
                for row in table
            ]
            results = [run(each, machine=machine, clock="recurrence") for each in loaded]
            if (machine.name, size) == MEASURED:
                found += _ranked([float(row["gpu_ms"]) for row in table], results, size, True)
            found += _ranked([result.time_s for result in results], results, size, False)
    return Rules(tuple(found), len(table))


def _ranked(
    times: Sequence[float], results: Sequence[Result], size: int, measured: bool
) -> Iterator[Rule]:
    networks: list[Network] = [result.network for result in results]
    yield Rule(
        machine=results[0].machine.name,
        size=size,
        dtype=networks[0].dtype,
        measured=measured,
        macs=spearman(times, [network.macs for network in networks]),
        cio=spearman(times, [network.cio for network in networks]),
        traffic=spearman(times, [result.dram_bytes for result in results]),
        feature_maps=spearman(
            times, [result.dram_bytes - result.by_role["weight"] for result in results]
        ),
        kernels=spearman(times, [len(result.program.kernels) for result in results]),
    )


def _is_quick(machine: Machine) -> bool:
    """Whether its programs at 1024x1024 take seconds: real kernels are followed line by line."""
    return machine.program.register_tile is None and machine.program.library == "none"
