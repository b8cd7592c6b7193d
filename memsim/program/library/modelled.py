"""What a library's kernels are modelled for; the rest is refused, never counted wrong."""

from __future__ import annotations

from memsim.errors import Problem, SimulationError
from memsim.network import Layer, Network

__all__ = ["refuse_unmodelled"]

CHOOSING = (
    "embedding", "expand", "gather", "gather_elements", "scatter", "grid_sample", "roi_align",
    "max_unpool", "chosen", "windows", "im2col", "col2im",
)  # fmt: skip
"""Operators that read or write less, or elsewhere, than their whole tensors in a row."""


def refuse_unmodelled(network: Network) -> None:
    """Raise for what the kernels of oneDNN are not modelled for.

    Raises
    ------
    SimulationError
        For data types other than fp32, tensors other than maps with height and width, windows
        whose places lie apart in a pool, and operators that read some of their tensors.
    """
    if network.dtypes != ("fp32",):
        message = "the kernels of oneDNN are modelled in fp32"
        found = " and ".join(network.dtypes)
        raise SimulationError(Problem(message, hint=f"dtype fp32, not {found}"))
    problems = [
        Problem(f"the kernels of oneDNN are not modelled for {why}", path=layer.name,
                hint="--library none")
        for layer in network
        if (why := _unmodelled(layer))
    ]  # fmt: skip
    if problems:
        raise SimulationError(*problems)


def _unmodelled(layer: Layer) -> str:
    image, op = layer.output.image, layer.op
    if len(image) != 3:
        return f"tensors such as {image}, without channels, height and width"
    if op.kind in CHOOSING:
        return f"the operator {op.kind}"
    if op.pools and op.window is not None and op.window.dilation != (1, 1):
        return "pools with a dilation"
    return ""
