"""Budgets in a YAML file: networks, each with its budgets, and the options that they hold under."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from memsim.budgets.budget import EXAMPLES, Budget
from memsim.budgets.checked import Checked
from memsim.budgets.verb import asked_budgets, verdicts
from memsim.errors import InputError, MemsimError, Problem, did_you_mean
from memsim.machine import Machine
from memsim.simulate.options import RUN_OPTIONS
from memsim.simulate.source import load_on
from memsim.yaml import text as yaml_text
from memsim.yaml.document import Document, Path, shown

__all__ = ["check_file"]

LOADED = {
    "input": "input_shape",
    "batch": "batch",
    "dtype": "dtype",
    "submodule": "submodule",
    "variant": "variant",
    "parameters": "parameters",
    "edits": "edits",
}
"""What an entry may say of its network, and what :func:`memsim.load` calls it."""

ASKED = (*RUN_OPTIONS, "only")
"""What holds for an entry, or in front of ``networks`` for all of them."""

OWN = ("network", "budgets", *LOADED, *ASKED)
"""What an entry may hold."""

EXAMPLE = "networks: {hardnet68: [80MB@1MiB, 5Mparams]}"


@dataclass(frozen=True)
class _Entry:
    """A network of the file.

    Attributes
    ----------
    key : str or int
        As the file calls it.
    source : str
        What it stands for.
    options, how : mapping
        What it says itself.
    texts : sequence of str
        Its budgets.
    budgets : tuple of Budget
    machine : Machine or None
        Both as soon as they are known.
    """

    key: str | int
    source: str
    options: Mapping[str, Any]
    how: Mapping[str, Any]
    texts: Sequence[str]
    budgets: tuple[Budget, ...] = ()
    machine: Machine | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The key as text."""
        return str(self.key)


def check_file(path: str | os.PathLike[str], only_of: Iterable[str] = ()) -> Checked:
    """Tell whether the networks of a file keep to their budgets.

    Parameters
    ----------
    path : str or path
        A YAML file: ``networks`` by name, each with a list of budgets, or with ``budgets`` beside
        options of :func:`memsim.check` and of :func:`memsim.load`; ``network``, where its name is
        none. Options beside ``networks`` hold for all of them that heed them. Files are found from
        the current directory, as those of a command line.
    only_of : iterable of str
        The names of those to look at; all, where there are none.

    Raises
    ------
    InputError
        For a file that cannot be read, and whatever is wrong in it, each with its line and column;
        all of budgets and options before any network is looked at.
    SimulationError
        As :func:`memsim.check`.
    """
    document = yaml_text.load(yaml_text.read(path), os.fspath(path))
    entries, shared = _read(document)
    entries = _ready(document, entries, shared)
    chosen = list(only_of)
    unknown = [name for name in chosen if name not in [entry.name for entry in entries]]
    if unknown:
        names = [entry.name for entry in entries]
        raise InputError(
            *(
                Problem(f"{name!r} has no budgets in {document.file}", "",
                        did_you_mean(name, names) or f"one of {', '.join(names)}")
                for name in unknown
            )
        )  # fmt: skip
    entries = [entry for entry in entries if not chosen or entry.name in chosen]
    loaded = []
    for entry in entries:
        try:
            loaded.append(load_on(entry.machine, entry.source, **entry.how))
        except InputError as error:
            raise _placed(document, entry, error) from None
    found = []
    for entry, network in zip(entries, loaded, strict=True):
        assert entry.machine is not None
        only, options = entry.options.get("only"), {**entry.options}
        options.pop("only", None)
        try:
            told = verdicts(network, entry.budgets, entry.machine, only, options)
            found += [replace(verdict, network=entry.name) for verdict in told]
        except MemsimError as error:
            raise _placed(document, entry, error) from None
    return Checked(tuple(found))


def _read(document: Document) -> tuple[list[_Entry], dict[str, Any]]:
    """The entries, and what is said in front of them."""
    data = document.data
    if not isinstance(data, dict):
        message = f"budgets are a mapping, not {shown(data)}"
        raise InputError(document.problem((), message, EXAMPLE))
    problems = _unknown(document, (), data, ("networks", *ASKED))
    networks = data.get("networks")
    if not isinstance(networks, dict) or not networks:
        told = shown(networks) if "networks" in data else "nothing"
        message = f"expected networks with their budgets, not {told}"
        raise InputError(*problems, document.problem(("networks",), message, EXAMPLE))
    entries = []
    for name, said in networks.items():
        at: Path = ("networks", name)
        entry = said if isinstance(said, dict) else {"budgets": said}
        wrong = _unknown(document, at, entry, OWN)
        where = (*at, "budgets") if isinstance(said, dict) else at
        texts, more = _texts(document, where, entry.get("budgets"))
        source = entry.get("network", name)
        if not isinstance(source, str):
            message = f"expected a name or a file, not {shown(source)}"
            more.append(document.problem((*at, "network"), message))
        problems += wrong + more
        how = {LOADED[key]: value for key, value in entry.items() if key in LOADED}
        options = {key: value for key, value in entry.items() if key in ASKED}
        entries.append(_Entry(name, str(source), options, how, texts))
    if problems:
        raise InputError(*problems)
    return entries, {key: value for key, value in data.items() if key in ASKED}


def _unknown(
    document: Document, at: Path, said: Mapping[Any, Any], known: Sequence[str]
) -> list[Problem]:
    return [
        document.problem((*at, key), "unknown key", did_you_mean(str(key), known))
        for key in said
        if key not in known
    ]


def _texts(document: Document, at: Path, value: object) -> tuple[list[str], list[Problem]]:
    """Budgets as they are written, and what is wrong with them."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed:
        message = f"expected budgets, not {shown(value)}"
        return [], [document.problem(at, message, "such as [80MB@1MiB, 5Mparams]")]
    problems = []
    for number, text in enumerate(listed):
        place = at if isinstance(value, str) else (*at, number)
        if not isinstance(text, str):
            problems.append(document.problem(place, f"expected a budget, not {shown(text)}",
                                             EXAMPLES))  # fmt: skip
            continue
        try:
            Budget.of_text(text)
        except InputError as error:
            problems += [document.problem(place, each.message, each.hint)
                         for each in error.problems]  # fmt: skip
    return [str(text) for text in listed], problems


def _ready(document: Document, entries: list[_Entry], shared: dict[str, Any]) -> list[_Entry]:
    """The entries with their budgets and machines, and with those of all options that they heed."""
    ready: list[_Entry] = []
    problems: list[Problem] = []
    heeded: set[str] = set()
    for entry in entries:
        inherited = {key: value for key, value in shared.items() if key not in entry.options}
        try:
            found, inherited = _asked(entry, inherited)
        except InputError as error:
            problems += _placed(document, entry, error).problems
            continue
        heeded |= set(inherited)
        options = {**inherited, **entry.options}
        ready.append(replace(entry, options=options, budgets=found[0], machine=found[1]))
    for key in shared:
        if key not in heeded and not problems:
            message = "changes nothing of any network here"
            problems.append(document.problem((key,), message, "leave it out"))
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return ready


def _asked(
    entry: _Entry, inherited: dict[str, Any]
) -> tuple[tuple[tuple[Budget, ...], Machine], dict[str, Any]]:
    """An entry's budgets and machine, and what of the options of all it heeds."""
    while True:
        options = {**inherited, **entry.options}
        only = options.pop("only", None)
        try:
            return asked_budgets(entry.texts, only, options), inherited
        except InputError as error:
            idle = [p.path for p in error.problems if p.path in inherited and _idle(p)]
            if not idle:
                raise
            inherited = {key: value for key, value in inherited.items() if key not in idle}


def _idle(problem: Problem) -> bool:
    """Whether an option is right, but changes nothing here."""
    return problem.hint == "leave it out"


def _placed(document: Document, entry: _Entry, error: MemsimError) -> MemsimError:
    """The same error, with the places of what it is about."""
    data = document.data
    said = data["networks"][entry.key]
    names = {loaded: key for key, loaded in LOADED.items()}
    told = []
    for each in error.problems:
        if each.file:
            told.append(each)
            continue
        key = each.path.removeprefix("--") or _quoted(each.message, said, data)
        key = names.get(key, key)
        at: Path = ("networks", entry.key)
        message = each.message
        if isinstance(said, dict) and key in said:
            at = (*at, key)
        elif key in data and key in ASKED:
            at = (key,)
        elif each.path.startswith("budget "):
            listed = (*at, "budgets") if isinstance(said, dict) else at
            number = [n for n, text in enumerate(entry.texts) if repr(text[:60]) in each.path]
            at = (*listed, number[-1]) if number else listed
        elif each.path:
            message = f"{each.path}: {message}"
        elif isinstance(said, dict) and "network" in said:
            at = (*at, "network")
        told.append(document.problem(at, message, each.hint))
    return type(error)(*told)


def _quoted(message: str, *said: object) -> str:
    """The key whose value a message quotes that names no place; empty where none is."""
    for mapping in said:
        for key, value in mapping.items() if isinstance(mapping, dict) else ():
            if repr(value) in message:
                return str(key)
    return ""
