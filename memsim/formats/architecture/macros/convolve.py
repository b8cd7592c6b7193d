"""A convolution with what comes with it: the one chain that all macros are made of."""

from __future__ import annotations

from typing import Any

from memsim.formats.architecture.fields import Finish
from memsim.formats.architecture.macros.base import FeatureMap, Site
from memsim.network.ops import Operator
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import BatchNorm

__all__ = ["convolve", "depthwise"]


def convolve(
    site: Site, part: str, op: Operator, finish: Finish, source: FeatureMap, *more: FeatureMap
) -> FeatureMap:
    """Append an operator with its batch norm and activation.

    The layers are named ``<part>.conv`` (by the operator: ``.linear``), ``<part>.bn`` and
    ``<part>.act``; an operator that comes alone is ``<part>``. What it reads besides its first
    input, such as kernels that are computed, goes to the operator as it is.
    """
    steps: list[tuple[str, Operator]] = []
    if finish.bn:
        steps.append(("bn", BatchNorm()))
    if finish.act is not None:
        steps.append(("act", finish.act))
    core = ("linear" if op.kind == "linear" else "conv", op)
    steps = [*steps, core] if finish.order == "pre" else [core, *steps]
    for suffix, step in steps:
        name = part if len(steps) == 1 else f"{part}.{suffix}" if part else suffix
        source = site.add(name, step, source, *(more if step is op else ()))
    return source


def depthwise(
    site: Site, part: str, source: FeatureMap, finish: Finish, **attributes: Any
) -> FeatureMap:
    """Append a depthwise convolution, one filter for each channel of its input."""
    count = site.shape(source)[0]
    op = site.make(Conv, out=count, groups=count, **attributes)
    return convolve(site, part, op, finish, source)
