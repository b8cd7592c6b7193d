"""More cache."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.explanations.question import Change, Question
from memsim.machine.cache import Cache
from memsim.readable import format_bytes_exact
from memsim.results.run import Result

MORE = 256 << 10
"""Bytes."""


def more_cache(question: Question, result: Result) -> Iterator[Change]:
    """256 KiB more of cache; where that is no whole number of sets, up to the next one."""
    cache = result.machine.cache
    size = whole(cache, cache.size + MORE)
    more = size - cache.size
    told = format_bytes_exact(more) if more % 1024 else f"{more // 1024} KiB"
    yield Change(f"{told} more cache", {"cache": size})


def whole(cache: Cache, size: int) -> int:
    """The smallest size from one on that a cache can have.

    Examples
    --------
    >>> whole(Cache(size=0, management="hardware", ways=48), 262144)
    264192
    >>> whole(Cache(size=0, management="hardware", ways=16), 262144), whole(Cache(size=0), 1000)
    (262144, 1000)
    """
    if not MANAGEMENTS[cache.management].addressed or cache.ways is None:
        return size
    one = cache.ways * cache.line
    return -(-size // one) * one
