"""Measures: the facts that a search can weigh, and how they are found for one network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Unpack

from memsim.network.graph import Network
from memsim.program.kernel import Role
from memsim.results.grid import Grid
from memsim.searches.expression import Fact, Number
from memsim.simulate.options import Options
from memsim.simulate.preparation import prepare_all
from memsim.units import PICOSECONDS

__all__ = ["KNOWN", "STATIC", "of_network", "of_run"]

STATIC: Mapping[str, str] = {
    "macs": "", "params": "", "layers": "", "cio_elements": "", "cio_bytes": "B",
}  # fmt: skip
"""Facts of a network alone, with their units."""

_RUN = {
    **dict.fromkeys(
        (
            "dram_bytes", "dram_read_bytes", "dram_write_bytes", "dram_weight_bytes",
            "dram_feature_map_bytes", "compulsory_bytes", "reload_bytes", "spill_bytes",
            *(f"{role.name.lower()}_bytes" for role in Role), "onchip_bytes",
            "peak_occupancy_bytes", "peak_live_activation_bytes",
        ),
        "B",
    ),
    "time_s": "s", "stall_s": "s", "frames_per_s": "",
    "energy_j": "J", "energy_dram_j": "J", "energy_onchip_j": "J", "energy_mac_j": "J",
}  # fmt: skip

KNOWN: Mapping[str, str] = {**STATIC, **_RUN}
"""All facts, with their units: ``B``, ``s``, ``J``, or none."""


def of_network(network: Network, facts: Iterable[Fact]) -> dict[Fact, Number]:
    """Those of some facts that need no run."""
    found: dict[str, Number] = {
        "macs": network.macs,
        "params": network.params,
        "layers": len(network),
        "cio_elements": network.cio,
        "cio_bytes": network.cio_bytes,
    }
    return {fact: found[fact.name] for fact in facts if fact.name in STATIC}


def of_run(
    network: Network, facts: Iterable[Fact], **options: Unpack[Options]
) -> dict[Fact, Number | None]:
    """Those of some facts that a run tells: one cache pass for each cache that they name.

    Parameters
    ----------
    network : Network
    facts : iterable of Fact
    **options
        See :class:`memsim.simulate.Options`.

    Returns
    -------
    dict
        None for an energy that the machine does not know.

    Raises
    ------
    InputError, SimulationError
        As :func:`memsim.run`.
    """
    asked = [fact for fact in facts if fact.name not in STATIC]
    if not asked:
        return {}
    programs, machine = prepare_all(network, "run", **options)
    sizes = [machine.cache_bytes if fact.cache is None else fact.cache for fact in asked]
    distinct = sorted(set(sizes))
    columns = Grid(programs, machine).facts(distinct)
    places = [distinct.index(size) for size in sizes]
    return {
        fact: _told(columns, fact.name, place) for fact, place in zip(asked, places, strict=True)
    }


def _told(columns: Mapping[str, Any], name: str, place: int) -> Number | None:
    if name in ("time_s", "stall_s"):
        value = columns[f"{name[:-2]}_ps"][place, 0, 0].item() / PICOSECONDS
    elif name == "frames_per_s":
        value = PICOSECONDS / max(columns["time_ps"][place, 0, 0].item(), 1)
    else:
        value = columns[name][place, 0, 0].item()
    return value if value == value else None  # NaN: an energy that is not known
