"""How far predictions are off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Score:
    """The errors of predictions, as fractions.

    Attributes
    ----------
    rows : int
    mape : float
        Mean of the absolute relative errors.
    wape : float
        Sum of the absolute errors over the sum of what was measured: long times weigh more.
    worst : float
        Largest absolute relative error.
    spearman : float or None
        Rank correlation; None for fewer than three rows.
    """

    rows: int
    mape: float
    wape: float
    worst: float
    spearman: float | None

    @classmethod
    def of(cls, measured: Sequence[float], predicted: Sequence[float]) -> Score:
        """Compare predictions with what was measured, which is above 0.

        Examples
        --------
        >>> score = Score.of([1.0, 2.0, 4.0], [1.1, 2.0, 3.0])
        >>> score.mape, score.wape, score.worst, score.spearman
        (0.116..., 0.157..., 0.25, 1.0)
        """
        real, ours = np.asarray(measured, float), np.asarray(predicted, float)
        off = np.abs(ours - real)
        return cls(
            rows=len(real),
            mape=float((off / real).mean()),
            wape=float(off.sum() / real.sum()),
            worst=float((off / real).max()),
            spearman=spearman(real, ours) if len(real) > 2 else None,
        )

    def to_dict(self) -> dict[str, int | float | None]:
        """Plain values; errors as fractions."""
        return {
            "rows": self.rows,
            "mape": self.mape,
            "wape": self.wape,
            "worst": self.worst,
            "spearman": self.spearman,
        }


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Rank correlation; ties share their mean rank; 0 where one side does not vary.

    Examples
    --------
    >>> spearman([1, 2, 3, 4], [10, 20, 40, 30]), spearman([1, 1, 1], [1, 2, 3])
    (0.8, 0.0)
    """
    a, b = _ranks(x), _ranks(y)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / spread, 12) if spread else 0.0


def _ranks(values: ArrayLike) -> NDArray[np.float64]:
    _, place, count = np.unique(np.asarray(values, float), return_inverse=True, return_counts=True)
    mean = np.cumsum(count) - (count - 1) / 2
    ranks: NDArray[np.float64] = mean[place]
    return ranks
