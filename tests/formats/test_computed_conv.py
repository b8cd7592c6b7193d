"""Convolutions whose kernels another layer computes: conditional and dynamic ones, correlation."""

from __future__ import annotations

import numpy as np
import pytest

import memsim
from memsim.network import Network, Node
from memsim.network.ops.base import ShapeError
from memsim.network.ops.conv import ComputedConv
from memsim.network.ops.shape import Input
from tests.formats.test_onnx_fused import load, shape_of


def two(**about: object) -> Network:
    """A map, and kernels for it that come from outside."""
    op = ComputedConv(out=4, kernel=3, **about)
    nodes = [Node("x", Input(shape=(8, 6, 10))), Node("k", Input(shape=(4, 8 // op.groups, 3, 3)))]
    return Network("two", [*nodes, Node("y", op, ("x", "k"))])


def test_its_costs_by_hand() -> None:
    network = two()
    (layer,) = (each for each in network if each.inputs)
    assert tuple(layer.output.image) == (4, 6, 10)
    assert (network.macs, network.params, network.cio) == (4 * 6 * 10 * 8 * 9, 0, 0)
    assert two(groups=2).macs == 4 * 6 * 10 * 4 * 9
    assert (two(bias=True).params, two(stride=2).macs) == (4, 4 * 3 * 5 * 8 * 9)


def test_what_it_reads_by_hand() -> None:
    result = memsim.run(two(), machine="textbook", cache="1MiB", bandwidth="1GB/s")
    assert result.dram_read_bytes == 4 * (8 * 6 * 10 + 4 * 8 * 9)
    assert result.dram_write_bytes == 4 * 4 * 6 * 10
    assert result.by_part["weights"] == 0


@pytest.mark.parametrize("kernels", [(4, 8, 3, 1), (4, 4, 3, 3), (8, 8, 3, 3), (4, 8, 3)])
def test_kernels_of_another_shape_are_refused(kernels: tuple[int, ...]) -> None:
    nodes = [Node("x", Input(shape=(8, 6, 10))), Node("k", Input(shape=kernels))]
    with pytest.raises((ShapeError, memsim.InputError), match="needs kernels of 4x8x3x3, not"):
        Network("two", [*nodes, Node("y", ComputedConv(out=4, kernel=3), ("x", "k"))])


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("bias", ["", "stored", "computed"])
def test_an_operator_of_a_file(tmp_path, bias) -> None:
    inputs = {"x": (1, 8, 6, 10), "k": (4, 8, 3, 3)}
    reads, weights = "x k", {}
    if bias:
        reads += " b"
        (weights if bias == "stored" else inputs)["b"] = (4,)
    network = load(tmp_path, [("Conv", reads, "y", {"pads": [1, 1, 1, 1]})], inputs, weights)
    assert (network.macs, network.params) == (4 * 60 * 72, 4 * (bias == "stored"))
    assert shape_of(network, network.outputs[0]) == (4, 6, 10)


MODULES = ["conditional", "conditional, by groups", "correlation", "sequence"]


def module(kind: str, batch: int = 1):
    """A module, its example, and the MACs of an image."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Conditional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.Parameter(torch.randn(4, 8 * 27))
            self.route = nn.Linear(3, 4)

        def kernels(self, x):
            return torch.sigmoid(self.route(x.mean((2, 3)))) @ self.experts

        def forward(self, x):
            if kind == "conditional":
                kernels = self.kernels(x).view(8, 3, 3, 3)
                return functional.conv2d(x, kernels, stride=2, padding=1)
            images, channels, height, width = x.shape
            kernels = self.kernels(x).view(images * 8, 3, 3, 3)
            together = x.reshape(1, images * channels, height, width)
            y = functional.conv2d(together, kernels, padding=1, groups=images)
            return y.view(images, 8, height, width)

    class Correlation(nn.Module):
        def forward(self, x, template):
            return functional.conv2d(x, template.view(3, 1, 5, 5), groups=3)

    class Sequence(nn.Module):
        def forward(self, x):
            kernels = functional.adaptive_avg_pool1d(x, 12).view(4, 3, 3)
            return functional.conv1d(x, kernels, padding="same")

    x = torch.randn(batch, 3, 16, 16)
    routed = 3 * 4 + 4 * 216
    return {
        "conditional": (Conditional, x, routed + 64 * 8 * 27),
        "conditional, by groups": (Conditional, x, routed + 256 * 8 * 27),
        "correlation": (Correlation, (x, torch.randn(1, 3, 5, 5)), 144 * 3 * 25),
        "sequence": (Sequence, torch.randn(1, 3, 20), 20 * 4 * 9),
    }[kind]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("kind", MODULES)
def test_a_module_of_pytorch(kind) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    make, example, macs = module(kind)
    built = make().eval()
    network = memsim.from_torch(built, example)
    examples = example if isinstance(example, tuple) else (example,)
    with FlopCounterMode(display=False) as counter:
        output = built(*examples)
    assert (network.macs, 2 * network.macs) == (macs, counter.get_total_flops())
    assert network.params == sum(each.numel() for each in built.parameters())
    rebuilt = memsim.to_torch(network)
    with torch.no_grad():
        assert rebuilt(*examples).shape == output.shape


@pytest.mark.needs("torch")
def test_a_batch_whose_images_have_kernels_of_their_own() -> None:
    make, example, macs = module("conditional, by groups", batch=2)
    network = memsim.from_torch(make().eval(), example)
    assert (network.macs, network.batch) == (2 * macs, 2)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("padding", [1, (0, 1, 2, 1)])
def test_what_is_built_computes_each_image_with_its_own_kernels(padding) -> None:
    import torch
    from torch.nn import functional

    network = two(padding=padding, groups=2, stride=(1, 2))
    x, k = torch.randn(3, 8, 6, 10), torch.randn(3, 4, 4, 3, 3)
    with torch.no_grad():
        found = memsim.to_torch(network)(x, k)
    top, left, bottom, right = padding if isinstance(padding, tuple) else (padding,) * 4
    around = functional.pad(x, (left, right, top, bottom))
    for number in range(3):
        right_one = functional.conv2d(around[number][None], k[number], None, (1, 2), groups=2)
        assert np.allclose(found[number], right_one[0], atol=1e-5)


def test_a_file_says_what_it_reads_and_what_comes_after_it() -> None:
    text = """
name: computed
inputs: {image: [4, 8, 8], kernels: [6, 4, 3, 3]}
layers:
  - {name: made, computed_conv: {out: 6, kernel: 3, bn: true}, from: [image, kernels]}
"""
    network = memsim.loads(text)
    assert [tensor.name for tensor in network["made.conv"].inputs] == ["image", "kernels"]
    assert [tensor.name for tensor in network["made.bn"].inputs] == ["made.conv"]
    assert network.macs == 6 * 8 * 8 * 4 * 9
