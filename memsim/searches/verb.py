"""The search: parameters of a network's file, varied until what a run tells is best."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from memsim.errors import InputError, MemsimError, Problem, SimulationError, did_you_mean
from memsim.searches.expression import Condition, Expression, Fact, Number, condition, expression
from memsim.searches.measures import KNOWN, STATIC, of_network, of_run
from memsim.searches.result import SearchResult, Trial
from memsim.searches.space import Dimension, space_of
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options
from memsim.sweeps.extras import needed

__all__ = ["SAMPLERS", "search"]

SAMPLERS = ("tpe", "random", "grid", "nsga2")
"""Who proposes the next trial; ``grid`` goes through the whole space, each point once."""

TRIALS = 100

_TOLD = "memsim.trial"
"""Where a trial of a study keeps what was found of it."""


def search(
    network: str | os.PathLike[str],
    parameters: Mapping[str, object],
    minimise: str | Sequence[str] = (),
    *,
    maximise: str | Sequence[str] = (),
    subject_to: str | Sequence[str] = (),
    trials: int = TRIALS,
    sampler: str = "tpe",
    seed: int = 0,
    storage: Any = None,
    progress: Callable[[int, int], object] | None = None,
    loading: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> SearchResult:
    """Vary the parameters of a network's file until what a run tells is best.

    Optuna proposes the trials, keeps them in a storage and goes on with what it finds there;
    memsim builds each network, and finds the facts that objectives and conditions name. A network
    that breaks a condition on its own facts, such as its MACs, is not simulated.

    Parameters
    ----------
    network : str or path
        The name of a shipped network, or a file with ``parameters``.
    parameters : mapping
        By parameter its values: ``"8:24:4"``, ``"1.5,1.6,1.7"``, ``"1.5..1.9"`` (any number
        between), or a list.
    minimise, maximise : str or sequence of str
        Expressions such as ``dram_bytes at 2MiB``; several give a front. Facts are named in
        :data:`memsim.searches.measures.KNOWN`.
    subject_to : str or sequence of str
        Conditions such as ``macs <= 1.9G``.
    trials : int
        In all, those of the storage included. Of sampler ``grid``: at most.
    sampler : str
        ``tpe``, ``random``, ``grid`` or ``nsga2``.
    seed : int
        Of the sampler.
    storage : str, optional
        A database of Optuna, such as ``sqlite:///search.db``: there the search goes on where it
        was ended. It is one of the network and all that is asked of it.
    progress : callable, optional
        Called with the number of trials made and wanted.
    loading : mapping, optional
        How networks are loaded besides: ``input_shape``, ``batch``, ``dtype``, ``variant``.
    **options
        See :class:`memsim.simulate.Options`.

    Returns
    -------
    SearchResult

    Raises
    ------
    InputError
        Without Optuna, and for what is wrong with the space, an expression, or an option, before
        any work.

    Examples
    --------
    >>> import memsim
    >>> found = memsim.search("hardnet68", {"growth4": "36:40:4"}, "dram_bytes at 1MiB",
    ...                       subject_to="macs <= 5G", sampler="grid")  # doctest: +SKIP
    >>> found.best[0].parameters                                        # doctest: +SKIP
    {'growth4': 36}
    """
    refuse("search", options)
    asked = _Asked.of(minimise, maximise, subject_to)
    space = space_of(parameters)
    _check(trials, sampler, space)
    networks = _Networks(network, dict(loading or {}), options)
    asked.check(networks.first(space, asked.facts))
    with warnings.catch_warnings():  # a notebook without widgets, for bars that are not drawn
        warnings.filterwarnings("ignore", message="IProgress not found")
        optuna = needed("optuna", "a search", "search")
    study = _study(optuna, networks.name, asked, space, sampler, seed, storage)
    wanted = min(trials, _points(space)) if sampler == "grid" else trials
    made = len(_finished(study))

    def tell(*_: Any) -> None:
        if progress is not None:
            progress(len(_finished(study)), wanted)

    if wanted > made:
        for parameters in _interrupted(study, space):
            study.enqueue_trial(parameters)
        study.optimize(
            lambda trial: _evaluated(optuna, trial, networks, space, asked),
            n_trials=wanted - made,
            callbacks=[tell],
        )
    return SearchResult(
        network=networks.name,
        objectives=tuple(each.text for each in asked.objectives),
        directions=asked.directions,
        units=tuple(each.unit for each in asked.objectives),
        conditions=tuple(each.text for each in asked.conditions),
        trials=tuple(map(_trial, _finished(study))),
        facts={"sampler": sampler, "seed": seed, "optuna": optuna.__version__,
               "space": _points(space)},
    )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """Objectives and conditions."""

    objectives: tuple[Expression, ...]
    directions: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, minimise: Any, maximise: Any, subject_to: Any) -> _Asked:
        less, more, kept = (
            (each,) if isinstance(each, str) else tuple(each)
            for each in (minimise, maximise, subject_to)
        )
        if not less and not more:
            message = "nothing to search for: no objective"
            raise InputError(Problem(message, hint="minimise 'dram_bytes at 2MiB'"))
        return cls(
            tuple(expression(each, KNOWN) for each in (*less, *more)),
            ("minimise",) * len(less) + ("maximise",) * len(more),
            tuple(condition(each, KNOWN) for each in kept),
        )

    @property
    def facts(self) -> frozenset[Fact]:
        """All that is asked for."""
        parts: tuple[Expression | Condition, ...] = (*self.objectives, *self.conditions)
        return frozenset(fact for each in parts for fact in each.facts)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is asked, as it was written."""
        objectives = zip(self.directions, self.objectives, strict=True)
        told = [f"{way} {each.text}" for way, each in objectives]
        return (*told, *(each.text for each in self.conditions))

    def static(self) -> tuple[Condition, ...]:
        """The conditions that need no run."""
        return tuple(
            each for each in self.conditions if all(fact.name in STATIC for fact in each.facts)
        )

    def check(self, found: Mapping[Fact, Number | None]) -> None:
        """Refuse what one machine cannot tell, and caches of facts that depend on none."""
        problems = [
            Problem(f"{fact.name} depends on no cache", hint=f"{fact.name} alone")
            for fact in self.facts
            if fact.name in STATIC and fact.cache is not None
        ]
        problems += [
            Problem(f"the machine does not tell {fact.name}", hint="another machine")
            for fact, value in found.items()
            if value is None
        ]
        if problems:
            raise InputError(*problems)

    def told(self, found: Mapping[Fact, Any]) -> dict[str, Any]:
        """Values and excesses of one trial."""
        return {
            "values": [float(each.of(found)) for each in self.objectives],
            "excess": [float(each.excess(found)) for each in self.conditions],
        }


class _Networks:
    """The networks of a file."""

    def __init__(self, source: Any, loading: dict[str, Any], options: Mapping[str, Any]) -> None:
        from memsim.machine import DEFAULT_MACHINE
        from memsim.network.graph import Network
        from memsim.simulate.preparation import machine_of

        if isinstance(source, Network):
            message = "a network that is built has no parameters to vary"
            raise InputError(Problem(message, hint="its file or its name"))
        self.source, self.loading, self.options = source, loading, dict(options)
        self.machine = machine_of(options.get("machine") or DEFAULT_MACHINE)
        self.name = os.fspath(source)

    def load(self, parameters: Mapping[str, Any]) -> Any:
        """The network with some parameters."""
        from memsim.simulate.source import load_on

        return load_on(self.machine, self.source, parameters=dict(parameters), **self.loading)

    def first(
        self, space: Sequence[Dimension], facts: frozenset[Fact]
    ) -> dict[Fact, Number | None]:
        """The facts of the first point: what is wrong with a file or a name is told by it."""
        network = self.load({each.name: each.values[0] for each in space})
        try:
            return self.facts(network, facts)
        except SimulationError:
            return {}  # this one fails, others need not

    def facts(self, network: Any, facts: frozenset[Fact]) -> dict[Fact, Number | None]:
        """What a run tells of one of them."""
        return of_run(network, facts, **self.options)


def _check(trials: object, sampler: str, space: Sequence[Dimension]) -> None:
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise InputError(Problem(f"{trials!r} is no number of trials", "trials", "from 1"))
    if sampler not in SAMPLERS:
        hint = did_you_mean(sampler, SAMPLERS) or ", ".join(SAMPLERS)
        raise InputError(Problem(f"unknown sampler {sampler!r}", "sampler", hint))
    endless = [each.name for each in space if each.continuous]
    if sampler == "grid" and endless:
        message = f"a grid needs values, and {endless[0]} is any number between two"
        raise InputError(Problem(message, "sampler", "a range with a step, or sampler tpe"))


def _points(space: Sequence[Dimension]) -> int:
    """How many points a space has; 0 where a dimension is continuous."""
    count = 1
    for each in space:
        count *= 0 if each.continuous else len(each.values)
    return count


def _study(
    optuna: Any, name: str, asked: _Asked, space: Sequence[Dimension], sampler: str, seed: int,
    storage: Any,
) -> Any:  # fmt: skip
    """A study of all that is asked: a storage holds one for each question."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it warns of Ctrl-C with a traceback

    samplers: dict[str, Callable[[], Any]] = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=seed),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        "grid": lambda: optuna.samplers.GridSampler(
            {each.name: list(each.values) for each in space}, seed=seed
        ),
    }
    parts = [name, *asked.texts, *(f"{each.name}={each.values}" for each in space), sampler]
    return optuna.create_study(
        study_name=" | ".join(parts),
        storage=storage,
        load_if_exists=True,
        sampler=samplers[sampler](),
        directions=["minimize" if each == "minimise" else "maximize" for each in asked.directions],
    )


def _evaluated(
    optuna: Any, trial: Any, networks: _Networks, space: Sequence[Dimension], asked: _Asked
) -> tuple[float, ...]:
    """The objectives of one trial; what else is known of it is kept with the trial."""
    parameters = {each.name: each.suggested(trial) for each in space}
    told: dict[str, Any] = {"values": [], "excess": [], "error": ""}
    try:
        network = networks.load(parameters)
        told |= {"macs": network.macs, "params": network.params}
        found: dict[Fact, Any] = dict(of_network(network, asked.facts))
        broken = [float(each.excess(found)) for each in asked.static()]
        if any(excess > 0 for excess in broken):
            told["excess"] = [
                float(each.excess(found)) if each in asked.static() else 0.0
                for each in asked.conditions
            ]
        else:
            found |= networks.facts(network, asked.facts)
            told |= asked.told(found)
    except (MemsimError, ZeroDivisionError) as error:
        told["error"] = str(error)
    trial.set_user_attr(_TOLD, told)
    for name, excess in zip(asked.texts[len(asked.objectives) :], told["excess"], strict=False):
        trial.set_constraint(name, excess)
    if not told["values"]:
        raise optuna.TrialPruned
    return tuple(told["values"])


def _finished(study: Any) -> list[Any]:
    """The trials that were evaluated; one that Ctrl-C ended was not, though Optuna calls it so."""
    return [each for each in study.trials if each.state.is_finished() and _TOLD in each.user_attrs]


def _interrupted(study: Any, space: Sequence[Dimension]) -> list[dict[str, Any]]:
    """The parameters of trials that were begun and not evaluated: a grid would leave them out."""
    known = [each.params for each in _finished(study)]
    found: list[dict[str, Any]] = []
    for each in study.trials:
        begun = each.state.is_finished() and len(each.params) == len(space)
        if begun and each.params not in [*known, *found]:
            found.append(each.params)
    return found


def _trial(found: Any) -> Trial:
    told = found.user_attrs.get(_TOLD, {})
    return Trial(
        number=found.number,
        parameters=dict(found.params),
        values=tuple(told.get("values", ())),
        excess=tuple(told.get("excess", ())),
        macs=told.get("macs", 0),
        params=told.get("params", 0),
        error=told.get("error", ""),
    )
