"""Other parameters of the file: another growth, another multiplier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from memsim.explanations.question import Change, Question
from memsim.formats.library import parameters_of
from memsim.network.graph import Network
from memsim.results.run import Result


def other_parameters(question: Question, result: Result) -> Iterator[Change]:
    """Each number among the file's parameters, a tenth less.

    Those of a whole number stay whole. What was said already stays as it was said.
    """
    if isinstance(question.source, Network):
        return
    said = question.how.get("parameters") or {}
    for name, value in parameters_of(question.source, question.how.get("variant")).items():
        if name not in said and (less := _less(value)) != value:
            yield Change(f"{name} {less}", how={"parameters": {name: less}})


def _less(value: Any) -> Any:
    """A tenth less of a number; whatever else there is as it is.

    Examples
    --------
    >>> _less(14), _less(1.7), _less("relu"), _less(True), _less(1)
    (13, 1.53, 'relu', True, 1)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, int):
        return max(round(value * 0.9), 1) if value > 1 else value
    return round(value * 0.9, 4)
