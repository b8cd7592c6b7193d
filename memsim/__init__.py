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
    from memsim.budgets.checked import Checked
    from memsim.budgets.verb import check
    from memsim.calibration import calibrate
    from memsim.calibration.calibration import Calibration
    from memsim.differences.difference import Difference
    from memsim.differences.verb import diff
    from memsim.errors import InputError, MemsimError, Problem, SimulationError
    from memsim.explanations import Explanation, bounds, explain
    from memsim.formats import dump, from_torch, load, loads, names, to_torch
    from memsim.machine import Machine, load_machine, machine_names
    from memsim.measurement.probe.probe import Probe, probe
    from memsim.measurement.run.measurement import Measurement, measure
    from memsim.network import Network, Node, Tensor
    from memsim.network.metrics import Accounting, cio
    from memsim.paper import PaperTable, PaperTraffic, paper_table, paper_traffic
    from memsim.program import Program, build
    from memsim.results.comparison import Comparison
    from memsim.results.curve import CurveResult
    from memsim.results.description import Description
    from memsim.results.details.breakdown import Watched
    from memsim.results.inverse.design import Design
    from memsim.results.inverse.smallest import Smallest
    from memsim.results.layer import LayerResult
    from memsim.results.memory import Memory
    from memsim.results.moments.microscope import Microscope
    from memsim.results.optimality import Optimality
    from memsim.results.pytorch import PytorchTraffic
    from memsim.results.run import Result
    from memsim.results.size import SmallestCache
    from memsim.searches.result import SearchResult
    from memsim.searches.verb import search
    from memsim.simulate import (
        compare,
        curve,
        describe,
        design,
        memory,
        microscope,
        pytorch_traffic,
        run,
        size,
        summary,
        watch,
    )
    from memsim.sweeps.files import load_sweep
    from memsim.sweeps.verb import sweep
    from memsim.validation import fidelity, rules
    from memsim.validation.record import Fidelity
    from memsim.validation.rule import Rules

_HOMES = {
    "Accounting": "network.metrics",
    "Calibration": "calibration.calibration",
    "Checked": "budgets.checked",
    "Comparison": "results.comparison",
    "CurveResult": "results.curve",
    "Description": "results.description",
    "Design": "results.inverse.design",
    "Difference": "differences.difference",
    "Explanation": "explanations",
    "Fidelity": "validation.record",
    "InputError": "errors",
    "LayerResult": "results.layer",
    "Machine": "machine",
    "Measurement": "measurement.run.measurement",
    "Memory": "results.memory",
    "MemsimError": "errors",
    "Microscope": "results.moments.microscope",
    "Network": "network",
    "Node": "network",
    "Optimality": "results.optimality",
    "PaperTable": "paper",
    "PaperTraffic": "paper",
    "Probe": "measurement.probe.probe",
    "Problem": "errors",
    "Program": "program",
    "PytorchTraffic": "results.pytorch",
    "Result": "results.run",
    "SearchResult": "searches.result",
    "Rules": "validation.rule",
    "SimulationError": "errors",
    "Smallest": "results.inverse.smallest",
    "SmallestCache": "results.size",
    "Tensor": "network",
    "Watched": "results.details.breakdown",
    "bounds": "explanations",
    "build": "program",
    "calibrate": "calibration",
    "check": "budgets.verb",
    "cio": "network.metrics",
    "compare": "simulate",
    "curve": "simulate",
    "describe": "simulate",
    "design": "simulate",
    "diff": "differences.verb",
    "dump": "formats",
    "explain": "explanations",
    "fidelity": "validation",
    "from_torch": "formats",
    "load": "formats",
    "load_machine": "machine",
    "load_sweep": "sweeps.files",
    "loads": "formats",
    "machine_names": "machine",
    "measure": "measurement.run.measurement",
    "memory": "simulate",
    "microscope": "simulate",
    "names": "formats",
    "paper_table": "paper",
    "paper_traffic": "paper",
    "probe": "measurement.probe.probe",
    "pytorch_traffic": "simulate",
    "rules": "validation",
    "run": "simulate",
    "search": "searches.verb",
    "size": "simulate",
    "summary": "simulate",
    "sweep": "sweeps.verb",
    "to_torch": "formats",
    "watch": "simulate",
}
"""The room in which each public name lives."""

__all__ = [
    "Accounting",
    "Calibration",
    "Checked",
    "Comparison",
    "CurveResult",
    "Description",
    "Design",
    "Difference",
    "Explanation",
    "Fidelity",
    "InputError",
    "LayerResult",
    "Machine",
    "Measurement",
    "Memory",
    "MemsimError",
    "Microscope",
    "Network",
    "Node",
    "Optimality",
    "PaperTable",
    "PaperTraffic",
    "Probe",
    "Problem",
    "Program",
    "PytorchTraffic",
    "Result",
    "Rules",
    "SearchResult",
    "SimulationError",
    "Smallest",
    "SmallestCache",
    "Tensor",
    "Watched",
    "bounds",
    "build",
    "calibrate",
    "check",
    "cio",
    "compare",
    "curve",
    "describe",
    "design",
    "diff",
    "dump",
    "explain",
    "fidelity",
    "from_torch",
    "load",
    "load_machine",
    "load_sweep",
    "loads",
    "machine_names",
    "measure",
    "memory",
    "microscope",
    "names",
    "paper_table",
    "paper_traffic",
    "probe",
    "pytorch_traffic",
    "rules",
    "run",
    "search",
    "size",
    "summary",
    "sweep",
    "to_torch",
    "watch",
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
