"""The layers figure: which layers move what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from memsim.plot.canvas import new_panels, rectangles
from memsim.plot.drawables import Drawables, result_of, single
from memsim.plot.kinds import figure
from memsim.plot.labels import place
from memsim.plot.stage_ticks import mark_stages
from memsim.plot.style import CAUSES, EDGE, ROLES, Look, bytes_axis, dress, legend, patch, si
from memsim.program.kernel import Cause, Role
from memsim.simulate import Options

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from memsim.plot.canvas import GivenPanels, Panels
    from memsim.results.run import Result


@figure(
    "traffic per layer by role and by cause",
    verb="figure of traffic",
    parts=True,
    common=((0, "y"), (1, "y")),
)
def layers(
    network: Drawables,
    *,
    ax: GivenPanels | None = None,
    size: tuple[float, float] = (11.0, 6.0),
    names: int = 3,
    only: str | None = None,
    **options: Unpack[Options],
) -> Panels:
    """Draw DRAM traffic per layer, by role above and by cause below.

    Parameters
    ----------
    network : Network, Result, str or path
        Or several: each is drawn by itself, with axes that compare.
    ax : sequence of two Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.
    names : int
        How many layers are named, the heaviest first.
    only : str, optional
        ``feature-maps`` or ``weights``: the traffic of these alone.
    **options
        As for :func:`memsim.run`.

    Returns
    -------
    array of Axes
        By role; by cause.

    Examples
    --------
    >>> by_role, by_cause = layers("resnet18")
    >>> by_role.get_ylabel(), by_cause.get_ylabel()
    ('by role', 'by cause')
    """
    result = result_of(single(network, "layers"), options, only)
    panels = new_panels(ax, (2, 1), size, sharex=True, sharey=True, kind="layers")
    by_role, by_cause = panels
    traffic = result.moved
    roles, causes = traffic.sum(axis=2), traffic.sum(axis=1)
    _stack(by_role, [(ROLES[name], roles[:, Role[name.upper()]], name) for name in ROLES])
    _stack(by_cause, [(CAUSES[name], causes[:, Cause[name.upper()]], name) for name in CAUSES])
    total = traffic.sum(axis=(1, 2))
    by_role.set_ylim(0, 1.3 * max(int(total.max(initial=0)), 1))
    kernels = [kernel.name for kernel in result.program.kernels]
    mark_stages(by_cause, kernels)
    dress(by_role, title=_title(result), y="by role")
    dress(by_cause, x="layers in the order in which they run", y="by cause")
    by_role.tick_params(axis="x", labelbottom=False)
    for axes, looks, sums in (
        (by_role, ROLES, result.by_role),
        (by_cause, CAUSES, result.by_cause),
    ):
        bytes_axis(axes.yaxis)
        present = {name: look for name, look in looks.items() if sums[name]}
        legend(axes, [patch(look, f"{name} {si(sums[name])}") for name, look in present.items()])
    heaviest = np.argsort(-total, kind="stable")[:names]
    place(
        by_role,
        [(float(i) + 0.5, float(total[i])) for i in heaviest],
        [f"{kernels[i]} {si(int(total[i]))}" for i in heaviest],
        avoid=np.concatenate(
            [np.stack([np.arange(len(total)) + 0.5, total * part / 8], axis=1)
             for part in range(1, 9)]
        ),
    )  # fmt: skip
    return panels


def _stack(axes: Axes, parts: list[tuple[Look, NDArray[np.int64], str]]) -> None:
    bottom = np.zeros(len(parts[0][1]))
    hatched = len(bottom) <= 60  # thinner bars show no hatch
    for look, column, name in parts:
        if column.any():
            kept = column > 0
            begin, low = np.flatnonzero(kept), bottom[kept]
            rectangles(
                axes, begin + 0.075, begin + 0.925, low, low + column[kept],
                facecolor=look.colour, hatch=look.hatch if hatched else "", edgecolor=EDGE,
                linewidth=0, gid=name,
            )  # fmt: skip
        bottom += column


def _title(result: Result) -> str:
    whole, compulsory = result.dram_bytes, result.compulsory_bytes
    ratio = f", {whole / compulsory:.1f} x compulsory" if compulsory else ""
    moved = f"{result.network.name} moves {si(whole)}{ratio}"
    if not whole or result.only is not None:
        return moved
    part, amount = max(result.by_part.items(), key=lambda item: item[1])
    return f"{moved}: {amount / whole:.0%} of it {part.replace('-', ' ')}"
