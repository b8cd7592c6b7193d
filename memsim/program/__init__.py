"""From a network to a program: lowering, tiling, blocks, schedule."""

from memsim.program.build import build
from memsim.program.kernel import Cause, Kernel, Role
from memsim.program.lowering import LOWERINGS
from memsim.program.program import Program, Stored
from memsim.program.schedule import SCHEDULES
from memsim.program.tiling import ORDERS

__all__ = [
    "LOWERINGS",
    "ORDERS",
    "SCHEDULES",
    "Cause",
    "Kernel",
    "Program",
    "Role",
    "Stored",
    "build",
]
