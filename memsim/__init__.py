"""memsim: how many bytes a convolutional network moves to and from DRAM, and how long it takes.

>>> import memsim
>>> result = memsim.run("resnet18", cache="2MB")
>>> result.network.macs
1814073344

Names are imported when they are first used, so ``import memsim`` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsim.errors import InputError, MemsimError, Problem, SimulationError
    from memsim.formats import dump, load, names
    from memsim.machine import Machine, load_machine, machine_names
    from memsim.network import Network, Node, Tensor
    from memsim.program import Program, build
    from memsim.results import LayerResult, Result
    from memsim.simulate import run

__version__ = "0.1.0"

_HOMES = {
    "InputError": "errors",
    "LayerResult": "results",
    "Machine": "machine",
    "MemsimError": "errors",
    "Network": "network",
    "Node": "network",
    "Problem": "errors",
    "Program": "program",
    "Result": "results",
    "SimulationError": "errors",
    "Tensor": "network",
    "build": "program",
    "dump": "formats",
    "load": "formats",
    "load_machine": "machine",
    "machine_names": "machine",
    "names": "formats",
    "run": "simulate",
}

__all__ = [
    "InputError",
    "LayerResult",
    "Machine",
    "MemsimError",
    "Network",
    "Node",
    "Problem",
    "Program",
    "Result",
    "SimulationError",
    "Tensor",
    "build",
    "dump",
    "load",
    "load_machine",
    "machine_names",
    "names",
    "run",
]


def __getattr__(name: str) -> object:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'memsim' has no attribute {name!r}") from None
    return getattr(import_module(f"memsim.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
