"""SparseNet: power-of-two links inside the block (Zhu et al., arXiv:1801.05895)."""

from __future__ import annotations

from typing import ClassVar

from memsim.network.patterns.base import Pattern, power_of_two_links


class Sparse(Pattern):
    """Layer ``l`` reads ``l - 2**i``, numbered inside the block.

    What leaves is what a layer after the last would read, the input (0) among it where
    ``depth + 1`` is a power of two.

    Examples
    --------
    >>> Sparse().links(6), Sparse().leaves(6)
    ([5, 4, 2], [6, 5, 3])
    """

    name: ClassVar[str] = "sparse"

    def links(self, layer: int) -> list[int]:
        return power_of_two_links(layer)

    def leaves(self, depth: int) -> list[int]:
        return power_of_two_links(depth + 1)
