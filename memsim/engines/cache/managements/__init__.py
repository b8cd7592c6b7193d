"""Managements of on-chip memory by name. A new one is one file and its line below."""

from __future__ import annotations

from memsim.engines.cache.managements.base import Management
from memsim.engines.cache.managements.hardware import Hardware
from memsim.engines.cache.managements.scratchpad import Scratchpad
from memsim.registry import Registry

MANAGEMENTS: Registry[Management] = Registry("management")
"""Every management by name."""

MANAGEMENTS.add("scratchpad", Scratchpad())
MANAGEMENTS.add("hardware", Hardware())

__all__ = ["MANAGEMENTS", "Management"]
