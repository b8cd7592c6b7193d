"""PyTorch's eager mode: every operator its own kernel, on nchw maps.

A convolution goes to oneDNN if it is large enough, and then its input and its weights are
reordered into blocks before it, ON EVERY CALL, and its output back after it. Small ones, and 1x1
ones on one thread, are unfolded (im2col) and multiplied as matrices.

References
----------
PyTorch 2.13, aten/src/ATen/native/Convolution.cpp (``ConvParams::use_mkldnn``),
ConvolutionMM2d.cpp and mkldnn/Conv.cpp.
"""

from __future__ import annotations

from typing import ClassVar

from memsim.network.graph import Layer
from memsim.program.library.onednn import aten, depthwise, direct, reorder
from memsim.program.library.onednn.forward import Forward
from memsim.program.library.onednn.geometry import ITEM, Geometry

SMALL = 20480
"""Input elements up to which PyTorch keeps a small convolution to itself."""


def uses_onednn(geometry: Geometry) -> bool:
    """Whether eager mode on one thread runs a convolution of one image by oneDNN.

    Examples
    --------
    >>> uses_onednn(Geometry(ic=64, oc=64, ih=28, iw=28, oh=28, ow=28, kh=3, kw=3, top=1, left=1))
    True
    >>> uses_onednn(Geometry(ic=512, oc=512, ih=4, iw=4, oh=4, ow=4, kh=3, kw=3, top=1, left=1))
    False
    """
    g = geometry
    worth_it = max(g.sh, g.sw, g.dh, g.dw) > 1 or (g.kh, g.kw) != (1, 1)
    large = g.groups > 1 or (g.kh > 3 and g.kw > 3) or g.groups * g.ic * g.ih * g.iw > SMALL
    return worth_it and large


class EagerForward(Forward):
    """Every operator its own kernel."""

    name: ClassVar[str] = "eager"

    def convolve(self, layer: Layer) -> None:
        geometry = Geometry.of(layer)
        if uses_onednn(geometry):
            self._by_onednn(layer, geometry)
        else:
            self._by_product(layer, geometry)
        self.consume(layer)

    def _by_onednn(self, layer: Layer, g: Geometry) -> None:
        (source,) = self.maps(layer)
        weights = self.parameters(layer.name, g.weights * ITEM)
        blocks = g.ic * g.groups >= direct.BLOCK
        with self.trace.call(layer.name, "conv"):
            self.enter("conv.reordered", layer.name, g)
            self.bias(layer)
            src = source.address
            if blocks:
                channels = g.ic * g.groups
                src = self.scratch(direct.blocked_bytes(channels, g.ih, g.iw))
                reorder.record_map(self.trace, channels, g.ih, g.iw, source.address, src, False)
            single = g.depthwise
            size = depthwise.packed_bytes(g) if single else direct.packed_bytes(g)
            packed = self.scratch(size)
            if single:
                reorder.record_copy(self.trace, weights, g.weights * ITEM, packed, size)
            else:
                reorder.record_weights(self.trace, g, weights, packed)
            out = self.scratch(direct.blocked_bytes(g.oc * g.groups, g.oh, g.ow))
            if single:
                depthwise.record_depthwise(self.trace, g, src, packed, out, last=False)
            elif g.pointwise:
                direct.record_pointwise(self.trace, g, src, packed, out)
            else:
                direct.record_direct(self.trace, g, src, packed, out)
            self.free(packed)
            if blocks:
                self.free(src)
            target = self.produce(layer).map
            reorder.record_map(self.trace, g.oc * g.groups, g.oh, g.ow, target.address, out, True)
            self.free(out)

    def _by_product(self, layer: Layer, g: Geometry) -> None:
        (source,) = self.maps(layer)
        weights = self.parameters(layer.name, g.weights * ITEM)
        with self.trace.call(layer.name, "conv"):
            self.enter("conv.product", layer.name)
            self.bias(layer)
            target = self.produce(layer).map
            depth, pixels = g.ic * g.kh * g.kw, g.oh * g.ow
            plain = g.pointwise and (g.sh, g.sw) == (1, 1)
            columns = source.address if plain else self.scratch(depth * pixels * ITEM)
            if not plain:
                aten.record_im2col(self.trace, source, g, columns)
            aten.record_product(
                self.trace, weights, columns, target.address, self.blas,
                g.oc, depth, pixels,
            )  # fmt: skip
            if not plain:
                self.free(columns)

    def bias(self, layer: Layer) -> None:
        """Read the bias, if there is one."""
        if layer.op.biased:
            size = layer.output.image[0] * ITEM
            aten.record_read(self.trace, self.parameters(f"{layer.name}.bias", size), size)
