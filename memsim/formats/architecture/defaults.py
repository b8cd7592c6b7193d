"""The ``defaults`` of an architecture file: attributes by keyword."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from memsim.errors import Problem, did_you_mean
from memsim.formats.architecture.items import Reader, Unreadable
from memsim.formats.architecture.keywords import keyword, keywords
from memsim.yaml.document import Document, shown
from memsim.yaml.faults import Fault

__all__ = ["sound_defaults"]


def sound_defaults(
    document: Document,
    defaults: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Any],
    report: Callable[[Problem], None],
) -> dict[str, dict[str, Any]]:
    """The defaults that are right; what is wrong is reported here, once for all layers.

    Parameters
    ----------
    document : Document
    defaults : mapping
        Attributes by keyword, as written.
    values : mapping
        What ``$names`` stand for. A value with another ``$name`` may belong to a ``repeat``; it
        is left for the layers to check.
    report : callable
        Takes each problem.
    """
    sound: dict[str, dict[str, Any]] = {}
    silent = Reader(document, {}, lambda problem: None)
    for name, body in defaults.items():
        path = ("defaults", name)
        if name not in keywords():
            hint = did_you_mean(name, keywords())
            report(document.problem(path, f"unknown layer {shown(name)}", hint))
            continue
        word = keyword(name)
        sound[name] = dict(body)
        checked = {}
        for key, value in body.items():
            try:
                checked[key] = (
                    value if key in word.nested else silent.substitute(value, path, values)
                )
            except Unreadable:
                continue
        parsed = word.parse(checked)
        for fault in parsed if isinstance(parsed, list) else ():
            if isinstance(fault, Fault) and fault.path:  # what is missing, the layers say
                report(document.problem((*path, *fault.path), fault.message, fault.hint))
                sound[name].pop(str(fault.path[0]), None)
    return sound
