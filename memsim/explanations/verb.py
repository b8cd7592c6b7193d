"""The verb ``explain``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from memsim.engines.compiled import load_compiler
from memsim.explanations.explanation import Explanation
from memsim.explanations.question import Question
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options
from memsim.simulate.source import Source

__all__ = ["explain", "explanation_of"]


def explain(
    network: Source, *, how: Mapping[str, Any] | None = None, **options: Unpack[Options]
) -> Explanation:
    """Tell why a network moves what it moves, and what to change.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.
    how : mapping, optional
        What :func:`memsim.load` is told besides, such as ``{"dtype": "int8"}``, so that the
        commands say it.
    **options
        See :class:`memsim.simulate.Options`.

    Returns
    -------
    Explanation
        Its figures are those of runs, which are made when they are first asked for.

    Raises
    ------
    InputError, SimulationError
        As :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> explanation = memsim.explain("hardnet68", machine="edge", cache="1MB")
    >>> explanation.command
    'memsim run hardnet68 --machine edge --cache 1MB'
    >>> explanation.tried.items[0].change.what
    'input 3x112x112'
    """
    return explanation_of(Question(network, dict(how or {}), options))


def explanation_of(question: Question) -> Explanation:
    """What :func:`explain` returns, for a question that is known as a whole."""
    refuse("explain", question.options)
    load_compiler()
    return Explanation(question, question.ask_for_each())
