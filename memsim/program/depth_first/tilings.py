"""Tilings of a group's kernels, and the order of their tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.errors import InputError, Problem, SimulationError
from memsim.network.graph import Network
from memsim.program.columns import Columns
from memsim.program.depth_first import versions
from memsim.program.depth_first.strips import (
    KEEP,
    GroupStrips,
    Needs,
    columns_needed,
    rows_needed,
)
from memsim.program.depth_first.tile_size import TileSize
from memsim.program.depth_first.units import Group, Units
from memsim.program.kernel import Kernel
from memsim.program.kernel_graph import kernel_readers
from memsim.program.plan import KernelPlan
from memsim.program.tensor_table import TensorTable
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
    overlap : str
        Of :data:`~memsim.program.depth_first.strips.OVERLAPS`.
    """

    units: Units
    strips: tuple[GroupStrips, ...]
    overlap: str = KEEP

    @classmethod
    def of(
        cls,
        network: Network,
        kernels: Sequence[Kernel],
        groups: Sequence[Group],
        plan_of: Callable[[Kernel, Tiling], KernelPlan],
        tiler: StripTiler,
        sizes: Sequence[TileSize],
        overlap: str = KEEP,
        check: bool = False,
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
        sizes : sequence of TileSize
            The strips of each group. Without rows: the most with which every kernel of the group
            computes its rows in one tile, so that no input is read twice for a strip; a row where
            not even that fits.
        overlap : str
            What becomes of rows that several strips need.
        check : bool
            Whether strips that compute a whole map anew, one after the other, are refused.

        Raises
        ------
        InputError
            For groups that wait for each other, and for a halo larger than a map.
        """
        units = Units.of(network, kernels, groups)
        outside = None if overlap == KEEP else _leaving(network, kernels, groups)
        strips = []
        for group, size in zip(groups, sizes, strict=True):
            needs = {each: rows_needed(kernels[each], plan_of) for each in group}
            if size.rows is None or size.columns is None:
                strips.append(_strips(group, kernels, needs, tiler, size.rows, outside))
            else:
                if tiler.register_tile is not None:
                    raise _in_registers(str(size))
                across = {each: columns_needed(kernels[each], plan_of) for each in group}
                both = size.rows, size.columns
                strips.append(_tiles(group, kernels, (needs, across), both, outside))
            if check:
                _check_halo(kernels, strips[-1])
        return cls(units, tuple(strips), overlap)

    @property
    def first(self) -> int:
        """The kernel that runs first."""
        return self.units.units[0][0]

    def told(
        self, kernels: Sequence[Kernel], pattern: str | None, sizes: Sequence[TileSize]
    ) -> dict[str, str | int]:
        """What is said of it among the options of a program."""
        names = [
            f"{kernels[each.members[0]].name}..{kernels[each.members[-1]].layers[-1]}"
            if each.members[-1] - each.members[0] == len(each.members) - 1
            else ",".join(kernels[number].name for number in each.members)
            for each in self.strips
        ]
        said = " ".join(map(str, sizes))
        return {
            "groups": pattern or "by hand",
            "group": " ".join(names),
            "strip": int(said) if said.isdecimal() else said,
            "strips": sum(each.count for each in self.strips),
            "strip_overlap": self.overlap,
        }

    def tilings(self, kernels: Sequence[Kernel], tiler: StripTiler) -> dict[int, Tiling]:
        """The tiling of each kernel in a group.

        Raises
        ------
        SimulationError
            If the buffers do not hold the smallest tile of some kernel, with what would fit.
        """
        for strips in self.strips:
            self._check_buffers(strips, kernels, tiler)
        return {
            each: tiler.tile(kernels[each], strips.low[place], strips.high[place], across)
            for strips in self.strips
            for place, (each, across) in enumerate(
                zip(strips.members, strips.across or [None] * len(strips.members), strict=True)
            )
        }

    @staticmethod
    def _check_buffers(strips: GroupStrips, kernels: Sequence[Kernel], tiler: StripTiler) -> None:
        group = strips.members
        widest = {
            each: int((high - low).max())
            for each, (low, high) in zip(group, strips.across, strict=False)
        }
        need, number = max((tiler.least(kernels[each], widest.get(each)), -each) for each in group)
        if need > tiler.buffer:
            message = (
                f"the streaming buffers hold {tiler.buffer:,} B, but the smallest tiles of group "
                f"{kernels[group[0]].name}..{kernels[group[-1]].name} (one row of one channel) "
                f"need {need:,} B, for {kernels[-number].name}"
            )
            raise SimulationError(Problem(message, hint=f"--buffer {need} or more"))

    def turns(self, columns: Columns, tilings: Mapping[int, Tiling]) -> Index:
        """Which strip of its group each task works on, in the order in which tasks are listed."""
        turn = np.zeros(len(columns.task_kernel), np.int64)
        for number, tiling in tilings.items():
            if tiling.turn is not None:
                turn[columns.task_kernel == number] = tiling.turn
        return turn

    def written_anew(
        self,
        kernels: Sequence[Kernel],
        tensors: TensorTable,
        columns: Columns,
        tilings: Mapping[int, Tiling],
        cells: dict[str, NDArray[Any]],
    ) -> dict[str, NDArray[Any]]:
        """The columns of cells, with those apart that strips compute anew."""
        maps = [
            tensors.number(kernels[each].output.name)
            for strips in self.strips
            for each, anew in zip(strips.members, strips.anew, strict=True)
            if anew
        ]
        if not maps:
            return cells
        return versions.apart(columns, cells, np.array(maps), self.turns(columns, tilings))

    def order(self, columns: Columns, tilings: Mapping[int, Tiling]) -> Index:
        """The order of tasks: units, and in a group image by image, strip by strip."""
        kernel = columns.task_kernel
        fused = np.isin(kernel, list(tilings))
        strip, image = self.turns(columns, tilings), np.where(fused, columns.task_image, 0)
        place = self.units.places(int(kernel.max()) + 1)
        order: Index = np.lexsort((kernel, strip, image, place[kernel]))
        return order


def _strips(
    group: Group,
    kernels: Sequence[Kernel],
    needs: Mapping[int, Needs],
    tiler: StripTiler,
    height: int | None,
    leave: Collection[int] | None,
) -> GroupStrips:
    tallest = max(kernels[each].output.grid[2] for each in group)
    if height is not None:
        return GroupStrips.of(group, kernels, needs, height, leave)

    def fits(rows: int) -> bool:
        strips = GroupStrips.of(group, kernels, needs, rows, leave)
        return all(
            tiler.holds(kernels[each], strips.most_rows(place))
            for place, each in enumerate(strips.members)
        )

    low, high = 1, tallest + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return GroupStrips.of(group, kernels, needs, low, leave)


def _in_registers(size: str) -> InputError:
    message = f"tiles of {size} are cut for buffers, and kernels are cut for registers here"
    return InputError(Problem(message, path="strip", hint="strips of whole rows, such as 4"))


def _tiles(
    group: Group,
    kernels: Sequence[Kernel],
    needs: tuple[Mapping[int, Needs], Mapping[int, Needs]],
    size: tuple[int, int],
    leave: Collection[int] | None,
) -> GroupStrips:
    """Tiles of rows and columns; a map is computed anew along both axes, or along none."""
    while True:
        rows, columns = (
            GroupStrips.of(group, kernels, needs[i], size[i], leave, axis=2 + i) for i in (0, 1)
        )
        pairs = zip(rows.members, rows.anew, columns.anew, strict=True)
        along_one = {each for each, down, across in pairs if down != across}
        if not along_one:
            return rows.crossed(columns)
        leave = {*(leave or ()), *along_one}


def _check_halo(kernels: Sequence[Kernel], strips: GroupStrips) -> None:
    """Refuse groups of which several strips compute all of a map anew."""
    for place, number in enumerate(strips.members):
        rows = kernels[number].output.grid[2]
        all_of = strips.high[place] - strips.low[place] == rows
        if strips.across:
            left, right = strips.across[place]
            all_of &= right - left == kernels[number].output.grid[3]
        whole = int(all_of.sum())
        if strips.anew[place] and whole > 1:
            first, last = (kernels[strips.members[end]].name for end in (0, -1))
            message = (
                f"{whole} of {strips.count} strips of {first}..{last} compute all {rows} rows of "
                f"{kernels[number].name} anew: the halo is larger than the map"
            )
            hint = "taller strips, fewer layers, or overlap keep"
            raise InputError(Problem(message, path="group", hint=hint))


def _leaving(network: Network, kernels: Sequence[Kernel], groups: Sequence[Group]) -> set[int]:
    """The kernels whose maps are read outside of their group, or are the network's."""
    group_of = {number: group for group in groups for number in group}
    number_of = {kernel.name: number for number, kernel in enumerate(kernels)}
    readers = kernel_readers(network, kernels)
    return {
        number
        for number, group in group_of.items()
        if kernels[number].leaves
        or any(number_of[name] not in group for name in readers[kernels[number].name])
    }
