"""A sweep in a YAML file: networks and axes as the command line has them."""

from __future__ import annotations

import os
from typing import Any

from memsim.errors import InputError, Problem, did_you_mean
from memsim.sweeps.axis import AXES, PARAMETER, axis
from memsim.sweeps.facts import SPLITS
from memsim.yaml import text as yaml_text
from memsim.yaml.document import Document, Path, shown

__all__ = ["KEYS", "read_sweep"]

KEYS = ("networks", "parameters", "by", *AXES)
"""What a file may hold."""


def read_sweep(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a sweep file.

    Every key but ``networks`` is an axis: one value, a list, or text such as
    ``64KiB:32MiB:log2``. ``parameters`` holds axes by the names of parameters.

    Returns
    -------
    dict
        What :func:`memsim.sweep` is told, as far as the file says.

    Raises
    ------
    InputError
        For a file that cannot be read, and everything that is wrong in it at once, each with
        its line and column.
    """
    document = yaml_text.load(yaml_text.read(path), os.fspath(path))
    data = document.data
    if not isinstance(data, dict):
        message = f"a sweep is a mapping, not {shown(data)}"
        raise InputError(document.problem((), message, "networks: [hardnet68], cache: ..."))
    problems: list[Problem] = []
    for name, value in data.items():
        if name not in KEYS:
            hint = did_you_mean(str(name), KEYS)
            problems.append(document.problem((name,), "unknown key", hint))
        elif name == "networks":
            problems += _networks(document, value)
        elif name == "by":
            problems += _by(document, value)
        elif name == "parameters":
            problems += _parameters(document, value)
        else:
            problems += _axis(document, (name,), value)
    if problems:
        raise InputError(*problems)
    return dict(data)


def _networks(document: Document, value: object) -> list[Problem]:
    if isinstance(value, str):
        return []
    listed: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        listed = list(value.items() if isinstance(value, dict) else enumerate(value))
    if not listed:
        hint = "networks: [hardnet68, densenet121]"
        return [document.problem(("networks",), f"expected networks, not {shown(value)}", hint)]
    return [
        document.problem(("networks", at), f"expected a name or a file, not {shown(each)}")
        for at, each in listed
        if not isinstance(each, str)
    ]


def _by(document: Document, value: object) -> list[Problem]:
    words = value.split(",") if isinstance(value, str) else value
    if isinstance(words, list) and all(str(word).strip() in SPLITS for word in words):
        return []
    hint = " or ".join(SPLITS)
    return [document.problem(("by",), f"expected a list of splits, not {shown(value)}", hint)]


def _parameters(document: Document, value: object) -> list[Problem]:
    if not isinstance(value, dict):
        message, hint = f"expected a mapping, not {shown(value)}", "parameters: {growth: 8:24:4}"
        return [document.problem(("parameters",), message, hint)]
    found: list[Problem] = []
    for name, given in value.items():
        found += _axis(document, ("parameters", name), given, own=True)
    return found


def _axis(document: Document, path: Path, given: object, own: bool = False) -> list[Problem]:
    """What is wrong with an axis, at its place in the file."""
    if isinstance(given, dict):
        message = "expected a value, a list or a range, not a mapping"
        return [document.problem(path, message, "such as 64KiB:32MiB:log2")]
    try:
        axis(str(path[-1]), given, PARAMETER if own else None)
    except InputError as error:
        return [document.problem(path, each.message, each.hint) for each in error.problems]
    return []
