"""``inverted_transition``: HarDNet's transition down (Chao et al., arXiv:1909.00948)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.formats.architecture.fields import ACT, BN, OUT, Act, Channels, Finish, channels
from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.formats.architecture.macros.convolve import convolve
from memsim.network.ops.arrange import Concat
from memsim.network.ops.base import Pair
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.pool import AvgPool, MaxPool


class InvertedTransition(Finish, Macro):
    """Max pool and average pool of the input, concatenated, then a 1x1: pooling comes first.

    The 1x1 works at the lower resolution, unlike that of an ordinary transition. A factor in
    ``out`` refers to the channels of the input, half of what the 1x1 reads.
    """

    kind: ClassVar[str] = "inverted_transition"
    label: ClassVar[str] = "transition"
    shorthand: ClassVar[str | None] = "out"

    out: Annotated[Channels, Field(description=OUT)]
    pool: Annotated[Pair, Field(description="window and stride of the pools")] = 2
    bias: Annotated[bool, Field(description="add a learned constant per channel")] = False
    bn: Annotated[bool, Field(description=BN)] = True
    act: Annotated[Act, Field(description=ACT)] = Relu()

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        out = channels(self.out, site.shape(source)[0])
        largest = site.add("max", site.make(MaxPool, kernel=self.pool), source)
        mean = site.add("avg", site.make(AvgPool, kernel=self.pool), source)
        both = site.add("concat", Concat(), largest, mean)
        return convolve(site, "", site.make(Conv, out=out, bias=self.bias), self, both)
