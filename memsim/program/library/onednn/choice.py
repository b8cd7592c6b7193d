"""Which of oneDNN's kernels run a convolution, and in which layout its weights lie.

References
----------
oneDNN 3.12, src/cpu/cpu_convolution_list.cpp: the first implementation that accepts a shape, a
layout and the post-operations runs. What it is for a shape is told by ``ONEDNN_VERBOSE=1``.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsim.program.library.onednn import brgemm, depthwise, direct
from memsim.program.library.onednn.aten import Map
from memsim.program.library.onednn.blocking import Blocking, choose
from memsim.program.library.onednn.geometry import ITEM, Geometry, ceil
from memsim.program.library.onednn.processor import Processor
from memsim.program.spans import Recorder

PRODUCT = "x64:gemm:jit"
"""The implementation that unfolds its input and multiplies matrices."""

MOST_LEFT = 3
"""Columns of padding on the left up to which AVX2's direct kernel works: those of its register
block (jit_avx2_conv_kernel_f32.cpp, ``init_conf``: ``l_pad <= ur_w``)."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A convolution on nhwc maps with weights that were packed once.

    Attributes
    ----------
    implementation, layout : str
        The library's names of the kernel and of the weights' layout.
    nbytes : int
        Of the packed weights.
    geometry : Geometry
    blocking : Blocking or None
        Of a brgemm kernel.
    block : int
        Channels of a block of a depthwise kernel's weights.
    """

    implementation: str
    layout: str
    nbytes: int
    geometry: Geometry
    blocking: Blocking | None = None
    block: int = 8

    def record(
        self, trace: Recorder, source: Map, weights: int, target: Map, added: Map | None = None
    ) -> None:
        """Record it, image by image.

        Parameters
        ----------
        trace : Recorder
        source, target : Map
        weights : int
            Address.
        added : Map, optional
            What is added as the output is stored.
        """
        if self.blocking is not None and self.blocking.images_inner:
            for block in range(ceil(self.geometry.oc, self.blocking.oc)):
                for image in range(source.images):
                    self._record(trace, image, source, weights, target, added, block)
            return
        for image in range(source.images):
            self._record(trace, image, source, weights, target, added, None)

    def _record(
        self,
        trace: Recorder,
        image: int,
        source: Map,
        weights: int,
        target: Map,
        added: Map | None,
        only: int | None,
    ) -> None:
        g, where = self.geometry, (source.image(image), weights, target.image(image))
        residual = None if added is None else added.image(image)
        if self.blocking is not None:
            brgemm.record_brgemm(trace, g, self.blocking, *where, residual, only)
        elif g.depthwise:
            depthwise.record_depthwise(
                trace, g, *where, last=True, block=self.block, added=residual
            )
        else:
            direct.record_last(trace, g, *where, residual)


def packed(geometry: Geometry, processor: Processor, images: int = 1, after: str = "") -> Packed:
    """What runs a convolution on nhwc maps.

    Parameters
    ----------
    geometry : Geometry
    processor : Processor
    images : int
        Of the batch.
    after : str
        What is applied as the output is stored; empty for nothing. AVX alone lacks it.

    Examples
    --------
    >>> shape = Geometry(ic=64, oc=48, ih=28, iw=28, oh=28, ow=28, kh=3, kw=3, top=1, left=1)
    >>> chosen = packed(shape, Processor())
    >>> chosen.implementation, chosen.layout, chosen.nbytes
    ('brg_conv_fwd:avx2', 'Acdb24a', 110592)
    """
    g, isa = geometry, processor.vectors
    if g.depthwise:
        size = depthwise.packed_bytes(g, isa.simd)
        if isa.brgemm:
            return Packed(f"brdgmm_dw:{isa.name}", f"debcA{isa.simd}a", size, g, block=isa.simd)
        return Packed("jit_dw:sse41", f"Abcde{isa.simd}a", size, g)
    if isa.brgemm:
        blocking = choose(g, processor, images)
        kind = "brgconv_1x1" if g.pointwise else "brg_conv_fwd"
        layout = f"Acdb{blocking.oc}a" if g.groups == 1 else f"aBdec{blocking.oc}b"
        size = brgemm.packed_bytes(g, blocking)
        return Packed(f"{kind}:{isa.name}", layout, size, g, blocking)
    return _without_brgemm(g, after)


def _without_brgemm(g: Geometry, after: str) -> Packed:
    """AVX: kernels that apply nothing; those of SSE 4.1 for whole blocks of channels; else a
    matrix product of the library's own on weights ``[kh][kw][ic][oc]``."""
    whole = g.oc % direct.BLOCK == 0 and (g.ic % direct.BLOCK == 0 or g.ic < 4)
    if g.left > MOST_LEFT or (after and not whole):
        return Packed(PRODUCT, "cdba", ITEM * g.weights, g)
    vectors = "sse41" if after else "avx"
    # SSE 4.1 has a 1x1 kernel for a stride of one alone.
    single = g.pointwise and not (after and max(g.sh, g.sw) > 1)
    kind = "jit_1x1" if single else "jit"
    layout = "Acdb8a" if g.ic < direct.BLOCK else "ABcd8b8a"
    return Packed(f"{kind}:{vectors}", layout, direct.packed_bytes(g), g)


@dataclass(frozen=True, slots=True)
class Reordered:
    """A convolution on nchw maps that are reordered around it, as are its weights.

    Attributes
    ----------
    implementation, layout : str
        The library's names of the kernel and of the weights' layout.
    nbytes : int
        Of the packed weights.
    plain : bool
        The kernel reads the input as it is.
    """

    implementation: str
    layout: str
    nbytes: int
    plain: bool


def reordered(geometry: Geometry, processor: Processor) -> Reordered:
    """What runs a convolution on maps in whatever layout it likes.

    Parameters
    ----------
    geometry : Geometry
    processor : Processor

    Examples
    --------
    >>> shape = Geometry(ic=3, oc=64, ih=28, iw=28, oh=28, ow=28, kh=3, kw=3, top=1, left=1)
    >>> chosen = reordered(shape, Processor())
    >>> chosen.implementation, chosen.layout, chosen.plain
    ('jit:avx2', 'Acdb8a', True)
    """
    g, isa = geometry, processor.vectors
    block = isa.simd
    if g.depthwise:
        if not isa.brgemm and g.groups % block:
            return Reordered(PRODUCT, "abcde", ITEM * g.weights, True)
        name = isa.name if isa.brgemm else "sse41"
        size = depthwise.packed_bytes(g, block)
        return Reordered(f"jit_dw:{name}", f"Abcde{block}a", size, False)
    if isa.few and g.left > MOST_LEFT:
        return Reordered(PRODUCT, "abcd", ITEM * g.weights, True)
    first = g.ic < block
    layout = f"Acdb{block}a" if first else f"ABcd{block}b{block}a"
    if g.groups > 1:
        layout = f"aBdec{block}b" if first else f"aBCde{block}c{block}b"
    kind = "jit_1x1" if g.pointwise and not first else "jit"
    return Reordered(f"{kind}:{isa.name}", layout, direct.packed_bytes(g, block), first)
