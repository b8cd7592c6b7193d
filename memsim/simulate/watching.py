"""Watching a module: one call, and the tree of its modules with what each costs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Unpack

from memsim.errors import InputError, Problem
from memsim.network.graph import Network
from memsim.simulate.options import Options
from memsim.simulate.source import Source
from memsim.simulate.verbs import run

if TYPE_CHECKING:
    import torch

    from memsim.results.details.breakdown import Watched


def watch(
    module: torch.nn.Module | Source,
    example: Any = None,
    *,
    depth: int | None = 3,
    allow_unknown: bool = False,
    clock: str | None = None,
    only: str | None = None,
    **options: Unpack[Options],
) -> Watched:
    """Tell the tree of a module's parts: shape, parameters, MACs, DRAM bytes, time and bound.

    Parameters
    ----------
    module : torch.nn.Module, Network, str or path
        Whatever is no PyTorch module is taken as in :func:`memsim.run`.
    example : tensor, shape, sequence or dict, optional
        The inputs of a PyTorch module, as in :func:`memsim.from_torch`. Left out, a module of
        images is looked at on one image of 224x224.
    depth : int, optional
        How many levels of modules are told; None: all. What is deeper counts in the deepest.
    allow_unknown : bool
        As in :func:`memsim.from_torch`.
    clock, only, **options
        As in :func:`memsim.run`, such as the cache and the machine.

    Returns
    -------
    Watched
        Printing it, or its place at the end of a cell of a notebook, gives the table; its
        ``result`` holds all else.

    Raises
    ------
    InputError, SimulationError
        As :func:`memsim.from_torch` and :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> watched = memsim.watch("squeezenet1_0", depth=1, cache="1MiB")
    >>> [(group.name, group.macs) for group in watched.groups][:2]
    [('', 818924576), ('conv1', 167664672)]
    >>> sum(group.time_ps for group in watched.groups[1:]) == watched.result.time_ps
    True
    """
    from memsim.results.details.breakdown import Watched

    if depth is not None and depth < 1:
        raise InputError(Problem(f"a tree is not {depth} deep", "depth", "at least 1, or None"))
    kinds: dict[str, str] = {}
    network: Source
    if isinstance(module, Network | str | os.PathLike):
        if example is not None:
            message = "an example is for a PyTorch module, and a network has its inputs"
            raise InputError(Problem(message, "example"))
        network = module
    else:
        from memsim.formats import from_torch
        from memsim.formats.foreign.torch.source import usual_example

        given = usual_example(module) if example is None else example
        network = from_torch(module, given, allow_unknown=allow_unknown)
        kinds = {path: type(part).__name__ for path, part in module.named_modules() if path}
    result = run(network, clock=clock, only=only, **options)
    return Watched(result, depth, kinds)


summary = watch
"""What torchinfo calls it."""
