"""Managements of on-chip memory by name. A new one is one file and its line below."""

from __future__ import annotations

from memsim.engines.cache.managements.base import Management
from memsim.registry import Registry

MANAGEMENTS: Registry[Management] = Registry("management")
"""Every management by name."""

for _name in ("scratchpad", "hardware"):
    MANAGEMENTS.add_home(_name, f"memsim.engines.cache.managements.{_name}:{_name.upper()}")

__all__ = ["MANAGEMENTS", "Management"]
