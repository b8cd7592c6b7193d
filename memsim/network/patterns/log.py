"""LogDenseNet: power-of-two links (Hu et al., arXiv:1711.00002)."""

from __future__ import annotations

from typing import ClassVar

from memsim.network.patterns.base import Pattern, power_of_two_links


class Log(Pattern):
    """Layer ``l`` reads ``l - 2**i`` for every ``2**i <= l``.

    In a single block this is the sparse rule; the paper numbers layers across blocks, and all
    that a later layer may still read leaves: the input and every output.

    Examples
    --------
    >>> Log().links(5), Log().leaves(3)
    ([4, 3, 1], [1, 2, 3])
    """

    name: ClassVar[str] = "log"
    keep_input: ClassVar[bool] = True

    def links(self, layer: int) -> list[int]:
        return power_of_two_links(layer)

    def leaves(self, depth: int) -> list[int]:
        return list(range(1, depth + 1))
