"""Recurrent layers as counted operators, in PyTorch, ONNX and back.

MACs are those of the gates' products at every token, the first of which multiplies a state of
zeros as kernels do; parameters are the weights and both constants of each gate.
"""

from __future__ import annotations

import pytest

import memsim
from memsim.network import Network, Node
from memsim.network.ops.linear import Gru, Lstm, Rnn
from memsim.network.ops.shape import Input
from tests.formats.test_onnx_fused import load, shape_of

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
TOKENS, WIDE, HIDDEN = 5, 8, 16


def macs_of(kind: str, layers: int, ways: int) -> int:
    inner = (layers - 1) * (ways * HIDDEN + HIDDEN)
    return TOKENS * ways * GATES[kind] * HIDDEN * (WIDE + HIDDEN + inner)


def kinds(network: Network) -> list[str]:
    return [layer.op.kind for layer in network]


FORMS = [
    # layers, both directions, batch first, constants, sequences
    (1, False, True, True, 1),
    (1, True, False, True, 1),
    (2, True, True, False, 3),
    (2, False, False, True, 3),
    (2, True, False, True, 3),
]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize(("layers", "both", "batch_first", "bias", "sequences"), FORMS)
def test_a_module_of_layers(kind, layers, both, batch_first, bias, sequences):
    import torch

    module = getattr(torch.nn, kind)(
        WIDE, HIDDEN, layers, bidirectional=both, batch_first=batch_first, bias=bias
    )
    shape = (sequences, TOKENS, WIDE) if batch_first else (TOKENS, sequences, WIDE)
    network = memsim.from_torch(module, shape)
    ways = 2 if both else 1
    assert kinds(network).count(kind.lower()) == layers
    assert network.params == sum(each.numel() for each in module.parameters())
    assert network.macs == sequences * macs_of(kind, layers, ways)
    own = [
        tuple(each.shape) for each in torch.utils._pytree.tree_leaves(module(torch.zeros(shape)))
    ]
    found = [shape_of(network, name) for name in network.outputs]
    squeezed = [tuple(size for size in each if size > 1) for each in own]
    if batch_first and sequences > 1:  # states as parts of each image
        squeezed[1:] = [(sequences, layers * ways, HIDDEN) for _ in squeezed[1:]]
    assert found == squeezed


@pytest.mark.needs("torch")
@pytest.mark.parametrize("kind", GATES)
def test_a_module_that_is_built_again_counts_the_same(kind):
    import torch

    module = getattr(torch.nn, kind)(WIDE, HIDDEN, batch_first=True, bidirectional=True)
    tokens = torch.nn.Sequential(torch.nn.Linear(WIDE, WIDE), module)
    network = memsim.from_torch(tokens, (1, TOKENS, WIDE))
    own = Network(
        "part", network.nodes, [name for name in network.outputs if "slice" not in name][:1]
    )
    again = memsim.to_torch(own)
    assert sum(each.numel() for each in again.parameters()) == network.params
    assert again(torch.zeros(1, TOKENS, WIDE)).shape == (1, TOKENS, 2 * HIDDEN)


@pytest.mark.needs("torch")
def test_a_state_that_is_projected():
    import torch

    module = torch.nn.LSTM(WIDE, HIDDEN, proj_size=4, batch_first=True)

    class Output(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, x):
            return self.inner(x)[0]

    network = memsim.from_torch(Output(), (1, TOKENS, WIDE))
    assert network.params == sum(each.numel() for each in module.parameters())
    assert network.macs == TOKENS * (4 * HIDDEN * (WIDE + 4) + HIDDEN * 4)
    assert memsim.to_torch(network)(torch.zeros(1, TOKENS, WIDE)).shape == (1, TOKENS, 4)


@pytest.mark.needs("torch")
def test_first_states_that_are_computed_are_read():
    import torch

    class Decoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.start = torch.nn.Linear(WIDE, HIDDEN)
            self.steps = torch.nn.GRU(WIDE, HIDDEN, batch_first=True)

        def forward(self, x):
            return self.steps(x, self.start(x[:, 0])[None])[0]

    network = memsim.from_torch(Decoder(), (1, TOKENS, WIDE))
    layer = next(layer for layer in network if layer.op.kind == "gru")
    assert len(layer.inputs) == 2
    assert layer.inputs[1].size == HIDDEN


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_an_operator_of_a_file(tmp_path, kind, layout, direction):
    ways, rows = (2 if direction == "bidirectional" else 1), GATES[kind] * HIDDEN
    weights = {"w": (ways, rows, WIDE), "r": (ways, rows, HIDDEN), "b": (ways, 2 * rows)}
    about = {"hidden_size": HIDDEN, "direction": direction, "layout": layout}
    inputs = {"x": (3, TOKENS, WIDE) if layout else (TOKENS, 3, WIDE)}
    node = (kind, "x w r b", "y h", about)
    network = load(tmp_path, [node], inputs, weights, outputs=("y", "h"))
    assert network.params == ways * rows * (WIDE + HIDDEN + 2)
    assert network.macs == 3 * macs_of(kind, 1, ways)
    expected = (3, TOKENS, ways, HIDDEN) if layout else (TOKENS, ways, 3, HIDDEN)
    state = (3, ways, HIDDEN) if layout else (ways, 3, HIDDEN)
    squeezed = [tuple(size for size in each if size > 1) for each in (expected, state)]
    assert [shape_of(network, name) for name in network.outputs] == squeezed


@pytest.mark.needs("onnx")
def test_peepholes_are_not_known(tmp_path):
    rows = 4 * HIDDEN
    weights = {"w": (1, rows, WIDE), "r": (1, rows, HIDDEN), "p": (1, 3 * HIDDEN)}
    node = ("LSTM", "x w r - - - - p", "y", {"hidden_size": HIDDEN})
    with pytest.raises(memsim.SimulationError, match="this form of LSTM"):
        load(tmp_path, [node], {"x": (TOKENS, 1, WIDE)}, weights)


@pytest.mark.parametrize(("op", "gates"), [(Rnn, 1), (Gru, 3), (Lstm, 4)])
def test_a_strip_reads_its_tokens_and_its_weights_once(op, gates):
    """A cache for everything: the input, the weights and the output cross DRAM once each."""
    nodes = [
        Node("x", Input(shape=(TOKENS, WIDE))),
        Node("y", op(hidden=HIDDEN, both=True), ("x",)),
    ]
    network = Network("net", nodes, ["y"])
    weights = 2 * gates * HIDDEN * (WIDE + HIDDEN + 2)
    assert network.params == weights
    result = memsim.run(network, cache="1MiB")
    assert result.by_role["weight"] == 4 * weights
    assert result.dram_bytes == 4 * (TOKENS * WIDE + weights + TOKENS * 2 * HIDDEN)
