"""Runs sorted by what was run, as observations of a level."""

from __future__ import annotations

from memsim.calibration.fit import Observation
from memsim.calibration.runs import Run, RunSet
from memsim.calibration.workload import Workload
from memsim.errors import InputError, Problem
from memsim.machine import Machine

Place = tuple[object, ...]
"""What a program depends on; see :attr:`memsim.calibration.runs.Run.place`."""


class Places:
    """The places of runs, and the observations that a fit is made of.

    Parameters
    ----------
    runs : RunSet
    base : Machine
    level : str
        ``network`` or ``kernel``.

    Raises
    ------
    InputError
        If there are no times of the level, or none of a kernel that the model has.
    """

    def __init__(self, runs: RunSet, base: Machine, level: str) -> None:
        self.runs: dict[Place, Run] = {}
        self.measured: dict[Place, float] = {}
        self.unmatched: list[str] = []
        self.observations: list[Observation] = []
        self.workloads: dict[Place, Workload] = {}
        wanted = [run for run in runs.runs if bool(run.layer) == (level == "kernel")]
        if not wanted:
            what = "whole networks" if level == "network" else "kernels"
            raise InputError(Problem(f"the runs hold no times of {what}"))
        totals: dict[Place, float] = {}
        for run in wanted:
            totals[run.place] = totals.get(run.place, 0.0) + run.seconds
        times = {run.place: run.seconds for run in runs.runs if not run.layer}
        for run in wanted:
            if run.place not in self.workloads:
                self.workloads[run.place] = Workload.of(run, base)
            workload = self.workloads[run.place]
            kernels = workload.names.get(run.layer) if run.layer else None
            if run.layer and kernels is None:
                self.unmatched.append(f"{run.name}: {run.layer}")
                continue
            self.observations.append(Observation(run, workload, kernels, 1 / totals[run.place]))
            self.runs.setdefault(run.place, run)
            self.measured[run.place] = times.get(run.place, totals[run.place])
        if not self.observations:
            raise InputError(
                Problem(
                    f"none of the {len(self.unmatched)} timed kernels is one of the model's",
                    hint=f"such as {self.unmatched[0]}; memsim run --layers all shows their names",
                )
            )
