"""Depth first: groups of kernels whose tasks are interleaved strip by strip.

The strips of a group's last maps decide. For each strip every kernel of the group computes the rows
that its readers in the group need beyond those that are there already, so no row is computed twice
and what overlaps between strips is kept; or else all that they need, so what overlaps is computed
anew. The maps between the kernels then live a few rows at a time, and the weights are gone through
once per strip.
"""

from memsim.program.depth_first.groups import kernel_groups
from memsim.program.depth_first.patterns import FILE, PATTERNS
from memsim.program.depth_first.strips import KEEP, OVERLAPS, check_overlap
from memsim.program.depth_first.tile_size import Strip, TileSize
from memsim.program.depth_first.tilings import DepthFirst
from memsim.program.depth_first.units import Group

__all__ = [
    "FILE",
    "KEEP",
    "OVERLAPS",
    "PATTERNS",
    "DepthFirst",
    "Group",
    "Strip",
    "TileSize",
    "check_overlap",
    "kernel_groups",
]
