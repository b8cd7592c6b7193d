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

from memsim.version import __version__ as __version__

if TYPE_CHECKING:
    from memsim import plot as plot
    from memsim.errors import InputError, MemsimError, Problem, SimulationError
    from memsim.formats import dump, from_torch, load, loads, names, to_torch
    from memsim.machine import Machine, load_machine, machine_names
    from memsim.network import Network, Node, Tensor
    from memsim.network.metrics import Accounting, cio
    from memsim.paper import PaperTable, paper_table
    from memsim.program import Program, build
    from memsim.results.comparison import Comparison
    from memsim.results.curve import CurveResult
    from memsim.results.layer import LayerResult
    from memsim.results.pytorch import PytorchTraffic
    from memsim.results.run import Result
    from memsim.simulate import compare, curve, pytorch_traffic, run

_HOMES = {
    "CurveResult": "results.curve",
    "Accounting": "network.metrics",
    "Comparison": "results.comparison",
    "InputError": "errors",
    "LayerResult": "results.layer",
    "Machine": "machine",
    "MemsimError": "errors",
    "Network": "network",
    "Node": "network",
    "PaperTable": "paper",
    "Problem": "errors",
    "Program": "program",
    "PytorchTraffic": "results.pytorch",
    "Result": "results.run",
    "SimulationError": "errors",
    "Tensor": "network",
    "build": "program",
    "curve": "simulate",
    "cio": "network.metrics",
    "compare": "simulate",
    "dump": "formats",
    "from_torch": "formats",
    "load": "formats",
    "load_machine": "machine",
    "loads": "formats",
    "machine_names": "machine",
    "names": "formats",
    "paper_table": "paper",
    "pytorch_traffic": "simulate",
    "run": "simulate",
    "to_torch": "formats",
}

__all__ = [
    "CurveResult",
    "Accounting",
    "Comparison",
    "InputError",
    "LayerResult",
    "Machine",
    "MemsimError",
    "Network",
    "Node",
    "PaperTable",
    "Problem",
    "Program",
    "PytorchTraffic",
    "Result",
    "SimulationError",
    "Tensor",
    "build",
    "curve",
    "cio",
    "compare",
    "dump",
    "from_torch",
    "load",
    "load_machine",
    "loads",
    "machine_names",
    "names",
    "paper_table",
    "pytorch_traffic",
    "run",
    "to_torch",
]


_MODULES = ("plot",)
"""Public modules that are imported when they are first used, like the names."""


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"memsim.{name}")
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'memsim' has no attribute {name!r}") from None
    return getattr(import_module(f"memsim.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
