"""The blockings that oneDNN is taken to choose, and what register blocks are worth.

The rules are oneDNN's own estimates, which cannot be asked what they would be. These are the
choices behind the traffic that tests/validation holds against measured traffic; where one changes
by intent, see that the traffic is predicted no worse.
"""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from memsim.program.library.onednn.blocking import choose
from memsim.program.library.onednn.eager import uses_onednn
from memsim.program.library.onednn.geometry import Geometry
from memsim.program.library.onednn.processor import AVX512, Processor, register_block

SMALL = {"first": 16 * 1024, "second": 128 * 1024}
TINY = {"first": 4 * 1024, "second": 16 * 1024}
"""Caches of other processors, at which other parts of the estimates decide."""


def geometry(
    ic: int, oc: int, ih: int, iw: int, k: int = 1, s: int = 1, d: int = 1, kw: int = 0
) -> Geometry:
    """A convolution of padding ``same``; ``kw`` where the kernel is not square."""
    kw = kw or k
    top, left = (k - 1) * d // 2, (kw - 1) * d // 2
    oh = (ih + 2 * top - (k - 1) * d - 1) // s + 1
    ow = (iw + 2 * left - (kw - 1) * d - 1) // s + 1
    return Geometry(ic, oc, ih, iw, oh, ow, k, kw, s, s, d, d, top, left)


@pytest.mark.parametrize(
    ("shape", "processor", "blocking"),
    [
        ((3, 64, 224, 224, 7, 2), {}, (32, 3, 112, 4, 4, 2, 2, 7, False, False)),
        ((64, 64, 56, 56, 3), {}, (32, 64, 56, 3, 3, 1, 1, 3, False, False)),
        ((64, 128, 56, 56, 3, 2), {}, (24, 64, 28, 4, 14, 1, 1, 3, False, False)),
        ((128, 128, 28, 28, 3), {}, (24, 128, 28, 4, 14, 1, 1, 3, True, False)),
        ((256, 512, 14, 14, 3, 2), {}, (24, 256, 7, 4, 7, 1, 1, 3, True, False)),
        ((512, 512, 7, 7, 3), {}, (24, 512, 7, 4, 7, 1, 1, 3, True, False)),
        ((64, 256, 56, 56), {}, (24, 64, 224, 4, 6, 1, 1, 1, False, True)),
        ((256, 64, 56, 56), {}, (16, 256, 210, 6, 6, 1, 1, 1, False, True)),
        ((256, 512, 56, 56, 1, 2), {}, (24, 256, 28, 4, 14, 1, 1, 1, False, False)),
        ((512, 2048, 7, 7), {}, (24, 512, 49, 4, 10, 1, 1, 1, True, True)),
        ((2048, 512, 7, 7), {}, (24, 2048, 49, 4, 4, 1, 1, 1, True, True)),
        ((1024, 255, 13, 13), {}, (24, 1024, 169, 4, 8, 1, 2, 1, True, True)),
        ((296, 134, 14, 14, 3), {}, (24, 296, 14, 4, 14, 1, 2, 3, True, False)),
        ((24, 24, 160, 160, 3), {}, (16, 24, 160, 6, 10, 1, 1, 3, False, False)),
        ((3, 32, 152, 152, 3), {}, (16, 3, 152, 6, 6, 1, 1, 3, False, False)),
        ((48, 24, 56, 56, 3), {}, (24, 48, 56, 4, 4, 1, 1, 3, False, False)),
        ((8, 8, 5, 5, 3), {}, (8, 8, 5, 5, 5, 1, 1, 3, True, False)),
        ((16, 40, 9, 11), {}, (24, 16, 99, 4, 6, 1, 1, 1, False, True)),
        ((1000, 1000, 1, 1), {}, (32, 1000, 1, 1, 1, 1, 1, 1, True, True)),
        ((32, 20, 33, 17, 3, 1, 2), {}, (24, 32, 17, 6, 6, 2, 2, 3, False, False)),
        ((40, 72, 20, 20, 5), {}, (24, 40, 20, 4, 4, 1, 1, 5, True, False)),
        ((64, 96, 31, 31, 1, 1, 1, 7), {}, (32, 64, 31, 4, 4, 2, 2, 1, False, False)),
        ((128, 32, 8, 8, 3), {}, (32, 128, 8, 3, 3, 1, 1, 3, True, False)),
        ((800, 256, 7, 7, 3), {}, (24, 800, 7, 4, 4, 1, 1, 3, True, False)),
        ((12, 1000, 14, 14), {}, (24, 12, 196, 4, 6, 1, 1, 1, True, True)),
        ((96, 208, 14, 14, 3), {}, (24, 96, 14, 4, 5, 1, 1, 3, True, False)),
        ((320, 1280, 7, 7), {}, (24, 320, 49, 4, 10, 1, 1, 1, True, True)),
        ((16, 96, 112, 112), {}, (24, 16, 224, 4, 4, 1, 1, 1, False, True)),
        ((1024, 1024, 14, 14), {}, (24, 1024, 196, 4, 6, 1, 1, 1, True, True)),
        ((640, 1080, 3, 3), {}, (32, 640, 9, 3, 3, 1, 1, 1, True, True)),
        ((64, 64, 56, 56, 3), SMALL, (16, 64, 56, 6, 6, 1, 1, 3, False, False)),
        ((256, 64, 56, 56), SMALL, (32, 256, 24, 3, 3, 1, 1, 1, False, True)),
        ((296, 134, 14, 14, 3), SMALL, (24, 296, 14, 4, 7, 1, 2, 1, True, False)),
        ((512, 2048, 7, 7), SMALL, (32, 512, 49, 3, 3, 1, 1, 1, True, True)),
        ((91, 158, 38, 38, 3), SMALL, (16, 91, 38, 6, 13, 1, 2, 3, False, False)),
        ((2935, 59, 1, 20), SMALL, (24, 320, 20, 4, 10, 1, 2, 1, True, True)),
        ((135, 133, 5, 12), TINY, (16, 135, 6, 6, 6, 1, 1, 1, True, True)),
    ],
)
def test_the_blocking_of_a_shape(
    shape: tuple[int, ...], processor: dict[str, int], blocking: tuple[int, ...]
) -> None:
    assert astuple(choose(geometry(*shape), Processor(**processor))) == (*blocking, 8, False)


@pytest.mark.parametrize(
    ("arguments", "block"),
    [
        ((56, 32, 32, 1, 32768), (3, 4)),
        ((14, 24, 296, 1, 32768), (4, 3)),
        ((7, 16, 64, 1, 32768), (4, 2)),
        ((7, 8, 64, 0, 32768), (7, 1)),
        ((28, 8, 8, 15, 32768), None),
        ((28, 8, 8, 16, 32768), None),
        ((9, 16, 4096, 0, 32768), (2, 2)),
        ((9, 16, 4096, 0, 65536), (3, 2)),
        ((100, 32, 16, 0, 32768), (3, 4)),
        ((13, 24, 16, 3, 32768), (13, 1)),
        ((2, 32, 16, 3, 32768), None),
        ((1, 32, 4, 0, 16), (1, 4)),
    ],
)
def test_the_register_block_of_a_product(
    arguments: tuple[int, ...], block: tuple[int, int] | None
) -> None:
    *sizes, first = arguments
    assert register_block(*sizes, Processor(first)) == block


@pytest.mark.parametrize(
    ("shape", "by_onednn"),
    [
        ((64, 64, 28, 28, 3), True),
        ((64, 64, 28, 28), False),  # a matrix product already
        ((64, 64, 28, 28, 1, 2), True),
        ((64, 64, 28, 28, 1, 1, 1, 2), True),
        ((64, 64, 28, 28, 2, 1, 1, 1), True),
        ((20, 8, 32, 32, 3), False),  # 20,480 elements are few
        ((20, 8, 32, 33, 3), True),
        ((8, 8, 8, 8, 3), False),
        ((8, 8, 8, 8, 4), True),  # unless the kernel is large on both sides
        ((8, 8, 8, 8, 3, 1, 1, 4), False),
        ((8, 8, 8, 8, 4, 1, 1, 3), False),
    ],
)
def test_which_convolutions_pytorch_gives_to_onednn(
    shape: tuple[int, ...], by_onednn: bool
) -> None:
    assert uses_onednn(geometry(*shape)) is by_onednn
    if shape[:4] == (8, 8, 8, 8):
        assert uses_onednn(replace(geometry(*shape), groups=2))


def test_a_batch_keeps_weights_for_all_images_where_neither_fits_on_avx2() -> None:
    """The library's layouts of weights: Acdb24a for one image, Acdb16a for two."""
    shape = geometry(256, 256, 56, 56, 3)
    one, two = (choose(shape, Processor(48 * 1024), images) for images in (1, 2))
    assert (one.oc, one.images_inner, two.oc, two.images_inner) == (24, False, 16, True)
    wide = Processor(48 * 1024, 2048 * 1024, AVX512)
    assert choose(shape, wide, 2) == choose(shape, wide, 1)
    assert not choose(geometry(64, 64, 56, 56, 3), Processor(), 2).images_inner
