"""What moves elements, and what windows give, is what PyTorch gives, number by number."""

from __future__ import annotations

import numpy as np
import pytest

import memsim

pytestmark = pytest.mark.needs("torch")

X1, X2, X3, TOKENS = (1, 4, 12), (1, 8, 6, 6), (1, 4, 5, 6, 7), (1, 12, 8)

FORMS = {
    "stack": (X2, lambda t, F, x: t.stack([x, x.relu()], 1)),
    "stack at the end": (X2, lambda t, F, x: t.stack([x, x.relu()], -1)),
    "stack at the front": (X2, lambda t, F, x: t.stack([x, x.relu()], 0)),
    "cat of batches": (X2, lambda t, F, x: t.cat([x, x.relu()], 0)),
    "chunks of batches": (X2, lambda t, F, x: t.cat([x, x.relu()], 0).relu().chunk(2)[1] + 1),
    "expand": (X2, lambda t, F, x: x[:, :, :1].expand(-1, -1, 4, -1) + 1),
    "expand in front": (X2, lambda t, F, x: x.expand(3, 1, 8, 6, 6) + 1),
    "expand the batch": (X2, lambda t, F, x: x.expand(5, -1, -1, -1) * 2),
    "expand as": (X2, lambda t, F, x: x * x[:, :, :, :1].expand_as(x)),
    "repeat": (X2, lambda t, F, x: x.repeat(1, 2, 1, 3)),
    "repeat in front": (TOKENS, lambda t, F, x: x.repeat(2, 1, 3, 1)),
    "tile": (X2, lambda t, F, x: x.tile((2, 1))),
    "repeat each": (X2, lambda t, F, x: x.repeat_interleave(3, 2)),
    "repeat each image": (X2, lambda t, F, x: x.repeat_interleave(3, 0)),
    "roll": (X2, lambda t, F, x: x.roll((-2, 3), (2, 3))),
    "roll channels": (X2, lambda t, F, x: x.roll(3, 1)),
    "flip": (X2, lambda t, F, x: x.flip(1, 2)),
    "pixel shuffle": (X2, lambda t, F, x: F.pixel_shuffle(x, 2)),
    "pixel unshuffle": (X2, lambda t, F, x: F.pixel_unshuffle(x, 3)),
    "channel shuffle": (X2, lambda t, F, x: F.channel_shuffle(x, 4)),
    "focus": (X2, lambda t, F, x: t.cat([x[..., ::2, ::2], x[..., 1::2, 1::2]], 1)),
    "constant places": (X2, lambda t, F, x: x[:, :, t.tensor([5, 0, 0, 3])]),
    "constant channels": (X2, lambda t, F, x: x[:, [7, 1, 2]]),
    "index select": (X2, lambda t, F, x: x.index_select(3, t.tensor([4, 4, 1]))),
    "reflect": (X2, lambda t, F, x: F.pad(x, (1, 2, 3, 4), mode="reflect")),
    "reflect a line": (X1, lambda t, F, x: F.pad(x, (3, 4), mode="reflect")),
    "replicate": (X2, lambda t, F, x: F.pad(x, (1, 2, 3, 4), mode="replicate")),
    "replicate a volume": (X3, lambda t, F, x: F.pad(x, (1, 2, 3, 0, 1, 1), mode="replicate")),
    "circular": (X2, lambda t, F, x: F.pad(x, (1, 2, 3, 4), mode="circular")),
    "pad channels": (X2, lambda t, F, x: F.pad(x, (0, 0, 0, 0, 0, 4)) + 1),
    "pad tokens": (TOKENS, lambda t, F, x: F.pad(x, (0, 0, 2, 1), value=2.0) + 1),
    "pad the batch": (X2, lambda t, F, x: F.pad(x, (0, 0, 0, 0, 0, 0, 1, 0)) + 1),
    "pad and cut": (X2, lambda t, F, x: F.pad(x, (-1, 2, 1, -2)) + 1),
    "pad, then cut": (X2, lambda t, F, x: F.max_pool2d(F.pad(F.pad(x, (2, 2)), (-1, -1)), 2)),
    "cut, then pad": (X2, lambda t, F, x: F.avg_pool2d(F.pad(F.pad(x, (-1, -1)), (1, 1)), 2)),
    "pad a line before a pool": (X1, lambda t, F, x: F.max_pool1d(F.pad(x.relu(), (1, 1)), 2)),
    "unfold": (X2, lambda t, F, x: x.unfold(2, 4, 2)),
    "windows of windows": (X2, lambda t, F, x: x.unfold(2, 4, 2).unfold(3, 3, 3)),
    "im2col": (X2, lambda t, F, x: F.unfold(x, 3, 1, 1, 2)),
    "col2im": (X2, lambda t, F, x: F.fold(F.unfold(x, 3, 1, 1, 2), 6, 3, 1, 1, 2)),
    "max pool of a line": (X1, lambda t, F, x: F.max_pool1d(x, 3, 2, 1)),
    "average pool of a line": (X1, lambda t, F, x: F.avg_pool1d(x, 4)),
    "max pool of a volume": (X3, lambda t, F, x: F.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))),
    "average pool of a volume": (X3, lambda t, F, x: F.avg_pool3d(x, (2, 3, 2), ceil_mode=True)),
    "means without the padding": (
        X2, lambda t, F, x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    ),
    "dilated max pool": (X2, lambda t, F, x: F.max_pool2d(x, 2, 1, 1, dilation=3)),
    "max pool and back": (
        X2, lambda t, F, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    ),
    "adaptive pool of a line": (X1, lambda t, F, x: F.adaptive_avg_pool1d(x, 5)),
    "adaptive pool, one side": (X2, lambda t, F, x: F.adaptive_max_pool2d(x, (1, None))),
    "adaptive pool of a volume": (X3, lambda t, F, x: F.adaptive_avg_pool3d(x, 1)),
    "linear": (X1, lambda t, F, x: F.interpolate(x, 17, mode="linear")),
    "trilinear": (X3, lambda t, F, x: F.interpolate(x, (3, 7, 9), mode="trilinear")),
    "bicubic": (X2, lambda t, F, x: F.interpolate(x, (9, 4), mode="bicubic")),
    "bicubic, corners": (
        X2, lambda t, F, x: F.interpolate(x, (9, 4), mode="bicubic", align_corners=True),
    ),
    "nearest of a volume": (X3, lambda t, F, x: F.interpolate(x, scale_factor=2)),
    "nearest exact": (X2, lambda t, F, x: F.interpolate(x, (9, 4), mode="nearest-exact")),
    "area": (X2, lambda t, F, x: F.interpolate(x, (4, 3), mode="area")),
    "antialias": (
        X2, lambda t, F, x: F.interpolate(x, (4, 3), mode="bilinear", antialias=True),
    ),
    "grid sample": (X2, lambda t, F, x: F.grid_sample(x, x[:, :2].permute(0, 2, 3, 1).tanh())),
    "pools of images in a batch": (
        X2, lambda t, F, x: F.max_pool2d(t.stack([x, x.tanh()], 1).flatten(0, 1), 2).relu(),
    ),
    "adaptive pool of images": (
        X2, lambda t, F, x: F.adaptive_avg_pool2d(t.cat([x, x.relu()]), (2, 3)),
    ),
}  # fmt: skip
"""By name: the shape of the input, and what is done with it (torch, its functional, tensor)."""


@pytest.mark.parametrize("name", FORMS)
def test_what_moves_is_what_pytorch_moves(name):
    import torch

    shape, function = FORMS[name]

    class Module(torch.nn.Module):
        def forward(self, x):
            return function(torch, torch.nn.functional, x)

    x = torch.linspace(-3, 4, int(np.prod(shape)), dtype=torch.float64)
    x = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(0))].reshape(shape)
    network = memsim.from_torch(Module().eval(), x)
    expected, computed = Module()(x), memsim.to_torch(network).double()(x)
    assert expected.numel() == computed.numel() == network[network.outputs[0]].output.size
    np.testing.assert_allclose(computed.reshape(expected.shape), expected, rtol=1e-6, atol=1e-6)
    for lowering in ("eager", "fused", "concat_free"):
        assert memsim.run(network, cache=0, lowering=lowering).network.macs == 0


WEIGHTED = {
    "conv1d": (X1, lambda nn: nn.Conv1d(4, 6, 3, 2, 1, 2), 6 * 4 * 3 * 5),
    "conv1d, same": (X1, lambda nn: nn.Conv1d(4, 6, 4, padding="same"), 6 * 4 * 4 * 12),
    "conv3d": (X3, lambda nn: nn.Conv3d(4, 6, (1, 3, 3), (1, 2, 2), (0, 1, 1)), 864 * 60 // 4),
    "conv3d, depthwise": (X3, lambda nn: nn.Conv3d(4, 4, 3, padding=1, groups=4), 4 * 27 * 210),
    "transposed line": (X1, lambda nn: nn.ConvTranspose1d(4, 6, 4, 2, 1), 4 * 6 * 4 * 12),
    "transposed volume": (X3, lambda nn: nn.ConvTranspose3d(4, 2, 2, 2), 4 * 2 * 8 * 210),
}
"""Input, module, MACs by hand."""


@pytest.mark.parametrize("name", WEIGHTED)
def test_convolutions_of_one_and_three_axes(name):
    import torch

    shape, build, macs = WEIGHTED[name]
    module = build(torch.nn).eval()
    x = torch.zeros(shape)
    network = memsim.from_torch(module, x)
    assert network.macs == macs
    assert network.params == sum(p.numel() for p in module.parameters())
    again = memsim.from_torch(memsim.to_torch(network), x)
    assert (again.macs, again.params) == (network.macs, network.params)
    assert again[again.outputs[0]].output.size == module(x).numel()


def test_padding_of_a_line_becomes_part_of_the_convolution():
    import torch
    from torch import nn

    module = nn.Sequential(nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(4, 6, 3)).eval()
    network = memsim.from_torch(module, torch.zeros(X1))
    assert [layer.op.kind for layer in network] == ["input", "conv"]
    assert network.macs == 6 * 4 * 3 * 12


def test_a_convolution_of_more_images_than_the_batch_has():
    """Two maps of one image through one convolution: MACs of both, weights once."""
    import torch
    from torch import nn

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(8, 4, 3, padding=1, bias=False)

        def forward(self, x):
            return self.conv(torch.cat([x, x.relu()], 0)).chunk(2)[0].relu()

    network = memsim.from_torch(Twice(), torch.zeros(X2))
    assert (network.macs, network.params) == (2 * 4 * 8 * 9 * 36, 4 * 8 * 9)
    memsim.to_torch(network)(torch.zeros(X2))


def test_an_embedding_reads_no_more_rows_than_it_writes():
    import torch
    from torch import nn

    network = memsim.from_torch(nn.Embedding(1000, 16), torch.zeros(1, 12, dtype=torch.long))
    assert network.params == 16000
    (layer,) = [layer for layer in network if layer.op.kind == "embedding"]
    assert layer.output.image == (12, 16)
    assert layer.op.stored(layer.shapes, layer.output.image) == 12


def test_what_runs_under_autocast_is_part_of_the_graph():
    import torch
    from torch import nn

    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(8, 4, 1)

        def forward(self, x):
            with torch.autocast("cpu", enabled=False):
                x = self.conv(x.float().relu())
            return x.sigmoid()

    network = memsim.from_torch(Mixed(), torch.zeros(X2))
    kinds = [layer.op.kind for layer in network]
    assert kinds == ["input", "relu", "conv", "sigmoid"]
    assert network.macs == 8 * 4 * 36


def test_what_is_written_over_a_part_changes_the_whole():
    import torch
    from torch import nn

    class Part(nn.Module):
        def forward(self, x):
            y = x.relu()
            y[:, 2:5] += x[:, :3].sigmoid()
            return y.tanh()

    network = memsim.from_torch(Part(), torch.zeros(X2))
    kinds = [layer.op.kind for layer in network]
    assert kinds.index("scatter") < kinds.index("tanh")
    (scatter,) = [layer for layer in network if layer.op.kind == "scatter"]
    assert [tensor.name for tensor in network["tanh"].inputs] == [scatter.name]
    assert {"relu", "slice", "sigmoid", "add", "scatter", "tanh"} <= {*kinds}
    assert {each.kind for each in network.left_out} <= {"slice"}


def test_a_stack_with_a_parameter_reads_it():
    import torch
    from torch import nn

    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 8, 6, 6))

        def forward(self, x):
            return torch.stack([self.token, x], 1)

    network = memsim.from_torch(Beside(), torch.zeros(X2))
    assert network.params == 8 * 36
    assert network[network.outputs[0]].output.size == 2 * 8 * 36
    assert memsim.run(network, cache=0).dram_bytes >= 4 * 4 * 8 * 36


def test_places_that_each_image_names_are_taken_in_pytorch():
    import torch

    from memsim.network import Network, Node
    from memsim.network.ops.sampling import Gather
    from memsim.network.ops.shape import Input

    nodes = [
        Node("x", Input(shape=(4, 6))), Node("i", Input(shape=(3, 1, 1))),
        Node("y", Gather(axis=1), ("x", "i")),
    ]  # fmt: skip
    module = memsim.to_torch(Network("taken", nodes, ["y"]))
    x, places = torch.arange(48.0).reshape(2, 4, 6), torch.tensor([[5, 0, 0], [1, 2, 3]])
    found = module(x, places.reshape(2, 3, 1, 1).float())
    expected = torch.stack([image[:, own] for image, own in zip(x, places, strict=True)])
    assert torch.equal(found, expected)
