"""Machines: on-chip memory, DRAM and compute, described by YAML and held exactly."""

from memsim.machine.load import DEFAULT_MACHINE, load_machine, machine_names
from memsim.machine.machine import Cache, Compute, Dram, Machine

__all__ = [
    "DEFAULT_MACHINE",
    "Cache",
    "Compute",
    "Dram",
    "Machine",
    "load_machine",
    "machine_names",
]
