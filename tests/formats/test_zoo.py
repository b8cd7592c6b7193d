"""The zoo: exact numbers, shapes, and what its words expand to."""

from __future__ import annotations

import pytest

from memsim import from_torch, run
from memsim.errors import InputError
from memsim.formats import load, names
from memsim.formats.architecture.file import from_text
from memsim.formats.library import path_of
from memsim.network import Network
from memsim.network.ops.conv import Conv
from memsim.yaml.text import read

EXACT = {
    "densenet161": (28_681_000, 7_727_907_072, 39_316_032),
    "densenet169": (14_149_480, 3_359_843_328, 25_589_760),
    "densenet201": (20_013_928, 4_291_365_888, 31_811_584),
    "resnet34": (21_797_672, 3_663_761_408, 7_175_168),
    "resnet101": (44_549_160, 7_570_194_432, 30_958_592),
    "resnet152": (60_192_808, 11_282_415_616, 43_602_944),
    "vgg16": (138_357_544, 15_470_264_320, 22_629_376),
    "mobilenetv2_1_4": (6_108_776, 582_195_824, 19_209_568),
    "squeezenet1_0": (1_248_424, 818_924_576, 7_304_200),
    "efficientnet_b0": (5_288_548, 385_814_752, 13_581_880),
    "shufflenetv2": (2_278_604, 144_907_992, 3_986_640),
    "convnext_tiny": (28_589_128, 4_455_531_264, 5_531_904),
    "vit_tiny": (5_717_416, 1_253_683_200, 188_160),
}
"""Parameters, MACs, CIO; parameters of ResNet, DenseNet, VGG, SqueezeNet, EfficientNet, ShuffleNet,
ConvNeXt are those of torchvision, of ViT those of timm."""

PUBLISHED = {
    "shufflenetv2": (2.3, 0.146),  # arXiv:1807.11164, tables 5 and 8
    "convnext_tiny": (28.6, 4.5),  # arXiv:2201.03545, table 9
    "vit_tiny": (5.7, 1.3),  # arXiv:2102.12122, table 2: DeiT-Tiny/16
}
"""M parameters and GMACs as papers print them."""

# Published figures of the released networks: M parameters, GMACs, M elements of CIO.
RELEASED = {"fc_hardnet70": (4.119, 35.2, 272), "ssd512_hardnet68": (18.16, 27.56, 67.7)}

OUTPUTS = {
    "fc_hardnet70": [(19, 1024, 2048)],
    "sparsenet40_24": [(100, 1, 1)],
    "highway": [(10, 1, 1)],
    "vit_tiny": [(1, 1000)],
    "convnext_tiny": [(1000, 1, 1)],
    "shufflenetv2": [(1000, 1, 1)],
    "logdensenet103": [(11, 352, 480)],
    "ssd512_hardnet68": [
        (channels, size, size)
        for size, boxes in zip((64, 32, 16, 8, 4, 2, 1), (6, 6, 6, 6, 6, 4, 4), strict=True)
        for channels in (4 * boxes, 21 * boxes)
    ],
}


def network(layer: str, channels: int = 8) -> Network:
    return from_text(f"name: t\ninput: [{channels}, 16, 16]\nlayers:\n  - {layer}\n")


@pytest.mark.parametrize("name", EXACT)
def test_params_macs_and_cio_are_exact(name):
    net = load(name)
    assert (net.params, net.macs, net.cio) == EXACT[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_params_and_macs_are_those_that_papers_print(name):
    net = load(name)
    params, gmacs = PUBLISHED[name]
    assert net.params / 1e6 == pytest.approx(params, abs=0.05)
    assert net.macs / 1e9 == pytest.approx(gmacs, rel=0.04)


@pytest.mark.release
@pytest.mark.needs("timm", "torchvision", "torch")
@pytest.mark.xdist_group("timm")
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("shufflenetv2", "torchvision:shufflenet_v2_x1_0"),
        ("convnext_tiny", "timm:convnext_tiny"),
        ("vit_tiny", "timm:vit_tiny_patch16_224"),
    ],
)
def test_networks_move_what_their_modules_move(name, model):
    """The file and the module that others wrote, to the byte."""
    from benchmarks.zoo import make

    module, inputs = make(model)
    mine, theirs = load(name), from_torch(module, inputs)
    found = [run(each, lowering="fused", cache="1MiB") for each in (mine, theirs)]
    assert found[0].by_role == found[1].by_role
    assert found[0].by_cause == found[1].by_cause


@pytest.mark.parametrize("name", RELEASED)
def test_released_networks_equal_their_published_figures(name):
    net = load(name)
    params, gmacs, elements = RELEASED[name]
    assert net.params / 1e6 == pytest.approx(params, abs=0.005)
    assert net.macs / 1e9 == pytest.approx(gmacs, abs=0.05)
    assert net.cio / 1e6 == pytest.approx(elements, abs=0.5)


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs(name):
    net = load(name)
    assert [net[output].output.image for output in net.outputs] == OUTPUTS[name]


@pytest.mark.parametrize(
    ("name", "millions"), [("sparsenet40_24", 0.76), ("sparsenet100_36", 5.65)]
)
def test_sparsenets_have_the_published_parameters(name, millions):
    """github.com/Lyken17/SparseNet, CIFAR-100, without bottlenecks."""
    assert load(name).params / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize("name", ["resnet101", "resnet152"])
def test_v1_5_moves_the_stride_and_nothing_else(name):
    early, late = load(name), load(name, variant="v1.5")
    assert early.params == late.params
    assert early.macs < late.macs


@pytest.mark.parametrize("name", [entry.name for entry in names()])
def test_a_file_fits_on_a_screen(name):
    assert len(read(path_of(name)).splitlines()) <= 65


class TestPatterns:
    """One block of each pattern, to be compared."""

    def test_equal_depth_and_macs_on_one_input(self):
        nets = {name: load(f"patterns/{name}") for name in ("dense", "log", "sparse", "harmonic")}
        for net in nets.values():
            assert net["input"].output.image == (64, 56, 56)
            assert sum(isinstance(layer.op, Conv) for layer in net) == 16
            assert net.macs == pytest.approx(1.92e9, rel=0.01)
        cio = {name: net.cio for name, net in nets.items()}
        assert cio["harmonic"] < cio["log"] == cio["sparse"] < cio["dense"]


class TestWords:
    def test_a_bottleneck_of_the_geometric_mean_on_every_fourth_layer(self):
        net = network(
            "block: {pattern: harmonic, layers: 4, growth: 4, multiplier: 1, "
            "bottleneck: geometric_mean, bottleneck_every: 4}"
        )
        necks = [layer.name for layer in net if ".neck" in layer.name]
        assert necks == ["block1.4.neck.conv", "block1.4.neck.bn", "block1.4.neck.act"]
        # It reads 3, 2 and the input, 4 + 4 + 8 channels, and writes 4.
        assert net["block1.4.neck.conv"].output.shape[1] == 8

    def test_an_inverted_transition_pools_first(self):
        net = network("inverted_transition: x0.5")
        assert net["transition1.concat"].output.image == (16, 8, 8)
        assert net["transition1.conv"].output.image == (4, 8, 8)

    def test_fire(self):
        net = network("fire: {squeeze: 2, expand: 6}")
        assert net["fire1.three.conv"].inputs[0].image == (2, 16, 16)
        assert net["fire1.concat"].output.image == (12, 16, 16)

    def test_a_highway_is_a_gated_sum(self):
        net = network("highway")
        read = {layer.name: [tensor.name for tensor in layer.inputs] for layer in net}
        assert read["highway1.keep"] == ["highway1.T.act"]
        assert read["highway1.transform"] == ["highway1.H.act", "highway1.T.act"]
        assert read["highway1.carry"] == ["input", "highway1.keep"]
        assert read["highway1.add"] == ["highway1.transform", "highway1.carry"]
        assert net["highway1.keep"].op.kind == "complement"
        assert net["highway1.T.act"].op.kind == "sigmoid"


class TestPyramid:
    def test_of_one_block_is_a_block(self):
        block = network("block: {pattern: log, layers: 5, growth: 3, order: pre}")
        pyramid = network("pyramid: {pattern: log, down: [5], growth: 3}")
        assert (block.params, block.macs, block.cio) == (pyramid.params, pyramid.macs, pyramid.cio)

    def test_layers_are_numbered_across_its_blocks(self):
        net = network("pyramid: {pattern: log, down: [2, 2], growth: 3}")
        read = [tensor.name for tensor in net["pyramid1.4.concat"].inputs]
        assert read == ["pyramid1.3.conv", "pyramid1.2.down1.pool", "pyramid1.0.down1.pool"]

    def test_only_what_is_still_read_changes_the_resolution(self):
        net = network("pyramid: {pattern: log, down: [4, 1], growth: 3}")
        moved = [layer.name for layer in net if layer.name.endswith(".pool")]
        assert moved == [f"pyramid1.{link}.down1.pool" for link in (1, 3, 4)]  # 5 - 4, 2, 1

    def test_on_the_way_up_the_copy_of_the_way_down_is_read_again(self):
        net = network("pyramid: {pattern: log, down: [2, 1], up: [1], growth: 3}")
        read = [tensor.name for tensor in net["pyramid1.4.concat"].inputs]
        assert read == ["pyramid1.3.up0.conv", "pyramid1.2.conv", "input"]
        assert [layer.name for layer in net if layer.op.kind == "conv_transpose"] == [read[0]]

    def test_one_layer_can_be_read_by_all_later_ones(self):
        net = network("pyramid: {pattern: log, down: [6], growth: 3, always: 1}")
        read = [tensor.name for tensor in net["pyramid1.6.concat"].inputs]
        assert read == [f"pyramid1.{link}.conv" for link in (5, 4, 2, 1)]
        last = [tensor.name for tensor in net["pyramid1.concat"].inputs]
        assert last == [*read, "pyramid1.6.conv"]  # what the last layer reads leaves, and it

    def test_it_cannot_climb_above_its_top(self):
        with pytest.raises(InputError, match="after 2 blocks down there are at most 1 up"):
            network("pyramid: {pattern: log, down: [1, 1], up: [1, 1], growth: 3}")

    def test_what_all_later_layers_read_has_layers_after_it(self):
        with pytest.raises(InputError, match="no layer comes after 6: there are 6"):
            network("pyramid: {pattern: log, down: [6], growth: 3, always: 6}")
