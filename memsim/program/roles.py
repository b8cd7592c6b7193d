"""Roles: what each byte of a program is moved for. They are decided here and nowhere else.

A lowering knows what an operand is to its operator, and asks :func:`operand_role` and
:func:`output_role`. Whether a tensor is a network's input or output is known where the tensors
are stored; :func:`read_role` and :func:`write_role` then have the last word.
"""

from __future__ import annotations

from memsim.network.ops import Operator
from memsim.program.kernel import Role


def operand_role(op: Operator, first: bool) -> Role:
    """What an operand of an operator is read for.

    Parameters
    ----------
    op : Operator
    first : bool
        Whether it is the operator's main operand. A further one is a residual, and so is what a
        fused add reads besides the tile at hand.

    Examples
    --------
    >>> from memsim.network.ops.pointwise import Add
    >>> [operand_role(Add(), first).name for first in (True, False)]
    ['ACTIVATION', 'RESIDUAL']
    """
    if op.joins:
        return Role.CONCAT
    return Role.ACTIVATION if first else Role.RESIDUAL


def output_role(op: Operator) -> Role:
    """What the output of a kernel is written for, as far as its operator tells."""
    return Role.CONCAT if op.joins else Role.ACTIVATION


def read_role(role: Role, kind: str) -> Role:
    """What a stored tensor is read for.

    Parameters
    ----------
    role : Role
        Of the operand.
    kind : str
        Of the tensor; see :class:`~memsim.program.program.Stored`.

    Examples
    --------
    >>> read_role(Role.ACTIVATION, "input").name, read_role(Role.RESIDUAL, "input").name
    ('INPUT', 'RESIDUAL')
    """
    if kind == "weight":
        return Role.WEIGHT
    return Role.INPUT if kind == "input" and role is Role.ACTIVATION else role


def write_role(role: Role, kind: str) -> Role:
    """What a stored tensor is written for: a network output is one, whoever writes it."""
    return Role.OUTPUT if kind == "output" else role
