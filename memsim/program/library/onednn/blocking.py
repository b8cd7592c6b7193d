"""Block sizes that oneDNN's brgemm convolutions choose.

The library estimates the efficiency of every candidate and takes the best. Which weights and
inputs are streamed how often follows from that choice, so it is followed here step by step; it
depends on the shape of the convolution and on the cache sizes that the PROCESSOR reports, never
on the simulated cache.

References
----------
oneDNN 3.12, src/cpu/x64/jit_brgemm_conv_utils.cpp (``brg_blocking_t``, ``init_conf``,
``init_1x1_conf``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from memsim.program.library.onednn.geometry import ITEM, Geometry, ceil, round_up
from memsim.program.library.onednn.processor import COMMON, Processor, register_block

NEAR, MIDDLE, FAR = 1.0, 2.3, 17.0
"""Relative cost of a byte from the first level, the second level and beyond."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """How a brgemm convolution is cut up.

    Attributes
    ----------
    oc : int
        Output channels of a block: the weights' layout is ``[oc / block][kh][kw][ic][block]``.
    ic : int
        Input channels that are reduced at once.
    pixels : int
        Output pixels of a block: part of a row, or of the whole map where ``flat``.
    rows, tail_rows : int
        Output pixels of a register block; each streams the block's weights anew. There are more
        in the last block of channels, if it is narrower.
    passes, tail_passes : int
        Times that a register block goes through its inputs, for parts of the output channels.
    kh : int
        Kernel rows that are reduced at once.
    weights_outer : bool
        Channel blocks are the outer loop and pixels the inner one, or the other way round.
    flat : bool
        Whether a block of pixels may cross rows.
    simd : int
        Channels of a vector.
    images_inner : bool
        A block of channels is computed for all images before the next one.
    """

    oc: int
    ic: int
    pixels: int
    rows: int
    tail_rows: int
    passes: int
    tail_passes: int
    kh: int
    weights_outer: bool
    flat: bool
    simd: int = 8
    images_inner: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One way to cut a convolution, and what it is worth."""

    geometry: Geometry
    processor: Processor
    weights_outer: bool
    flat: bool
    padded: bool
    oc: int
    kh: int
    kw: int
    pixels: int = 0
    ic: int = 0
    rows: int = 0
    wide: int = 0
    images: int = 1

    @property
    def simd(self) -> int:
        return self.processor.vectors.simd

    @property
    def line(self) -> int:
        """Pixels of what is cut into blocks: a row, or the whole map."""
        return self.geometry.ow * (self.geometry.oh if self.flat else 1)

    @property
    def first(self) -> int:
        return self.processor.first * 7 // 8

    @property
    def second(self) -> int:
        return self.processor.second * 3 // 4

    def columns(self, pixels: int, taps: int) -> int:
        """Input columns below that many output pixels."""
        g = self.geometry
        return min(g.iw, (pixels - 1) * g.sw + (taps - 1) * g.dw + 1)

    def with_ic(self) -> _Candidate:
        """Return the candidate with the number of input channels that one product sums up."""
        g = self.geometry
        isa, simd = self.processor.vectors, self.simd
        expected = isa.expected_rows.get(self.oc, isa.other_rows)
        expected = min(self.pixels, expected) if self.pixels > 0 else expected
        columns = expected if self.flat else self.columns(expected, self.kw)
        vectors = ceil(g.ic, simd)
        most = min(5 * simd, vectors)
        if self.kw > 1:
            most = min(max(1, self.first // (columns * ITEM * simd)), most)
        per_channel = self.kh * (self.kw * self.oc + columns) * ITEM
        output = self.rows * self.oc * ITEM
        most = min(max(1, (self.second - output) // (per_channel * simd)), most)
        if isa.few and vectors <= 256 and per_channel < 1400:
            most = vectors
        return replace(self, ic=min(g.ic, most * simd))

    def with_registers(self) -> _Candidate | None:
        """Return the candidate with its register block; None where no block fits."""
        block = self.registers(min(self.oc, self.geometry.oc))
        return None if block is None else replace(self, rows=block[0], wide=block[1])

    def registers(self, channels: int) -> tuple[int, int] | None:
        """The register block for that many output channels."""
        g = self.geometry
        padding = max(g.left, g.right, 0) if self.padded else 0
        return register_block(self.pixels, channels, self.ic, padding, self.processor)

    def worth(self) -> float:
        """The library's estimate of efficiency."""
        g, rows, wide = self.geometry, self.rows, self.wide
        kernel = wide * rows / ((wide + rows) * self.processor.vectors.registers)
        fill = self.pixels / round_up(self.pixels, rows)
        eff = rows * (2 - min(1.9, rows / self.pixels)) / 64
        repeat = 0.5 + eff / 2  # squeeze_val(eff, 0.5)
        value = (
            g.oc / round_up(g.oc, self.oc)
            * kernel
            * (self.line / round_up(self.line, self.pixels))
            * fill
            * repeat
        )  # fmt: skip
        # All work lies on one thread: no share of it is idle.
        return value * (self._memory_pointwise() if g.pointwise else self._memory())

    def _cost(
        self, src: float, wei: float, dst: float, times: float, far: float, broadcast: bool
    ) -> float:
        """Mean cost of a byte that is used ``times`` times by a loop with this footprint."""
        if times < 1:
            return 0.0
        if times == 1:
            return far
        total = (src + wei + dst) * ITEM
        if broadcast and src * ITEM < self.first:
            again = NEAR
        else:
            again = MIDDLE if total < self.second else FAR
        return (far + again * (times - 1)) / times

    def _price(
        self,
        loops: list[tuple[float, ...]],
        amounts: tuple[float, float, float],
        calls: float,
        work: float,
    ) -> float:
        """Work per cost. Images only multiply: but for weights, which they share."""
        images = self.images
        src = dst = wei = FAR
        src_n = dst_n = wei_n = 1.0
        for s, s_n, s_over, d, d_n, w, w_n in reversed(loops):
            src = self._cost(s, w, d, s_n * s_over, src, True)
            dst = self._cost(s, w, d, d_n, dst, False)
            wei = self._cost(s, w, d, w_n, wei, False)
            src_n, dst_n, wei_n = src_n * s_n, dst_n * d_n, wei_n * w_n
        maps = src * amounts[0] * src_n + dst * amounts[1] * dst_n
        total = images * maps + wei * amounts[2] * wei_n
        return images * work / (total + 1000.0 * calls * images * self.geometry.groups)

    def _padded(self, pixels: int, taps: int, channels: int) -> int:
        g, columns = self.geometry, self.columns(pixels, taps)
        if g.sw == 1 and channels >= g.ic:
            return round_up(columns * channels, self.simd)
        return columns * round_up(channels, self.simd)

    def _memory(self) -> float:
        """Cost of all loops of the direct kernel; a row: src, times, overlap, dst, times, ..."""
        g, sp, oc, ic, kh = self.geometry, self.pixels, self.oc, self.ic, self.kh
        chunks, oc_blocks, blocks = ceil(g.ic, ic), ceil(g.oc, oc), ceil(self.line, self.pixels)
        simd = self.simd
        vectors = ceil(g.oc, simd)
        small = self._padded(self.rows, self.kw, ic)
        wei = kh * self.kw * oc * ic
        kernels = ceil(g.kh, kh) * ceil(g.kw, self.kw)
        taps = g.kh * g.kw
        loops: list[tuple[float, ...]] = [
            (self.columns(self.rows, self.kw) * simd, 1, simd, 0, 1, oc, 1),
            (small, 1, self.kw, 0, 1, oc * ic, 1),
            (small, 1, 1, 0, 1, self.kw * oc * ic, 1),
            (kh * small, 1, 1, self.rows * oc, 1, wei, ceil(sp, self.rows)),
            (kh * self._padded(sp, self.kw, ic), 1, 1, sp * oc, kernels, wei, 1),
            (g.kh * self._padded(sp, g.kw, ic), 1, 1, sp * oc, chunks, taps * oc * ic, 1),
        ]
        src = g.kh * self._padded(sp, g.kw, g.ic)
        wide = self.wide if self.weights_outer else vectors
        wei_sp = taps * wide * g.ic * simd
        if not self.weights_outer:
            loops.append((src, oc_blocks, 1, sp * oc, 1, taps * oc * g.ic, 1))
        line = min(self.line, blocks * sp)
        row = g.kh * self._padded(line, g.kw, g.ic)
        loops += [
            (src, 1, 1, sp * simd * wide, 1, wei_sp, blocks),
            (row, 1, 1, line * simd * wide, 1, wei_sp, g.oh),
            (g.oh * row, 1, 1, g.oh * line * simd * wide, 1, wei_sp, 1),
        ]
        if self.weights_outer:
            loops.append((g.oh * row, oc_blocks, 1, oc * g.oh * line, 1, taps * oc * g.ic, 1))
        all_wei = taps * vectors * simd * g.ic
        loops.append((g.oh * row, 1, 1, g.oh * line * vectors * simd, 1, all_wei, self.images))
        amounts = (g.oh * line * taps * g.ic, g.oh * line * vectors, taps * vectors * g.ic)
        calls = g.oh * blocks * oc_blocks * chunks * kernels
        return self._price(loops, amounts, calls, g.oh * self.line * g.ic * g.oc)

    def _memory_pointwise(self) -> float:
        """The same for the 1x1 kernel."""
        g, sp, oc, ic = self.geometry, self.pixels, self.oc, self.ic
        chunks, oc_blocks, blocks = ceil(g.ic, ic), ceil(g.oc, oc), ceil(self.line, self.pixels)
        simd, lines = self.simd, 1 if self.flat else g.oh
        vectors = ceil(g.oc, simd)
        line = min(self.line, blocks * sp)
        wide = self.wide if self.weights_outer else vectors
        loops: list[tuple[float, ...]] = [
            (self.rows * simd, 1, simd, 0, 1, oc, 1),
            (self.rows * round_up(ic, simd), 1, 1, self.rows * oc, 1, oc * ic,
             ceil(sp, self.rows)),
            (sp * ic, 1, 1, sp * oc, chunks, oc * ic, 1),
        ]  # fmt: skip
        if not self.weights_outer:
            loops.append((sp * round_up(g.ic, simd), oc_blocks, 1, sp * oc, 1, oc * g.ic, 1))
        wei_sp = wide * g.ic * simd
        loops.append((sp * ic, 1, 1, sp * simd * wide, 1, wei_sp, blocks))
        if not self.flat:
            loops.append((line * round_up(ic, simd), 1, 1, line * simd * wide, 1, wei_sp, lines))
            every = lines * line
            loops.append((every * round_up(ic, simd), 1, 1, every * simd * wide, 1, wei_sp, 1))
        if self.weights_outer:
            src = lines * round_up(line * ic, simd)
            loops.append((src, oc_blocks, 1, oc * lines * line, 1, oc * g.ic, 1))
        loops.append((lines * line * round_up(ic, simd), 1, 1, vectors * simd * lines * line, 1,
                      vectors * g.ic * simd, self.images))  # fmt: skip
        amounts = (lines * line * ic, vectors * lines * line, vectors * g.ic)
        calls = lines * blocks * oc_blocks * chunks
        return self._price(loops, amounts, calls, lines * self.line * g.ic * g.oc)


@lru_cache(maxsize=4096)
def choose(geometry: Geometry, processor: Processor = COMMON, images: int = 1) -> Blocking:
    """The blocking of a convolution whose maps are nhwc.

    Parameters
    ----------
    geometry : Geometry
    processor : Processor
    images : int
        Of the batch.

    Examples
    --------
    >>> shape = Geometry(ic=296, oc=134, ih=14, iw=14, oh=14, ow=14, kh=3, kw=3, top=1, left=1)
    >>> block = choose(shape, Processor())
    >>> block.oc, block.rows, block.weights_outer
    (24, 4, True)
    >>> from memsim.program.library.onednn.processor import AVX512
    >>> block = choose(shape, Processor(48 * 1024, vectors=AVX512))
    >>> block.oc, block.rows, block.weights_outer
    (48, 7, True)
    """
    g, simd = geometry, processor.vectors.simd
    best: _Candidate | None = None
    for padded in dict.fromkeys((_pads_virtually(g), False)):
        best = _best(g, processor, images, padded)
        # A window that begins before a row and ends behind it is left to the other kernel.
        if best is not None and not (padded and (best.pixels - 1) * g.sw + 1 > g.iw):
            break
    assert best is not None  # one vector and one pixel always fit
    tail = g.oc % best.oc if g.oc > best.oc else 0
    narrow = best.registers(tail) if tail else None
    rows, wide = narrow or (best.rows, best.wide)
    return Blocking(
        oc=best.oc,
        ic=best.ic,
        pixels=best.pixels,
        rows=best.rows,
        tail_rows=rows,
        passes=ceil(ceil(min(best.oc, g.oc), simd), best.wide),
        tail_passes=ceil(ceil(tail or min(best.oc, g.oc), simd), wide),
        kh=best.kh,
        weights_outer=best.weights_outer,
        flat=best.flat,
        simd=simd,
        images_inner=_images_inner(g, processor, images),
    )


def _images_inner(g: Geometry, processor: Processor, images: int) -> bool:
    """Whether weights stay for all images: where neither they nor an image fit the second level."""
    room = processor.second * 3 // 4
    large = min(g.ih * g.iw, g.oc * g.kh * g.kw) * g.ic * ITEM > room
    return processor.vectors.few and images > 1 and not g.pointwise and large


def _pads_virtually(g: Geometry) -> bool:
    """Whether the kernel may leave out taps that lie in the padding, rather than be cut there."""
    return not g.pointwise and max(ceil(max(0, p), g.sw) for p in (g.left, g.right)) < g.kw


def _best(g: Geometry, processor: Processor, images: int, padded: bool) -> _Candidate | None:
    """The best candidate over all widths of the channel block."""
    pointwise, isa = g.pointwise, processor.vectors
    pixels, weights = g.ih * g.iw, g.oc * g.kh * g.kw
    flat = pointwise and g.sh == 1 and g.iw % g.sw == 0
    inner = _images_inner(g, processor, images)
    large = inner or (isa.few and not pointwise and g.oh * g.ow >= 150 * 150)
    best: _Candidate | None = None
    top = 0.0
    for vectors in range(min(ceil(g.oc, isa.simd), 2 if large else 4), 0, -1):
        oc = vectors * isa.simd
        if not _worth_a_try(g, oc, isa.simd):
            continue
        candidate = _cut(_Candidate(
            g, processor, inner or pixels < weights, flat, padded, oc, g.kh, g.kw, images=images
        ))  # fmt: skip
        if candidate is not None and candidate.worth() > top:
            best, top = candidate, candidate.worth()
    return best


def _worth_a_try(g: Geometry, oc: int, simd: int) -> bool:
    """Whether the library looks at a width of the channel block at all."""
    whole = round_up(g.oc, simd)
    if oc == 64:
        if g.pointwise:
            return whole % oc == 0 and g.oh * g.ow >= 64 * g.sh * g.sw
        return whole % oc == 0 and whole < 192
    if oc == 48:
        if g.pointwise:
            return g.oc / round_up(g.oc, oc) >= 0.95
        return whole % oc == 0 and whole <= 384 and g.ih * g.iw > 81 * g.sh * g.sw
    return True


def _cut(blank: _Candidate) -> _Candidate | None:
    """The best cut into pixels and kernel rows for one width of the channel block."""
    g = blank.geometry
    best: _Candidate | None = None
    top = 0.0
    longest = _longest(blank) if blank.flat else g.ow
    for kh in dict.fromkeys((g.kh, g.kh if g.pointwise else 1)):
        before, rows = 0, 0
        for parts in range(1, blank.line + 1):
            pixels = ceil(blank.line, parts)
            if pixels == before or pixels > longest:
                continue
            before = pixels
            cut = replace(blank, kh=kh, pixels=pixels, rows=rows).with_ic().with_registers()
            if cut is None:
                continue
            rows = cut.rows
            worth = cut.worth()
            if worth > top:
                best, top = cut, worth
    return best


def _longest(blank: _Candidate) -> int:
    """Most pixels of a block that crosses rows: threads, and addresses that alias."""
    g, area = blank.geometry, blank.line
    if 1024 <= ITEM * g.ic < 4096:
        most = max(min(16, area), area)
    else:
        most = max(ceil(2048, blank.oc), area)
    alias = 1_000_000
    if g.oc * area * ITEM % 4096 == 0:
        channels = g.oc
        while alias * ITEM > 400 and channels % 2 == 0 and channels * area * ITEM >= 4096:
            alias //= 2
            channels //= 2
        alias += 0 if alias % 2 else 1
    alias = min(ceil(1001, ITEM), alias)
    return min(max(1, min(most, alias)), area)
