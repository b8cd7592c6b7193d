"""What PyTorch's runtime touches besides tensors, counted line by line."""

from __future__ import annotations

import pytest

from memsim.network import Network, Node
from memsim.network.ops.base import Operator
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import BatchNorm, Relu
from memsim.network.ops.shape import Input
from memsim.program.library.onednn.eager import EagerForward
from memsim.program.library.onednn.forward import OBJECT, Forward
from memsim.program.library.onednn.fused import FusedForward
from memsim.program.library.onednn.runtime import BARE, EVERY, LINE, Runtime


def chain(*ops: Operator) -> Network:
    nodes = [Node("x", Input(shape=(8, 4, 4)), ())]
    for number, op in enumerate(ops):
        nodes.append(Node(f"n{number}", op, (nodes[-1].name,)))
    return Network("chain", nodes, [nodes[-1].name])


def moved(forward: type[Forward], network: Network, runtime: Runtime) -> tuple[int, int]:
    """Bytes read and written in a steady pass, each as often as it is."""
    steady = forward(network, runtime).steady
    return int(steady.length[~steady.write].sum()), int(steady.length[steady.write].sum())


def test_the_bare_runtime_touches_tensors_alone() -> None:
    assert moved(EagerForward, chain(Relu()), BARE) == (4 * 8 * 4 * 4, 4 * 8 * 4 * 4)


START = 2083, 526
MODULE = 14
TABLES = 245 * LINE // OBJECT * OBJECT // LINE
"""Lines of a primitive's tables, in whole pieces."""


@pytest.mark.parametrize(
    ("forward", "op", "read", "written"),
    [
        (EagerForward, Relu(), 340, 120 + 20),
        (EagerForward, BatchNorm(), 620, 120 + 120),
        (FusedForward, Conv(out=8, kernel=3), 1250 + TABLES, 600 + 800),
    ],
)
def test_what_a_call_touches_besides_its_tensors(
    forward: type[Forward], op: Operator, read: int, written: int
) -> None:
    """The start, what every operator touches, and what its kind does."""
    network = chain(op)
    bare, real = moved(forward, network, BARE), moved(forward, network, Runtime())
    assert real[0] - bare[0] == (START[0] + 390 + MODULE + read) * LINE
    assert real[1] - bare[1] == (START[1] + 110 + 20 + written) * LINE


def test_a_layers_own_lines_are_read_once_a_pass_and_the_shared_ones_by_every_layer() -> None:
    network = chain(BatchNorm(), Relu(), Relu())
    steady = EagerForward(network, Runtime()).steady
    layers = steady.start[(steady.length == MODULE * LINE) & ~steady.write]
    assert len(layers) == len(set(layers.tolist())) == 3
    shared = steady.start[(steady.length == EVERY.read * LINE) & ~steady.write]
    assert len(shared) == 3
    assert len(set(shared.tolist())) == 1
