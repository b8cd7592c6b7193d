"""HarDNet: links where powers of two divide the layer (Chao et al., arXiv:1909.00948)."""

from __future__ import annotations

from typing import ClassVar

from memsim.network.patterns.base import Pattern


class Harmonic(Pattern):
    """Layer ``l`` reads ``l - 2**i`` only where ``2**i`` divides ``l``, nearest first.

    Odd layers and the last leave; once layer ``2**n`` is done, no later layer of the block
    reads layers ``1 .. 2**n - 1``.

    Examples
    --------
    >>> Harmonic().links(8), Harmonic().links(6), Harmonic().links(5)
    ([7, 6, 4, 0], [5, 4], [4])
    >>> [Harmonic().width(l, 14, 1.7) for l in range(1, 9)]
    [14, 24, 14, 40, 14, 24, 14, 68]
    >>> Harmonic().leaves(4)
    [1, 3, 4]
    """

    name: ClassVar[str] = "harmonic"

    def links(self, layer: int) -> list[int]:
        return [layer - (1 << i) for i in range(layer.bit_length()) if layer % (1 << i) == 0]

    def width(self, layer: int, growth: int, multiplier: float) -> int:
        """``growth * multiplier**v2(layer)``, rounded to even as the released code does."""
        channels = growth * multiplier ** ((layer & -layer).bit_length() - 1)
        return int(int(channels + 1) / 2) * 2

    def leaves(self, depth: int) -> list[int]:
        return [layer for layer in range(1, depth + 1) if layer % 2 or layer == depth]
