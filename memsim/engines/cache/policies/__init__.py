"""Replacement policies by name. A new one is one file and its line below."""

from __future__ import annotations

from memsim.engines.cache.policies.belady import belady
from memsim.engines.cache.policies.fifo import fifo
from memsim.engines.cache.policies.lru import lru
from memsim.engines.cache.policies.min import min_
from memsim.engines.cache.trace import Events, Policy, Trace
from memsim.registry import Registry

POLICIES: Registry[Policy] = Registry("policy")
"""Every replacement policy by name."""

POLICIES.add("lru", lru)
POLICIES.add("fifo", fifo)
POLICIES.add("belady", belady)
POLICIES.add("min", min_)

__all__ = ["POLICIES", "Events", "Policy", "Trace"]
