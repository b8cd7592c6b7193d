"""``block``: layers of a dense block, connected by a pattern."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.formats.architecture.fields import ACT, BN, Act, Finish, Pattern
from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.formats.architecture.macros.convolve import convolve, depthwise
from memsim.network.ops.arrange import Concat
from memsim.network.ops.base import Extent, Pair, Size
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Relu
from memsim.network.patterns import PATTERNS

MOST_LAYERS = 1000
"""Deepest block: a dense one has as many links as the square of its depth."""


class Block(Finish, Macro):
    """A dense block: every layer is a convolution that reads the layers its pattern links.

    A layer that reads several concatenates them first; the concat of what leaves the block is
    its output.
    """

    kind: ClassVar[str] = "block"
    label: ClassVar[str] = "block"

    pattern: Annotated[Pattern, Field(description="the rule of which layers a layer reads")]
    layers: Annotated[Size, Field(le=MOST_LAYERS, description="depth of the block")]
    growth: Annotated[Size, Field(description="channels that a layer adds (k)")]
    multiplier: Annotated[
        float,
        Field(
            ge=1,
            le=100,
            allow_inf_nan=False,
            description="harmonic: widening for each power of two that divides the layer (m)",
        ),
    ] = 1.7
    bottleneck: Annotated[
        Extent | Literal["geometric_mean"],
        Field(
            description="1x1 to this many times the growth before each layer; 0: none; "
            "geometric_mean: to that of the layer's input and output channels, rounded down"
        ),
    ] = 0
    bottleneck_every: Annotated[
        Size, Field(description="only layers that this number divides have the bottleneck")
    ] = 1
    keep_input: Annotated[
        bool | None,
        Field(description="the block's input is part of its output; the pattern's rule if absent"),
    ] = None
    kernel: Annotated[Pair, Field(description="kernel size of the layers")] = 3
    bias: Annotated[bool, Field(description="add a learned constant per channel")] = False
    separable: Annotated[
        bool, Field(description="layers are a 1x1 and a depthwise convolution, both with their bn")
    ] = False
    bn: Annotated[bool, Field(description=BN)] = True
    act: Annotated[Act, Field(description=ACT)] = Relu()

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        pattern = PATTERNS[self.pattern]
        made = [source]
        for layer in range(1, self.layers + 1):
            read = [made[link] for link in pattern.links(layer)]
            value = read[0] if len(read) == 1 else site.add(f"{layer}.concat", Concat(), *read)
            width = pattern.width(layer, self.growth, self.multiplier)
            if self.bottleneck and layer % self.bottleneck_every == 0:
                value = self._narrow(site, f"{layer}.neck", width, value)
            made.append(self._layer(site, str(layer), width, value))
        leaves = pattern.leaves(self.layers)
        keep = pattern.keep_input if self.keep_input is None else self.keep_input
        if keep and 0 not in leaves:
            leaves = [0, *leaves]
        elif self.keep_input is False:
            leaves = [leaf for leaf in leaves if leaf]
        if len(leaves) == 1:
            return made[leaves[0]]
        return site.add("concat", Concat(), *(made[leaf] for leaf in leaves))

    def _narrow(self, site: Site, part: str, width: int, value: FeatureMap) -> FeatureMap:
        if self.bottleneck == "geometric_mean":
            # int(sqrt(c_in / c_out) * c_out), in whole numbers
            out = math.isqrt(site.shape(value)[0] * width)
        else:
            out = self.bottleneck * self.growth
        return convolve(site, part, site.make(Conv, out=out, bias=self.bias), self, value)

    def _layer(self, site: Site, part: str, width: int, value: FeatureMap) -> FeatureMap:
        kernel = 1 if self.separable else self.kernel
        op = site.make(Conv, out=width, kernel=kernel, bias=self.bias)
        value = convolve(site, part, op, self, value)
        if self.separable:
            finish = Finish(bn=self.bn)
            value = depthwise(site, f"{part}.dw", value, finish, kernel=self.kernel, bias=self.bias)
        return value
