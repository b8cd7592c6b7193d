"""Replacement policies by name. A new one is one file and its line below."""

from __future__ import annotations

from memsim.engines.policies.base import Events, Policy, Trace
from memsim.engines.policies.belady import belady
from memsim.engines.policies.fifo import fifo
from memsim.engines.policies.lru import lru
from memsim.engines.policies.min import min_
from memsim.registry import Registry

POLICIES: Registry[Policy] = Registry("policy")
"""Every replacement policy by name."""

POLICIES.add("lru", lru)
POLICIES.add("fifo", fifo)
POLICIES.add("belady", belady)
POLICIES.add("min", min_)

__all__ = ["POLICIES", "Events", "Policy", "Trace"]
