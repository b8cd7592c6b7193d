"""In place: which operand's memory an output takes.

One rule for all who give tensors memory: an operator that frameworks can run in place
(:attr:`Operator.in_place <memsim.network.ops.Operator>`) writes over an operand that nobody needs
afterwards and that is as large as its output. Software differs in which operands it looks at, and
that is data: :data:`PLANNED` and :data:`PYTORCH`; or it does what the network says:
:data:`WRITTEN`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memsim.network.ops import Operator


@dataclass(frozen=True, slots=True)
class Candidate:
    """An operand, as far as the rule looks at it.

    Attributes
    ----------
    nbytes : int
        What the operator reads of it.
    whole : bool
        Whether that is all of the memory that it lies in.
    free : bool
        Whether nobody needs that memory once the operator is done: it is no parameter, no network
        input and no network output, and it has no later reader.
    """

    nbytes: int
    whole: bool
    free: bool


@dataclass(frozen=True, slots=True)
class InPlaceRule:
    """Which of its operands an operator may write over.

    Parameters
    ----------
    operands : int or None
        How many of them come into question, from the first one on; None: all, the first that fits
        is taken.
    parts : bool
        Whether a slice may be written over where it lies in its source.
    asked : bool
        Whether the network has to say so (:attr:`Operator.overwrites
        <memsim.network.ops.Operator>`), having made sure that nobody needs the operand.

    Examples
    --------
    >>> from memsim.network.ops.pointwise import Add, BatchNorm
    >>> shortcut, main = Candidate(64, True, False), Candidate(64, True, True)
    >>> PLANNED.choose(Add(), 64, [shortcut, main]), PYTORCH.choose(Add(), 64, [shortcut, main])
    (None, 1)
    >>> PYTORCH.choose(BatchNorm(), 64, [main]) is None
    True
    >>> [WRITTEN.choose(Add(inplace=each), 64, [main]) for each in (False, True)]
    [None, 0]
    """

    operands: int | None = 1
    parts: bool = False
    asked: bool = False

    def choose(self, op: Operator, nbytes: int, candidates: Sequence[Candidate]) -> int | None:
        """Return the position of the operand whose memory the output takes, None if there is none.

        Parameters
        ----------
        op : Operator
        nbytes : int
            Bytes of its output.
        candidates : sequence of Candidate
            Its operands, in order.
        """
        if not (op.overwrites if self.asked else op.in_place):
            return None
        for position, each in enumerate(candidates[: self.operands]):
            if (each.free or self.asked) and each.nbytes == nbytes and (each.whole or self.parts):
                return position
        return None


PLANNED = InPlaceRule()
"""An inference runtime that plans memory ahead, and code that says ``relu_`` or ``x += y``: the
first operand, whole."""

PYTORCH = InPlaceRule(operands=None, parts=True)
"""PyTorch with activations and residual sums in place, as the measured runs were: whichever operand
of a sum is read for the last time takes it, and a slice is a tensor like any other."""

WRITTEN = InPlaceRule(parts=True, asked=True)
"""PyTorch's modules as they are written: over its first operand where the network has ``inplace``,
else into memory of its own, as its modules do by default."""
