"""``fire``: SqueezeNet's module (Iandola et al., arXiv:1602.07360)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.formats.architecture.fields import ACT, BN, Act, Finish
from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.formats.architecture.macros.convolve import convolve
from memsim.network.ops.arrange import Concat
from memsim.network.ops.base import Size
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Relu


class Fire(Finish, Macro):
    """A 1x1 that squeezes, then a 1x1 and a 3x3 side by side that expand, concatenated."""

    kind: ClassVar[str] = "fire"
    label: ClassVar[str] = "fire"

    squeeze: Annotated[Size, Field(description="channels of the first 1x1 (s1x1)")]
    expand: Annotated[Size, Field(description="channels of each of the two (e1x1 = e3x3)")]
    bias: Annotated[bool, Field(description="add a learned constant per channel")] = True
    bn: Annotated[bool, Field(description=BN)] = False
    act: Annotated[Act, Field(description=ACT)] = Relu()

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        narrow = site.make(Conv, out=self.squeeze, bias=self.bias)
        small = site.make(Conv, out=self.expand, bias=self.bias)
        large = site.make(Conv, out=self.expand, kernel=3, bias=self.bias)
        source = convolve(site, "squeeze", narrow, self, source)
        one = convolve(site, "one", small, self, source)
        three = convolve(site, "three", large, self, source)
        return site.add("concat", Concat(), one, three)
