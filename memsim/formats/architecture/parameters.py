"""Parameters that an architecture file shares between layers: ``weights`` and ``learned``.

``weights: NAME`` says that what an item stands for reads the parameters of what ``NAME`` stands
for, layer by layer; ``weights: {weight: NAME, bias: OTHER}`` tells the two apart. ``learned`` says
what the parameters of a layer are computed from. ``dtype: int8`` is the data type of what an item
writes, ``dtype: {weight: int8, bias: int32}`` that of what it stores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from memsim.errors import did_you_mean
from memsim.network.ops.base import LARGEST
from memsim.network.parameters import Learned
from memsim.network.tensor import ITEMSIZES
from memsim.network.types import NETWORKS, Types
from memsim.yaml.document import Path, shown

__all__ = ["BESIDE", "Sharing", "learned_of", "sharing_of", "types_of"]

BESIDE = ("name", "from", "weights", "learned", "dtype")
"""What may stand beside a keyword in every item."""

PARTS = ("weight", "bias")

Fail = Callable[[Path, str, str], None]


@dataclass(frozen=True, slots=True)
class Sharing:
    """Whose parameters an item reads: the names that the file gives, with their places.

    Attributes
    ----------
    weight, bias : (str, path) or None
        None where they are its own.
    """

    weight: tuple[str, Path] | None = None
    bias: tuple[str, Path] | None = None

    def __iter__(self) -> Iterator[tuple[str, tuple[str, Path]]]:
        for part in PARTS:
            word = getattr(self, part)
            if word is not None:
                yield part, word


def sharing_of(raw: Any, path: Path, fail: Fail) -> Sharing | None:
    """Read ``weights``; None, and a problem, where it is wrong."""
    if isinstance(raw, str):
        return Sharing((raw, path), (raw, path))
    hint = "such as 'weights: conv1', or 'weights: {weight: conv1, bias: conv2}'"
    if not isinstance(raw, dict) or not raw:
        fail(path, f"expected the name of a layer, not {shown(raw)}", hint)
        return None
    for key, word in raw.items():
        if key not in PARTS:
            fail((*path, key), f"unknown key {shown(key)}", "weight or bias")
            return None
        if not isinstance(word, str):
            fail((*path, key), f"expected the name of a layer, not {shown(word)}", "")
            return None
    return Sharing(**{part: (word, (*path, part)) for part, word in raw.items()})


def types_of(raw: Any, path: Path, fail: Fail) -> Types | None:
    """Read ``dtype``; None, and a problem, where it is wrong."""
    parts = raw if isinstance(raw, dict) and raw else {"output": raw}
    for key, word in parts.items():
        place = (*path, key) if parts is raw else path
        if key not in Types._fields:
            fail(place, f"unknown key {shown(key)}", ", ".join(Types._fields))
            return None
        known = (*ITEMSIZES, NETWORKS)
        if not isinstance(word, str) or word not in known:
            hint = did_you_mean(word, known) if isinstance(word, str) else ""
            fail(place, f"unknown data type {shown(word)}", hint or f"known: {', '.join(known)}")
            return None
    return Types(**parts)


def learned_of(raw: Any, path: Path, fail: Fail) -> Learned | None:
    """Read ``learned``; None, and a problem, where it is wrong."""
    if not isinstance(raw, dict):
        hint = "such as 'learned: {weight: 216, gain: 8}'"
        fail(path, f"expected parameters with their sizes, not {shown(raw)}", hint)
        return None
    for name, size in raw.items():
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= LARGEST**2:
            fail((*path, name), f"expected a number of elements, not {shown(size)}", "")
            return None
    return tuple((str(name), size) for name, size in raw.items())
