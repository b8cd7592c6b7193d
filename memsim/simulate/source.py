"""A source: a network in whatever form it is at hand, and what it tells without a machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from memsim.network.graph import Network

if TYPE_CHECKING:
    from memsim.machine import Machine
    from memsim.results.description import Description

Source = Network | str | os.PathLike[str]
"""A network, the name of a shipped one, or a file that :func:`memsim.load` reads."""


def network_of(source: Source, machine: Machine | None = None) -> Network:
    """A network as it is, or the one that a name or a file means.

    Where neither says a variant or a data type, the machine may: see :func:`load_on`.
    """
    if isinstance(source, Network):
        return source
    return load_on(machine, source)


def load_on(
    machine: Machine | None,
    source: str | os.PathLike[str],
    variant: str | None = None,
    **how: Any,
) -> Network:
    """Load a network as it runs on a machine, where nothing else is said.

    The machine may say its variant, which is the one that it was fitted with, and its data type.

    Parameters
    ----------
    machine : Machine or None
    source, variant, **how
        As in :func:`memsim.load`.

    Examples
    --------
    >>> from memsim.machine import load_machine
    >>> load_on(load_machine("edge"), "resnet18").dtype
    'int8'
    >>> load_on(load_machine("edge"), "resnet18", dtype="fp16").dtype
    'fp16'
    """
    from memsim.formats import load
    from memsim.formats.library import split_variant

    if machine is not None:
        name, variant = split_variant(source, variant)
        variant = variant or variant_on(machine, name)
        return load(name, variant=variant, otherwise_dtype=machine.program.dtype, **how)
    return load(source, variant=variant, **how)


def variant_on(machine: Machine | None, source: str | os.PathLike[str]) -> str | None:
    """The variant of a network that a machine was fitted with; None where it names none.

    Examples
    --------
    >>> from memsim.machine import load_machine
    >>> variant_on(load_machine("titan_v"), "fc_hardnet84")
    'pre'
    """
    return machine.program.variant_of(os.fspath(source)) if machine is not None else None


def describe(network: Source) -> Description:
    """Tell the static facts of a network: shapes, parameters, MACs, CIO, MoC of every layer.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.

    Returns
    -------
    Description

    Raises
    ------
    InputError
        For an unknown name or a file that is wrong.

    Examples
    --------
    >>> import memsim
    >>> memsim.describe("resnet18").rows()[1]["macs"]
    118013952
    """
    from memsim.results.description import Description

    return Description(network_of(network))
