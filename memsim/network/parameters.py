"""Parameters: the tensors that layers multiply by and add, which several layers may read.

A layer owns its parameters unless its description says whose it reads. A tensor of parameters is
named after its owner; it is stored once and counted once, however many layers read it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from memsim.network.tensor import ITEMSIZES

__all__ = ["Learned", "Weights"]

Learned = tuple[tuple[str, int], ...]
"""Learned parameters by name, each with its number of elements."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A tensor of parameters, as one layer reads it.

    Attributes
    ----------
    name : str
        ``conv1.weight``, after its owner.
    stored : int
        Elements per output channel of the layer that reads it.
    shared : bool
        Whether other layers read it too.
    turned : bool
        Whether its owner's output channels are this layer's input channels, as in a decoder that
        multiplies by the transpose of its encoder's weights.
    channels : int
        Of its owner's output where turned; otherwise 0, which stands for the reader's.
    rows : int
        Into how many pieces those who read it turned cut each channel of its owner.
    itemsize : int
        Bytes of an element; 0 stands for those of the network's data type.
    wider : int
        Bytes of a channel besides, where its bias has larger elements.
    sizes : tuple of int
        The axes of a table, see :class:`~memsim.network.ops.base.Table`; ``stored`` are then its
        elements at each place. Empty for what is so many numbers per channel.
    passes : bool
        No tile holds its part of a table.
    looked_up : bool
        The rows of a channel are looked up: a tile reads as many of them as it has places.
    """

    name: str
    stored: int
    shared: bool = False
    turned: bool = False
    channels: int = 0
    rows: int = 1
    itemsize: int = 0
    wider: int = 0
    sizes: tuple[int, ...] = ()
    passes: bool = False
    looked_up: bool = False

    @classmethod
    def of(
        cls, name: str, stored: int, shared: bool, kinds: tuple[str, str], network: str
    ) -> Weights:
        """Weights, and as many more elements per channel as there are of a bias.

        Parameters
        ----------
        kinds : (str, str)
            The data types of all elements, and of the last one of a channel if it is a bias.
        network : str
            The network's data type.
        """
        if kinds == (network, network):
            return cls(name, stored, shared)
        item, last = (ITEMSIZES[kind] for kind in kinds)
        return cls(name, stored, shared, itemsize=item, wider=last - item)

    def nbytes(self, elements: int, itemsize: int) -> int:
        """Bytes of so many elements of a channel, and of its bias, in a network of an item size."""
        return elements * (self.itemsize or itemsize) + self.wider

    @property
    def elements(self) -> int:
        """Elements of a table."""
        return math.prod(self.sizes) * self.stored

    def without_bias(self) -> tuple[Weights, Weights]:
        """Weights and bias apart, of a tensor that holds both."""
        bias = f"{self.name.removesuffix('.weight')}.bias"
        item = self.itemsize + self.wider
        weights = replace(self, stored=self.stored - 1, wider=0)
        return weights, Weights(bias, 1, self.shared, itemsize=item)
