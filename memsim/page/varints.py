"""Varints: columns of whole numbers as short text."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

EXACT = 2**53
"""Whole numbers up to here are exact in JavaScript."""


def varints(column: ArrayLike) -> str:
    """Encode whole numbers as base64 of base-128 digits, the lowest first.

    The top bit of a byte tells that the number goes on.

    Parameters
    ----------
    column : array of int
        From 0 to :data:`EXACT`.

    Raises
    ------
    InputError
        For a number that JavaScript cannot hold exactly.

    Examples
    --------
    >>> from base64 import b64decode
    >>> b64decode(varints([0, 127, 128, 300])).hex(" ")
    '00 7f 80 01 ac 02'
    """
    left: NDArray[np.int64] = np.asarray(column, np.int64).copy()
    if len(left) and (left.min() < 0 or left.max() > EXACT):
        raise InputError(f"a report holds whole numbers from 0 to 2**53, not {left.max():,}")
    digits = []
    going = np.ones(len(left), np.bool_)
    while going.any():
        digit = (left & 127).astype(np.uint8)
        left >>= 7
        digits.append(np.where(left > 0, digit | 128, digit))
        going = left > 0
    if not digits:
        return ""
    table = np.stack(digits, axis=1)
    # A digit belongs to its number if it is the first, or if the digit before it goes on.
    used = np.ones(table.shape, np.bool_)
    used[:, 1:] = table[:, :-1] >= 128
    np.logical_and.accumulate(used, axis=1, out=used)
    return b64encode(table[used].tobytes()).decode("ascii")


def deltas(column: ArrayLike) -> str:
    """Encode an ascending column by its differences.

    Examples
    --------
    >>> deltas([1000, 1001, 1003]) == varints([1000, 1, 2])
    True
    """
    return varints(np.diff(np.asarray(column, np.int64), prepend=0))
