"""Connection rules of dense blocks: which layers a layer reads, how wide it is, what leaves.

A new pattern is one file with a :class:`Pattern` and its line below.
"""

from __future__ import annotations

from memsim.network.patterns import dense, harmonic, log, sparse
from memsim.network.patterns.base import Pattern
from memsim.registry import Registry

PATTERNS: Registry[Pattern] = Registry("pattern")
"""Every pattern by the name it has in architecture files."""

for _pattern in (dense.Dense(), log.Log(), sparse.Sparse(), harmonic.Harmonic()):
    PATTERNS.add(_pattern.name, _pattern)

__all__ = ["PATTERNS", "Pattern"]
