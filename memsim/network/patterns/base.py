"""What a pattern answers."""

from __future__ import annotations

from typing import ClassVar


class Pattern:
    """The connection rule of a dense block of layers 1..depth; layer 0 is the block's input.

    Attributes
    ----------
    name : str
        The pattern's name in architecture files.
    keep_input : bool
        Whether the block's input is part of what leaves it, where a file does not say.
    """

    name: ClassVar[str]
    keep_input: ClassVar[bool] = False

    def links(self, layer: int) -> list[int]:
        """The layers that ``layer`` reads, in the order they are concatenated."""
        raise TypeError(f"{type(self).__name__} must define links()")

    def width(self, layer: int, growth: int, multiplier: float) -> int:
        """Output channels of ``layer``."""
        return growth

    def leaves(self, depth: int) -> list[int]:
        """The layers whose outputs, concatenated in this order, leave the block.

        0 is the input; ``keep_input`` puts it first where the rule leaves it out.
        """
        raise TypeError(f"{type(self).__name__} must define leaves()")


def power_of_two_links(layer: int) -> list[int]:
    """``layer - 2**i`` for every ``2**i <= layer``, nearest first.

    Examples
    --------
    >>> power_of_two_links(6)
    [5, 4, 2]
    """
    return [layer - (1 << i) for i in range(layer.bit_length()) if 1 << i <= layer]
