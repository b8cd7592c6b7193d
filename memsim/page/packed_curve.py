"""A curve as the page carries it: every threshold, packed."""

from __future__ import annotations

from typing import Any

import numpy as np

from memsim.page.varints import deltas, varints
from memsim.results.curve import CurveResult


def packed_curve(result: CurveResult) -> dict[str, Any]:
    """Pack the rows of a result's curve; the page sums them exactly as :meth:`Curve.at` does.

    Returns
    -------
    dict
        ``kernel``, ``tensor``, ``role`` and ``move`` of each group of rows that share all four;
        ``group``, ``bytes`` and ``threshold`` of each row, thresholds by their differences. The
        rows from ``finite`` on move at every size and have no threshold.

    Examples
    --------
    >>> import memsim
    >>> packed = packed_curve(memsim.curve("resnet18"))
    >>> sorted(packed)
    ['bytes', 'finite', 'group', 'kernel', 'move', 'role', 'tensor', 'threshold']
    """
    curve, finite = result.curve, result.finite_rows
    rows = np.stack([curve.kernel, curve.tensor, curve.role, curve.move], dtype=np.int64)
    groups, group = np.unique(rows, axis=1, return_inverse=True)
    kernel, tensor, role, move = groups
    return {
        "kernel": deltas(kernel),
        "tensor": varints(tensor),
        "role": varints(role),
        "move": varints(move),
        "finite": finite,
        "threshold": deltas(curve.threshold[:finite]),
        "group": varints(group.reshape(-1)),
        "bytes": varints(curve.nbytes),
    }
