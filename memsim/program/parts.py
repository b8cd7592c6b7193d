"""Parts of the traffic: weights, and feature maps, which are all the rest.

Weights move with the depth of a network, feature maps with its connections. Added up, the larger
hides the other, so they are told apart wherever traffic is told.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import InputError, Problem, did_you_mean
from memsim.program.kernel import Role
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class Part(StrEnum):
    """A part of the traffic, as users write it."""

    WEIGHTS = "weights"
    FEATURE_MAPS = "feature-maps"

    @property
    def roles(self) -> tuple[Role, ...]:
        """What the bytes of this part are moved for."""
        return tuple(role for role in Role if (role is Role.WEIGHT) == (self is Part.WEIGHTS))

    @property
    def words(self) -> str:
        """How a sentence names it."""
        return self.value.replace("-", " ")


def part(name: str | Part | None) -> Part | None:
    """The part that a name means; None for all of the traffic.

    Raises
    ------
    InputError
        For an unknown name.

    Examples
    --------
    >>> part("feature-maps")
    <Part.FEATURE_MAPS: 'feature-maps'>
    >>> part("weight")
    Traceback (most recent call last):
    memsim.errors.InputError: unknown part of the traffic 'weight' (did you mean 'weights'?)
    """
    if name is None:
        return None
    try:
        return Part(name)
    except ValueError:
        message = f"unknown part of the traffic {name!r}"
        known = [each.value for each in Part]
        hint = did_you_mean(str(name), known) or " or ".join(known)
        raise InputError(Problem(message, hint=hint)) from None


def chosen(traffic: Ints, only: Part | None, axis: int = -2) -> Ints:
    """Traffic of one part alone: that of all other roles is nothing.

    Parameters
    ----------
    traffic : int64 array
        Bytes, one axis by role.
    only : Part or None
        None leaves it as it is.
    axis : int
        The axis of the roles.
    """
    if only is None:
        return traffic
    kept = np.isin(np.arange(len(Role)), only.roles)
    shape = [1] * traffic.ndim
    shape[axis] = len(Role)
    masked: Ints = traffic * kept.reshape(shape)
    return masked


def compulsory(program: Program, only: Part | None = None) -> tuple[int, int]:
    """Bytes of a part that every cache reads, and that it writes.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> parts = [sum(compulsory(program, each)) for each in Part]
    >>> parts[0] == program.weight_bytes, sum(parts) == program.compulsory_bytes
    (True, True)
    """
    weights = program.compulsory_weight_bytes
    maps = program.compulsory_read_bytes - weights, program.compulsory_write_bytes
    if only is None:
        return maps[0] + weights, maps[1]
    return (weights, 0) if only is Part.WEIGHTS else maps
