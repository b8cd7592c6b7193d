"""Depth first: groups of kernels whose tasks are interleaved strip by strip.

The strips of a group's last maps decide. For each strip every kernel of the group computes the rows
that its readers in the group need beyond those that are there already, so no row is computed twice
and what overlaps between strips is kept. The maps between the kernels then live a few rows at a
time, and the weights are gone through once per strip.
"""

from memsim.program.depth_first.groups import kernel_groups
from memsim.program.depth_first.patterns import FILE, PATTERNS
from memsim.program.depth_first.tilings import DepthFirst
from memsim.program.depth_first.units import Group

__all__ = ["FILE", "PATTERNS", "DepthFirst", "Group", "kernel_groups"]
