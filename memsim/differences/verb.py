"""The verb: two networks, or two results, and what changed from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from memsim.differences.asked import Asked, Compared, refuse_idle
from memsim.differences.difference import Difference
from memsim.errors import InputError, Problem
from memsim.simulate.options import Options

__all__ = ["diff"]


def diff(
    a: Compared,
    b: Compared,
    *,
    only: str | None = None,
    loading: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> Difference:
    """Tell what changed from A to B, layer by layer: DRAM bytes, time, MACs, parameters.

    Layers are matched by what they are, their operators, shapes, MACs and neighbours, and their
    names are one sign of it among others: see :mod:`memsim.differences.alignment`. Kernels that run
    matched layers are one row.

    Parameters
    ----------
    a, b : Network, Result, str or path
        As in :func:`memsim.run`; besides ``NAME#lowering`` or ``NAME#option=value,...``, whose
        options (of :class:`memsim.simulate.Options`, ``batch``, ``dtype``, ``input`` and ``edit``)
        are of one side; the result of a run; or a file that ends in ``.json`` and holds one.
    only : str, optional
        As in :func:`memsim.run`.
    loading : mapping, optional
        How networks are loaded: arguments of :func:`memsim.load`.
    **options
        See :class:`memsim.simulate.Options`; of both sides, where one says no other.

    Returns
    -------
    Difference

    Raises
    ------
    InputError
        For options that change neither side, a file that holds no result, results of which one
        tells a part of the traffic, and as :func:`memsim.run`.
    SimulationError
        As :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> difference = memsim.diff("hardnet68#eager", "hardnet68#concat_free", cache="1MiB")
    >>> difference.total.macs, difference.total.params, difference.total.dram_bytes < 0
    (0, 0, True)
    >>> memsim.diff("resnet18", "resnet18").is_empty
    True
    """
    sides = Asked.of(a), Asked.of(b)
    shared: dict[str, Any] = {"only": only, **options}
    refuse_idle(sides, shared, loading or {})
    shared = {name: value for name, value in shared.items() if value not in (None, ())}
    # Written results first: what is wrong with them is told before anything runs.
    found = {
        number: sides[number].side(shared, loading or {})
        for number in sorted((0, 1), key=lambda number: not sides[number].has_run)
    }
    difference = Difference(found[0], found[1])
    parts = [side.config.get("only") for side in (difference.a, difference.b)]
    if parts[0] != parts[1]:
        told = [f"{part} alone" if part else "all traffic" for part in parts]
        message = f"A tells {told[0]}, and B {told[1]}"
        raise InputError(Problem(message, path="only", hint="run both alike"))
    return difference
