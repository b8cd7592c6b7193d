"""Groups of layers, the tree of modules, and tensors: they add up, and say who does what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import memsim
from memsim.errors import InputError, SimulationError
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.shape import Input
from memsim.network.stages import BY, grouped
from memsim.results.details.breakdown import Grouped, Tensors
from memsim.results.details.groups import Group, tree_of
from memsim.sheets.formats import render
from tests.golden import check_golden
from tests.laws.test_program import few
from tests.strategies import networks

SUMS = (
    "params", "macs", "dram_read_bytes", "dram_write_bytes", "dram_weight_bytes", "dram_bytes",
    "time_ps", "compute_ps", "overhead_ps",
)  # fmt: skip
"""Columns of groups that add up."""

LOWERINGS = ("eager", "eager_cudnn", "eager_onednn", "fused", "concat_in_place", "concat_free")

paths = st.lists(st.sampled_from(["a", "b", "0", "1", "block2"]), min_size=0, max_size=3)


@st.composite
def nested(draw: st.DrawFn) -> Network:
    """A random network whose layers are in modules."""
    network = draw(networks(most_layers=8))
    name = {node.name: ".".join([*draw(paths), node.name]) for node in network.nodes}
    name[""] = ""
    nodes = [
        replace(
            node,
            name=name[node.name],
            inputs=tuple(name[each] for each in node.inputs),
            weights=name[node.weights],
            bias=name[node.bias],
        )
        for node in network.nodes
    ]
    outputs = [name[each] for each in network.outputs]
    return Network("nested", nodes, outputs, dtype=network.dtype, batch=network.batch)


def columns(groups: tuple[Group, ...]) -> dict[str, int]:
    return {name: sum(getattr(group, name) for group in groups) for name in SUMS}


@few
@given(
    nested(),
    st.sampled_from(LOWERINGS),
    st.sampled_from([0, 300, 10_000]),
    st.integers(1, 2),
    st.sampled_from([None, "weights", "feature-maps"]),
)
def test_groups_and_tensors_sum_to_the_totals(
    network: Network, lowering: str, cache: int, frames: int, only: str | None
) -> None:
    options = {"machine": "textbook", "cache": cache, "buffer": 8000, "clock": "recurrence"}
    try:
        result = memsim.run(network, lowering=lowering, frames=frames, only=only, **options)
    except SimulationError:
        reject()  # it computes nothing, or a tile is larger than the buffers
    layers = result.layers
    whole = {
        name: sum(getattr(layer, name) for layer in layers) for name in SUMS if name != "params"
    }
    assert whole["dram_bytes"] == result.dram_bytes
    whole["params"] = network.params
    for by in (1, 2, 3, *BY):
        groups = result.by_group(by)
        assert columns(groups) == whole
        run = [kernel for group in groups for kernel in group.kernels]
        assert sorted(run) == sorted(layer.name for layer in layers)
    assert sum(tensor.dram_bytes for tensor in result.tensors) == result.dram_bytes
    causes = result.by_cause
    assert sum(tensor.spilled_bytes for tensor in result.tensors) == causes["spill"]
    assert sum(tensor.reloaded_bytes for tensor in result.tensors) == causes["reload"]
    for depth in (1, 2, None):
        tree = tree_of(network, layers, depth)
        assert columns(tree[:1]) == whole
        for parent in tree:
            below = [each for each in tree if each.name.rpartition(".")[0] == parent.name
                     and each.depth == parent.depth + 1]  # fmt: skip
            if parent.name not in network and below:
                assert columns(tuple(below)) == columns((parent,))


def test_depth_counts_parts_of_names() -> None:
    result = memsim.run("mobilenetv2", machine="textbook", clock="recurrence")
    assert [group.name for group in result.by_group(2)][:3] == [
        "conv1.conv", "conv1.bn", "inverted1.dw"
    ]  # fmt: skip
    assert [group.name for group in result.by_group("stage")][:3] == [
        "conv1", "inverted1", "inverted2"
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"no groups by 'stag' \(did you mean 'stage'\?\)"):
        result.by_group("stag")
    with pytest.raises(InputError, match="at least 1"):
        result.by_group(0)
    assert grouped(["only.one.layer"], "stage") == ["only.one.layer"]


@pytest.fixture(scope="module")
def small() -> memsim.Result:
    """Two convolutions of 16 pixels in modules of their own; an activation of the second's is run
    by the first one's kernel."""
    nodes = [
        Node("x", Input(shape=(1, 4, 4))),
        Node("m.conv", Conv(out=1, kernel=1), ("x",)),
        Node("n.act", Relu(), ("m.conv",)),
        Node("n.conv", Conv(out=1, kernel=1), ("n.act",)),
    ]
    return memsim.run(Network("small", nodes), machine="textbook", cache=0, lowering="fused")


def test_a_kernel_belongs_to_the_module_of_its_first_layer(small: memsim.Result) -> None:
    first, second = small.by_group(1)
    assert (first.name, first.layers, first.kernels) == ("m", ("m.conv",), ("m.conv",))
    assert (second.layers, second.kernels) == (("n.act", "n.conv"), ("n.conv",))
    # m reads the input and its weight and writes 16 floats back; n reads those, writes its own.
    assert (first.dram_read_bytes, first.dram_write_bytes, first.macs) == (64 + 4, 64, 16)
    assert (second.dram_read_bytes, second.dram_write_bytes) == (64 + 4, 64)


def test_tensors_by_hand(small: memsim.Result) -> None:
    told = {
        tensor.name: (
            tensor.kind, tensor.nbytes, tensor.producer, tensor.readers,
            (tensor.first_kernel, tensor.last_kernel),
            (tensor.compulsory_bytes, tensor.spilled_bytes, tensor.reloaded_bytes),
        )
        for tensor in small.tensors
    }  # fmt: skip
    assert told == {
        "x": ("input", 64, "", ("m.conv",), ("m.conv", "m.conv"), (64, 0, 0)),
        "m.conv.weight": ("weight", 4, "", ("m.conv",), ("m.conv", "m.conv"), (4, 0, 0)),
        "n.act": ("activation", 64, "m.conv", ("n.conv",), ("m.conv", "n.conv"), (0, 64, 64)),
        "n.conv.weight": ("weight", 4, "", ("n.conv",), ("n.conv", "n.conv"), (4, 0, 0)),
        "n.conv": ("output", 64, "n.conv", (), ("n.conv", "n.conv"), (64, 0, 0)),
    }


def test_tables_of_groups_and_tensors() -> None:
    result = memsim.run("hardnet68", machine="textbook", cache="1MB")
    check_golden("run_by_stage.txt", render(Grouped(result, "stage"), "table", None))
    check_golden("run_tensors.txt", render(Tensors(result), "table", 8))
    assert len(Grouped(result, "stage").rows()) == len(result.by_group("stage"))
    facts = Tensors(result).to_dict()
    assert facts["schema"] == "memsim.tensors/1"
    assert sum(each["dram_bytes"] for each in facts["tensors"]) == facts["totals"]["dram_bytes"]


def test_watching_a_network_tells_the_tree_of_its_blocks() -> None:
    watched = memsim.watch("resnet18", depth=2, machine="textbook", cache="1MB")
    check_golden("watch_resnet18.txt", repr(watched))
    assert str(watched) == repr(watched)
    assert max(map(len, repr(watched).splitlines())) <= 80
    with pytest.raises(InputError, match="a tree is not 0 deep"):
        memsim.watch("resnet18", depth=0)
    with pytest.raises(InputError, match="an example is for a PyTorch module"):
        memsim.watch("resnet18", (1, 3, 8, 8))


@pytest.mark.needs("torch")
def test_watching_a_module_names_its_classes() -> None:
    import torch

    module = torch.nn.Sequential(
        torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8)),
        torch.nn.ReLU(),
    )
    watched = memsim.watch(module, (1, 3, 8, 8), machine="textbook", cache="1MB")
    assert [(group.name, watched.kind(group)) for group in watched.groups[1:]] == [
        ("0", "Sequential"), ("0.0", "Conv2d"), ("0.1", "BatchNorm2d"), ("1", "ReLU")
    ]  # fmt: skip
    assert watched.groups[0].params == sum(each.numel() for each in module.parameters())
    lines = str(watched).splitlines()
    assert any(line.startswith("0 Sequential") for line in lines)
    assert any(line.startswith("  0 Conv2d") for line in lines)
    assert memsim.summary(module).groups[1].output_shape == (1, 8, 224, 224)
    with pytest.raises(InputError, match=r"expected a torch\.nn\.Module, not int"):
        memsim.watch(3)
