"""What is compared, as it is asked for: a network and options of its own, or a result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from memsim.differences.side import Side
from memsim.differences.stored import is_stored, read_result
from memsim.errors import InputError, Problem, at_path, did_you_mean
from memsim.network.graph import Network
from memsim.results.run import Result
from memsim.simulate.heed import refuse, why_not
from memsim.simulate.options import OPTIONS
from memsim.simulate.source import Source

__all__ = ["Asked", "Compared", "refuse_idle"]

Compared = Source | Result
"""A network or what names one, or the result of a run, at hand or in a JSON file."""

LOADING = {"input": "input_shape", "batch": "batch", "dtype": "dtype", "edit": "edits"}
"""What may stand behind the ``#`` of how a network is loaded, and what the loader calls it."""


@dataclass(frozen=True)
class Asked:
    """One side of a difference, before it runs.

    Attributes
    ----------
    source : Network, str, path or Result
        Without the ``#`` and what follows it.
    label : str
        As it was asked for.
    options, loading : mapping
        Those that it says itself.
    """

    source: Compared
    label: str
    options: Mapping[str, Any] = field(default_factory=dict)
    loading: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Compared) -> Asked:
        """Read ``NETWORK#lowering`` or ``NETWORK#option=value,option=value``.

        Raises
        ------
        InputError
            For an unknown option or lowering, or one with a value that it does not take.

        Examples
        --------
        >>> asked = Asked.of("hardnet68#eager,cache=1MiB,batch=8")
        >>> asked.source, dict(asked.options), dict(asked.loading)
        ('hardnet68', {'lowering': 'eager', 'cache': '1MiB'}, {'batch': 8})
        >>> Asked.of("hardnet68#eagre")
        Traceback (most recent call last):
        memsim.errors.InputError: hardnet68#eagre: unknown lowering 'eagre' (did you mean 'eager'?)
        """
        if isinstance(source, Result):
            return cls(source, source.network.name)
        if isinstance(source, Network):
            return cls(source, source.name)
        text = os.fspath(source)
        if not isinstance(source, str) or os.path.lexists(text) or "#" not in text:
            return cls(source, text)
        name, _, said = text.partition("#")
        with at_path(text):
            if is_stored(name):
                message = "a result has run, and no option changes it"
                raise InputError(Problem(message, hint="a network may have options"))
            return cls(name, text, *_settings(said))

    @property
    def has_run(self) -> bool:
        """Whether it is a result."""
        return isinstance(self.source, Result) or is_stored(self.source)

    def side(self, shared: Mapping[str, Any], loading: Mapping[str, Any]) -> Side:
        """Its run, with the options that both sides share where it says no other."""
        if isinstance(self.source, Result):
            return Side.of(self.source.to_dict(), self.label)
        if is_stored(self.source):
            return Side.of(read_result(self.source), self.label)  # type: ignore[arg-type]
        from memsim.simulate.verbs import run

        options = {**shared, **self.options}
        network = self._network(options, {**loading, **self.loading})
        return Side.of(run(network, **options).to_dict(), self.label)

    def _network(self, options: Mapping[str, Any], loading: Mapping[str, Any]) -> Network:
        from memsim.machine import DEFAULT_MACHINE
        from memsim.simulate.preparation import machine_of
        from memsim.simulate.source import load_on

        if isinstance(self.source, Network):
            return self.source
        machine = machine_of(options.get("machine") or DEFAULT_MACHINE)
        return load_on(machine, self.source, **loading)  # type: ignore[arg-type]


def _settings(said: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of simulations, and of loading, that stand behind a ``#``."""
    options: dict[str, Any] = {}
    loading: dict[str, Any] = {}
    words = [word.strip() for word in said.split(",")]
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            name, value = "lowering", _lowering(word)
        name = name.strip().replace("-", "_")
        if name in LOADING:
            known, key = loading, LOADING[name]
        elif name in OPTIONS:
            if problem := why_not("diff", name):
                raise InputError(problem)
            known, key = options, name
        else:
            hint = did_you_mean(name, [*OPTIONS, *LOADING])
            raise InputError(Problem(f"unknown option {name!r}", hint=hint))
        if key in known:
            raise InputError(Problem(f"{name} is given twice", hint="once is enough"))
        known[key] = _value(name, value.strip())
    return options, loading


def _lowering(word: str) -> str:
    from memsim.program.lowering import LOWERINGS

    if not word:
        message = "nothing stands behind the #"
        raise InputError(Problem(message, hint="such as #eager, or #cache=1MiB,batch=8"))
    LOWERINGS[word]  # an unknown name is an error before any work
    return word


def _value(name: str, text: str) -> Any:
    """The value of an option as the command line reads it."""
    own = {"batch": int, "edit": tuple}
    kind = OPTIONS[name].kind if name in OPTIONS else own.get(name, str)
    if kind is tuple:
        return (text,)
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind is int and text.isascii() and text.isdigit():
        return int(text)
    if kind is bool or kind is int or not text:
        what = {bool: "true or false", int: "a whole number"}.get(kind, "a value")
        raise InputError(Problem(f"{name} takes {what}, not {text!r}"))
    return text


def refuse_idle(
    both: Iterable[Asked], shared: Mapping[str, Any], loading: Mapping[str, Any]
) -> None:
    """Refuse what is said for both sides and changes neither.

    Raises
    ------
    InputError
        For options of sides that have run, or that both say for themselves.
    """
    refuse("diff", shared, ("only",))
    sides = list(both)
    problems = []
    for given, own in ((shared, "options"), (loading, "loading")):
        for name, value in given.items():
            told = {key: short for short, key in LOADING.items()}.get(name, name)
            if value in (None, ()):
                continue
            deaf = [
                each.has_run
                or name in getattr(each, own)
                or (given is loading and isinstance(each.source, Network))
                for each in sides
            ]
            if all(deaf):
                message = "changes neither side"
                if all(each.has_run for each in sides):
                    message += ": both have run"
                elif all(name in getattr(each, own) for each in sides):
                    message += ": each says its own"
                problems.append(Problem(message, path=told, hint="leave it out"))
    if problems:
        raise InputError(*problems)
