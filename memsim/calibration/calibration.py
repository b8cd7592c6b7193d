"""A calibration: a machine fitted to runs, and how wrong it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from memsim.calibration.families import family_of
from memsim.calibration.fit import Fit, Observation, fit
from memsim.calibration.parameters import PARAMETERS
from memsim.calibration.places import Places
from memsim.calibration.published import PUBLISHED, base_file
from memsim.calibration.runs import CLOCK, Run, RunSet, load_network, read_runs
from memsim.calibration.score import Score
from memsim.calibration.times import ClassTimes, KernelTimes, NetworkTimes, by_class
from memsim.errors import InputError, Problem, SimulationError, did_you_mean
from memsim.machine import Machine, load_machine
from memsim.machine.habits import Calibrated
from memsim.sheets.facts import Facts

SCHEMA = "memsim.calibration/1"

LEVELS = ("auto", "network", "kernel")

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""A file or several."""


@dataclass(frozen=True)
class Calibration(Facts):
    """A fitted machine with the rows it was fitted to.

    Attributes
    ----------
    fit : Fit
    networks : tuple of NetworkTimes
    facts : mapping of str to str
        Where the times come from.
    level : str
        ``network`` or ``kernel``: which times were fitted.
    kernels : tuple of KernelTimes
        Where kernels were timed: each of them.
    unmatched : tuple of str
        Timed kernels that the model does not have.
    classes : tuple of str
        Classes of operators that were timed.
    base_text : str
        The file of the base machine, which :func:`~memsim.calibration.machine_file.machine_text`
        fills in; empty where the machine was no file.

    Examples
    --------
    >>> import memsim
    >>> calibration = memsim.calibrate(paper="nano")  # doctest: +SKIP
    >>> sorted(calibration.scores)                    # doctest: +SKIP
    ['family_out', 'left_out', 'regression', 'simulated']
    """

    laid_out_by: ClassVar[str] = "memsim.calibration.sheet:calibration_sheet"

    fit: Fit
    networks: tuple[NetworkTimes, ...]
    facts: Mapping[str, str]
    level: str
    kernels: tuple[KernelTimes, ...] = field(default=(), repr=False)
    unmatched: tuple[str, ...] = ()
    base_text: str = field(default="", repr=False)
    classes: tuple[str, ...] = ()

    @property
    def machine(self) -> Machine:
        """The fitted machine, which knows what it was fitted to."""
        return self.fit.machine.model_copy(update={"calibrated": self.calibrated})

    @property
    def calibrated(self) -> Calibrated:
        """What the machine was fitted to, and how wrong it is about networks it has not seen."""
        runs, score = [row.run for row in self.networks], self.scores["left_out"]
        family = self.scores.get("family_out")
        kernels = self.kernel_scores.get("left_out")
        return Calibrated(
            networks=len({_network(run) for run in runs}),
            times=kernels.rows if kernels else score.rows,
            level=self.level,
            inputs=tuple(sorted({run.input_shape for run in runs})),
            batches=tuple(sorted({run.batch for run in runs})),
            dtype=load_network(runs[0]).dtype,
            classes=self.classes,
            left_out=round(score.mape, 4),
            worst=round(score.worst, 4),
            family_out=None if family is None else round(family.mape, 4),
            family_worst=None if family is None else round(family.worst, 4),
            cpu=self.facts.get("cpu"),
            vectors=self.facts.get("instruction set", "").split(";")[0]
            or self.facts.get("vectors"),
            clock=self.facts.get(CLOCK),
        )

    @cached_property
    def scores(self) -> dict[str, Score]:
        """Errors of whole networks: ``regression``, ``simulated``, ``left_out``, ``family_out``."""
        return _scores(self.networks, "regression", "simulated", "left_out", "family_out")

    @cached_property
    def kernel_scores(self) -> dict[str, Score]:
        """Errors of timed kernels: ``simulated``, ``left_out``, ``family_out``; or none."""
        return _scores(self.kernels, "simulated", "left_out", "family_out")

    @cached_property
    def by_class(self) -> tuple[ClassTimes, ...]:
        """Timed kernels by the class of their operator, the longest first."""
        return by_class(self.kernels)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.calibration/1"``."""
        return {
            "schema": SCHEMA,
            "facts": dict(self.facts),
            "level": self.level,
            "machine": self.machine.resolved(),
            "parameters": [
                {
                    "name": each.name,
                    "status": each.status,
                    "reason": each.reason,
                    "cost_s": each.cost,
                    "cost_low_s": each.low,
                    "cost_high_s": each.high,
                    "per": PARAMETERS[each.name].what,
                }
                for each in self.fit.estimates.values()
            ],
            "fitted_parameters": len(self.fit.fitted),
            "errors": {name: score.to_dict() for name, score in self.scores.items()},
            "kernel_errors": {name: score.to_dict() for name, score in self.kernel_scores.items()},
            "by_class": [row.to_dict() for row in self.by_class],
            "unmatched": list(self.unmatched),
            "networks": [row.to_dict() for row in self.networks],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per network."""
        return [row.to_dict() for row in self.networks]


def calibrate(
    runs: RunSet | Paths = (),
    machine: Machine | str | os.PathLike[str] | None = None,
    *,
    paper: str | None = None,
    parameters: Sequence[str] = (),
    level: str = "auto",
) -> Calibration:
    """Fit a machine to measured times.

    Parameters
    ----------
    runs : RunSet, path or iterable of path
        Measured times, or the files that hold them.
    machine : Machine, str or path
        The limits: its rates are the fastest that are allowed; what is not fitted stays. Of a
        shipped machine that was itself fitted, the published peak figures are taken.
    paper : str, optional
        Instead: fit published times to the machine that they were measured on. A key of
        ``PUBLISHED``: ``imagenet``, ``camvid`` or ``nano``.
    parameters : sequence of str
        Keys of ``PARAMETERS``; all that the machine names if empty.
    level : str
        ``network`` fits times of whole networks, each error relative to its time; ``kernel`` fits
        times of kernels, each error relative to the network's. ``auto``: kernels where timed.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        For an unknown parameter, network, lowering or level, or runs without the level's times;
        unless either runs and a machine or ``paper`` are given.
    SimulationError
        If there are not enough times.

    Examples
    --------
    >>> import memsim
    >>> nano = memsim.calibrate(paper="nano")  # doctest: +SKIP
    >>> nano.machine.name, len(nano.networks)  # doctest: +SKIP
    ('jetson_nano', 4)
    >>> memsim.calibrate(paper="nanoo")
    Traceback (most recent call last):
    memsim.errors.InputError: unknown published times 'nanoo' (did you mean 'nano'?)
    """
    if isinstance(runs, str | os.PathLike):
        runs = [runs]
    files: RunSet | list[str | os.PathLike[str]] = runs if isinstance(runs, RunSet) else [*runs]
    if bool(files) == bool(paper):
        raise InputError(Problem("give either files of runs or paper", hint="such as paper nano"))
    if paper:
        for name, value in {"machine": machine, "parameters": parameters}.items():
            if value:
                raise InputError(Problem("does not go with paper, which says it all", name))
        if level != "auto":
            raise InputError(Problem("does not go with paper, which says it all", "level"))
        return calibrate_published(paper)
    if machine is None:
        hint = "a machine file with the published peak figures"
        raise InputError(Problem("is missing: what are the limits?", "machine", hint))
    base, text = (machine, "") if isinstance(machine, Machine) else read_base(machine)
    runs = files if isinstance(files, RunSet) else read_runs(files)
    return replace(calibrate_runs(runs, base, parameters, level), base_text=text)


def read_base(machine: str | os.PathLike[str]) -> tuple[Machine, str]:
    """The machine whose numbers are the limits of a fit, and the text of its file."""
    file = base_file(machine)
    return load_machine(file), file.read_text(encoding="utf-8")


def calibrate_runs(
    runs: RunSet, base: Machine, parameters: Sequence[str] = (), level: str = "auto"
) -> Calibration:
    """As :func:`calibrate`, of runs that were read and a machine that was loaded."""
    if level not in LEVELS:
        hint = did_you_mean(str(level), LEVELS)
        raise InputError(Problem(f"unknown level {level!r}", hint=hint))
    if level == "auto":
        level = "kernel" if any(run.layer for run in runs.runs) else "network"
    places = Places(runs, base, level)
    observations = places.observations
    if len({_network(o.run) for o in observations}) < 2:
        raise SimulationError(
            Problem("one network cannot be left out and predicted", hint="measure at least two")
        )
    whole = fit(observations, base, parameters)
    without = _without(observations, _network, base, parameters)
    unrelated: dict[str, Fit] = {}
    if len({_family(o.run) for o in observations}) > 1:
        with suppress(SimulationError):  # without a family there may be too few times
            unrelated = _without(observations, _family, base, parameters)
    regression: dict[tuple[object, ...], float] = {}
    for observation, seconds in zip(observations, whole.predicted, strict=True):
        place = observation.run.place
        regression[place] = regression.get(place, 0.0) + seconds
    networks = []
    for place, run in places.runs.items():
        workload = places.workloads[place]
        networks.append(
            NetworkTimes(
                name=run.name,
                run=run,
                kernels=len(workload.program.kernels),
                measured_s=places.measured[place],
                regression_s=regression[place],
                simulated_s=workload.simulate(whole.machine),
                left_out_s=workload.simulate(without[_network(run)].machine),
                family_out_s=(
                    workload.simulate(unrelated[_family(run)].machine) if unrelated else None
                ),
            )
        )
    kernels = _kernels(observations, whole, without, unrelated) if level == "kernel" else ()
    classes = tuple(sorted({name for each in places.workloads.values() for name in each.seen}))
    unmatched = tuple(places.unmatched)
    return Calibration(
        whole, tuple(networks), runs.facts, level, kernels, unmatched, classes=classes
    )


def _without(
    observations: Sequence[Observation],
    group: Callable[[Run], str],
    base: Machine,
    parameters: Sequence[str],
) -> dict[str, Fit]:
    """For each group of runs the fit to all others."""
    names = dict.fromkeys(group(o.run) for o in observations)
    return {
        name: fit([o for o in observations if group(o.run) != name], base, parameters)
        for name in names
    }


def calibrate_published(name: str) -> Calibration:
    """Fit the machine of published times.

    Parameters
    ----------
    name : str
        A key of ``PUBLISHED``: ``imagenet``, ``camvid`` or ``nano``.
    """
    if name not in _DONE:
        published = PUBLISHED[name]
        base, text = read_base(published.machine)
        fitted = calibrate_runs(published.runs(), base, published.parameters)
        _DONE[name] = replace(fitted, base_text=text)
    return _DONE[name]


_DONE: dict[str, Calibration] = {}
"""Calibrations to published times, which lie in the package and never change."""


def _network(run: Run) -> str:
    """What is left out together: all runs of a network."""
    return f"{run.network} {run.variant}"


def _family(run: Run) -> str:
    """What is left out with all that is like it."""
    return family_of(run.network)


def _scores(rows: Sequence[NetworkTimes | KernelTimes], *names: str) -> dict[str, Score]:
    """The errors of columns of times; of those that have any."""
    measured = [row.measured_s for row in rows]
    columns = {name: [getattr(row, f"{name}_s") for row in rows] for name in names}
    return {
        name: Score.of(measured, column)
        for name, column in columns.items()
        if column and None not in column
    }


def _kernels(
    observations: Sequence[Observation],
    whole: Fit,
    without: Mapping[str, Fit],
    unrelated: Mapping[str, Fit],
) -> tuple[KernelTimes, ...]:
    """Every timed kernel by itself, on the machines of all fits."""

    def simulated(machine: Callable[[Run], Machine]) -> list[float]:
        # A machine after the other: a workload keeps its steps on the one that it was last asked.
        return [o.workload.simulate(machine(o.run), o.kernels) for o in observations]

    seen = simulated(lambda run: whole.machine)
    left_out = simulated(lambda run: without[_network(run)].machine)
    family: Sequence[float | None] = [None] * len(observations)
    if unrelated:
        family = simulated(lambda run: unrelated[_family(run)].machine)
    return tuple(
        KernelTimes(
            o.run.name,
            o.run.layer,
            *o.workload.about(o.kernels),
            o.seconds,
            one,
            two,
            three,
            o.run.input_shape,
        )
        for o, one, two, three in zip(observations, seen, left_out, family, strict=True)
    )
