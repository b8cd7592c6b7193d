"""The table of tensors: all that a program stores, by name and number."""

from __future__ import annotations

import numpy as np

from memsim.network.tensor import Tensor
from memsim.program.program import Stored


class TensorTable:
    """The stored tensors of a program while it is put together.

    Parameters
    ----------
    itemsize : int
        Bytes of one element of the network's data type.
    """

    def __init__(self, itemsize: int) -> None:
        self.itemsize = itemsize
        self._stored: dict[str, Stored] = {}
        self._number: dict[str, int] = {}

    def __getitem__(self, name: str) -> Stored:
        return self._stored[name]

    def number(self, name: str) -> int:
        """Which of them a tensor is, in the order in which they were added."""
        return self._number[name]

    def all(self) -> tuple[Stored, ...]:
        """All of them, in that order."""
        return tuple(self._stored.values())

    def shapes(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Images, channels, rows and bytes of a row of a channel; a row for each tensor."""
        return np.array([each.shape for each in self._stored.values()], np.int64).reshape(-1, 4)

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
        self._number.setdefault(name, len(self._number))
        self._stored[name] = Stored(name, kind, shape, itemsize, channels_last)
