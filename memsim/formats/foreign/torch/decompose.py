"""Operators without a rule as the simpler ones that PyTorch itself says they are made of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

__all__ = ["decomposed"]


def decomposed(torch: Any, program: Any, names: Collection[str]) -> Any | None:
    """An exported program with some operators written out by PyTorch's own decompositions.

    Parameters
    ----------
    program : torch.export.ExportedProgram
    names : collection of str
        Of operators, such as ``baddbmm``; with their name space where that is not ``aten``.

    Returns
    -------
    torch.export.ExportedProgram or None
        None where PyTorch has a decomposition of none of them.
    """
    targets = {
        node.target
        for node in program.graph.nodes
        if node.op == "call_function" and _name(node.target) in names
    }
    known = {target: written for target in targets if (written := _written(torch, target))}
    if not known:
        return None
    try:
        return program.run_decompositions(known)
    except Exception:  # whatever it raises, the operators stay as they are
        return None


def _name(target: Any) -> str:
    schema = getattr(target, "_schema", None)
    return "" if schema is None else str(schema.name).removeprefix("aten::")


def _written(torch: Any, target: Any) -> Callable[..., Any] | None:
    """What an operator is made of; None where PyTorch has it as a kernel alone."""
    from torch._decomp import decomposition_table

    if target in decomposition_table:
        found: Callable[..., Any] = decomposition_table[target]
        return found
    if torch._C._dispatch_has_kernel_for_dispatch_key(target.name(), "CompositeImplicitAutograd"):
        from torch._export.utils import _get_decomp_for_cia

        composite: Callable[..., Any] = _get_decomp_for_cia(target)
        return composite
    return None
