"""Skips through views, concats that leave, and what is left out: bytes worked out by hand."""

from __future__ import annotations

import itertools

import pytest

import memsim
from memsim.formats.architecture.file import from_text
from memsim.network import Network
from memsim.program import LOWERINGS, Kernel

FUSING = sorted(name for name, rule in LOWERINGS.items() if rule.rules.fuses)

BLOCK = """
name: block
input: [64, 56, 56]
layers:
  - conv: {out: 64, kernel: 3, bn: true, act: relu}
    name: a
  - conv: {out: 64, kernel: 3, bn: true, act: relu}
  - conv: {out: 64, kernel: 3, bn: true}
    name: b
VIEW
  - add: {}
    from: [b, SKIP]
  - relu
"""
VIEWS = ("identity: {}", "dropout: 0.5", "slice: {start: 0}")


def moved(text: str, lowering: str = "fused", **options: object) -> int:
    return memsim.run(from_text(text), cache=0, lowering=lowering, **options).dram_bytes


def block(view: str = "", source: str = "a") -> str:
    line = f"  - {view}\n    from: {source}\n    name: skip" if view else ""
    return BLOCK.replace("VIEW", line).replace("SKIP", "skip" if view and source == "a" else "a")


@pytest.mark.parametrize("lowering", FUSING)
def test_a_residual_block_by_hand(lowering: str) -> None:
    # input, a twice (next convolution, sum), the middle one, and three writes: of 802,816 B each;
    # three times 64 x 64 x 9 weights and 64 shifts; every kernel is one task or its rows overlap.
    weights = 3 * (64 * 64 * 9 + 64) * 4
    assert moved(block(), lowering, tile="whole") == 7 * 64 * 56 * 56 * 4 + weights
    assert moved(block(), lowering) == 6_592_000


@pytest.mark.parametrize("lowering", FUSING)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_on_a_skip_costs_nothing(view: str, lowering: str) -> None:
    assert moved(block(view), lowering) == moved(block(), lowering)


@pytest.mark.parametrize("lowering", FUSING)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_between_the_convolution_and_the_sum_costs_nothing(view: str, lowering: str) -> None:
    text = block(view, source="b").replace("[b, a]", "[skip, a]")
    assert moved(text, lowering) == moved(block(), lowering)


PARTS = {
    "z": "{name: z, conv: {out: 32, kernel: 3, bias: false}, from: a}",
    "s": "{name: s, slice: {start: 0, stop: 16}, from: z}",
    "x": "{name: x, conv: {out: 16, kernel: 3, bias: false}, from: b}",
    "y": "{name: y, add: {}, from: [x, s]}",
}


@pytest.mark.parametrize("order", ["".join(each) for each in itertools.permutations("zsxy")])
def test_a_sum_is_fused_wherever_the_slice_on_its_skip_is_listed(order: str) -> None:
    layers = ",\n".join(PARTS[name] for name in order)
    text = f"{{name: n, inputs: {{a: [16, 64, 64], b: [16, 64, 64]}}, layers: [\n{layers}]}}"
    feature_maps = moved(text, tile="whole", buffer="64MiB") - (16 * 32 + 16 * 16) * 9 * 4
    # a and b are read; z is twice as large and is written, half of it is read; y is written.
    assert feature_maps == (1 + 2 + 1 + 1 + 1) * 16 * 64 * 64 * 4 - 16 * 64 * 64 * 4


@pytest.mark.parametrize("lowering", ["concat_free", "concat_in_place"])
def test_a_concat_on_a_skip_is_read_where_its_parts_lie(lowering: str) -> None:
    text = """
name: n
input: [8, 16, 16]
layers:
  - conv: {out: 4, kernel: 1, bias: false}
    name: p
  - conv: {out: 4, kernel: 1, bias: false}
    from: input
    name: q
  - conv: {out: 8, kernel: 1, bias: false}
    from: input
    name: x
  - concat: {}
    from: [p, q]
    name: both
  - add: {}
    from: [x, both]
"""
    kernels = LOWERINGS[lowering].lower(from_text(text))
    assert [kernel.layers for kernel in kernels] == [("p",), ("q",), ("x", "add1")]
    assert [part.tensor for part in kernels[-1].operands[1].view.segments] == ["p", "q"]


# ---- concats that leave

UNIT = 4 * 8 * 8 * 4
"""Bytes of one map of 4 channels."""

CONV = "conv: {out: 4, kernel: 1, bias: false}"
HEAD = f"""
name: n
input: [4, 8, 8]
outputs: [OUT]
layers:
  - {CONV}
    name: a
  - {CONV}
    name: b
"""


def leaving(out: str, *layers: str) -> tuple[dict[str, Kernel], memsim.Result]:
    """The kernels of ``concat_free`` by name, and what they move without a cache."""
    text = HEAD.replace("OUT", out) + "".join(f"  - {layer}\n" for layer in layers)
    result = memsim.run(from_text(text), cache=0, lowering="concat_free", tile="whole")
    return {kernel.name: kernel for kernel in result.program.kernels}, result


def concat(name: str, *sources: str) -> str:
    return f"{{concat: {{}}, from: [{', '.join(sources)}], name: {name}}}"


def feature_maps(result: memsim.Result) -> float:
    """Bytes without weights, in maps of 4 channels."""
    return (result.dram_bytes - result.by_role["weight"]) / UNIT


def copied(kernels: dict[str, Kernel], name: str) -> list[str]:
    (operand,) = kernels[name].operands
    return [part.tensor for part in operand.view.segments]


def test_the_parts_of_a_concat_that_leaves_are_written_where_it_lies() -> None:
    kernels, result = leaving("k", concat("k", "a", "b"))
    assert list(kernels) == ["a", "b"]
    assert result.by_role["output"] == 2 * UNIT
    assert result.by_role["concat"] == 0
    assert feature_maps(result) == 1 + 1 + 1 + 1  # a reads and writes, b too


def test_a_network_input_is_copied_into_it() -> None:
    kernels, result = leaving("k", concat("k", "a", "input", "b"))
    assert copied(kernels, "k") == ["input"]
    assert result.by_role["output"] == 3 * UNIT
    assert result.by_role["concat"] == UNIT


def test_what_comes_twice_is_written_once_and_copied_once() -> None:
    kernels, result = leaving("k", concat("k", "b", "b"))
    assert copied(kernels, "k") == ["b"]
    assert kernels["k"].output.shape[1] == 4
    assert result.by_role["output"] == 2 * UNIT


def test_a_part_that_leaves_by_itself_is_copied() -> None:
    kernels, result = leaving("k, b", concat("k", "a", "b"))
    assert copied(kernels, "k") == ["b"]
    assert result.by_role["output"] == 3 * UNIT


def test_a_part_that_others_read_is_read_from_the_output() -> None:
    kernels, result = leaving("k, c", concat("k", "a", "b"), f"{{{CONV}, from: a, name: c}}")
    assert list(kernels) == ["a", "b", "c"]
    assert result.by_role["output"] == 3 * UNIT
    assert feature_maps(result) == 2 + 2 + 2


def test_a_concat_inside_one_that_leaves_is_taken_apart() -> None:
    kernels, result = leaving("k", concat("i", "a", "b"), concat("k", "i", "a"))
    assert copied(kernels, "k") == ["a"]
    assert result.by_role["output"] == 3 * UNIT


def test_of_two_concats_that_leave_one_is_copied_where_they_share() -> None:
    kernels, result = leaving("i, k", concat("i", "a", "b"), concat("k", "i", "a"))
    assert copied(kernels, "k") == ["a", "b"]  # k is not where i is
    assert copied(kernels, "i") == ["a"]  # it lies in k
    assert result.by_role["output"] == 5 * UNIT


@pytest.mark.parametrize("view", [*VIEWS, "flatten: {}"])
def test_a_concat_that_leaves_through_a_view_is_the_same(view: str) -> None:
    kernels, result = leaving("v", concat("k", "a", "b"), f"{{{view}, from: k, name: v}}")
    assert list(kernels) == ["a", "b"]
    assert result.by_role["output"] == 2 * UNIT


def test_some_channels_that_leave_are_copied() -> None:
    kernels, result = leaving(
        "v", concat("k", "a", "b"), "{slice: {start: 2, stop: 6}, from: k, name: v}"
    )
    assert copied(kernels, "v") == ["a", "b"]
    assert result.by_role["output"] == UNIT


def test_some_channels_in_a_concat_that_leaves_are_copied() -> None:
    kernels, result = leaving("k", "{slice: {start: 2}, from: b, name: s}", concat("k", "s", "a"))
    assert copied(kernels, "k") == ["b"]
    assert kernels["a"].leaves
    assert not kernels["b"].leaves
    assert result.by_role["output"] == 1.5 * UNIT


def test_flattened_maps_leave_in_one_column() -> None:
    kernels, result = leaving(
        "k",
        "{flatten: {}, from: a, name: f}",
        "{flatten: {}, from: b, name: g}",
        concat("k", "f", "g", "f"),
    )
    assert copied(kernels, "k") == ["a"]
    assert kernels["k"].output.shape[1:] == (4 * 8 * 8, 1, 1)
    assert result.by_role["output"] == 3 * UNIT


# ---- concats in place


def in_place(text: str) -> dict[str, Kernel]:
    return {kernel.name: kernel for kernel in LOWERINGS["concat_in_place"].lower(from_text(text))}


def test_what_is_part_of_two_concats_is_copied_into_one_of_them() -> None:
    last = "{conv: {out: 4, kernel: 1, bias: false}, from: [i], name: c}"
    text = HEAD.replace("OUT", "k") + "".join(
        f"  - {layer}\n" for layer in (concat("i", "a", "b"), last, concat("k", "b", "c"))
    )
    kernels = in_place(text)
    assert list(kernels) == ["a", "b", "i", "c"]
    assert copied(kernels, "i") == ["b"]  # it lies in k
    assert [part.tensor for part in kernels["c"].operands[0].view.segments] == ["a", "i"]
    assert [kernels[name].leaves for name in "abic"] == [False, True, False, True]


# ---- layers that no output needs

DEAD = """
name: n
input: [3, 8, 8]
outputs: [a]
layers:
  - conv: {out: 4, kernel: 3}
    name: a
  - conv: {out: 2, kernel: 1}
    name: b
  - relu: {}
    name: c
"""


@pytest.mark.parametrize("lowering", FUSING)
def test_layers_that_no_output_needs_are_named_with_their_macs(lowering: str) -> None:
    result = memsim.run(from_text(DEAD), machine="textbook", lowering=lowering)
    kernel = 4 * 8 * 8 * 3 * 9
    assert result.network.macs == kernel + 2 * 8 * 8 * 4
    assert result.program.macs == kernel
    assert result.to_dict()["left_out"] == {"b": 512, "c": 0}
    phrase = "not executed, since no output depends on them: b, c (512 MACs)"
    assert result.assumptions["assumed"][-1] == phrase
    assert phrase in " ".join(str(result.sheet()).split())
    fp32 = memsim.load_machine("textbook").pj_per_mac("fp32")
    assert result.totals["energy_mac_j"] == pytest.approx(kernel * fp32 * 1e-12)


def test_eager_executes_them() -> None:
    result = memsim.run(from_text(DEAD), lowering="eager")
    assert [layer.name for layer in result.layers] == ["a", "b", "c"]
    assert result.to_dict()["left_out"] == {}


def test_many_of_them_are_counted() -> None:
    tail = "".join(f"  - relu: {{}}\n    name: r{number}\n" for number in range(9))
    assumed = memsim.run(from_text(DEAD + tail), lowering="fused").assumptions["assumed"][-1]
    assert "b, c, r0, r1, r2, r3, r4, r5 and 3 more (512 MACs)" in assumed


def test_without_stated_outputs_every_end_is_one() -> None:
    network: Network = from_text(DEAD.replace("outputs: [a]\n", ""))
    assert network.outputs == ("c",)
    assert memsim.run(network).to_dict()["left_out"] == {}
