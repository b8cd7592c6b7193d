"""How a network's MACs over CIO are distributed over its convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.network.graph import Network

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOW = 30
"""Below it the paper sees memory as the bound (arXiv:1909.00948, Fig. 1); a machine's own limit
depends on its rates."""

PERCENTILES = (10, 25, 50, 75, 90)


@dataclass(frozen=True, slots=True)
class MocDistribution:
    """MoC over the convolutions of a network.

    Attributes
    ----------
    percentiles : dict of int to float
        Over the convolutions, each counted once; between two of them interpolated.
    low_macs : float
        Share of the convolutions' MACs in those with a MoC below :data:`LOW`.
    low_layers : int
        How many those are.

    Examples
    --------
    >>> import memsim
    >>> distribution = MocDistribution.of(memsim.load("mobilenetv2"))
    >>> round(distribution.percentiles[50], 1), round(distribution.low_macs, 2)
    (27.4, 0.42)
    """

    percentiles: dict[int, float]
    low_macs: float
    low_layers: int

    @classmethod
    def of(cls, network: Network) -> MocDistribution:
        """The distribution in a network; zeros where it has no convolution."""
        values, macs = macs_by_moc(network)
        if not len(values):
            return cls(dict.fromkeys(PERCENTILES, 0.0), 0.0, 0)
        low = values < LOW
        return cls(
            {p: float(np.percentile(values, p)) for p in PERCENTILES},
            float(macs[low].sum() / macs.sum()),
            int(low.sum()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **{f"percentile_{p}": value for p, value in self.percentiles.items()},
            f"macs_share_below_{LOW}": self.low_macs,
            f"layers_below_{LOW}": self.low_layers,
        }


def macs_by_moc(network: Network) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """MoC and MACs of each convolution of a network, by ascending MoC.

    Returns
    -------
    (float64 array, int64 array)
        One entry per convolution.

    Examples
    --------
    >>> import memsim
    >>> values, macs = macs_by_moc(memsim.load("resnet18"))
    >>> len(values), bool(values[0] <= values[-1])
    (20, True)
    """
    layers = [layer for layer in network if layer.cio]
    macs = np.array([layer.macs for layer in layers], np.int64)
    values = macs / np.array([layer.cio for layer in layers], np.int64)
    order = np.argsort(values, kind="stable")
    return values[order], macs[order]
