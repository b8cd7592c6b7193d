"""Replacement policies by name. A new one is one file and its line below."""

from __future__ import annotations

from memsim.engines.cache.policies.belady import belady
from memsim.engines.cache.policies.fifo import fifo
from memsim.engines.cache.policies.lru import lru, lru_sets
from memsim.engines.cache.policies.min import min_
from memsim.engines.cache.policies.pinned import pinned
from memsim.engines.cache.trace import Events, Policy, SetPolicy, Trace
from memsim.registry import Registry

POLICIES: Registry[Policy] = Registry("policy")
"""Every replacement policy of fully associative caches by name."""

POLICIES.add("lru", lru)
POLICIES.add("fifo", fifo)
POLICIES.add("belady", belady)
POLICIES.add("min", min_)
POLICIES.add("pinned", pinned)

SETS: Registry[SetPolicy] = Registry("policy of a cache of sets")
"""Replacement policies within the sets of a hardware cache by name."""

SETS.add("lru", lru_sets)

__all__ = ["POLICIES", "SETS", "Events", "Policy", "SetPolicy", "Trace"]
