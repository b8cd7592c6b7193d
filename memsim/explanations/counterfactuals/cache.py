"""More cache."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.results.run import Result

MORE = 256 << 10
"""Bytes."""


def more_cache(question: Question, result: Result) -> Iterator[Change]:
    """256 KiB more of cache."""
    yield Change("256 KiB more cache", {"cache": result.machine.cache_bytes + MORE})
