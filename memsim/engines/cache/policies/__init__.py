"""Replacement policies by name. A new one is one file and its line below."""

from __future__ import annotations

from memsim.engines.cache.trace import Events, Policy, SetPolicy, Trace
from memsim.registry import Registry

POLICIES: Registry[Policy] = Registry("policy")
"""Every replacement policy of fully associative caches by name."""

POLICIES.add_home("lru", "memsim.engines.cache.policies.lru:lru")
POLICIES.add_home("fifo", "memsim.engines.cache.policies.fifo:fifo")
POLICIES.add_home("belady", "memsim.engines.cache.policies.belady:belady")
POLICIES.add_home("min", "memsim.engines.cache.policies.min:min_")
POLICIES.add_home("pinned", "memsim.engines.cache.policies.pinned:pinned")

SETS: Registry[SetPolicy] = Registry("policy of a cache of sets")
"""Replacement policies within the sets of a hardware cache by name."""

SETS.add_home("lru", "memsim.engines.cache.policies.lru:lru_sets")

__all__ = ["POLICIES", "SETS", "Events", "Policy", "SetPolicy", "Trace"]
