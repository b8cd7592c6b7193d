"""The cache of a machine: all that decides what is kept on chip between tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from memsim.machine import fields
from memsim.units import parse_bytes

Index = Literal["plain", "hashed"]
Layout = Literal["nchw", "nhwc"]


class Cache(BaseModel):
    """On-chip memory: what is kept between tasks.

    A new property of caches is one field here and, where a command may change it, one line in
    :data:`OPTIONS`; the management that heeds it says so.

    Attributes
    ----------
    size : int
        How many bytes it holds; 0 is the limit without reuse.
    policy : str
        Which block gives way where there is no room: a name in the registry of
        :mod:`memsim.engines.cache.policies`.
    management : str
        Whether it knows lifetimes (``scratchpad``) or is one of lines that do not (``hardware``):
        a name in the registry of :mod:`memsim.engines.cache.managements`.
    line : int
        Bytes of a line of a hardware cache.
    ways : int or None
        Lines of a set; None: one set of all lines, fully associative.
    index : str
        How a line finds its set: ``plain`` (line number modulo sets) or ``hashed``.
    fetch_on_write : bool
        Whether a write that misses fetches its line first.
    layout : str
        ``nchw`` or ``nhwc``: how feature maps lie in memory.
    allocator : str
        Who gives feature maps their addresses: ``caching``, ``arena``, ``cuda``, ``oldest`` or
        ``fresh``; a name in the registry of :mod:`memsim.program.memory.allocator`.
    first_level : int or None
        Bytes of a first level in front of a hardware cache, which filters what it is asked for;
        None: there is none.
    first_ways : int
        Lines of a set of the first level.
    bandwidth : Fraction or None
        Bytes per second between cache and compute engine; None: it never limits.

    Examples
    --------
    >>> Cache(size="2MiB", management="hardware", ways=16).size
    2097152
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    size: fields.Bytes
    policy: fields.Name = "lru"
    management: fields.Name = "scratchpad"
    line: fields.PositiveBytes = 64
    ways: Annotated[int, Field(ge=1, le=fields.MOST_WAYS, strict=True)] | None = None
    index: Index = "plain"
    fetch_on_write: Annotated[bool, Field(strict=True)] = True
    layout: Layout = "nchw"
    allocator: fields.Name = "caching"
    first_level: fields.PositiveBytes | None = None
    first_ways: Annotated[int, Field(ge=1, le=fields.MOST_WAYS, strict=True)] = 8
    bandwidth: fields.Bandwidth | None = None

    @classmethod
    def of(cls, cache: Cache | int) -> Cache:
        """A cache as it is; a number of bytes as a scratchpad of that size."""
        return cache if isinstance(cache, Cache) else cls(size=cache)

    def resized(self, size: int) -> Cache:
        """The same cache with another capacity in bytes."""
        return self.model_copy(update={"size": size})

    def resolved(self) -> dict[str, Any]:
        """What decides which bytes move, as plain JSON values with units in the keys."""
        return {
            "cache_bytes": self.size,
            "policy": self.policy,
            "management": self.management,
            "line_bytes": self.line,
            "ways": self.ways,
            "index": self.index,
            "fetch_on_write": self.fetch_on_write,
            "first_level_bytes": self.first_level,
            "first_level_ways": None if self.first_level is None else self.first_ways,
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Where feature maps lie: what of the cache a program's configuration tells."""
        return {"layout": self.layout, "allocator": self.allocator}


OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "cache": ("size", parse_bytes),
    "policy": ("policy", fields.name),
    "management": ("management", fields.name),
    "line": ("line", fields.positive_bytes),
    "ways": ("ways", fields.ways),
    "index": ("index", fields.one_of("index", *get_args(Index))),
    "fetch_on_write": ("fetch_on_write", fields.flag),
    "layout": ("layout", fields.one_of("layout", *get_args(Layout))),
    "allocator": ("allocator", fields.name),
}
"""What may be changed of a machine's cache: option -> the field it sets, and how it is read."""
