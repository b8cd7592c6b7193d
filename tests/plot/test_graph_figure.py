"""The picture of a graph: where things are, and what they say."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memsim
from memsim.errors import InputError
from memsim.plot.canvas import render
from memsim.plot.figures.graph import _of_blocks, graph, layer_values, shades
from memsim.plot.folding import folded
from memsim.plot.graph_layout import layered


@st.composite
def _graphs(draw):
    count = draw(st.integers(1, 14))
    return {
        str(i): [str(j) for j in range(i + 1, count) if draw(st.integers(0, 3)) == 0]
        for i in range(count)
    }


@given(_graphs())
@settings(max_examples=100)
def test_nodes_are_below_what_they_read_and_nothing_overlaps(readers):
    layout = layered(readers, gap=0.2)
    assert list(layout.nodes) == list(readers)
    assert set(layout.edges) == {(s, t) for s, targets in readers.items() for t in targets}
    for (source, target), points in layout.edges.items():
        (x, top), (z, bottom) = layout.nodes[source], layout.nodes[target]
        assert top < bottom
        assert (points[0], points[-1]) == ((x, top), (z, bottom))
        assert [rank for _, rank in points] == list(range(top, bottom + 1))
    rows: dict[float, list[tuple[float, float]]] = {}
    for x, rank in layout.nodes.values():
        rows.setdefault(rank, []).append((x, 0.5))
    for points in layout.edges.values():
        for x, rank in points[1:-1]:
            rows.setdefault(rank, []).append((x, 0.0))
    for row in rows.values():
        row.sort()
        for (left, half), (right, other) in pairwise(row):
            assert right - left >= half + other + 0.2 - 1e-6


def test_the_layers_of_a_chain_are_one_column():
    readers = {str(i): [str(i + 1), *(["9"] if i % 3 == 0 else [])] for i in range(8)}
    layout = layered({**readers, "8": ["9"], "9": []})
    assert {x for x, _ in layout.nodes.values()} == {0.0}


def test_a_long_edge_is_a_straight_lane():
    layout = layered({"a": ["b", "d"], "b": ["c"], "c": ["d"], "d": []})
    lane = layout.edges["a", "d"][1:-1]
    assert len({x for x, _ in lane}) == 1
    assert abs(lane[0][0]) > 0.5


def test_a_graph_that_is_too_large_is_exported_instead():
    readers = {str(i): [str(j) for j in range(i + 1, 60)] for i in range(60)}
    with pytest.raises(InputError, match=r"too large for a picture \(export it"):
        layered(readers)


@pytest.mark.parametrize("colour", ["traffic", "moc", "none"])
def test_every_kernel_of_resnet18_is_named_and_shaped(colour):
    axes = graph("resnet18", colour=colour, machine="textbook")
    texts = [text.get_text() for text in axes.texts]
    assert texts[0] == "input  3x224x224"
    assert "stage.2.1.shortcut  1x1 /2 +add  128x28x28" in texts
    assert "maxpool1  3x3 /2  64x56x56" in texts
    assert len(texts) == 24
    assert axes.get_title(loc="left").startswith("resnet18: ")


@pytest.mark.parametrize("machine", ["gtx1080", "zen3_eager"])
def test_kernels_that_a_library_adds_have_nodes_of_their_own(machine):
    """A bias by a kernel of its own, copies into other layouts; files hold layers, not kernels."""
    axes = graph("squeezenet1_0", machine=machine, expand="all")
    names = [text.get_text().split()[0] for text in axes.texts]
    assert len(names) == len(set(names))
    added = {"gtx1080": "conv1.conv.bias", "zen3_eager": "conv1.conv.reorder_output"}[machine]
    assert {"conv1", "maxpool1", "global_avgpool1", added} <= set(names)
    result = memsim.run("squeezenet1_0", machine=machine)
    assert sum(layer_values(result.network, "traffic", result).values()) == result.dram_bytes


def test_a_concat_is_only_its_edges_where_it_is_free():
    fused = graph("patterns/harmonic", colour="moc")
    free = graph("patterns/harmonic", colour="moc", lowering="concat_free")
    names = [text.get_text().split()[0] for text in free.texts]
    assert not [name for name in names if "concat" in name]  # not even where one leaves
    assert len(fused.texts) > len(free.texts)


def test_darker_is_more_traffic_and_less_reuse():
    def grey(colour):
        return sum(int(colour[i : i + 2], 16) for i in (1, 3, 5))

    traffic = shades({"a": 1, "b": 100}, "traffic")
    assert grey(traffic["a"]) > grey(traffic["b"])
    moc = shades({"a": 1, "b": 100}, "moc")
    assert grey(moc["a"]) < grey(moc["b"])
    assert shades({}, "moc") == shades({"a": 1.0}, "none") == {}
    assert shades({"a": 0}, "traffic")


@pytest.mark.parametrize("colour", ["none", "moc"])  # with a scale beside it there is an image
def test_the_picture_is_the_same_every_time(colour):
    network = memsim.load("squeezenet1_0")
    first, second = (render(graph(network, colour=colour), "svg") for _ in range(2))
    assert first == second


def test_unknown_colours():
    with pytest.raises(InputError, match=r"unknown colour 'mac' \(did you mean 'moc'\?\)"):
        graph("resnet18", colour="mac")


# ---- blocks, folded


def names_in(axes) -> list[str]:
    return [text.get_text().split()[0] for text in axes.texts]


def test_a_large_network_shows_its_blocks_until_one_is_expanded():
    result = memsim.run("densenet121", machine="textbook", lowering="concat_free")
    view = graph(result)
    names = names_in(view)
    assert {f"block{number}" for number in (1, 2, 3, 4)} <= set(names)
    assert len(names) < 30
    assert "blocks folded" in view.get_title(loc="left").replace("\n", " ")
    opened = graph(result, expand="block1")
    assert "block1" not in names_in(opened)
    assert {"block1.1.neck", "block2", "block3"} <= set(names_in(opened))
    block = [text.get_text() for text in view.texts if text.get_text().startswith("block1 ")]
    kernels = [k for k in result.program.kernels if k.name.startswith("block1.")]
    assert block[0].split("  ")[1] == f"{len(kernels)} kernels"


def test_a_block_has_the_bytes_of_its_kernels_and_their_macs_over_their_cio():
    result = memsim.run("densenet121", machine="textbook")
    parts = {kernel.name: kernel.layers for kernel in result.program.kernels}
    inside = tuple(name for name in parts if name.startswith("block2."))
    moved = layer_values(result.network, "traffic", result)
    summed = _of_blocks(result.network, {"block2": inside}, parts, moved, "traffic")
    rows = [row.dram_bytes for row in result.layers if row.name.startswith("block2.")]
    assert summed == {"block2": sum(rows)}
    convolutions = [layer for layer in result.network if layer.name.startswith("block2.")]
    both = sum(layer.macs for layer in convolutions), sum(layer.cio for layer in convolutions)
    of_moc = _of_blocks(result.network, {"block2": inside}, parts, {}, "moc")
    assert of_moc["block2"] == pytest.approx(both[0] / both[1])


@given(_graphs(), st.integers(1, 4))
@settings(max_examples=60)
def test_a_folded_graph_has_the_same_links_between_other_nodes_and_no_cycle(readers, width):
    named = {node: f"s{int(node) // width}.{node}" for node in readers}
    whole = {named[node]: [named[each] for each in targets] for node, targets in readers.items()}
    view = folded(whole, 0, [])
    node_of = {kernel: name for name, kernels in view.members.items() for kernel in kernels}
    expected = {
        (node_of.get(source, source), node_of.get(target, target))
        for source, targets in whole.items() for target in targets
    }  # fmt: skip
    found = {(source, target) for source, targets in view.readers.items() for target in targets}
    assert found == {(source, target) for source, target in expected if source != target}
    order = list(view.readers)
    assert all(order.index(source) < order.index(target) for source, target in found)
    assert folded(whole, 0, ["all"]).readers == whole


def test_there_is_no_such_block():
    with pytest.raises(InputError, match=r"expand: there is no block 'blok3' \(did you mean 'blo"):
        graph("densenet121", colour="none", expand="blok3")
