"""A figure: one number as a paper prints it, beside the same number counted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed number and a counted one.

    Parameters
    ----------
    printed : str
        As it is printed, such as ``"4.20"``: its last digit tells how exact it is.
    unit : Fraction
        What one of the printed number stands for: ``10**6`` for millions.
    tolerance : Fraction
        Largest deviation that counts as agreement where rounding does not explain it.
    ours : int or None
        The number counted, in single units; None where it cannot be.

    Examples
    --------
    >>> params = Figure("25", Fraction(10**6), Fraction(2, 100), 25_557_032)
    >>> params.paper, round(params.deviation, 4), params.verdict
    (25000000.0, 0.0223, 'outside')
    >>> Figure("11.7", Fraction(10**6), Fraction(2, 100), 11_689_512).verdict
    'rounds'
    """

    printed: str
    unit: Fraction
    tolerance: Fraction
    ours: int | None

    @property
    def paper(self) -> float:
        """The printed number in single units."""
        return float(self._exact)

    @property
    def _exact(self) -> Fraction:
        return Fraction(self.printed) * self.unit

    @property
    def deviation(self) -> float | None:
        """``ours / paper - 1``."""
        return None if self.ours is None else float(self.ours / self._exact - 1)

    @property
    def verdict(self) -> str | None:
        """How they agree.

        ``rounds``: ours is within half the last printed digit; ``close``: within the
        tolerance; ``outside``: neither. None where there is nothing to compare.
        """
        if self.ours is None:
            return None
        difference = abs(self.ours - self._exact)
        digits = len(self.printed.partition(".")[2])
        if difference <= self.unit / (2 * 10**digits):
            return "rounds"
        return "close" if difference <= self.tolerance * self._exact else "outside"
