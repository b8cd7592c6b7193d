"""Batches of attention: each image by itself, or all of them one image, where it goes across."""

from __future__ import annotations

import pytest

import memsim
from memsim.formats.foreign.torch.examples import Examples
from memsim.formats.foreign.torch.images import apart, one_image


def modules() -> dict[str, object]:
    import torch
    from torch import nn
    from torch.nn import functional

    class Own(nn.Module):
        """Attention of a tensor to itself; with the weights of a mean head, or a mask."""

        def __init__(self, first: bool, needed: bool = False, mask: bool = False) -> None:
            super().__init__()
            self.attend = nn.MultiheadAttention(32, 4, batch_first=first)
            self.needed = needed
            self.mask = torch.zeros(10, 10) if mask else None

        def forward(self, x):
            return self.attend(x, x, x, need_weights=self.needed, attn_mask=self.mask)[0]

    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attend = nn.MultiheadAttention(32, 4, batch_first=True, kdim=16, vdim=24)

        def forward(self, q, k, v):
            return self.attend(q, k, v, need_weights=False)[0]

    class Products(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(32, 32) for _ in "qkv")

        def forward(self, x):
            b, n, c = x.shape
            q, k, v = (f(x).reshape(b, n, 4, 8).transpose(1, 2) for f in (self.q, self.k, self.v))
            shares = torch.einsum("bhid,bhjd->bhij", q, k).softmax(-1)
            return torch.einsum("bhij,bhjd->bhid", shares, v).transpose(1, 2).reshape(b, n, c)

    class Lower(nn.Module):
        def forward(self, x):
            mask = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril()
            return functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)

    def encoder(first: bool) -> nn.Module:
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=first)
        return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    return {
        "own": Own(True),
        "own, sequence first": Own(False),
        "own with weights": Own(True, needed=True),
        "own with weights, sequence first": Own(False, needed=True),
        "own with a mask": Own(True, mask=True),
        "cross": Cross(),
        "products": Products(),
        "mask of lower rank": Lower(),
        "encoder": encoder(True),
        "encoder, sequence first": encoder(False),
        "decoder": nn.TransformerDecoderLayer(32, 4, 64, batch_first=True),
        "transformer": nn.Transformer(32, 4, 1, 1, 64, batch_first=True),
    }


def inputs(name: str, batch: int) -> tuple[tuple[int, ...], ...]:
    """Shapes of what a module reads."""
    if name == "cross":
        return (batch, 10, 32), (batch, 7, 16), (batch, 7, 24)
    if name in ("decoder", "transformer"):
        return (batch, 10, 32), (batch, 7, 32)
    if name == "mask of lower rank":
        return ((batch, 4, 10, 8),)
    return ((10, batch, 32),) if name.endswith("sequence first") else ((batch, 10, 32),)


NAMES = (
    "own", "own, sequence first", "own with weights", "own with weights, sequence first",
    "own with a mask", "cross", "products", "mask of lower rank", "encoder",
    "encoder, sequence first", "decoder", "transformer",
)  # fmt: skip


@pytest.mark.needs("torch")
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_macs_are_what_pytorch_counts(name: str, batch: int) -> None:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    module = modules()[name].eval()
    example = tuple(torch.randn(shape) for shape in inputs(name, batch))
    network = memsim.from_torch(module, example)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        counter = FlopCounterMode(display=False)
        with torch.no_grad(), counter, sdpa_kernel(SDPBackend.MATH):
            output = module(*example)
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    assert network.macs == counter.get_total_flops() // 2
    assert network.params == sum(each.numel() for each in module.parameters())
    shape = network[network.outputs[0]].output.shape
    if name.endswith("sequence first"):  # all sequences are one image
        assert shape == (1, *output.shape)
    else:
        assert shape == tuple(output.shape)


@pytest.mark.needs("torch")
def test_what_goes_across_images_is_not_each_by_itself() -> None:
    import torch

    from memsim.formats.foreign.torch.capture import capture

    found = {}
    for name in ("own", "own, sequence first"):
        module = modules()[name]
        examples = Examples.of(torch, module, (5, 10, 32))
        traces = [capture(torch, module, each)[0]
                  for each in (examples, one_image(torch, examples))]  # fmt: skip
        found[name] = apart(torch, 5, *traces)
    assert found == {"own": True, "own, sequence first": False}


@pytest.mark.needs("torch")
def test_a_mean_over_the_batch_is_one_over_an_image() -> None:
    import torch

    class Mean(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.relu(x).mean(0)

    network = memsim.from_torch(Mean(), (4, 3, 8, 8))
    assert (network.batch, network[network.outputs[0]].output.shape) == (1, (1, 3, 8, 8))
    run = memsim.run(network, cache=0, tile="whole", lowering="eager")
    assert run.dram_bytes == 4 * (3 * 4 + 1) * 3 * 8 * 8


@pytest.mark.needs("torch")
def test_what_nobody_knows_is_told_of_the_batch_that_was_given() -> None:
    import torch

    class Unknown(torch.nn.Module):
        def forward(self, x):
            return torch.linalg.eigvalsh(x @ x.transpose(1, 2))

    with pytest.raises(memsim.SimulationError, match="2x4x4"):
        memsim.from_torch(Unknown(), (2, 4, 8))
    network = memsim.from_torch(Unknown(), (2, 4, 8), allow_unknown=True)
    assert network.batch == 2
