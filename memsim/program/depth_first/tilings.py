"""Tilings of a group's kernels, and the order of their tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.network.graph import Network
from memsim.program.columns import Columns
from memsim.program.depth_first.strips import GroupStrips, Needs, rows_needed
from memsim.program.depth_first.units import Group, Units
from memsim.program.kernel import Kernel
from memsim.program.plan import KernelPlan
from memsim.program.tiling import Tiling
from memsim.program.tiling.strips import StripTiler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DepthFirst:
    """Groups of a program's kernels and their strips.

    Attributes
    ----------
    units : Units
    strips : tuple of GroupStrips
        Of each group.
    """

    units: Units
    strips: tuple[GroupStrips, ...]

    @classmethod
    def of(
        cls,
        network: Network,
        kernels: Sequence[Kernel],
        groups: Sequence[Group],
        plan_of: Callable[[Kernel, Tiling], KernelPlan],
        tiler: StripTiler,
        heights: Sequence[int | None],
    ) -> DepthFirst:
        """Cut groups into strips.

        Parameters
        ----------
        network : Network
        kernels : sequence of Kernel
        groups : sequence of tuple of int
        plan_of : callable
            See :func:`.strips.rows_needed`.
        tiler : StripTiler
            Tells which strips of a kernel the buffers hold in one tile.
        heights : sequence of int or None
            Rows of a strip of each group. None: the most with which every kernel of the group
            computes its rows in one tile, so that no input is read twice for a strip; a row where
            not even that fits.
        """
        units = Units.of(network, kernels, groups)
        strips = []
        for group, height in zip(groups, heights, strict=True):
            needs = {each: rows_needed(kernels[each], plan_of) for each in group}
            strips.append(_strips(group, kernels, needs, tiler, height))
        return cls(units, tuple(strips))

    @property
    def first(self) -> int:
        """The kernel that runs first."""
        return self.units.units[0][0]

    def told(
        self, kernels: Sequence[Kernel], pattern: str | None, height: int | tuple[int, ...] | None
    ) -> dict[str, str | int]:
        """What is said of it among the options of a program."""
        names = [
            f"{kernels[each.members[0]].name}..{kernels[each.members[-1]].layers[-1]}"
            if each.members[-1] - each.members[0] == len(each.members) - 1
            else ",".join(kernels[number].name for number in each.members)
            for each in self.strips
        ]
        return {
            "groups": pattern or "by hand",
            "group": " ".join(names),
            "strip": " ".join(map(str, height)) if isinstance(height, tuple) else height or "auto",
            "strips": sum(each.count for each in self.strips),
        }

    def tilings(self, kernels: Sequence[Kernel], tiler: StripTiler) -> dict[int, Tiling]:
        """The tiling of each kernel in a group."""
        return {
            each: tiler.tile(kernels[each], edges)
            for strips in self.strips
            for each, edges in zip(strips.members, strips.edges, strict=True)
        }

    def order(self, columns: Columns, tilings: Mapping[int, Tiling]) -> Index:
        """The order of tasks: units, and in a group image by image, strip by strip."""
        kernel = columns.task_kernel
        strip = np.zeros(len(kernel), np.int64)
        image = strip.copy()
        for strips in self.strips:
            for each, edges in zip(strips.members, strips.edges, strict=True):
                tasks = kernel == each
                end = tilings[each].rows[1:][tilings[each].strip]
                strip[tasks] = np.searchsorted(edges, end)
                image[tasks] = columns.task_image[tasks]
        place = self.units.places(int(kernel.max()) + 1)
        order: Index = np.lexsort((kernel, strip, image, place[kernel]))
        return order


def _strips(
    group: Group,
    kernels: Sequence[Kernel],
    needs: Mapping[int, Needs],
    tiler: StripTiler,
    height: int | None,
) -> GroupStrips:
    tallest = max(kernels[each].output.grid[2] for each in group)
    if height is not None:
        return GroupStrips.of(group, kernels, needs, height)

    def fits(rows: int) -> bool:
        strips = GroupStrips.of(group, kernels, needs, rows)
        return all(
            tiler.holds(kernels[each], int(np.diff(edges).max()))
            for each, edges in zip(strips.members, strips.edges, strict=True)
        )

    low, high = 1, tallest + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return GroupStrips.of(group, kernels, needs, low)
