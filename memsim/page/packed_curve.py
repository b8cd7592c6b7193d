"""A curve as the page carries it: every threshold, packed."""

from __future__ import annotations

from typing import Any

import numpy as np

from memsim.page.varints import deltas, varints
from memsim.results.curve import CurveResult


def packed_curve(result: CurveResult) -> dict[str, Any]:
    """Pack the rows of a result's curve; the page sums them exactly as :meth:`Curve.at` does.

    Rows lie group by group: those of one tensor and kernel are much alike, so that they pack well,
    and the page finds what a group moves by one search.

    Returns
    -------
    dict
        Of each group of rows that share them, ``kernel``, ``tensor``, ``role`` and ``move``; how
        many ``rows`` it has, and how many bytes it moves ``always``, at every size. Of each row
        ``bytes`` and ``threshold``: the first of a group as it is, then by how much it rises.

    Examples
    --------
    >>> import memsim
    >>> packed = packed_curve(memsim.curve("resnet18"))
    >>> sorted(packed)
    ['always', 'bytes', 'kernel', 'move', 'role', 'rows', 'tensor', 'threshold']
    """
    curve, finite = result.curve, result.finite_rows
    columns = (curve.kernel, curve.tensor, curve.role, curve.move)
    shape = tuple(int(column.max(initial=0)) + 1 for column in columns)
    groups, group = np.unique(np.ravel_multi_index(columns, shape), return_inverse=True)
    count = len(groups)
    always = np.zeros(count, np.int64)
    np.add.at(always, group[finite:], curve.nbytes[finite:])
    # Rows come by threshold, so a stable order by group leaves each group ascending.
    order = np.argsort(group[:finite], kind="stable")
    threshold, held = curve.threshold[:finite][order], np.bincount(group[:finite], minlength=count)
    rise = np.diff(threshold, prepend=0)
    first = (np.cumsum(held) - held)[held > 0]
    rise[first] = threshold[first]
    kernel, tensor, role, move = np.unravel_index(groups, shape)
    return {
        "kernel": deltas(kernel),
        "tensor": varints(tensor),
        "role": varints(role),
        "move": varints(move),
        "rows": varints(held),
        "always": varints(always),
        "threshold": varints(rise),
        "bytes": varints(curve.nbytes[:finite][order]),
    }
