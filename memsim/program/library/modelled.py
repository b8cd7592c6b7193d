"""What a library's kernels are modelled for; the rest is refused, never counted wrong."""

from __future__ import annotations

from memsim.errors import Problem, SimulationError
from memsim.network import Layer, Network

__all__ = ["refuse_unmodelled"]

WHOLE = ("upsample", "pad", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle")
"""Operators beside the families below that one kernel computes, which goes through all of its
input and of its output once."""


def refuse_unmodelled(network: Network) -> None:
    """Raise for what the kernels of oneDNN are not modelled for.

    Raises
    ------
    SimulationError
        For data types other than fp32, tensors other than maps with height and width, and
        whatever is not one of the kernels that were measured: convolutions with weights of their
        own, linear layers of one row, pools, elementwise functions, batch norms, concatenations
        and slices of channels, what only looks at a map otherwise, and :data:`WHOLE`.
    """
    if network.dtypes != ("fp32",):
        message = "the kernels of oneDNN are modelled in fp32"
        found = " and ".join(network.dtypes)
        raise SimulationError(Problem(message, hint=f"dtype fp32, not {found}"))
    reasons: dict[str, list[str]] = {}
    for layer in network:
        if why := _unmodelled(layer):
            reasons.setdefault(why, []).append(layer.name)
    if reasons:
        raise SimulationError(*(_told(network, *each) for each in reasons.items()))


def _told(network: Network, why: str, layers: list[str]) -> Problem:
    """One line for all layers that are refused for one reason, at the first of them."""
    first, more = network[layers[0]], len(layers) - 1
    shapes = [*map(str, first.shapes), str(first.output.image)]
    form = f" ({', '.join(shapes[:-1])} to {shapes[-1]})" if first.shapes else f" ({shapes[-1]})"
    others = f", here and in {more} other layer{'s' * (more > 1)}" if more else ""
    message = f"the kernels of oneDNN are not modelled for {why}{form}{others}"
    return Problem(message, path=first.name, hint="--library none")


def _unmodelled(layer: Layer) -> str:
    """What it is that no kernel is modelled for; empty where one is."""
    op, image, images = layer.op, layer.output.image, layer.shapes
    if op.kind == "computed_conv":
        return "weights that are computed"
    if any(len(each) != 3 or each.channel != 0 for each in (*images, image)):
        return "tensors without channels, height and width"
    if op.kind == "parametric":
        return "parameters other than one for each channel"
    if op.kind == "linear":
        return "linear layers of many rows" if image[1:] != (1, 1) or len(images) > 1 else ""
    if op.pools:
        apart = op.window is not None and op.window.dilation != (1, 1)
        return "pools with a dilation" if apart else ""
    if op.joins:
        return "" if op.stacks else "concatenations along rows or columns"
    if op.kind == "slice":
        return "" if op.selects(images) else "slices other than of channels in a row"
    if op.is_input or op.convolves or op.view or op.elementwise or op.kind in WHOLE:
        return ""
    return f"the operator {op.kind}"
