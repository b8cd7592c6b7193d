"""The fit: non-negative least squares on costs, and which of them the data identify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from memsim.calibration.parameters import PARAMETERS, available
from memsim.calibration.runs import Run
from memsim.calibration.workload import Kernels, Workload
from memsim.errors import InputError, Problem, SimulationError
from memsim.installation import install
from memsim.machine import Machine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROUNDS = 30
"""Most rounds of simulate, read off the critical path, solve."""

ALIKE = 0.03
"""Two columns are alike if the others explain one up to this share of its length."""

VISIBLE = 0.01
"""Least share of some observation's time that a parameter must have."""

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Observation:
    """A measured time and the workload it was measured on.

    Attributes
    ----------
    run : Run
    workload : Workload
    kernels : tuple of int or None
        Which kernels were timed; None for all.
    weight : float
        One over what an error is relative to, in seconds.
    """

    run: Run
    workload: Workload
    kernels: Kernels
    weight: float

    @property
    def seconds(self) -> float:
        """The measured time."""
        return self.run.seconds


@dataclass(frozen=True, slots=True)
class Estimate:
    """What became of one parameter.

    Attributes
    ----------
    name : str
    cost : float
        Seconds per unit.
    low, high : float or None
        Confidence interval of the cost; None where it was not fitted.
    status : str
        ``fitted``; ``limit`` where the data would have it faster than the base machine allows;
        ``refused`` where they do not identify it.
    reason : str
        Why it is not ``fitted``.
    """

    name: str
    cost: float
    low: float | None = None
    high: float | None = None
    status: str = "fitted"
    reason: str = ""


@dataclass(frozen=True)
class Fit:
    """A fitted machine.

    Attributes
    ----------
    base, machine : Machine
        Before and after; fitted numbers are rounded to four digits, as a file holds them.
    estimates : dict of str to Estimate
        Of every parameter that was asked for.
    predicted : tuple of float
        Seconds of each observation by the regression: the sum of its parts.
    """

    base: Machine
    machine: Machine
    estimates: dict[str, Estimate]
    predicted: tuple[float, ...] = field(default=())

    @property
    def fitted(self) -> tuple[str, ...]:
        """The parameters that were found."""
        return tuple(name for name, each in self.estimates.items() if each.status == "fitted")


def fit(observations: Sequence[Observation], base: Machine, names: Sequence[str] = ()) -> Fit:
    """Find the costs that explain measured times best.

    The sum of squared weighted errors is least, and no cost is below the base machine's. Where
    transfers and computations overlap, a time depends on costs through maxima: the fit then
    simulates, reads off what lies on the critical path (there the time is linear), solves, and
    repeats. A parameter that the data do not identify keeps the base machine's value.

    Parameters
    ----------
    observations : sequence of Observation
    base : Machine
        The limits; its other numbers stay.
    names : sequence of str
        Keys of ``PARAMETERS``; all that the base machine names if empty.

    Raises
    ------
    InputError
        For an unknown parameter, or one that the base machine does not name; without SciPy.
    SimulationError
        If there are no more observations than parameters to find.
    """
    _need_scipy()
    known = available(base)
    for name in names:
        PARAMETERS[name]
        if name not in known:
            hint = "give it a rate of its own in the base machine"
            raise InputError(Problem(f"{base.name} has no {name!r} to fit", hint=hint))
    return _Search(observations, base, [name for name in known if not names or name in names]).run()


def _need_scipy() -> None:
    """Tell of a missing scipy before any work."""
    if find_spec("scipy") is None:
        hint = install("calibrate")
        raise InputError(Problem("a fit needs SciPy, which is not installed", hint=hint))


class _Search:
    def __init__(
        self, observations: Sequence[Observation], base: Machine, names: Sequence[str]
    ) -> None:
        self.observations, self.base, self.asked = observations, base, list(names)
        self.measured = np.array([each.seconds for each in observations])
        self.weight = np.array([each.weight for each in observations])
        self.limits = {name: PARAMETERS[name].limit(base) for name in self.asked}
        self.refused: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        return [name for name in self.asked if name not in self.refused]

    def run(self) -> Fit:
        used = self._spent(self.base, hidden=False)
        for name in self.asked:
            if not any(units.get(name) for units, _ in used):
                self.refused[name] = f"nothing was timed that has {PARAMETERS[name].what}"
        while True:
            if len(self.observations) <= len(self.names):
                raise SimulationError(
                    Problem(
                        f"{len(self.observations)} times cannot tell {len(self.names)} parameters "
                        f"({', '.join(self.names)})",
                        hint="measure more networks, or fit fewer parameters",
                    )
                )
            costs, columns, rest = self._converged()
            fault = self._unidentified(costs, columns) or self._doubtful(costs, columns, rest)
            if fault is None:
                return self._fit(costs, columns, rest)
            name, reason = fault
            self.refused[name] = reason

    def _spent(self, machine: Machine, hidden: bool = True) -> list[tuple[dict[str, float], float]]:
        found = (o.workload.spent(machine, o.kernels, hidden) for o in self.observations)
        return [(spent.units, spent.fixed_s) for spent in found]

    def _converged(self) -> tuple[Floats, Floats, Floats]:
        """Costs, the columns they multiply, and the seconds that are not fitted."""
        # Begin with all that takes time, as if nothing were hidden: from the base machine's
        # limits a slow part may never come to lie on the path.
        columns, rest = self._columns(self.base, hidden=False)
        costs = self._solve(columns, rest)
        best: tuple[float, Floats, Floats, Floats] | None = None
        for _ in range(ROUNDS):
            machine = self._machine(costs, exact=True)
            columns, rest = self._columns(machine, hidden=True)
            # At these costs the columns give the simulated times: they are what is judged.
            error = self.weight * (columns @ costs + rest - self.measured)
            loss = float(error @ error)
            if best is None or loss < best[0]:
                best = loss, costs, columns, rest
            new = self._solve(columns, rest)
            if np.allclose(new, costs, rtol=1e-9, atol=0):
                break
            costs = new
        assert best is not None
        return best[1:]

    def _columns(self, machine: Machine, hidden: bool) -> tuple[Floats, Floats]:
        spent = self._spent(machine, hidden)
        columns = np.array([[units.get(name, 0.0) for name in self.names] for units, _ in spent])
        others = {
            name: each.cost(machine) or 0.0
            for name, each in PARAMETERS.items()
            if name not in self.names
        }
        rest = [
            fixed + sum(amount * others.get(name, 0.0) for name, amount in units.items())
            for units, fixed in spent
        ]
        return columns.reshape(len(spent), len(self.names)), np.array(rest)

    def _solve(self, columns: Floats, rest: Floats) -> Floats:
        from scipy.optimize import nnls

        low = np.array([self.limits[name] for name in self.names])
        if not len(low):
            return low
        # Costs above their limits are what is not negative. Scaled, so that MACs and kernels,
        # which differ by 12 digits, are alike to the solver.
        scale = np.maximum(np.abs(columns * self.weight[:, None]).max(axis=0), 1e-300)
        target = self.weight * (self.measured - rest - columns @ low)
        above, _ = nnls(columns * self.weight[:, None] / scale, target)
        costs: Floats = low + above / scale
        return costs

    def _unidentified(self, costs: Floats, columns: Floats) -> tuple[str, str] | None:
        """One parameter to give up and why, the worst first."""
        names, share = self.names, columns * costs / self.measured[:, None]
        for position, name in enumerate(names):
            what = PARAMETERS[name].what
            if not columns[:, position].any():
                return name, f"its {what} are hidden behind slower parts in every time"
        alike = self._alike(columns)
        if alike is not None:
            return alike
        for position, name in enumerate(names):
            largest = share[:, position].max()
            if 0 < largest < VISIBLE and costs[position] > self.limits[name]:
                return name, f"it is at most {largest:.1%} of any time"
        return None

    def _alike(self, columns: Floats) -> tuple[str, str] | None:
        """Two parameters whose parts grow together: the one that comes later."""
        names = self.names
        if len(names) < 2:
            return None
        scaled = columns * self.weight[:, None]
        scaled = scaled / np.linalg.norm(scaled, axis=0)
        left = []
        for position in range(len(names)):
            others = np.delete(scaled, position, axis=1)
            found, *_ = np.linalg.lstsq(others, scaled[:, position], rcond=None)
            left.append(float(np.linalg.norm(scaled[:, position] - others @ found)))
        worst = int(np.argmin(left))
        if left[worst] >= ALIKE:
            return None
        angles = np.abs(scaled.T @ scaled[:, worst])
        angles[worst] = -1
        near = int(np.argmax(angles))
        first, second = sorted((worst, near))
        what, other = PARAMETERS[names[second]].what, PARAMETERS[names[first]].what
        reason = f"its {what} grow with the {other}: the two cannot be told apart"
        return names[second], reason

    def _doubtful(self, costs: Floats, columns: Floats, rest: Floats) -> tuple[str, str] | None:
        """The parameter whose interval reaches furthest below a cost of nothing.

        Not the overhead: it has no limit to keep instead, and kernels that cost nothing at all are
        further from the truth than an uncertain number.
        """
        free, spread = self._free(costs), self._spread(costs, columns, rest)
        named = [(self.names[at], costs[at], off) for at, off in zip(free, spread, strict=True)]
        doubt = {name: float(off / cost) for name, cost, off in named if name != "overhead"}
        if not doubt or max(doubt.values()) <= 1:
            return None
        name = max(doubt, key=doubt.__getitem__)
        return name, f"its {CONFIDENCE:.0%} interval reaches a cost of 0: the times do not show it"

    def _free(self, costs: Floats) -> list[int]:
        """The costs that are not at a limit."""
        return [
            position
            for position, name in enumerate(self.names)
            if costs[position] > self.limits[name] * (1 + 1e-9)
        ]

    def _fit(self, costs: Floats, columns: Floats, rest: Floats) -> Fit:
        predicted = tuple((columns @ costs + rest).tolist())
        free, spread = self._free(costs), self._spread(costs, columns, rest)
        estimates = {name: self._given_up(name) for name in self.refused}
        for position, name in enumerate(self.names):
            cost, limit = float(costs[position]), self.limits[name]
            if position in free:
                off = float(spread[free.index(position)])
                estimates[name] = Estimate(name, cost, max(cost - off, limit), cost + off)
            else:
                reason = "no time is spent on it" if name == "overhead" else (
                    "the times would have it faster than the base machine's limit"
                )  # fmt: skip
                estimates[name] = Estimate(name, limit, status="limit", reason=reason)
        ordered = {name: estimates[name] for name in self.asked}
        return Fit(self.base, self._machine(costs, exact=False), ordered, predicted)

    def _given_up(self, name: str) -> Estimate:
        cost = PARAMETERS[name].cost(self.base) or 0.0
        return Estimate(name, cost, status="refused", reason=self.refused[name])

    def _spread(self, costs: Floats, columns: Floats, rest: Floats) -> Floats:
        """Half the confidence intervals of the costs that are not at a limit (Gauss)."""
        from scipy.stats import t

        error = self.weight * (self.measured - columns @ costs - rest)
        columns = columns[:, self._free(costs)]
        degrees = len(self.measured) - columns.shape[1]
        scaled = columns * self.weight[:, None]
        size = np.linalg.norm(scaled, axis=0)
        inverse = np.linalg.pinv((scaled / size).T @ (scaled / size))
        deviation = np.sqrt(np.diag(inverse) * float(error @ error) / degrees) / size
        spread: Floats = t.ppf((1 + CONFIDENCE) / 2, degrees) * deviation
        return spread

    def _machine(self, costs: Floats, exact: bool) -> Machine:
        machine = self.base
        for name, cost in zip(self.names, costs.tolist(), strict=True):
            parameter = PARAMETERS[name]
            if cost > self.limits[name] or name == "overhead":
                machine = parameter.assign(machine, parameter.written(cost, self.base, exact))
        return machine
