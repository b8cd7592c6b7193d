"""Questions: a network as it was named, with options, and the command that asks the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.steps import steps
from memsim.errors import InputError
from memsim.machine import DEFAULT_MACHINE, Machine, load_machine
from memsim.network.edits import edited
from memsim.network.graph import Network
from memsim.network.inputs import told
from memsim.results.run import Result
from memsim.simulate.heed import refuse
from memsim.simulate.preparation import machine_of
from memsim.simulate.source import Source, load_on
from memsim.simulate.verbs import run, run_each

__all__ = ["Change", "Question"]

HOW = ("input_shape", "batch", "dtype", "submodule", "variant", "parameters", "edits")
"""What :func:`memsim.load` is told besides a name, as far as commands can say it."""

UNNAMED = "network.yaml"
"""How commands call a network that was given as an object: where ``memsim.dump`` may write it."""

UNNAMED_MACHINE = "machine.yaml"


@dataclass(frozen=True)
class Change:
    """Something that could be otherwise.

    Attributes
    ----------
    what : str
        In the imperative: ``read concats as views``.
    options : mapping
        Options of :class:`memsim.simulate.Options` with other values.
    how : mapping
        What :func:`memsim.load` would be told instead: ``dtype``, ``input_shape``, and
        ``parameters`` and ``edits``, which are told in addition.
    besides : tuple of str
        What it decides besides: options and names of ``how``.
    """

    what: str
    options: Mapping[str, Any] = field(default_factory=dict)
    how: Mapping[str, Any] = field(default_factory=dict)
    besides: tuple[str, ...] = ()

    @property
    def decides(self) -> frozenset[str]:
        """What it decides: of two changes that decide the same thing only one can be made."""
        parameters = [f"parameters.{name}" for name in self.how.get("parameters", ())]
        edits = [f"edits.{text}" for text in self.how.get("edits", ())]
        others = [name for name in self.how if name not in ("parameters", "edits")]
        return frozenset([*self.options, *parameters, *edits, *others, *self.besides])


def _told_in_addition(how: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    both = {**how, **more}
    if "parameters" in more:
        both["parameters"] = {**(how.get("parameters") or {}), **more["parameters"]}
    if "edits" in more:
        both["edits"] = (*(how.get("edits") or ()), *more["edits"])
    return both


@dataclass(frozen=True)
class Question:
    """A network on a machine, as somebody asked for it.

    Attributes
    ----------
    source : Network, str or path
        What :func:`memsim.load` is given, or the network itself.
    how : mapping
        What it is told besides, see :data:`HOW`.
    options : mapping
        Of :class:`memsim.simulate.Options`, those that were given.
    loaded : Network, optional
        What the source and ``how`` stand for, where that is known already.
    """

    source: Source
    how: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    loaded: Network | None = field(default=None, repr=False, compare=False)

    @cached_property
    def network(self) -> Network:
        """What is simulated."""
        if self.loaded is not None:
            return self.loaded
        if not isinstance(self.source, Network):
            return load_on(self.machine, self.source, **self.how)
        how = dict(self.how)
        edits = how.pop("edits", ())
        if how.pop("parameters", None):
            raise InputError("a network that is no file has no parameters")
        return edited(self.source.with_options(**how), edits)

    @cached_property
    def machine(self) -> Machine:
        """On what, before other options change it."""
        return machine_of(self.options.get("machine", DEFAULT_MACHINE))

    def changed(self, change: Change) -> Question:
        """The same question with something otherwise."""
        loaded = None if change.how else self.network
        return replace(
            self,
            how=_told_in_addition(self.how, change.how),
            options={**self.options, **change.options},
            loaded=loaded,
        )

    def ask(self) -> Result:
        """Run it."""
        return run(self.network, clock="recurrence", **self.options)

    def ask_for_each(self) -> Result:
        """Run it, and keep every transfer."""
        refuse("run", self.options)
        return run_each(self.network, **self.options)

    def ask_like(self, result: Result, change: Change) -> Result:
        """The same, where it is another result's question with one change.

        A change of the cache's size or the bandwidth alone leaves the program as it is, unless
        that was chosen for the cache; it is then not built again.
        """
        program = result.program
        if (
            program.chosen_for_cache
            or change.how
            or not set(change.options) <= {"cache", "bandwidth"}
        ):
            return self.ask()
        machine = result.machine.with_overrides(**change.options)
        traffic = result.traffic
        if "cache" in change.options:
            traffic = cache_pass(program, machine.cache)
        durations = steps(program, traffic, machine)
        return Result(program, machine, traffic, durations, recurrence(durations))

    def words(self, verb: str = "run") -> list[str]:
        """The command line that asks the same, as words.

        Examples
        --------
        >>> Question("hardnet68", {"edits": ["halve=block1"]}, {"cache": "2MB"}).words()
        ['memsim', 'run', 'hardnet68', '--cache', '2MB', '--edit', 'halve=block1']
        """
        name = UNNAMED if isinstance(self.source, Network) else str(self.source)
        return ["memsim", verb, name, *self._options(verb), *self._loading()]

    def command(self, verb: str = "run") -> str:
        """The same as a shell takes it."""
        return shlex.join(self.words(verb))

    def _options(self, verb: str) -> Iterator[str]:
        for name, value in self.options.items():
            if value in (None, ()) or (verb == "curve" and name == "cache"):
                continue
            if name == "frames" and value == 1:  # as if nothing were said
                continue
            flag = f"--{name.replace('_', '-')}"
            if isinstance(value, Machine):
                known = value.name in _presets() and load_machine(value.name) == value
                value = value.name if known else UNNAMED_MACHINE
            if isinstance(value, bool):
                yield flag if value else f"--no-{name.replace('_', '-')}"
                continue
            for each in value if isinstance(value, list | tuple) else [value]:
                yield from (flag, str(each))

    def _loading(self) -> Iterator[str]:
        how = self.how
        sizes = how.get("input_shape")
        if sizes is not None:
            named = sizes if isinstance(sizes, Mapping) else {"": sizes}
            for name, size in named.items():
                text = size if isinstance(size, str) else told(size)
                yield from ("--input", f"{name}={text}" if name else text)
        for name in ("batch", "dtype", "submodule", "variant"):
            if how.get(name) is not None:
                yield from (f"--{name}", str(how[name]))
        for name, value in (how.get("parameters") or {}).items():
            yield from ("--set", f"{name}={_as_in_a_file(value)}")
        for text in how.get("edits") or ():
            yield from ("--edit", text)
        if how.get("allow_unknown"):
            yield "--allow-unknown"


def _as_in_a_file(value: Any) -> str:
    """A parameter's value as ``--set`` reads it.

    >>> [_as_in_a_file(value) for value in (True, None, 1.53, "relu6")]
    ['true', 'null', '1.53', 'relu6']
    """
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _presets() -> tuple[str, ...]:
    from memsim.machine import machine_names

    return tuple(machine_names())
