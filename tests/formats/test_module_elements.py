"""Elementwise operators in PyTorch: every kind runs, and comes back as what it was."""

from __future__ import annotations

import pytest

import memsim
from memsim.network import Network, Node
from memsim.network.ops import OPERATORS
from memsim.network.ops.parametric import Parametric, PRelu, ScaleShift
from memsim.network.ops.pointwise import COMBINATIONS, FUNCTIONS, Clamp, Pow
from memsim.network.ops.shape import Input

pytestmark = pytest.mark.needs("torch")


def _network(op):
    count = op.arity[0]
    inputs = [Node(f"x{at}", Input(shape=(3, 4, 5))) for at in range(count)]
    return Network("net", [*inputs, Node("y", op, tuple(each.name for each in inputs))])


def _run(network):
    import torch

    module = memsim.to_torch(network)
    inputs = tuple(torch.rand(2, 3, 4, 5) for _ in network.inputs)
    assert module(*inputs).shape == (2, *network["y"].output.image)
    assert sum(each.numel() for each in module.parameters()) == network.params
    return module, tuple(each[:1] for each in inputs)


@pytest.mark.parametrize("kind", [*FUNCTIONS, *COMBINATIONS])
def test_every_named_operator_runs(kind):
    _run(_network(OPERATORS[kind]()))


@pytest.mark.parametrize(
    "op",
    [
        *(OPERATORS[kind]() for kind in ("exp", "mish", "logsigmoid", "threshold", "modulo")),
        *(OPERATORS[kind]() for kind in ("sub", "maximum", "where", "masked", "leak", "addcdiv")),
        Clamp(low=-1, high=2),
        Clamp(high=0.5),
        Pow(exponent=3),
        PRelu(),
        PRelu(slope=(1,)),
        PRelu(slope=(5,)),
        ScaleShift(),
        Parametric(function="mul"),
        Parametric(function="add", shapes=((3, 4, 5),)),
        Parametric(function="sub", shapes=((4, 1),), places=(0,)),
        Parametric(function="div", shapes=((1,),)),
        Parametric(function="maximum", shapes=((5,),)),
    ],
    ids=lambda op: f"{op.kind} {getattr(op, 'function', '')}",
)
def test_it_comes_back_as_what_it_was(op):
    network = _network(op)
    found = memsim.from_torch(*_run(network))
    layers = list(found)[len(network.inputs) :]
    assert [each.op for each in layers] == [op]
    assert found.params == network.params
