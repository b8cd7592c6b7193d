"""Overlaps of strips, kept or recomputed: rows, MACs and traffic of chains, by their definition."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.curve import curve
from memsim.errors import InputError
from memsim.machine.cache import Cache
from memsim.program import Program, build
from tests.program.test_depth_first import depth_first, moved, network, rows


@dataclass(frozen=True)
class Window:
    """A layer of a chain: 3x3 convolutions and 2x2 pools of one channel."""

    kernel: int
    stride: int
    padding: int
    macs: int
    """Of an output element."""

    @property
    def text(self) -> str:
        if self.macs:
            return (
                f"{{conv: {{out: 1, kernel: {self.kernel}, stride: {self.stride}, bias: false}}}}"
            )
        return f"{{maxpool: {{kernel: {self.kernel}, stride: {self.stride}}}}}"

    def size(self, size: int) -> int:
        return (size + 2 * self.padding - self.kernel) // self.stride + 1

    def needs(self, row: int, size: int) -> set[int]:
        """Which input rows an output row needs."""
        first = row * self.stride - self.padding
        return {each for each in range(first, first + self.kernel) if 0 <= each < size}


CONV, HALF, POOL = Window(3, 1, 1, 9), Window(3, 2, 1, 9), Window(2, 2, 0, 0)
ITEM = 4

CHAINS = {
    "conv conv": (CONV, CONV),
    "half conv": (HALF, CONV),
    "conv half": (CONV, HALF),
    "half half": (HALF, HALF),
    "conv pool conv": (CONV, POOL, CONV),
    "conv conv conv": (CONV, CONV, CONV),
    "conv half conv": (CONV, HALF, CONV),
    "half conv half": (HALF, CONV, HALF),
    "conv conv half": (CONV, CONV, HALF),
    "conv pool conv pool conv": (CONV, POOL, CONV, POOL, CONV),
}


def strips_of(
    chain: tuple[Window, ...], size: int, strip: int, overlap: str
) -> list[list[set[int]]]:
    """The rows of each layer that each strip computes, from the definition alone.

    What the rows of the layer behind it need that this strip computes; without those that are there
    already, where they are kept. What no strip needs is computed by the last one.
    """
    sizes = [size]
    for window in chain:
        sizes.append(window.size(sizes[-1]))
    last = sizes[-1]
    listed = [[set(range(low, min(low + strip, last))) for low in range(0, last, strip)]]
    for window, height in zip(chain[:0:-1], sizes[-2:0:-1], strict=True):
        computed: list[set[int]] = []
        for wanted in listed[0]:
            needed = {row for each in wanted for row in window.needs(each, height)}
            there = set().union(*computed)
            if overlap == "keep" and needed:  # from the top down, as a map grows
                needed = set(range(max(needed) + 1)) - there
            computed.append(needed)
        computed[-1] |= set(range(height)) - set().union(*computed)
        listed.insert(0, computed)
    return listed


def without_a_cache(
    chain: tuple[Window, ...], size: int, strips: list[list[set[int]]]
) -> tuple[int, int]:
    """MACs, and bytes that move where nothing stays on chip: each task's rows and its weights.

    A row that nobody reads is dropped, not written.
    """
    macs = nbytes = 0
    height = size
    for place, (window, computed) in enumerate(zip(chain, strips, strict=True)):
        width, out = height, window.size(height)  # maps are square
        read = set(range(out))
        if behind := chain[place + 1 :]:
            read = set().union(*(behind[0].needs(row, out) for row in range(behind[0].size(out))))
        for now in filter(None, computed):
            needed = set().union(*(window.needs(row, height) for row in now))
            macs += len(now) * out * window.macs
            weights = 9 * ITEM if window.macs else 0
            nbytes += ITEM * (len(needed) * width + len(now & read) * out) + weights
        height = out
    return macs, nbytes


def chain_of(chain: tuple[Window, ...], size: int) -> memsim.Network:
    return network(*(window.text for window in chain), size=size)


def fused(chain: tuple[Window, ...], size: int, strip: int, overlap: str) -> Program:
    net = chain_of(chain, size)
    first, *_, last = [layer.name for layer in net][1:]
    return depth_first(net, f"{first}..{last}", strip=strip, overlap=overlap)


@pytest.mark.parametrize("overlap", ["keep", "recompute"])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_rows_macs_and_traffic_are_those_of_the_definition(
    chain: tuple[Window, ...], overlap: str
) -> None:
    for size, strip in ((16, 1), (16, 2), (16, 3), (16, 16), (19, 1), (19, 2)):
        program = fused(chain, size, strip, overlap)
        strips = strips_of(chain, size, strip, overlap)
        told = [f"{kernel.name}{min(now)}-{max(now) + 1}"
                for turn in zip(*strips, strict=True)
                for kernel, now in zip(program.kernels, turn, strict=True) if now]  # fmt: skip
        assert rows(program).split() == told
        macs, nbytes = without_a_cache(chain, size, strips)
        assert int(program.task_macs.sum()) == program.macs == macs
        assert sum(program.recomputed_macs) == macs - program.network.macs
        assert (overlap == "keep") <= (macs == program.network.macs)
        assert moved(program, 0) == nbytes
        assert moved(program, 1 << 20) == program.compulsory_bytes


def test_recomputed_macs_by_hand() -> None:
    """Two 3x3 convolutions on 8 rows of 8 in strips of a row: a's rows are 2, 3, 3, 3, 3, 3, 3, 2.

    22 rows instead of 8, of 72 MACs each.
    """
    program = fused((CONV, CONV), 8, 1, "recompute")
    assert program.recomputed_macs == ((22 - 8) * 72, 0)
    assert fused((CONV, CONV), 8, 8, "recompute").recomputed_macs == (0, 0)


def test_the_cache_that_moves_all_once_by_hand() -> None:
    """Maps of 8 rows of 32 B, weights of 36 B each; all that moves once: 256 + 72 + 256.

    A row of b takes three rows of a, and these five rows of the input. The four of them that the
    next strip needs again stay while the three rows of a are computed: 7 rows and the weights are
    296 B. Kept rows take 232 B, see the same chain in the tests of depth first: where strips are
    whole rows, what is computed anew has to fit as well.
    """
    program = fused((CONV, CONV), 8, 1, "recompute")
    assert moved(program, 296) == program.compulsory_bytes == 584
    assert moved(program, 295) > 584


@pytest.mark.parametrize(("overlap", "times"), [("keep", [7, 8]), ("recompute", [8, 8])])
def test_weights_live_as_long_as_the_group_runs(overlap: str, times: list[int]) -> None:
    """Each strip goes through them: 36 B each time, where nothing stays on chip.

    Of kept rows the first strip computes two of a and the last one none: 7 times.
    """
    program = fused((CONV, CONV), 8, 1, overlap)
    weights = program.cell_is_weight
    read = np.bincount(program.touch_cell, minlength=len(weights))[weights]
    assert read.tolist() == times
    steps = curve(program).steps.weight_bytes
    assert (int(steps[0]), int(steps[-1])) == (36 * sum(times), 72)
    last = {int(kernel): task for task, kernel in enumerate(program.task_kernel)}
    assert program.cell_death[weights].tolist() == [last[0], last[1]]


def test_each_strip_writes_rows_of_its_own() -> None:
    """A row computed three times is three blocks in one place; the group's outputs are one each."""
    program = fused((CONV, CONV), 8, 1, "recompute")
    written = program.touch_cell[program.touch_write]
    assert len(np.unique(written)) == len(written)
    boxes = [tuple(box) for box in program.cell_box[written, 1:3].tolist()]
    names = [program.tensors[tensor].name for tensor in program.cell_tensor[written]]
    times = {name: [0] * 8 for name in names}
    for name, (low, high) in zip(names, boxes, strict=True):
        for row in range(low, high):
            times[name][row] += 1
    a, b = (kernel.output.name for kernel in program.kernels)
    assert times == {a: [2, 3, 3, 3, 3, 3, 3, 2], b: [1] * 8}
    # Five rows of the input and the three of a that are computed from them, or four that wait, the
    # three of a and the one of b that these give.
    assert int(program.live_bytes.max()) == 8 * 32


def test_a_hardware_cache_sees_rows_that_are_computed_anew_at_one_address() -> None:
    """Lines of 64 B hold two rows of a map; the 36 B of weights lie in a line each.

    The maps of 256 B are four lines, of which the middle one is never written back where all fits,
    however often its rows are computed.
    """
    for overlap in ("keep", "recompute"):
        program = fused((CONV, CONV), 8, 1, overlap)
        traffic = cache_pass(
            program, Cache(size=1 << 20, management="hardware", fetch_on_write=False)
        )
        assert (traffic.read_bytes, traffic.write_bytes) == (256 + 2 * 64, 256)
        lines = 2 * 4 + 4 + 2  # input, b and a; and the weights
        assert traffic.peak_occupancy <= lines * 64


@pytest.mark.slow
def test_vgg19_computed_anew_as_the_documentation_tells() -> None:
    """The first five convolutions of VGG-19, by the same definition: rows, times their MACs."""
    channels = (3, 64, 64, 64, 128, 128, 128, 256)
    chain = (CONV, CONV, POOL, CONV, CONV, POOL, CONV)
    layers = ", ".join(
        f"{{conv: {{out: {out}, kernel: 3}}}}" if window.macs else window.text
        for window, out in zip(chain, channels[1:], strict=True)
    )
    net = memsim.loads(f"{{name: vgg, input: [3, 224, 224], layers: [{layers}]}}")
    page = Path(__file__).parents[2] / "docs" / "design" / "schedules.md"
    told = [line for line in page.read_text("utf-8").splitlines() if " G | " in line]
    assert len(told) == 5
    for strip, line in zip((1, 2, 4, 8, 14), told, strict=True):
        sizes, macs = [224], 0
        computed = strips_of(chain, 224, strip, "recompute")
        for at, window in enumerate(chain):
            sizes.append(window.size(sizes[-1]))
            rows_again = sum(map(len, computed[at])) - sizes[-1]
            macs += rows_again * sizes[-1] * window.macs * channels[at] * channels[at + 1]
        once = []
        for overlap in ("keep", "recompute"):
            program = depth_first(net, "conv1..conv5", buffer=4 << 20, strip=strip, overlap=overlap)
            assert sum(program.recomputed_macs) == (macs if overlap == "recompute" else 0)
            steps = curve(program).steps
            once.append(int(steps.cache_bytes[steps.dram_bytes == program.compulsory_bytes][0]))
        sizes_told = " | ".join(f"{size / 1e6:.2f} MB" for size in once)
        assert line == f"| {strip} | {macs / 1e9:.2f} G | {sizes_told} |"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"overlap": "recompte"}, "overlap: unknown overlap 'recompte' (did you mean 'recompute'?)"),
    ({"overlap": 1}, "overlap: unknown overlap 1 (known: keep, recompute)"),
    (
        {"overlap": "recompute", "schedule": "layer_by_layer", "group": ()},
        "overlap: is of groups that run depth first, and the schedule is layer_by_layer (schedule "
        "depth_first)",
    ),
    ({"overlap": "recompute", "group": ()}, "group: depth_first needs groups (either --group"),
    (
        {"overlap": "recompute", "strip": 1},
        "group: 2 of 8 strips of conv1..conv5 compute all 8 rows of conv1 anew: the halo is larger "
        "than the map (taller strips, fewer layers, or overlap keep)",
    ),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_overlaps_are_refused(options: dict[str, Any], message: str) -> None:
    net = chain_of((CONV,) * 5, 8)
    said = {"schedule": "depth_first", "group": ["conv1..conv5"], **options}
    with pytest.raises(InputError) as error:
        build(net, buffer=1 << 20, **said)
    assert message in str(error.value)


def test_a_halo_as_large_as_the_map_is_refused_and_one_row_less_is_not() -> None:
    """A row of the fourth convolution takes seven rows of the first, of the fifth nine."""
    program = depth_first(chain_of((CONV,) * 4, 8), "conv1..conv4", strip=1, overlap="recompute")
    first = [each for each in rows(program).split() if each.startswith("conv1")]
    assert first == [f"conv1{low}-{high}" for low, high in zip(
        (0, 0, 0, 0, 1, 2, 3, 4), (4, 5, 6, 7, 8, 8, 8, 8), strict=True)]  # fmt: skip
    # Groups that nobody named, as those of patterns and of a search, are taken as they are.
    found = build(
        chain_of((CONV,) * 5, 8), buffer=1 << 20, schedule="depth_first", strip=1,
        group=[(0, 1, 2, 3, 4)], overlap="recompute",
    )  # fmt: skip
    assert sum(found.recomputed_macs) > 0


KEPT = """
name: kept
input: [2, 8, 8]
layers:
  - {name: a, conv: {out: 2, kernel: 3}}
  - {name: b, conv: {out: 2, kernel: 3}}
  - {name: c, conv: {out: 2, kernel: 3}}
  - {name: far, conv: {out: 2, kernel: 1}, from: a}
  - {name: sum, add: [c, far]}
"""


def test_what_others_read_is_computed_once() -> None:
    """a is read outside of the group: the group writes it, and each of its rows once."""
    program = depth_first(
        memsim.loads(KEPT), "a..c", strip=2, overlap="recompute", lowering="eager"
    )
    told = [each for each in rows(program).split() if each[0] in "abc"]
    assert told == [
        "a0-4", "b0-3", "c0-2", "a4-6", "b1-5", "c2-4", "a6-8", "b3-7", "c4-6", "b5-8", "c6-8"
    ]  # fmt: skip
