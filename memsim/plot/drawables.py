"""Drawables: what a figure is drawn of, given in whatever form is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from memsim.errors import InputError
from memsim.network.graph import Network
from memsim.program.parts import part
from memsim.results.run import Result
from memsim.simulate import Options, run
from memsim.simulate.verbs import every_size

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from memsim.results.curve import CurveResult

Drawable: TypeAlias = "Network | Result | CurveResult | str | os.PathLike[str]"
"""A network, one by name or file, or a result."""

Drawables: TypeAlias = "Drawable | Iterable[Drawable]"


def listed(drawables: Drawables) -> list[Drawable]:
    """One drawable or several as a list.

    Examples
    --------
    >>> listed("resnet18"), listed(["a", "b"])
    (['resnet18'], ['a', 'b'])
    """
    if isinstance(drawables, Network | Result | str | os.PathLike) or _is_curve(drawables):
        return [drawables]
    return list(drawables)


def single(drawables: Drawables, kind: str) -> Drawable:
    """The one drawable of a figure of one network.

    Raises
    ------
    InputError
        If there is none, or another.
    """
    several = some(drawables, kind)
    if len(several) > 1:
        raise InputError(f"figure {kind} shows one network, not {len(several)}")
    return several[0]


def some(drawables: Drawables, kind: str) -> list[Drawable]:
    """The drawables of a figure; at least one.

    Raises
    ------
    InputError
        If there is none.
    """
    several = listed(drawables)
    if not several:
        raise InputError(f"figure {kind} needs a network")
    return several


def network_of(drawable: Drawable) -> Network:
    """The network behind a drawable."""
    if isinstance(drawable, Network):
        return drawable
    if isinstance(drawable, Result):
        return drawable.network
    if _is_curve(drawable):
        return drawable.program.network
    from memsim.formats import load

    return load(drawable)


def result_of(drawable: Drawable, options: Options, only: str | None = None) -> Result:
    """A result as it is, or that of a network under the options of :func:`memsim.run`.

    Of either, the part of the traffic that ``only`` names.

    Raises
    ------
    InputError
        If options come with a result, which is done already, or if it is a curve: it has no time.
    """
    if isinstance(drawable, Result):
        _refuse_options(drawable, options)
        return drawable if only is None else replace(drawable, only=part(only))
    if _is_curve(drawable):
        raise InputError("a CurveResult is of every cache size; this figure needs a Result of one")
    return run(drawable, clock="recurrence", only=only, **options)


def curve_of(drawable: Drawable, options: Options, only: str | None = None) -> CurveResult:
    """The curve of a network under the options of :func:`memsim.run`, or a curve as it is.

    Of either, the part of the traffic that ``only`` names.

    Raises
    ------
    InputError
        If options come with a result, which is done already.
    """
    if _is_curve(drawable):
        _refuse_options(drawable, options)
        return drawable if only is None else replace(drawable, only=part(only))
    if isinstance(drawable, Result):
        _refuse_options(drawable, options)
        from memsim.results.curve import CurveResult

        told = drawable.only if only is None else part(only)
        return CurveResult(drawable.program, drawable.machine, only=told)
    return every_size(drawable, "figure of traffic", only=only, **options)


def _is_curve(drawable: object) -> TypeIs[CurveResult]:
    """Whether it is a curve; what figures are drawn of most needs nothing that makes curves."""
    if isinstance(drawable, Network | Result | str | os.PathLike | list | tuple):
        return False
    from memsim.results.curve import CurveResult

    return isinstance(drawable, CurveResult)


def _refuse_options(result: Result | CurveResult, options: Options) -> None:
    if options:
        names, kind = ", ".join(sorted(options)), type(result).__name__
        raise InputError(f"a {kind} is drawn as it is: {names} cannot change it any more")
