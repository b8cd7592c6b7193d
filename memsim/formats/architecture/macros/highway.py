"""``highway``: a gated layer (Srivastava et al., arXiv:1505.00387)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.formats.architecture.fields import ACT, BN, Act, Finish
from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.formats.architecture.macros.convolve import convolve
from memsim.network.ops.base import Pair
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Add, Complement, Mul, Relu, Sigmoid


class Highway(Finish, Macro):
    """``T * H + (1 - T) * x``: a gate T decides how much of a convolution H of x is taken.

    H and T are convolutions of x with as many channels as x; T ends in a sigmoid.
    """

    kind: ClassVar[str] = "highway"
    label: ClassVar[str] = "highway"
    shorthand: ClassVar[str | None] = "kernel"

    kernel: Annotated[Pair, Field(description="kernel size of both convolutions")] = 3
    bias: Annotated[bool, Field(description="add a learned constant per channel")] = True
    bn: Annotated[bool, Field(description=BN)] = False
    act: Annotated[Act, Field(description=ACT)] = Relu()

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        width = site.shape(source)[0]
        op = site.make(Conv, out=width, kernel=self.kernel, bias=self.bias)
        value = convolve(site, "H", op, self, source)
        gate = Finish(bn=self.bn, act=Sigmoid(), order=self.order)
        taken = convolve(site, "T", op, gate, source)
        kept = site.add("keep", Complement(), taken)
        transformed = site.add("transform", Mul(), value, taken)
        carried = site.add("carry", Mul(), source, kept)
        return site.add("add", Add(), transformed, carried)
