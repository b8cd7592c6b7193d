"""Depth first: strips and traffic by hand, groups as they are told, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.curve import curve
from memsim.errors import InputError
from memsim.network import Network
from memsim.program import Program, build
from memsim.program.depth_first import PATTERNS, kernel_groups
from memsim.program.lowering import LOWERINGS

CONV = "{{name: {}, conv: {{out: 1, kernel: 3, stride: {}, bias: false}}}}"
POOL = "{name: p, maxpool: {kernel: 2, stride: 2}}"


def network(*layers: str, size: int = 8, batch: int = 1) -> Network:
    text = f"{{name: n, input: [1, {size}, {size}], layers: [{', '.join(layers)}]}}"
    return memsim.loads(text, batch=batch)


def depth_first(net: Network, *group: str, buffer: int = 1 << 20, **options: Any) -> Program:
    return build(net, buffer=buffer, schedule="depth_first", group=group, **options)


def rows(program: Program) -> str:
    """What each task computes, in order: kernel and its rows."""
    told = []
    for task in range(program.tasks):
        touches = slice(program.touch_start[task], program.touch_start[task + 1])
        written = program.touch_cell[touches][program.touch_write[touches]]
        low, high = program.cell_box[written, 1].min(), program.cell_box[written, 2].max()
        told.append(f"{program.kernels[program.task_kernel[task]].name}{low}-{high}")
    return " ".join(told)


def moved(program: Program, cache: int) -> int:
    traffic = cache_pass(program, cache)
    return traffic.read_bytes + traffic.write_bytes


A, B, C = (CONV.format(name, 1) for name in "abc")
HALF_A, HALF_B, HALF_C = (CONV.format(name, 2) for name in "abc")

# Padding is "same": row i of a 3x3 convolution needs the rows i - 1 to i + 1 of what it reads, and
# with stride 2 the rows 2i - 1 to 2i + 1.
CHAINS = [
    ((A, B), 1, "a0-2 b0-1 a2-3 b1-2 a3-4 b2-3 a4-5 b3-4 a5-6 b4-5 a6-7 b5-6 a7-8 b6-7 b7-8"),
    ((A, B), 3, "a0-4 b0-3 a4-7 b3-6 a7-8 b6-8"),
    ((A, B), 8, "a0-8 b0-8"),
    ((HALF_A, B), 2, "a0-3 b0-2 a3-4 b2-4"),
    ((A, HALF_B), 1, "a0-2 b0-1 a2-4 b1-2 a4-6 b2-3 a6-8 b3-4"),
    ((A, POOL, B), 1, "a0-4 p0-2 b0-1 a4-6 p2-3 b1-2 a6-8 p3-4 b2-3 b3-4"),
    ((A, B, C), 4, "a0-6 b0-5 c0-4 a6-8 b5-8 c4-8"),
    ((A, B, HALF_C), 2, "a0-5 b0-4 c0-2 a5-8 b4-8 c2-4"),
    ((A, HALF_B, C), 2, "a0-6 b0-3 c0-2 a6-8 b3-4 c2-4"),
]


@pytest.mark.parametrize(("layers", "strip", "expected"), CHAINS)
def test_each_kernel_computes_the_rows_that_are_needed_beyond_those_before(
    layers: tuple[str, ...], strip: int, expected: str
) -> None:
    last = {A: "a", B: "b", C: "c", HALF_B: "b", HALF_C: "c"}[layers[-1]]
    program = depth_first(network(*layers), f"a..{last}", strip=strip)
    assert rows(program) == expected
    assert int(program.task_macs.sum()) == program.network.macs  # nothing is computed twice


def test_traffic_of_two_convolutions_by_hand() -> None:
    """Maps of 8 rows of 32 B, weights of 36 B each; all that moves once: 256 + 72 + 256.

    Once the pipeline runs, computing a row of b takes three rows of a, and the two rows of the
    input that the next row of a needs again are kept: 5 rows and the weights are 232 B.
    """
    net = network(A, B)
    fused = depth_first(net, "a..b", strip=1)
    assert moved(fused, 232) == fused.compulsory_bytes == 584
    assert moved(fused, 231) > 584
    apart = build(net, buffer=1 << 20)
    assert moved(apart, 232) == 584 + 512  # a is spilled and read again
    assert moved(apart, 256) == 584


def test_weights_are_gone_through_once_per_strip() -> None:
    net = network(A, B)
    for strip, times in ((1, 15), (4, 4), (8, 2)):
        program = depth_first(net, "a..b", strip=strip)
        read = program.cell_is_weight[program.touch_cell]
        assert int(read.sum()) == program.tasks == times
        assert int(curve(program).steps.weight_bytes[0]) == times * 36  # without a cache


def test_images_are_around_strips() -> None:
    program = depth_first(network(A, B, batch=2), "a..b", strip=4)
    assert rows(program).split() == ["a0-5", "b0-4", "a5-8", "b4-8"] * 2
    images = [program.cell_box[program.touch_cell[s], 0].max() for s in program.touch_start[:-1]]
    assert images == [0, 0, 0, 0, 1, 1, 1, 1]


def test_channels_of_a_strip_are_blocked_where_buffers_hold_less() -> None:
    text = (
        "{name: n, input: [4, 8, 8], layers: [{name: a, conv: {out: 4, kernel: 3, bias: false}}, "
        "{name: b, conv: {out: 4, kernel: 3, bias: false}}]}"
    )
    net = memsim.loads(text)
    # A tile of a's 3 rows: 96 B per channel, and twice 5 input rows of 32 B and 36 B of weights.
    held = 4 * 96 + 2 * (5 * 32 + 4 * 36)
    by_kernel = {}
    for buffer in (held, held - 1):
        program = depth_first(net, "a..b", buffer=buffer, strip=2)
        by_kernel[buffer] = [program.kernels[k].name for k in program.task_kernel].count("a")
    assert by_kernel == {held: 4, held - 1: 8}


def test_the_strip_is_the_tallest_that_buffers_hold_in_one_tile() -> None:
    net = network(A, B)
    # For strips of r rows a computes r + 1 at first: (r + 1) * 32 B, twice r + 3 rows and 36 B.
    held = 3 * 32 + 2 * (5 * 32 + 36)
    assert rows(depth_first(net, "a..b", buffer=held)).startswith("a0-3 b0-2 ")
    assert rows(depth_first(net, "a..b", buffer=held - 1)).startswith("a0-2 b0-1 ")
    assert depth_first(net, "a..b", buffer=held).options["strip"] == "auto"


def test_the_first_five_convolutions_of_vgg19_as_published() -> None:
    """M. Alwani et al., "Fused-layer CNN accelerators", MICRO 2016: 77 MB -> 3.6 MB, 362 KB.

    They move the feature maps of an image in fp32, and 362 KB on chip keep what tiles share. Ours
    are strips of whole rows: what is kept from one to the next is two rows of what each 3x3
    convolution reads, 2 * 224 * 3 + 2 * 224 * 64 + 2 * 112 * 64 + 2 * 112 * 128 + 2 * 56 * 128
    elements. Their 77 MB are before fusing; ours move 86.8 MiB without any reuse, since each pool
    reads and writes its maps once more.
    """
    layers = [
        f"{{name: {name}, conv: {{out: {out}, kernel: 3}}}}" if out else
        f"{{name: {name}, maxpool: {{kernel: 2, stride: 2}}}}"
        for name, out in (
            ("c11", 64), ("c12", 64), ("p1", 0), ("c21", 128), ("c22", 128), ("p2", 0), ("c31", 256)
        )
    ]  # fmt: skip
    text = f"{{name: vgg, input: [3, 224, 224], layers: [{', '.join(layers)}]}}"
    net = memsim.loads(text)
    fused = depth_first(net, "c11..c31", buffer=4 << 20, strip=1)
    maps = fused.compulsory_bytes - fused.compulsory_weight_bytes
    assert maps == 4 * (3 * 224**2 + 256 * 56**2) == 3_813_376  # 3.64 MiB
    steps = curve(fused).steps
    moved_maps = steps.read_bytes + steps.write_bytes - steps.weight_bytes
    assert int(moved_maps.min()) == maps
    inner = fused.cell_is_kept & ~fused.cell_is_output
    ends = [t for t in range(fused.tasks) if fused.kernels[fused.task_kernel[t]].name == "c31"]
    kept = [
        int(fused.cell_bytes[inner & (fused.cell_birth <= t) & (fused.cell_death > t)].sum())
        for t in ends
    ]
    assert max(kept) == 4 * 2 * (224 * 3 + 224 * 64 + 112 * 64 + 112 * 128 + 56 * 128) == 349_440
    apart = curve(build(net, buffer=4 << 20)).steps
    before = apart.read_bytes + apart.write_bytes - apart.weight_bytes
    assert int(before[0]) == 91_049_728


BRANCHES = """
name: branches
input: [2, 8, 8]
layers:
  - {name: a, conv: {out: 2, kernel: 3}}
  - {name: left, conv: {out: 2, kernel: 5}, from: a}
  - {name: right, conv: {out: 2, kernel: 1}, from: a}
  - {name: sum, add: [left, right]}
  - {name: all, concat: [sum, a]}
  - {name: last, conv: {out: 3, kernel: 3}}
"""


@pytest.mark.parametrize("lowering", ["eager", "fused", "concat_free"])
def test_a_graph_with_branches_computes_what_the_tallest_reader_needs(lowering: str) -> None:
    program = depth_first(memsim.loads(BRANCHES), "a..last", lowering=lowering, strip=2)
    # last 0-2 needs 0-3 of the sum, left 0-3 needs 0-5 of a.
    assert rows(program).split()[0] == "a0-5"
    assert int(program.task_macs.sum()) == program.network.macs


def test_what_needs_a_whole_map_waits_for_it() -> None:
    net = network(A, B, "{name: g, global_avgpool: {}}", "{name: l, linear: {out: 2}}")
    assert rows(depth_first(net, "a..l", strip=4)) == "a0-5 b0-4 a5-8 b4-8 g0-1 l0-1"


# ---- groups as they are told


def groups(name: str, *told: str, lowering: str = "fused") -> list[tuple[int, ...]]:
    net = memsim.load(name)
    return kernel_groups(net, LOWERINGS[lowering].lower(net), told)


def test_a_name_stands_for_what_is_below_it() -> None:
    kernels = LOWERINGS["fused"].lower(memsim.load("resnet18"))
    (found,) = groups("resnet18", "stage.1.1")
    assert [kernels[n].name for n in found] == ["stage.1.1.conv1.conv", "stage.1.1.conv2.conv"]
    assert groups("resnet18", "stage.1.1..stage.1.2") == [(2, 3, 4, 5)]


def test_patterns() -> None:
    counts = {}
    for name in ("mobilenetv2", "resnet18"):
        net = memsim.load(name)
        for lowering in ("eager", "fused"):
            kernels = LOWERINGS[lowering].lower(net)
            for pattern in PATTERNS:
                found = PATTERNS[pattern](net, kernels)
                counts[name, lowering, pattern] = len(found)
                assert sorted(n for each in found for n in each) == sorted(
                    {n for each in found for n in each}
                )
    assert counts["mobilenetv2", "fused", "inverted_residual"] == 16
    assert counts["mobilenetv2", "eager", "inverted_residual"] == 16
    assert counts["mobilenetv2", "fused", "depthwise"] == 17
    assert counts["resnet18", "fused", "inverted_residual"] == 0
    assert counts["resnet18", "fused", "per_block"] == 8


# ---- what is refused

WRONG = [
    ({"group": ["a..z"]}, "group: there is no layer 'z' (known: input, a, left, right, sum, all"),
    ({"group": ["lft..sum"]}, "group: there is no layer 'lft' (did you mean 'left'?)"),
    ({"group": ["sum..a"]}, "group: a comes before sum (a..sum)"),
    ({"group": ["a"]}, "group: a is the kernel of a alone (a group is of two kernels or more)"),
    ({"group": ["input"]}, "group: input is no kernel"),
    ({"group": ["a,sum"]}, "not convex: left reads of it, and sum reads that (take left into"),
    ({"group": ["a..left", "left..sum"]}, "groups overlap: the kernel of left is in a..left and"),
    ({"group": ["a..sum", "a..sum"]}, "groups overlap: the kernel of a is twice"),
    ({}, "group: depth_first needs groups (either --group FIRST..LAST, or --groups per_block"),
    ({"group": ["a..sum"], "groups": "per_block"}, "group: groups by hand or by a pattern"),
    ({"groups": "per_blok"}, "unknown pattern of groups 'per_blok' (did you mean 'per_block'?)"),
    ({"groups": "depthwise"}, "groups: branches has no group by the pattern depthwise"),
    (
        {"group": ["a..sum"], "strip": 0},
        "strip: 0 is no height (1 row or more, or a tile such as",
    ),
    ({"group": ["a..sum"], "strip": 1.5}, "strip: 1.5 is no height"),
    (
        {"schedule": "layer_by_layer", "group": ["a..sum"], "strip": 2},
        "group: is of groups that run depth first, and the schedule is layer_by_layer",
    ),
    ({"schedule": "depth_frist"}, "unknown schedule 'depth_frist' (did you mean 'depth_first'?)"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_groups_are_refused(options: dict[str, Any], message: str) -> None:
    options = {"schedule": "depth_first", "lowering": "eager", **options}
    with pytest.raises(InputError) as error:
        build(memsim.loads(BRANCHES), buffer=1 << 20, **options)
    assert message in str(error.value)


def test_groups_that_wait_for_each_other_are_refused() -> None:
    text = """
name: crossed
input: [1, 8, 8]
layers:
  - {name: a, conv: {out: 1, kernel: 3}, from: input}
  - {name: b, conv: {out: 1, kernel: 3}, from: input}
  - {name: c, conv: {out: 1, kernel: 3}, from: a}
  - {name: d, conv: {out: 1, kernel: 3}, from: b}
"""
    net = memsim.loads(text)
    with pytest.raises(InputError, match=r"wait for each other \(make one group of them"):
        depth_first(net, "a,d", "b,c")


def test_buffers_that_hold_no_tile_say_what_would() -> None:
    net = network(A, B)
    need = 32 + 2 * (3 * 32 + 36)  # a row, and twice three input rows and the weights
    with pytest.raises(memsim.SimulationError, match=f"--buffer {need} or more"):
        depth_first(net, "a..b", buffer=need - 1)
    assert depth_first(net, "a..b", buffer=need).tasks > 15


def test_of_a_group_the_buffers_that_would_hold_all_kernels_are_told() -> None:
    """A half as wide map needs less; what is told fits, and a byte less does not."""
    net = network(HALF_A, B, "{name: c, conv: {out: 1, kernel: 5, bias: false}}", size=16)
    need = 32 + 2 * (5 * 32 + 100)  # the last: a row, and twice five input rows and the weights
    told = f"a..c .* need {need} B, for c .--buffer {need} or more"
    for buffer in (1, need - 1):
        with pytest.raises(memsim.SimulationError, match=told):
            depth_first(net, "a..c", buffer=buffer, strip=1)
    assert depth_first(net, "a..c", buffer=need, strip=1).tasks > 20
