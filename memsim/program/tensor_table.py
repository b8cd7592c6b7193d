"""The table of tensors: all that a program stores, each with the grid that cuts it into cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.network.tensor import Tensor
from memsim.program.blocks import CellGrid
from memsim.program.program import Stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


class TensorTable:
    """The stored tensors of a program while it is put together.

    First tensors are added, and whoever accesses one cuts it at the edges of its tiles. Then
    :meth:`number_cells` ends the cutting, and :meth:`cells` tells which cells an access covers.

    Parameters
    ----------
    itemsize : int
        Bytes of one element of the network's data type.
    largest : int
        Largest block, in bytes.
    """

    def __init__(self, itemsize: int, largest: int) -> None:
        self.itemsize, self.largest = itemsize, largest
        self._stored: dict[str, Stored] = {}
        self._grids: dict[str, CellGrid] = {}
        self._first: dict[str, int] = {}  # number of each tensor's first cell

    def __getitem__(self, name: str) -> Stored:
        return self._stored[name]

    def all(self) -> tuple[Stored, ...]:
        """All of them, in the order in which they were added."""
        return tuple(self._stored.values())

    def add_map(self, tensor: Tensor, kind: str) -> None:
        """Add a feature map: an ``input``, an ``activation`` or an ``output``."""
        images, channels, rows, columns = tensor.grid
        shape = (images, channels, rows, columns * tensor.itemsize)
        self._add(tensor.name, kind, shape, tensor.itemsize, tensor.image.channels_last)

    def add_parameters(
        self, name: str, channels: int, per_channel: int, rows: int = 1, itemsize: int = 0
    ) -> bool:
        """Add parameters, so many bytes per channel; those that are there are shared.

        Returns
        -------
        bool
            Whether they lie in these channels and rows; not, if another one that shares them goes
            through them in another shape.

        Parameters
        ----------
        rows : int
            Pieces of equal size that a channel can be cut into.
        itemsize : int
            Bytes of one element, where it is not the network's.
        """
        shape = (1, channels, rows, per_channel // rows)
        if name not in self._stored:
            self._add(name, "weight", shape, itemsize or self.itemsize)
        there = self._stored[name]
        assert there.nbytes == channels * per_channel, f"{name} is read in two sizes"
        return there.shape == shape

    def add_scratch(self, name: str, nbytes: int) -> None:
        """Add memory of a runtime's own."""
        self._add(name, "scratch", (1, 1, 1, nbytes), self.itemsize)

    def _add(
        self,
        name: str,
        kind: str,
        shape: tuple[int, int, int, int],
        itemsize: int,
        channels_last: bool = False,
    ) -> None:
        images, channels, rows, row_bytes = shape
        self._stored[name] = Stored(name, kind, shape, itemsize, channels_last)
        self._grids[name] = CellGrid(channels, rows, row_bytes, images, self.largest)

    def cut(self, name: str, rows: Index, channels: Index) -> None:
        """Add the edges that an access to a tensor imposes."""
        self._grids[name].cut(rows, channels)

    def number_cells(self, most: int) -> bool:
        """Cut all tensors and number their cells through; False if there are more than ``most``."""
        count = 0
        for name, grid in self._grids.items():
            grid.freeze()
            self._first[name] = count
            count += grid.cells * grid.images
            if count > most:
                return False
        return True

    def cells(
        self,
        name: str,
        images: tuple[Index, Index],
        rows: tuple[Index, Index],
        channels: tuple[Index, Index],
    ) -> tuple[Index, Index, Index]:
        """The cells that accesses to a tensor cover, as runs of consecutive numbers.

        Parameters
        ----------
        name : str
        images : pair of arrays, per access
            First and behind the last. A tensor of one image, such as parameters, serves all of
            them and is accessed once.
        rows, channels : pair of arrays, per access
            Likewise; all of them are edges that went to :meth:`cut`.

        Returns
        -------
        tuple of arrays
            For each run the access it belongs to, its first cell and its number of cells. An
            access has a run for each strip of cells of each image that it covers, and none where
            it is empty.
        """
        grid = self._grids[name]
        low, high = grid.row_cells(rows[0]), grid.row_cells(rows[1])
        left, right = grid.channel_cells(channels[0]), grid.channel_cells(channels[1])
        strips = high - low
        runs = strips * (images[1] - images[0]) if grid.images > 1 else strips
        access = np.repeat(np.arange(len(runs)), runs)
        strip = np.arange(len(access)) - np.repeat(np.cumsum(runs) - runs, runs)
        first = left[access] + self._first[name]
        if grid.images > 1:
            image, strip = np.divmod(strip, strips[access])
            first = first + (images[0][access] + image) * grid.cells
        first = first + (low[access] + strip) * grid.cells_across
        count = (right - left)[access]
        filled = count > 0
        return access[filled], first[filled], count[filled]

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of a program that describe its cells and blocks."""
        grids = list(self._grids.values())
        cells = [grid.cells * grid.images for grid in grids]
        blocks = np.concatenate([np.tile(grid.counts, grid.images) for grid in grids])
        return {
            "cell_tensor": np.repeat(np.arange(len(grids), dtype=np.int32), cells),
            "cell_bytes": np.concatenate([np.tile(grid.cell_bytes, grid.images) for grid in grids]),
            "cell_box": np.concatenate([grid.boxes() for grid in grids]),
            "cell_block": np.concatenate([[0], np.cumsum(blocks)]),
            "block_bytes": np.concatenate([np.tile(grid.sizes(), grid.images) for grid in grids]),
        }
