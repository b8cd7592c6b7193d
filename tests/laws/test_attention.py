"""What attention moves, worked out by hand from shapes alone."""

from __future__ import annotations

import math

import pytest

import memsim
from memsim.network import Network

T, C, H, D = 197, 192, 3, 64
"""Tokens, channels, heads and channels of a head of ViT-Tiny (arXiv:2010.11929) at 224x224."""

HEADS = """
  - {{name: {x}_heads, reshape: [197, 3, 64], from: {x}}}
  - {{name: {x}_apart, permute: [1, 0, 2], from: {x}_heads}}
"""

BLOCK = (
    """
name: vit_block
input: [197, 192]
layers:
  - {name: norm1, layernorm: 1}
  - {name: q, linear: 192, from: norm1}
  - {name: k, linear: 192, from: norm1}
  - {name: v, linear: 192, from: norm1}
"""
    + "".join(HEADS.format(x=x) for x in "qkv")
    + """
ATTENTION
  - {name: back, permute: [1, 0, 2], from: attended}
  - {name: joined, reshape: [197, 192]}
  - {name: project, linear: 192}
  - {name: sum1, add: {}, from: [project, input]}
  - {name: norm2, layernorm: 1}
  - {name: up, linear: 768}
  - {name: gelu, gelu: {}}
  - {name: down, linear: 192}
  - {name: sum2, add: {}, from: [down, sum1]}
"""
)

ON_CHIP = "  - {name: attended, attention: {}, from: [q_apart, k_apart, v_apart]}"

WRITTEN = """
  - {name: k_turned, permute: [0, 2, 1], from: k_apart}
  - {name: scores, matmul: {}, from: [q_apart, k_turned]}
  - {name: scaled, scale: 0.125}
  - {name: shares, softmax: -1}
  - {name: attended, matmul: {}, from: [shares, v_apart]}
"""


def block(attention: str) -> Network:
    return memsim.loads(BLOCK.replace("ATTENTION", attention))


WEIGHTS = 4 * C + 4 * (C * C + C) + 2 * C * 4 * C + 5 * C
"""Two norms of a scale and a shift, four projections with biases, and the two of the MLP."""

MAP, WIDE, SCORES = T * C, T * 4 * C, H * T * T
"""Elements of tokens, of the hidden layer, and of the scores."""

NO_CACHE = {
    # norm1; q, k, v; attention; project + sum1; norm2; up + gelu; down + sum2
    "chip": [2 * MAP, 2 * MAP, 2 * MAP, 2 * MAP, 4 * MAP, 3 * MAP, 2 * MAP, MAP + WIDE,
             WIDE + 2 * MAP],
    # attention as products: q and k read, scores written; softmax; scores and v read
    "written": [2 * MAP, 2 * MAP, 2 * MAP, 2 * MAP, 2 * MAP + SCORES, 2 * SCORES,
                SCORES + 2 * MAP, 3 * MAP, 2 * MAP, MAP + WIDE, WIDE + 2 * MAP],
}  # fmt: skip
"""Elements that each kernel reads and writes besides its weights, where nothing stays."""


@pytest.mark.parametrize(("scores", "attention"), [("chip", ON_CHIP), ("written", WRITTEN)])
def test_a_block_of_vit_tiny_without_a_cache_and_where_all_fits(scores, attention):
    network = block(attention)
    assert network.params == WEIGHTS
    assert network.macs == 4 * T * C * C + 2 * T * C * 4 * C + 2 * H * T * T * D
    whole = {"tile": "whole", "buffer": "64MiB", "lowering": "fused"}
    alone = memsim.run(network, cache=0, **whole)
    assert [layer.dram_bytes for layer in alone.layers]
    assert alone.dram_bytes == 4 * (WEIGHTS + sum(NO_CACHE[scores]))
    fits = memsim.run(network, cache="64MiB", **whole)
    assert fits.dram_bytes == 4 * (WEIGHTS + 2 * MAP)


def test_a_cache_that_holds_four_maps_spares_what_is_read_soon():
    """At the size of the scores and a map the scores need not leave; a smaller one spills them."""
    on_chip, written = block(ON_CHIP), block(WRITTEN)
    whole = {"tile": "whole", "buffer": "64MiB", "lowering": "fused"}
    # All that lives at once while attention runs: q, k, v, what it writes, and the input, which
    # the first sum reads again.
    enough = 4 * 5 * MAP
    spared = memsim.run(on_chip, cache=enough + 4 * (WIDE + WEIGHTS), **whole)
    assert spared.dram_bytes == 4 * (WEIGHTS + 2 * MAP)
    # The same cache does not hold the scores besides: something is moved that was not before.
    less = memsim.run(written, cache=enough, **whole)
    more = memsim.run(on_chip, cache=enough, **whole)
    assert less.dram_bytes > more.dram_bytes
    curve = memsim.curve(written, sizes=[enough], **whole)
    assert [point.dram_bytes for point in curve.points] == [less.dram_bytes]


def test_strips_of_queries_read_keys_and_values_again():
    """With buffers that hold a part of the queries alone, keys and values are read per strip."""
    network = memsim.loads(
        "{name: a, inputs: {q: [2, 64, 16], k: [2, 32, 16], v: [2, 32, 8]}, layers: [\n"
        "{name: y, attention: {}, from: [q, k, v]}]}"
    )
    program = memsim.build(network, buffer=4096)
    strips = len({box[1] for cell, box in enumerate(program.cell_box.tolist())
                  if program.tensors[program.cell_tensor[cell]].name == "y"})  # fmt: skip
    assert strips > 1
    run = memsim.run(network, cache=0, buffer=4096, order="rows_outer")
    query, key, value, out = 2 * 64 * 16, 2 * 32 * 16, 2 * 32 * 8, 2 * 64 * 8
    assert run.dram_bytes == 4 * (query + strips * (key + value) + out)
    assert network.macs == 2 * 64 * 32 * (16 + 8)


def test_heads_of_queries_share_keys():
    network = memsim.loads(
        "{name: a, inputs: {q: [8, 10, 16], k: [2, 12, 16], v: [2, 12, 16]}, layers: [\n"
        "{name: y, attention: {}, from: [q, k, v]}]}"
    )
    assert network["y"].output.shape == (1, 8, 10, 16)
    assert network.macs == 8 * 10 * 12 * 32
    run = memsim.run(network, cache="1MiB")
    assert run.dram_bytes == 4 * (2 * 8 * 10 * 16 + 2 * 2 * 12 * 16)


@pytest.mark.needs("torch")
def test_a_learned_token_is_stored_once_and_counts():
    import torch

    class Tokens(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = torch.nn.Parameter(torch.zeros(1, 1, 16))
            self.places = torch.nn.Parameter(torch.zeros(1, 5, 16))
            self.attend = torch.nn.MultiheadAttention(16, 2, batch_first=True)

        def forward(self, x):
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
            return self.attend(x, x, x, need_weights=False)[0]

    module = Tokens().eval()
    network = memsim.from_torch(module, torch.zeros(1, 4, 16))
    assert network.params == sum(each.numel() for each in module.parameters())
    assert network.macs == 4 * 5 * 16 * 16 + 2 * 2 * 5 * 5 * 8
    # Nobody reads a weight twice where all fits.
    run = memsim.run(network, cache="1MiB")
    assert run.by_role["weight"] == 4 * network.params
    assert run.dram_bytes == 4 * (network.params + 4 * 16 + 5 * 16)
    assert math.prod(network.outputs and network[network.outputs[0]].output.shape) == 5 * 16
