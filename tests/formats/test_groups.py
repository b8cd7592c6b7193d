"""Groups that an architecture file says: read, written, used, and refused with their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import memsim
from memsim.errors import InputError
from memsim.formats import dump, loads
from memsim.formats.overrides import Overrides
from memsim.network import Network
from memsim.network.attention import written_out
from memsim.network.groups import LayerGroup
from memsim.program import build
from memsim.sweeps.space import content
from tests.strategies import networks

CHAIN = """name: chain
input: [3, 16, 16]
defaults:
  conv: {kernel: 3, bn: true, act: relu}
layers:
  - conv: 4
  - conv: 4
  - maxpool: 2
  - conv: 8
  - conv: 8
  - add: conv3
groups: [conv1..maxpool1, [conv3, conv4, add1]]
"""


def changed(**groups: str) -> str:
    lines = [line for line in CHAIN.splitlines() if not line.startswith("groups")]
    return "\n".join([*lines, f"groups: {groups['groups']}", ""])


def program(text: str, **options: Any) -> str:
    built = build(loads(text), buffer=1 << 20, schedule="depth_first", **options)
    return f"{built.options['groups']}: {built.options['group']}"


def test_a_file_says_groups_as_ranges_and_as_lists() -> None:
    network = loads(CHAIN)
    assert [group.items for group in network.groups] == [
        ["conv1..maxpool1"],
        ["conv3", "conv4", "add1"],
    ]
    assert loads(changed(groups="[conv1..conv2, [conv3, conv4..add1]]")).groups != network.groups
    assert (
        loads(changed(groups="[conv1..maxpool1, 'conv3,conv4, add1']")).groups[0]
        == (network.groups[0])
    )


def test_they_are_what_runs_where_nothing_else_is_said() -> None:
    told = "file: conv1.conv..maxpool1 conv3.conv..add1"
    assert program(CHAIN) == program(CHAIN, groups="file") == told
    assert program(CHAIN, group=["conv1..conv2"]) == "by hand: conv1.conv..conv2.act"
    plain = build(loads(CHAIN), buffer=1 << 20)
    assert plain.options["schedule"] == "layer_by_layer"
    assert "groups" not in plain.options
    # The same as by hand, kernel by kernel, in every lowering.
    for lowering in ("eager", "fused", "concat_free"):
        by_hand = program(CHAIN, group=["conv1..maxpool1", "conv3,conv4,add1"], lowering=lowering)
        assert program(CHAIN, lowering=lowering).removeprefix("file") == (
            by_hand.removeprefix("by hand")
        )


def test_a_file_without_groups_has_none_to_run() -> None:
    plain = changed(groups="[conv1..conv2]").replace("groups: [conv1..conv2]\n", "")
    with pytest.raises(InputError, match=r"^groups: chain has no groups in its file \(--group"):
        program(plain, groups="file")
    with pytest.raises(InputError, match="depth_first needs groups") as error:
        program(plain)
    assert "file" not in str(error.value)


def test_a_run_a_curve_and_auto_heed_them() -> None:
    network = loads(CHAIN)
    options: dict[str, Any] = {"machine": "textbook", "schedule": "depth_first", "strip": 4}
    fused = memsim.run(network, cache=4096, **options)
    assert fused.dram_bytes < memsim.run(network, cache=4096, machine="textbook").dram_bytes
    curve = memsim.curve(network, **options)
    assert curve.dram_bytes(4096) == fused.dram_bytes
    assert fused.to_dict()["config"]["groups"] == "file"
    del options["strip"]
    auto = memsim.run(network, cache=4096, groups="auto", **options)
    assert auto.dram_bytes <= memsim.run(network, cache=4096, **options).dram_bytes


def test_the_flat_form_and_the_description_keep_them() -> None:
    network = loads(CHAIN)
    text = dump(network)
    assert text.endswith("groups:\n  - conv1..maxpool1\n  - [conv3, conv4, add1]\n")
    again = loads(text)
    assert again == network
    assert again != loads(changed(groups="[conv1..maxpool1]"))
    assert program(text) == program(CHAIN)
    facts = memsim.describe(network)
    assert facts.to_dict()["network"]["groups"] == [["conv1..maxpool1"], ["conv3", "conv4", "add1"]]
    (told,) = (text for name, text in facts.sheet().facts if name == "groups")
    assert told == "conv1..maxpool1; conv3, conv4, add1"


def test_another_batch_size_or_data_type_keeps_them() -> None:
    network = loads(CHAIN)
    for other in (
        network.with_options(batch=2, dtype="int8", input_shape="3x32x32"),
        memsim.loads(CHAIN, batch=2),
        network.with_nodes(network.nodes),
    ):
        assert other.groups == network.groups


def test_a_network_of_fewer_layers_keeps_what_is_still_a_group() -> None:
    network = loads(CHAIN)
    left = [node for node in network.nodes if node.name not in ("maxpool1", "add1")]
    conv3 = next(node for node in left if node.name == "conv3.conv")
    left[left.index(conv3)] = replace(conv3, inputs=("conv2.act",))
    shorter = Network(network.name, network.nodes, ["conv4.act"], groups=network.groups)
    first, second = shorter.with_nodes(left).groups
    assert first.layers([node.name for node in left])[-1] == "conv2.act"
    assert second.layers([node.name for node in left])[-1] == "conv4.act"
    few = list(network.nodes[:2])
    assert Network("n", few, groups=()).groups == ()
    assert Network("n", network.nodes, ["conv1.conv"], groups=network.groups).with_nodes(
        few
    ).groups == ()  # fmt: skip


def test_layers_in_another_order_run_in_the_same_groups() -> None:
    options: dict[str, Any] = {"machine": "textbook", "schedule": "depth_first", "cache": "4KiB"}
    text = """
name: branches
input: [4, 16, 16]
layers:
  - {name: left, conv: {out: 64, kernel: 3}, from: input}
  - {name: right, conv: {out: 4, kernel: 3}, from: input}
  - {name: less, conv: {out: 4, kernel: 3}, from: left}
  - {name: sum, add: {}, from: [less, right]}
groups: [[left, less]]
"""
    for order in ("file", "min_peak", "dfs"):
        run = memsim.run(loads(text), layer_order=order, **options)
        names = {run.program.kernels[n].name for n in run.program.task_kernel}
        assert {"left", "less", "right"} <= names
        assert str(run.program.options["group"]) in ("left,less", "left..less", "left,less.sum")


def test_results_that_are_kept_are_told_apart_by_groups() -> None:
    """A sweep keeps what it found by what a network is made of."""
    one, other = loads(CHAIN), loads(changed(groups="[conv1..maxpool1]"))
    assert content(one) != content(other)


def test_attention_that_is_written_out_stays_in_its_group() -> None:
    text = (
        "{name: a, inputs: {q: [2, 9, 8], k: [2, 5, 8], v: [2, 5, 8]}, layers: ["
        "{name: y, attention: {}, from: [q, k, v]}, {name: z, relu: {}}], groups: [[y, z]]}"
    )
    network = written_out(loads(text))
    (group,) = network.groups
    assert group.layers([layer.name for layer in network])[0] == "y.keys"


@given(networks(), st.data())
def test_a_random_group_reads_back(network: Network, data: st.DataObject) -> None:
    names = [layer.name for layer in network]
    low = data.draw(st.integers(0, len(names) - 1))
    high = data.draw(st.integers(low, len(names) - 1))
    texts = [f"{names[low]}..{names[high]}", ",".join(names[low : high + 1])]
    group = LayerGroup(data.draw(st.sampled_from(texts)))
    try:
        told = Network(
            network.name, network.nodes, network.outputs, dtype=network.dtype,
            batch=network.batch, source=network.source, groups=[group],
        )  # fmt: skip
    except InputError:  # a group of one layer; a run of the list is always convex
        assert sum(not network[name].op.is_input for name in names[low : high + 1]) < 2
        assume(False)
        raise
    assert loads(dump(told)) == told
    assert group.layers(names) == names[low : high + 1]


# ---- what is refused, with its place

WRONG = [
    (
        "[conv1..conv9]",
        "x.yaml:12:10: groups[0]: there is no layer 'conv9' (did you mean 'conv4'?)",
    ),
    (
        "[conv1..conv2, [conv3, covn4]]",
        "x.yaml:12:24: groups[1]: there is no layer 'covn4' (did you mean 'conv4'?)",
    ),
    (
        "[conv2..conv1]",
        "x.yaml:12:10: groups[0]: conv1 comes before conv2 (conv1..conv2)",
    ),
    (
        "[conv1..conv2, conv2..conv3]",
        "x.yaml:12:24: groups[1]: groups overlap: conv2.conv is in conv1..conv2 and in "
        "conv2..conv3 (one layer runs in one group)",
    ),
    (
        "[[conv1, maxpool1]]",
        "x.yaml:12:10: groups[0]: conv1,maxpool1 is not convex: conv2.conv depends on it, and "
        "maxpool1 on that (take conv2.conv, conv2.bn, conv2.act into the group)",
    ),
    (
        "[maxpool1]",
        "x.yaml:12:10: groups[0]: maxpool1 is the layer maxpool1 alone "
        "(a group is of two layers or more)",
    ),
    ("[input]", "x.yaml:12:10: groups[0]: input is no layer (a group is of two layers or more)"),
    (
        "[[]]",
        "x.yaml:12:10: groups[0]: expected layers of a group, not [] "
        "(such as conv1..conv4, or [conv1, conv2])",
    ),
    (
        "[3]",
        "x.yaml:12:10: groups[0]: expected layers of a group, not 3 "
        "(such as conv1..conv4, or [conv1, conv2])",
    ),
]


@pytest.mark.parametrize(("groups", "message"), WRONG)
def test_wrong_groups_are_told_with_their_place(groups: str, message: str) -> None:
    from memsim.formats.architecture.file import from_text

    with pytest.raises(InputError) as error:
        from_text(changed(groups=groups), "x.yaml", Overrides())
    assert str(error.value) == message


def test_groups_that_are_none_of_the_kernels_are_told_with_their_place() -> None:
    """Between layers nothing is left out, yet between kernels the fused sum of the last is."""
    text = """name: n
input: [1, 8, 8]
layers:
  - {name: a, conv: {out: 1, kernel: 3}}
  - {name: side, conv: {out: 1, kernel: 3}, from: a}
  - {name: b, conv: {out: 1, kernel: 3}, from: a}
  - {name: sum, add: [b, side]}
groups:
  - [a, side]
"""
    from memsim.formats.architecture.file import from_text

    network = from_text(text, "n.yaml")
    build(network, buffer=1 << 20, lowering="eager", schedule="depth_first")
    with pytest.raises(InputError) as error:
        build(network, buffer=1 << 20, lowering="fused", schedule="depth_first")
    assert str(error.value) == (
        "n.yaml:9:5: groups[0]: group a,side is not convex: b reads of it, and side reads that "
        "(take b into the group)"
    )
    memsim.run(network, machine="textbook", schedule="depth_first", groups="auto", cache=100)
