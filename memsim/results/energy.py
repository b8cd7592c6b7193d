"""The energy of a run: what its machine knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsim.machine import Machine
    from memsim.program import Program


def joules(amount: int, picojoules: float | None) -> float | None:
    """Joules of so many bytes or operations; None where one's energy is not known.

    Examples
    --------
    >>> joules(10**12, 0.5), joules(10**12, None)
    (0.5, None)
    """
    return None if picojoules is None else amount * picojoules * 1e-12


def mac_joules(program: Program, machine: Machine) -> float | None:
    """Joules of all MACs, each in its own data type; None where one's energy is not known."""
    macs = program.macs_by_dtype or {program.dtype: 0}
    parts = [joules(count, machine.pj_per_mac(dtype)) for dtype, count in macs.items()]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def with_sum(parts: dict[str, float | None]) -> dict[str, float | None]:
    """The parts and ``energy_j``, their sum; None where one of them is not known.

    Examples
    --------
    >>> with_sum({"energy_dram_j": 0.25, "energy_mac_j": 0.5})["energy_j"]
    0.75
    >>> with_sum({"energy_dram_j": 0.25, "energy_mac_j": None})
    {'energy_dram_j': 0.25, 'energy_mac_j': None, 'energy_j': None}
    """
    known = [part for part in parts.values() if part is not None]
    return {**parts, "energy_j": sum(known) if len(known) == len(parts) else None}
