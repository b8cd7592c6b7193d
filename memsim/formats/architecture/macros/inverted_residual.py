"""``inverted_residual``: MobileNetV2's block (Sandler et al., arXiv:1801.04381), and EfficientNet's
with squeeze and excitation (Hu et al., arXiv:1709.01507; Tan and Le, arXiv:1905.11946)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.formats.architecture.fields import ACT, OUT, Act, Channels, Finish, channels
from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.formats.architecture.macros.convolve import convolve, depthwise
from memsim.network.ops.base import Pair, Size
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Add, Mul, Relu6, Sigmoid
from memsim.network.ops.pool import GlobalAvgPool


class InvertedResidual(Macro):
    """A 1x1 that widens, a depthwise convolution, a 1x1 without activation that narrows.

    The input is added where the shapes agree. The columns of the paper's Table 2 are
    ``expand`` (t), ``out`` (c), ``repeat`` (n) and ``stride`` (s, of the first).
    """

    kind: ClassVar[str] = "inverted_residual"
    label: ClassVar[str] = "inverted"

    out: Annotated[Channels, Field(description=OUT)]
    expand: Annotated[Size, Field(le=1000, description="widening; 1: no first 1x1 (t)")] = 6
    repeat: Annotated[Size, Field(le=1000, description="how many in a row (n)")] = 1
    stride: Annotated[Pair, Field(description="stride of the first (s)")] = 1
    kernel: Annotated[Pair, Field(description="kernel size of the depthwise convolutions")] = 3
    act: Annotated[Act, Field(description=ACT)] = Relu6()
    squeeze: Annotated[
        Size | None,
        Field(
            le=1000,
            description="squeeze and excitation after the depthwise convolution: to the block's "
            "input channels divided by this; none if absent",
        ),
    ] = None

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        out = channels(self.out, site.shape(source)[0])
        for number in range(1, self.repeat + 1):
            part = f"{number}." if self.repeat > 1 else ""
            source = self._one(site, part, out, self.stride if number == 1 else 1, source)
        return source

    def _one(self, site: Site, part: str, out: int, stride: Pair, source: FeatureMap) -> FeatureMap:
        active, linear = Finish(bn=True, act=self.act), Finish(bn=True)
        width = site.shape(source)[0] * self.expand
        value = source
        if self.expand > 1:
            value = convolve(site, f"{part}expand", site.make(Conv, out=width), active, value)
        value = depthwise(site, f"{part}dw", value, active, kernel=self.kernel, stride=stride)
        if self.squeeze is not None:
            value = self._excite(site, part, max(1, site.shape(source)[0] // self.squeeze), value)
        value = convolve(site, f"{part}project", site.make(Conv, out=out), linear, value)
        if stride == 1 and site.shape(value) == site.shape(source):
            value = site.add(f"{part}add", Add(), value, source)
        return value

    def _excite(self, site: Site, part: str, tight: int, value: FeatureMap) -> FeatureMap:
        """Weigh each channel by what two small layers make of all channels' averages."""
        wide = site.shape(value)[0]
        weight = site.add(f"{part}squeeze.pool", GlobalAvgPool(), value)
        op = site.make(Conv, out=tight, bias=True)
        weight = convolve(site, f"{part}squeeze", op, Finish(act=self.act), weight)
        op = site.make(Conv, out=wide, bias=True)
        weight = convolve(site, f"{part}excite", op, Finish(act=Sigmoid()), weight)
        return site.add(f"{part}excite.mul", Mul(), value, weight)
