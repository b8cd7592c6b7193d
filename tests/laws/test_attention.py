"""What attention moves, worked out by hand from shapes alone."""

from __future__ import annotations

import math

import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.machine.cache import Cache
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


NORM, PROJECTION, UP, DOWN = 2 * C, C * C + C, C * 4 * C + 4 * C, 4 * C * C + C
"""Parameters: a scale and a shift, weights and biases."""

WEIGHTS = 2 * NORM + 4 * PROJECTION + UP + DOWN

MAP, WIDE, SCORES = T * C, T * 4 * C, H * T * T
"""Elements of tokens, of the hidden layer, and of the scores."""

PRODUCTS = {
    "chip": {"attended": 4 * MAP},  # q, k and v are read, the result is written
    "dram": {
        "scores": 2 * MAP + SCORES,  # q and k are read, the scores written
        "shares": 2 * SCORES,  # the scores are read, the softmax of them is written
        "attended": SCORES + 2 * MAP,  # that and v are read, the result is written
    },
}

NOTHING_STAYS = {
    scores: {
        "norm1": NORM + 2 * MAP,
        "q": PROJECTION + 2 * MAP,
        "k": PROJECTION + 2 * MAP,
        "v": PROJECTION + 2 * MAP,
        **products,
        "project": PROJECTION + 3 * MAP,  # what attention gave, and the block's input is added
        "norm2": NORM + 2 * MAP,
        "up": UP + MAP + WIDE,
        "down": DOWN + WIDE + 2 * MAP,  # what norm2 read is added
    }
    for scores, products in PRODUCTS.items()
}
"""Elements that each kernel reads and writes where nothing is kept."""

ALL_STAYS = {
    scores: {
        "norm1": NORM + MAP,  # the input
        "q": PROJECTION,
        "k": PROJECTION,
        "v": PROJECTION,
        **dict.fromkeys(products, 0),
        "project": PROJECTION,
        "norm2": NORM,
        "up": UP,
        "down": DOWN + MAP,  # the output
    }
    for scores, products in PRODUCTS.items()
}

MIDDLE = 620_000
"""Bytes: four maps (605,184) stay beside each other, so do the scores and one map (617,004), and
the hidden layer alone (605,184).

With the scores on chip, input, q, k and v stay; so does the input until it is added. The weights
of ``up`` (592,896) leave no room for the sum before them: it is written, and read again by
``down``. Where the scores are written, they leave no room for the input besides v, so that it is
read again by ``project``. A write-back is told at the kernel whose result it is.
"""

SOME_STAYS = {
    scores: {
        **ALL_STAYS[scores],
        "project": PROJECTION + MAP + (MAP if scores == "dram" else 0),
        "down": DOWN + 2 * MAP,
    }
    for scores in PRODUCTS
}

ATTENTION = {"chip": ON_CHIP, "dram": WRITTEN}


@pytest.mark.parametrize("scores", PRODUCTS)
@pytest.mark.parametrize(
    ("capacity", "moved"), [(0, NOTHING_STAYS), (MIDDLE, SOME_STAYS), (1 << 26, ALL_STAYS)]
)
def test_a_block_of_vit_tiny_moves_what_it_does_by_hand(scores, capacity, moved):
    """Each kernel is one task, and each tensor one block, so that LRU can be followed by hand."""
    network = block(ATTENTION[scores])
    assert network.params == WEIGHTS
    assert network.macs == 4 * T * C * C + 2 * T * C * 4 * C + 2 * H * T * T * D
    program = memsim.build(network, buffer="64MiB", tile="whole", block="64MiB")
    found = cache_pass(program, Cache(size=capacity)).traffic.sum(axis=(1, 2)).tolist()
    by_hand = {name: 4 * elements for name, elements in moved[scores].items()}
    assert dict(zip((kernel.name for kernel in program.kernels), found, strict=True)) == by_hand


@pytest.mark.parametrize("scores", PRODUCTS)
@pytest.mark.parametrize(("capacity", "moved"), [(0, NOTHING_STAYS), (1 << 26, ALL_STAYS)])
def test_the_command_says_the_same_where_nothing_and_where_all_stays(scores, capacity, moved):
    run = memsim.run(block(ATTENTION[scores]), cache=capacity, tile="whole", buffer="64MiB",
                     lowering="fused")  # fmt: skip
    by_hand = [4 * elements for elements in moved[scores].values()]
    assert [layer.dram_bytes for layer in run.layers] == by_hand
    assert run.dram_bytes == sum(by_hand)


@pytest.mark.parametrize("capacity", [0, MIDDLE, 1 << 26])
@pytest.mark.parametrize("scores", PRODUCTS)
def test_scores_are_put_where_the_option_says(scores, capacity):
    how = {"cache": capacity, "tile": "whole", "buffer": "64MiB"}
    by_option = memsim.run(block(ON_CHIP), scores=scores, **how)
    by_hand = memsim.run(block(ATTENTION[scores]), **how)
    assert by_option.network.macs == by_hand.network.macs
    told = [[layer.dram_bytes for layer in each.layers] for each in (by_option, by_hand)]
    assert told[0] == told[1]
    assert by_option.to_dict()["config"]["scores"] == scores


@pytest.mark.parametrize("verb", [memsim.memory, memsim.curve])
def test_scores_in_dram_are_seen_by_other_verbs(verb):
    how = {"tile": "whole", "buffer": "64MiB"}
    told = [verb(block(ON_CHIP), scores=scores, **how).to_dict() for scores in ("chip", "dram")]
    assert told[0] != told[1]


def test_heads_that_share_keys_are_rows_of_one_product():
    text = (
        "{name: a, inputs: {q: [8, 10, 16], k: [2, 12, 16], v: [2, 12, 16], m: [10, 12]}, layers: ["
        "{name: y, attention: {}, from: [q, k, vMASK]}]}"
    )
    network = memsim.loads(text.replace("MASK", "").replace(", m: [10, 12]", ""))
    written = memsim.run(network, scores="dram", cache="1MiB", machine="textbook").network
    assert written["y.scores"].output.shape == (1, 2, 40, 12)
    assert written["y"].output.shape == network["y"].output.shape
    assert written.macs == network.macs
    with pytest.raises(memsim.InputError, match="keep the scores on chip"):
        memsim.run(memsim.loads(text.replace("MASK", ", m")), scores="dram")


def test_a_mask_is_added_to_the_scores():
    network = memsim.loads(
        "{name: a, inputs: {q: [2, 9, 8], k: [2, 5, 8], v: [2, 5, 8], m: [9, 5]}, layers: ["
        "{name: y, attention: {}, from: [q, k, v, m]}]}"
    )
    run = memsim.run(network, scores="dram", cache=0, tile="whole", buffer="1MiB",
                     lowering="fused")  # fmt: skip
    q, k, v, y, s, m = 2 * 9 * 8, 2 * 5 * 8, 2 * 5 * 8, 2 * 9 * 8, 2 * 9 * 5, 9 * 5
    assert run.dram_bytes == 4 * ((q + k + m + s) + 2 * s + (s + v + y))


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ("dram", r"scores: resnet18 has no attention, and so no scores \(leave it out\)"),
        ("chip", r"scores: resnet18 has no attention, and so no scores \(leave it out\)"),
        ("drum", r"scores: no place for scores: 'drum' \(did you mean 'dram'\?\)"),
    ],
)
def test_scores_that_are_not_there(scores, told):
    with pytest.raises(memsim.InputError, match=told):
        memsim.run("resnet18", scores=scores)


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
