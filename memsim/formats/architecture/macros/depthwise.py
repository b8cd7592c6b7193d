"""``depthwise``: a convolution with one filter for each channel."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.formats.architecture.fields import Finish
from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.formats.architecture.macros.convolve import depthwise
from memsim.network.ops.base import Padding, Pair


class Depthwise(Finish, Macro):
    """Depthwise convolution: each channel of the input has a filter of its own."""

    kind: ClassVar[str] = "depthwise"
    label: ClassVar[str] = "depthwise"
    shorthand: ClassVar[str | None] = "kernel"

    kernel: Annotated[Pair, Field(description="kernel size, or [height, width]")] = 3
    stride: Annotated[Pair, Field(description="stride, or [vertical, horizontal]")] = 1
    dilation: Annotated[Pair, Field(description="distance between kernel taps")] = 1
    padding: Annotated[
        Padding | Literal["same", "valid"],
        Field(description="as for conv"),
    ] = "same"
    bias: Annotated[bool, Field(description="add a learned constant per channel")] = False

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        return depthwise(
            site, "", source, self,
            kernel=self.kernel, stride=self.stride, dilation=self.dilation,
            padding=self.padding, bias=self.bias,
        )  # fmt: skip
