"""PyTorch's eager mode: every operator its own kernel, on nchw maps.

What ``memsim measure --lowering eager`` runs: the module of :func:`memsim.to_torch`, in which
every layer's output is a new tensor. A convolution goes to oneDNN if it is large enough, and then
its input and its weights are reordered into blocks before it, ON EVERY CALL, and its output back
after it. Small ones, and 1x1 ones on one thread, are unfolded (im2col) and multiplied as matrices.

References
----------
PyTorch 2.13, aten/src/ATen/native/Convolution.cpp (``ConvParams::use_mkldnn``),
ConvolutionMM2d.cpp, mkldnn/Conv.cpp and cpu/UpSampleKernel.cpp
(``_use_vectorized_kernel_cond_2d``, ``cpu_upsample_linear_channels_last``).
"""

from __future__ import annotations

from typing import ClassVar

from memsim.network.graph import Layer
from memsim.network.ops import Operator
from memsim.program.library.onednn import aten, choice, depthwise, direct, gemm, reorder
from memsim.program.library.onednn.aten import Map
from memsim.program.library.onednn.forward import Forward
from memsim.program.library.onednn.geometry import ITEM, Geometry
from memsim.program.memory.in_place import PYTORCH, InPlaceRule

SMALL = 20480
"""Input elements up to which PyTorch keeps a small convolution to itself."""

MANY = 16
"""Images from which on a 1x1 convolution goes to oneDNN on one thread as well."""


def uses_onednn(geometry: Geometry, images: int = 1) -> bool:
    """Whether eager mode on one thread runs a convolution by oneDNN.

    Examples
    --------
    >>> uses_onednn(Geometry(ic=64, oc=64, ih=28, iw=28, oh=28, ow=28, kh=3, kw=3, top=1, left=1))
    True
    >>> uses_onednn(Geometry(ic=512, oc=512, ih=4, iw=4, oh=4, ow=4, kh=3, kw=3, top=1, left=1))
    False
    """
    g = geometry
    changes = max(g.sh, g.sw, g.dh, g.dw) > 1 or (g.kh, g.kw) != (1, 1)
    large = g.groups > 1 or (g.kh > 3 and g.kw > 3) or g.groups * g.ic * g.ih * g.iw > SMALL
    return (changes or images >= MANY) and (large or images > 1)


SMALL_SIDES = 128
"""Rows and columns together of a map to which PyTorch upsamples on channels last."""


def _upsamples_last(layer: Layer) -> bool:
    _, rows, columns = layer.output.image
    return rows + columns <= SMALL_SIDES


class EagerForward(Forward):
    """Every operator its own kernel."""

    name: ClassVar[str] = "eager"

    def convolve(self, layer: Layer) -> None:
        geometry = Geometry.of(layer)
        source = self.source(layer, geometry)
        chosen = choice.reordered(geometry, self.runtime.processor)
        if not uses_onednn(geometry, self.network.batch):
            self._by_product(layer, geometry, source, "conv.product")
        elif chosen.implementation == choice.PRODUCT:
            self._by_product(layer, geometry, source, "conv.reordered")
        else:
            self._by_onednn(layer, geometry, source, chosen)
        self.drop(layer, source)
        self.consume(layer)

    def _by_onednn(self, layer: Layer, g: Geometry, source: Map, chosen: choice.Reordered) -> None:
        weights = self.parameters(layer.weights_of, g.weights * ITEM)
        images, block = self.network.batch, self.runtime.processor.vectors.simd
        before, after = g.ic * g.groups, g.oc * g.groups
        with self.trace.call(layer.name, "conv"):
            floor = "conv.reordered.depthwise" if g.depthwise else ""
            variant = ".depthwise" if g.depthwise else ".plain" if chosen.plain else ""
            self.enter("conv.reordered", layer.name, g, variant, floor)
            self.bias(layer)
            inward, blocked = source.address, source.image_bytes
            if not chosen.plain:
                blocked = direct.blocked_bytes(before, g.ih, g.iw, block)
                inward = self.scratch(images * blocked)
                for image in range(images):
                    reorder.record_map(
                        self.trace, before, g.ih, g.iw, source.image(image),
                        inward + image * blocked, False, block,
                    )  # fmt: skip
            packed = self.scratch(chosen.nbytes)
            if g.depthwise:
                reorder.record_copy(self.trace, weights, g.weights * ITEM, packed, chosen.nbytes)
            else:
                reorder.record_weights(self.trace, g, weights, packed, block)
            result = direct.blocked_bytes(after, g.oh, g.ow, block)
            out = self.scratch(images * result)
            for image in range(images):
                where = (inward + image * blocked, packed, out + image * result)
                if g.depthwise:
                    depthwise.record_depthwise(self.trace, g, *where, last=False, block=block)
                elif g.pointwise:
                    direct.record_pointwise(self.trace, g, *where, block)
                else:
                    direct.record_direct(self.trace, g, *where, self.runtime.processor)
            self.free(packed)
            if not chosen.plain:
                self.free(inward)
            target = self.produce(layer).map
            for image in range(images):
                reorder.record_map(
                    self.trace, after, g.oh, g.ow, target.image(image), out + image * result,
                    True, block,
                )  # fmt: skip
            self.free(out)

    def _by_product(self, layer: Layer, g: Geometry, source: Map, kind: str) -> None:
        weights = self.parameters(layer.weights_of, g.weights * ITEM)
        with self.trace.call(layer.name, "conv"):
            depth, pixels = g.ic * g.kh * g.kw, g.oh * g.ow
            plain = g.pointwise and (g.sh, g.sw) == (1, 1)
            biased = ".biased" if layer.op.biased else ""
            self.enter(kind, layer.name, variant=f".plain{biased}" if plain else "")
            self.bias(layer)
            blas = gemm.blas_of(self.runtime.processor.vectors)
            size = depth * pixels * ITEM
            unfolded = source.address if plain else self.scratch(source.images * g.groups * size)
            target = self.produce(layer).map
            if layer.op.biased:  # the product is added to it
                aten.record_read(self.trace, target.address, target.nbytes, write=True)
            for part in range(target.images * g.groups):
                image, group = divmod(part, g.groups)
                columns = unfolded + part * size
                if not plain:
                    piece = source.image(image) + group * (source.image_bytes // g.groups)
                    aten.record_im2col(self.trace, piece, g, columns)
                gemm.record_product(
                    self.trace, weights + group * (g.weights // g.groups) * ITEM, columns,
                    target.image(image) + group * (target.image_bytes // g.groups), self.blas,
                    g.oc, depth, pixels, blas, layer.op.biased,
                )  # fmt: skip
            if not plain:
                self.free(unfolded)

    def _plain(self, layer: Layer) -> None:
        if layer.op.kind == "upsample" and _upsamples_last(layer):
            self._upsample(layer)
        else:
            super()._plain(layer)

    def _upsample(self, layer: Layer) -> None:
        """An upsampling to a small map: PyTorch computes it on maps of channels last.

        It copies the input, and the output, which nobody has written yet, and copies the result
        back.
        """
        (source,) = self.maps(layer)
        with self.trace.call(layer.name, layer.op.kind):
            self.enter(layer.op.kind, layer.name, variant=".last")
            target = self.produce(layer).map
            inward, outward = self.scratch(source.nbytes), self.scratch(target.nbytes)
            aten.record_layout(self.trace, source, inward)
            aten.record_layout(self.trace, target, outward)
            aten.record_read(self.trace, inward, source.nbytes)
            aten.record_read(self.trace, outward, target.nbytes, write=True)
            aten.record_layout(self.trace, target, outward, back=True)
            self.free(outward)
            self.free(inward)
        self.consume(layer)

    def _record(self, op: Operator, layer: Layer, sources: list[Map], target: Map) -> None:
        if not op.transposed:
            super()._record(op, layer, sources, target)
            return
        geometry = Geometry.of(layer)  # the library runs it on nhwc maps
        size, (source,) = geometry.weights * ITEM, sources
        inward, packed = self.scratch(source.nbytes), self.scratch(size)
        record = reorder.record_copy
        record(self.trace, source.address, source.nbytes, inward, source.nbytes)
        record(self.trace, self.parameters(layer.weights_of, size), size, packed, size)
        out = self.scratch(target.nbytes)
        for image in range(target.images):
            where = (inward + image * source.image_bytes, packed, out + image * target.image_bytes)
            direct.record_transposed(self.trace, geometry, *where)
        for address in (packed, inward):
            self.free(address)
        aten.record_copy(self.trace, out, target.address, target.nbytes)
        self.free(out)

    def bias(self, layer: Layer) -> None:
        """Read the bias, if there is one."""
        if layer.op.biased:
            size = layer.output.image[0] * ITEM
            aten.record_read(self.trace, self.parameters(f"{layer.bias_of}.bias", size), size)


class EagerInPlaceForward(EagerForward):
    """The same with activations and residual sums written over one of their operands."""

    name: ClassVar[str] = "eager_in_place"
    in_place: ClassVar[InPlaceRule] = PYTORCH
