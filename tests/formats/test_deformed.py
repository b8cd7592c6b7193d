"""Convolutions whose places are moved, from ONNX and torchvision."""

from __future__ import annotations

import pytest

import memsim
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import Constant, Record
from memsim.formats.foreign.torch.rules import RULES
from memsim.network import Network, Node
from memsim.network.ops.base import ShapeError
from memsim.network.ops.conv import DeformConv
from memsim.network.ops.shape import Input
from tests.formats.test_onnx_fused import load, shape_of

MAP, OFFSETS, SHARES = (8, 6, 10), (36, 6, 10), (18, 6, 10)
"""Eight channels; two groups of them are moved apart, by nine places of a kernel of 3x3."""

MACS, WEIGHTS = 4 * 8 * 9 * 60, 4 * 8 * 9


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("reads", ["x w o", "x w o b", "x w o b m", "x w o - m"])
def test_an_operator_of_a_file(tmp_path, reads):
    inputs = {"x": (1, *MAP), "o": (1, *OFFSETS)} | ({"m": (1, *SHARES)} if "m" in reads else {})
    weights = {"w": (4, 8, 3, 3)} | ({"b": (4,)} if "b" in reads else {})
    node = ("DeformConv", reads, "y", {"offset_group": 2, "pads": [1, 1, 1, 1]})
    network = load(tmp_path, [node], inputs, weights)
    assert (network.macs, network.params) == (MACS, WEIGHTS + 4 * ("b" in reads))
    assert shape_of(network, network.outputs[0]) == (4, 6, 10)
    assert {*network.inputs} == {*inputs}


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_the_function_of_torchvision(learned, masked):
    importer = Importer(RULES, exact=True)
    importer.hold({
        "w": Constant((4, 8, 3, 3), learned=True), "b": Constant((4,), learned=learned),
        "none": Constant((1, 1)),
    })  # fmt: skip
    for name, shape in (("x", MAP), ("o", OFFSETS), ("m", SHARES)):
        importer.input(name, (1, *shape))
    about = {f"{what}_{way}": size for what, size in (("stride", 1), ("pad", 1), ("dilation", 1))
             for way in "hw"}  # fmt: skip
    about |= {"groups": 1, "offset_groups": 2, "use_mask": masked}
    inputs = ("x", "w", "o", "m" if masked else "none", "b")
    importer.run([Record("r", "torchvision::deform_conv2d", inputs, ("r",), about)], ["r"])
    network = importer.network("net", ["r"])
    assert (network.macs, network.params) == (MACS, WEIGHTS + 4 * learned)
    assert len(network[network.outputs[0]].inputs) == 2 + masked


def test_every_operand_is_read_once_where_there_is_room():
    nodes = [
        Node("x", Input(shape=MAP)), Node("o", Input(shape=OFFSETS)),
        Node("m", Input(shape=SHARES)),
        Node("y", DeformConv(out=4, kernel=(3, 3), padding=(1, 1, 1, 1)), ("x", "o", "m")),
    ]  # fmt: skip
    result = memsim.run(Network("net", nodes, ["y"]), cache="1MiB")
    places = sum(channels for channels, *_ in (MAP, OFFSETS, SHARES, (4,))) * 60
    assert result.dram_bytes == 4 * (places + WEIGHTS)


@pytest.mark.parametrize("offsets", [(17, 6, 10), (36, 6, 9)])
def test_offsets_that_do_not_fit(offsets):
    op = DeformConv(out=4, kernel=(3, 3), padding=(1, 1, 1, 1))
    with pytest.raises(ShapeError, match="needs a multiple of 18x6x10"):
        op.output_shape((MAP, offsets))


@pytest.mark.needs("torch", "torchvision")
def test_of_boxes_that_suppress_each_other_all_may_be_left():
    """How many are kept depends on their values: the most there can be are counted."""
    import torch

    from benchmarks.zoo_truth import import_torchvision

    nms = import_torchvision().ops.nms

    class Head(torch.nn.Module):
        def forward(self, x):
            rows = x.flatten(2).transpose(1, 2)[0]
            return rows[nms(rows[:, :4], rows[:, 4], 0.5)]

    network = memsim.from_torch(Head(), (1, 5, 8, 8))
    layer = next(each for each in network if each.op.kind == "chosen")
    assert (layer.op.how, layer.output.size) == ("nms", 64)
    assert shape_of(network, network.outputs[0]) == (64, 5)
