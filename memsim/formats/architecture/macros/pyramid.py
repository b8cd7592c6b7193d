"""``pyramid``: dense blocks at several resolutions (LogDenseNet, Hu et al., arXiv:1711.00002)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.formats.architecture.fields import ACT, BN, ORDER, Act, Finish, Pattern
from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.formats.architecture.macros.convolve import convolve
from memsim.network.ops.arrange import Concat
from memsim.network.ops.base import Pair, ShapeError, Size
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.pool import AvgPool
from memsim.network.patterns import PATTERNS

MOST_LAYERS = 1000
"""Deepest block."""

Depths = tuple[Annotated[Size, Field(le=MOST_LAYERS)], ...]


class Pyramid(Finish, Macro):
    """Dense blocks at several resolutions whose layers are numbered across all of them.

    A layer reads what its pattern links, in whichever block that lies. A layer that is still
    read at another resolution gets there by a convolution of its own, one step at a time: down
    by a 1x1 and an average pool, up by a transposed 3x3; where it was on the way down, that copy
    is read again. What the last layer reads leaves, and the last layer.
    """

    kind: ClassVar[str] = "pyramid"
    label: ClassVar[str] = "pyramid"

    pattern: Annotated[Pattern, Field(description="the rule of which layers a layer reads")]
    down: Annotated[
        Depths,
        Field(
            min_length=1,
            max_length=16,
            description="depth of each block; the resolution halves from one to the next",
        ),
    ]
    up: Annotated[
        Depths,
        Field(
            max_length=15,
            description="depth of the blocks after them; the resolution doubles before each",
        ),
    ] = ()
    growth: Annotated[Size, Field(description="channels that a layer adds (k)")]
    multiplier: Annotated[
        float, Field(ge=1, le=100, allow_inf_nan=False, description="harmonic: as for block (m)")
    ] = 1.7
    always: Annotated[
        Size | None, Field(description="the number of a layer that every later one reads too")
    ] = None
    kernel: Annotated[Pair, Field(description="kernel size of the layers")] = 3
    bias: Annotated[bool, Field(description="add a learned constant per channel")] = False
    bn: Annotated[bool, Field(description=BN)] = True
    act: Annotated[Act, Field(description=ACT)] = Relu()
    order: Annotated[Literal["post", "pre"], Field(description=ORDER)] = "pre"

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        if len(self.up) >= len(self.down):
            most = len(self.down) - 1
            raise ShapeError(f"after {most + 1} blocks down there are at most {most} up")
        depth = sum((*self.down, *self.up))
        if self.always is not None and self.always >= depth:
            raise ShapeError(f"no layer comes after {self.always}: there are {depth}")
        return _Climb(self, site, source).build()

    def links(self, layer: int) -> list[int]:
        """What a layer reads, by number; 0 is the input."""
        links = PATTERNS[self.pattern].links(layer)
        if self.always is not None and self.always < layer and self.always not in links:
            links = [*links, self.always]
        return links

    def scales(self) -> list[int]:
        """How often the resolution is halved, for the input and then for every layer."""
        bottom = len(self.down) - 1
        steps = [*range(bottom + 1), *(bottom - 1 - step for step in range(len(self.up)))]
        depths = (*self.down, *self.up)
        return [0, *(s for s, depth in zip(steps, depths, strict=True) for _ in range(depth))]


@dataclass
class _Climb:
    """One expansion: which copy of which layer is where."""

    macro: Pyramid
    site: Site
    source: FeatureMap
    copies: dict[tuple[int, int], FeatureMap] = field(default_factory=dict)
    """By layer and scale."""

    def build(self) -> FeatureMap:
        macro, scales = self.macro, self.macro.scales()
        reads = {layer: macro.links(layer) for layer in range(1, len(scales))}
        lowest, highest = scales.copy(), scales.copy()
        for layer, links in reads.items():
            for link in links:
                lowest[link] = max(lowest[link], scales[layer])
                highest[link] = min(highest[link], scales[layer])
        self.copies[0, 0] = self.source
        scale, value = 0, self.source
        for layer, links in reads.items():
            if scales[layer] > scale:
                self._descend([i for i in range(layer) if lowest[i] > scale], scale)
            elif scales[layer] < scale:
                self._ascend([i for i in range(layer) if highest[i] < scale], scale)
            scale = scales[layer]
            read = [self.copies[link, scale] for link in links]
            value = read[0]
            if len(read) > 1:
                value = self.site.add(f"{layer}.concat", Concat(), *read)
            width = PATTERNS[macro.pattern].width(layer, macro.growth, macro.multiplier)
            op = self.site.make(Conv, out=width, kernel=macro.kernel, bias=macro.bias)
            made = convolve(self.site, str(layer), op, macro, value)
            self.copies[layer, scale] = made
        return self.site.add("concat", Concat(), *read, made)

    def _descend(self, needed: list[int], scale: int) -> None:
        for link in needed:
            source = self.copies[link, scale]
            name = f"{link}.down{scale + 1}"
            op = self.site.make(Conv, out=self.site.shape(source)[0], bias=self.macro.bias)
            moved = convolve(self.site, name, op, self.macro, source)
            pool = self.site.make(AvgPool, kernel=2)
            self.copies[link, scale + 1] = self.site.add(f"{name}.pool", pool, moved)

    def _ascend(self, needed: list[int], scale: int) -> None:
        for link in needed:
            if (link, scale - 1) in self.copies:
                continue
            source = self.copies[link, scale]
            op = self.site.make(
                ConvTranspose, out=self.site.shape(source)[0], kernel=3, stride=2, padding=1,
                output_padding=1, bias=self.macro.bias,
            )  # fmt: skip
            name = f"{link}.up{scale - 1}"
            self.copies[link, scale - 1] = convolve(self.site, name, op, self.macro, source)
