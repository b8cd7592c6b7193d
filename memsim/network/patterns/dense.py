"""DenseNet: every layer reads all before it (Huang et al., arXiv:1608.06993)."""

from __future__ import annotations

from typing import ClassVar

from memsim.network.patterns.base import Pattern


class Dense(Pattern):
    """All earlier layers, the input first; input and all outputs leave.

    Examples
    --------
    >>> Dense().links(3)
    [0, 1, 2]
    """

    name: ClassVar[str] = "dense"
    keep_input: ClassVar[bool] = True

    def links(self, layer: int) -> list[int]:
        return list(range(layer))

    def leaves(self, depth: int) -> list[int]:
        return list(range(1, depth + 1))
