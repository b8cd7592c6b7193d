"""What the page knows of memsim: patterns as tables, shipped blocks, the machine's sizes."""

from __future__ import annotations

from typing import Any

from memsim.machine import load_machine
from memsim.network.patterns import PATTERNS, Pattern

MACHINE = "textbook"
"""Round figures to follow by hand: its buffers cut the tiles, the slider begins at its cache."""

LOWERING = "concat_free"

MOST_LAYERS = 32
"""Deepest block of the page: links are drawn, and read, one by one."""

BLOCKS = {
    "dense": ("DenseNet", 20),
    "log": ("LogDenseNet", 34),
    "sparse": ("SparseNet", 34),
    "harmonic": ("HarDNet", 16),
}
"""Blocks to begin with: what a pattern is known from, and the growth of ``patterns/<name>``."""


def facts() -> dict[str, Any]:
    """Plain JSON values for the page's program.

    Examples
    --------
    >>> known = facts()
    >>> known["patterns"]["harmonic"]["links"][8], known["patterns"]["harmonic"]["doublings"][:5]
    ([7, 6, 4, 0], [None, 0, 1, 0, 2])
    >>> known["buffer"], known["cache"]
    (524288, 2000000)
    """
    machine = load_machine(MACHINE)
    return {
        "patterns": {name: _table(pattern) for name, pattern in PATTERNS.items()},
        "blocks": {name: {"from": known, "growth": k} for name, (known, k) in BLOCKS.items()},
        "machine": MACHINE,
        "lowering": LOWERING,
        "buffer": machine.buffer_bytes,
        "cache": machine.cache_bytes,
        "layers": MOST_LAYERS,
    }


def _table(pattern: Pattern) -> dict[str, Any]:
    """A pattern layer by layer: its links, how often the multiplier widens it, what leaves."""
    depths = range(1, MOST_LAYERS + 1)
    return {
        "links": [[], *map(pattern.links, depths)],
        "doublings": [None, *(_doublings(pattern, layer) for layer in depths)],
        "leaves": [[], *map(pattern.leaves, depths)],
        "keepInput": pattern.keep_input,
    }


def _doublings(pattern: Pattern, layer: int) -> int | None:
    """The power of the multiplier in a layer's width; None where a pattern has no multiplier."""
    if all(pattern.width(each, 2, 2.0) == 2 for each in range(1, 5)):
        return None
    return (pattern.width(layer, 2, 2.0) // 2).bit_length() - 1
