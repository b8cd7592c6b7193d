"""Attempts: the ways in which a foreign graph's first axis can be seen, of which one is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from memsim.errors import InputError
from memsim.formats.foreign.unknown import refuse_unknown

if TYPE_CHECKING:
    from memsim.network import Network

__all__ = ["first_known"]


def first_known(attempts: Iterable[Callable[[], Network | None]], allow_unknown: bool) -> Network:
    """The network of the first attempt that reads every operator.

    Parameters
    ----------
    attempts : iterable of callable
        Each reads the same graph in its own way, or gives None where that is none.
    allow_unknown : bool
        Whether, if none reads all, the first one that reads it at all will do, even where an
        attempt before it failed.

    Raises
    ------
    InputError, SimulationError
        What was wrong with the first attempt, if no attempt reads every operator.
    """
    failure: InputError | None = None
    partly: Network | None = None
    for attempt in attempts:
        try:
            network = attempt()
        except InputError as error:
            failure = failure or error
            continue
        if network is None:
            continue
        if all(layer.op.kind != "opaque" for layer in network):
            return network
        if partly is None and (failure is None or allow_unknown):
            partly = network
    if partly is None:
        assert failure is not None, "an attempt without a condition"
        raise failure
    refuse_unknown(partly, allow_unknown)
    return partly
