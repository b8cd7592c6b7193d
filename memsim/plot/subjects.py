"""Subjects: what a figure is drawn of, given in whatever form is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from memsim.errors import InputError
from memsim.network.graph import Network
from memsim.program import Program
from memsim.results.curve import CurveResult
from memsim.results.run import Result
from memsim.simulate import curve, run

Subject = Network | Result | str | os.PathLike[str]
"""A network, one by name or file, or a result."""

Subjects = Subject | Iterable[Subject]


def listed(subjects: Any) -> list[Any]:
    """One subject or several as a list.

    Examples
    --------
    >>> listed("resnet18"), listed(["a", "b"])
    (['resnet18'], ['a', 'b'])
    """
    if isinstance(subjects, str | os.PathLike | Network | Result | CurveResult | Program):
        return [subjects]
    return list(subjects)


def only(subjects: Any, kind: str) -> Any:
    """The one subject of a figure of one network.

    Raises
    ------
    InputError
        If there is none, or another.
    """
    found = listed(subjects)
    if len(found) != 1:
        raise InputError(f"figure {kind} shows one network, not {len(found)}")
    return found[0]


def some(subjects: Any, kind: str) -> list[Any]:
    """The subjects of a figure; at least one.

    Raises
    ------
    InputError
        If there is none.
    """
    found = listed(subjects)
    if not found:
        raise InputError(f"figure {kind} needs a network")
    return found


def network_of(subject: Any) -> Network:
    """The network behind a subject."""
    if isinstance(subject, Network):
        return subject
    if isinstance(subject, Result | Program):
        return subject.network
    from memsim.formats import load

    return load(subject)


def result_of(subject: Any, options: dict[str, Any], clock: str = "recurrence") -> Result:
    """A result as it is, or that of a network under the options of :func:`memsim.run`.

    Both clocks tell the same times; the recurrence tells them sooner.

    Raises
    ------
    InputError
        If options come with a result, which is done already.
    """
    if not isinstance(subject, Result):
        return run(subject, **{"clock": clock, **options})
    if options:
        names = ", ".join(sorted(options))
        raise InputError(f"a Result is drawn as it is: {names} cannot change it any more")
    return subject


def curve_of(subject: Any, options: dict[str, Any]) -> CurveResult:
    """The curve of a network under the options of :func:`memsim.run`, or a curve as it is."""
    if isinstance(subject, CurveResult):
        return subject
    if isinstance(subject, Result):
        return CurveResult(subject.program, subject.machine)
    given = {name: value for name, value in options.items() if name != "clock"}  # it has no time
    return curve(subject, **given)
