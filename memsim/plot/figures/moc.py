"""The MoC figure: how a network's MACs are spread over layers that reuse little or much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.network.graph import Network
from memsim.network.moc import LOW, MocDistribution, macs_by_moc
from memsim.plot.canvas import new_panels
from memsim.plot.drawables import Drawables, network_of, some
from memsim.plot.kinds import figure
from memsim.plot.style import LIGHT, NOTE, dress, legend, series, short
from memsim.readable import format_count

if TYPE_CHECKING:
    from memsim.plot.canvas import GivenPanels, Panels


@figure("distribution of MACs over CIO", verb="figure of a network")
def moc(
    networks: Drawables,
    *,
    ax: GivenPanels | None = None,
    size: tuple[float, float] = (9.5, 6.0),
) -> Panels:
    """Draw the distribution of MACs over CIO (HarDNet, arXiv:1909.00948, Figure 1).

    Above, every convolution by its MoC and its MACs; below, the share of all MACs in
    convolutions of at most that MoC. Shaded is where the paper sees memory as the bound.

    Parameters
    ----------
    networks : Network, Result, str or path, or an iterable of them
    ax : sequence of two Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.

    Returns
    -------
    array of Axes
        Convolutions; shares.

    Examples
    --------
    >>> convolutions, shares = moc(["hardnet68", "mobilenetv2"])
    >>> shares.get_xlabel()
    'MoC: MACs per element of convolution input and output'
    """
    loaded = [network_of(each) for each in some(networks, "moc")]
    panels = new_panels(ax, (2, 1), size, sharex=True, heights=[1.3, 1], kind="moc")
    above, below = panels
    above.set_xscale("log")
    above.set_yscale("log")
    points = [macs_by_moc(network) for network in loaded]
    every = np.concatenate([values for values, _ in points])
    if not len(every):
        every = np.array([1.0, LOW])
    low, high = float(every.min()) / 1.5, float(every.max()) * 1.5
    handles = []
    for number, (network, (values, macs)) in enumerate(zip(loaded, points, strict=True)):
        look = series(number, network.name)
        (dots,) = above.plot(
            values, macs, linestyle="none", marker=look.marker, markersize=5.5, color=look.colour,
            alpha=0.75, markeredgecolor="white", markeredgewidth=0.5, label=network.name,
        )  # fmt: skip
        total = np.cumsum(macs) / max(int(macs.sum()), 1)
        (line,) = below.step(
            np.concatenate([[low], values, [high]]), np.concatenate([[0.0], total, total[-1:]]),
            where="post", color=look.colour, linestyle=look.line, linewidth=2,
            label=f"{network.name}: {MocDistribution.of(network).low_macs:.0%} below {LOW}",
        )  # fmt: skip
        handles.append((dots, line))
    for axes in panels:
        axes.axvspan(low, min(LOW, high), color=LIGHT, alpha=0.45, linewidth=0, zorder=0)
        axes.set_xlim(low, high)
    if low < LOW:
        above.text(
            min(LOW, high) / 1.05, 0.98, f"MoC below {LOW}", transform=above.get_xaxis_transform(),
            fontsize=NOTE, ha="right", va="top",
        )  # fmt: skip
    below.set_ylim(0, 1.02)
    below.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    above.yaxis.set_major_formatter(lambda value, _: short(format_count(value)))
    below.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    dress(above, title=_title(loaded), y="MACs of a convolution", grid="both")
    dress(
        below, x="MoC: MACs per element of convolution input and output",
        y="share of MACs\nup to this MoC", grid="both",
    )  # fmt: skip
    above.tick_params(axis="x", labelbottom=False)
    legend(above, [dots for dots, _ in handles], "convolutions of")
    legend(below, [line for _, line in handles], "MACs at low MoC")
    return panels


def _title(networks: list[Network]) -> str:
    shares = [(network.name, MocDistribution.of(network).low_macs) for network in networks]
    name, share = max(shares, key=lambda pair: pair[1])
    return f"{share:.0%} of {name}'s MACs are in convolutions of MoC below {LOW}"
