"""Edits: a network changed in one place, as ``--edit`` says it.

An edit is written ``KIND=WHERE``. It makes another network, with the same outputs; a kind is one
file and one line of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from memsim.errors import InputError, Problem
from memsim.network.edits.dropped import dropped
from memsim.network.edits.halved import halved
from memsim.network.edits.stored import stored
from memsim.network.graph import Network
from memsim.registry import Registry

__all__ = ["EDITS", "edited"]

EDITS: Registry[Callable[[Network, str], Network]] = Registry("edit")
"""Kinds of edits: (network, where) -> the edited network."""

EDITS.add("drop", dropped)
EDITS.add("halve", halved)
EDITS.add("weights", stored)


def edited(network: Network, edits: Iterable[str]) -> Network:
    """A network after edits: links are dropped first, then stages halved, then weights stored.

    So the order in which they are said does not matter, but among those of one kind.

    Parameters
    ----------
    network : Network
    edits : iterable of str
        ``drop=LAYER..READER``, ``halve=STAGE`` or ``weights=DTYPE``.

    Raises
    ------
    InputError
        For an unknown kind, for layers that are not there, and where the layers do not fit
        together afterwards.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("hardnet68")
    >>> network["block1.2.concat"].output.shape
    (1, 78, 56, 56)
    >>> edited(network, ["drop=maxpool1..block1.2.concat"])["block1.2.concat"].output.shape
    (1, 14, 56, 56)
    >>> edited(network, ["drop"])
    Traceback (most recent call last):
    memsim.errors.InputError: --edit: 'drop' edits nothing; expected KIND=WHERE (such as \
drop=conv1..add1)
    """
    told = []
    for text in edits:
        kind, equals, where = text.partition("=")
        if not equals or not where:
            message = f"{text!r} edits nothing; expected KIND=WHERE"
            raise InputError(Problem(message, "--edit", "such as drop=conv1..add1"))
        told.append((EDITS[kind], where))
    for edit in EDITS.values():
        for chosen, where in told:
            if chosen is edit:
                network = edit(network, where)
    return network
