"""Parameters: the tensors that layers multiply by and add, which several layers may read.

A layer owns its parameters unless its description says whose it reads. A tensor of parameters is
named after its owner; it is stored once and counted once, however many layers read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    """

    name: str
    stored: int
    shared: bool = False
    turned: bool = False
    channels: int = 0
    rows: int = 1

    def without_bias(self) -> tuple[Weights, Weights]:
        """Weights and bias apart, of a tensor that holds both."""
        bias = f"{self.name.removesuffix('.weight')}.bias"
        return replace(self, stored=self.stored - 1), Weights(bias, 1, self.shared)
