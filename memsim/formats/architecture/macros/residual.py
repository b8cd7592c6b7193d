"""``residual``: layers with a shortcut around them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, WithJsonSchema

from memsim.errors import did_you_mean
from memsim.formats.architecture.fields import ACT, Act, Finish, fault
from memsim.formats.architecture.macros.base import FeatureMap, Layers, Macro, Site
from memsim.formats.architecture.macros.convolve import convolve
from memsim.network.ops import ShapeError
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Add, Relu
from memsim.yaml.document import shown

_WORDS = ("auto", "identity")


def _shortcut(value: Any) -> Any:
    if value in _WORDS or (isinstance(value, list) and value):
        return value
    hint = did_you_mean(value, _WORDS) if isinstance(value, str) else ""
    raise fault(f"expected auto, identity or a list of layers, not {shown(value)}", hint)


class Residual(Macro):
    """The sum of its layers and of a shortcut, as in ResNet."""

    kind: ClassVar[str] = "residual"
    label: ClassVar[str] = "residual"
    nested: ClassVar[tuple[str, ...]] = ("layers", "shortcut")

    layers: Annotated[Layers, Field(min_length=1, description="the main branch")]
    shortcut: Annotated[
        Any,
        PlainValidator(_shortcut),
        WithJsonSchema({"anyOf": [{"enum": list(_WORDS)}, {"refer": "layers"}]}),
        Field(
            description="identity; auto: identity where the shapes agree, else a 1x1 convolution "
            "with batch norm and the stride that fits; or a list of layers"
        ),
    ] = "auto"
    act: Annotated[Act, Field(description=ACT)] = Relu()

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        main = site.layers("layers", source)
        if isinstance(self.shortcut, list):
            other = site.layers("shortcut", source, "shortcut")
        elif self.shortcut == "identity":
            other = source
        else:
            other = self._projection(site, source, main)
        total = site.add("add", Add(), main, other)
        return total if self.act is None else site.add("act", self.act, total)

    def _projection(self, site: Site, source: FeatureMap, main: FeatureMap) -> FeatureMap:
        before, after = site.shape(source), site.shape(main)
        if before == after:
            return source
        stride = tuple(-(-before[axis] // after[axis]) for axis in (1, 2))
        reached = tuple((before[axis] - 1) // stride[axis - 1] + 1 for axis in (1, 2))
        if reached != after[1:]:
            sizes = f"{before[1]}x{before[2]} to {after[1]}x{after[2]}"
            raise ShapeError(f"no stride of a 1x1 shortcut leads from {sizes}; describe 'shortcut'")
        op = site.make(Conv, out=after[0], stride=stride)
        return convolve(site, "shortcut", op, Finish(bn=True), source)
