"""What the kernels of a library are not modelled for is refused by name, of all operators."""

from __future__ import annotations

from contextlib import suppress

import pytest

from memsim.errors import InputError, SimulationError
from memsim.network import Network, Node
from memsim.network.ops import OPERATORS, Operator
from memsim.network.ops.arrange import Concat, Flatten, Permute, Reshape, Slice
from memsim.network.ops.conv import Conv
from memsim.network.ops.linear import Attention, Linear, MatMul
from memsim.network.ops.norm import GroupNorm, LayerNorm, Softmax
from memsim.network.ops.parametric import Parametric
from memsim.network.ops.pool import MaxPool
from memsim.network.ops.sampling import Gather
from memsim.network.ops.shape import Input, Upsample
from memsim.program.library.modelled import refuse_unmodelled

TABLE = Parametric(function="add", shapes=((8, 8, 8),))


def network(op: Operator, *shape: int) -> Network:
    """One operator on as many maps as it takes at least."""
    inputs = [Node(f"x{number}", Input(shape=shape)) for number in range(max(op.arity[0], 1))]
    layer = Node("y", op, tuple(each.name for each in inputs))
    return Network("n", [*inputs, layer], ["y"])


@pytest.mark.parametrize(
    ("op", "why"),
    [
        (Conv(out=8, kernel=3), ""),
        (MaxPool(kernel=2), ""),
        (MaxPool(kernel=2, dilation=2), "pools with a dilation"),
        (Upsample(factor=2), ""),
        (Concat(), ""),
        (Concat(axis=1), "concatenations along rows or columns"),
        (Slice(start=0, stop=4), ""),
        (Slice(start=0, stop=4, axis=1), "slices other than of channels in a row"),
        (Flatten(), ""),
        (TABLE, "parameters other than one for each channel"),
        (Gather(places=(0, 2)), "the operator gather"),
        (Reshape(shape=(8, 64)), "tensors without channels, height and width"),
        (Linear(out=8, axis=-1), "tensors without channels, height and width"),
        (MatMul(), "the operator matmul"),
        (Attention(), "the operator attention"),
        (Softmax(), "the operator softmax"),
        (LayerNorm(), "the operator layernorm"),
        (GroupNorm(groups=2), "the operator group_norm"),
        (Permute(order=(0, 2, 1)), "the operator permute"),
    ],
)
def test_what_is_not_modelled_is_refused(op: Operator, why: str) -> None:
    asked = network(op, 8, 8, 8)
    if not why:
        refuse_unmodelled(asked)
        return
    with pytest.raises(SimulationError) as caught:
        refuse_unmodelled(asked)
    told = str(caught.value)
    assert told.startswith(f"y: the kernels of oneDNN are not modelled for {why} (8x8x8")
    assert told.endswith(f" to {asked['y'].output.image}) (--library none)")


def test_a_reason_is_told_once() -> None:
    layers = [Node("x", Input(shape=(8, 8, 8)))]
    for name in "abc":
        layers.append(Node(name, Softmax(), (layers[-1].name,)))
    with pytest.raises(SimulationError) as caught:
        refuse_unmodelled(Network("n", layers))
    assert str(caught.value) == (
        "a: the kernels of oneDNN are not modelled for the operator softmax (8x8x8 to 8x8x8), here "
        "and in 2 other layers (--library none)"
    )


def test_a_linear_layer_of_one_row_is_modelled() -> None:
    refuse_unmodelled(network(Linear(out=8), 8, 1, 1))


MODELLED = {
    "upsample", "pad", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "conv",
    "conv_transpose", "linear", "concat", "slice", "input",
}  # fmt: skip
FAMILIES = ("pools", "elementwise", "view")


def others() -> list[str]:
    """What is in no family and can be made without attributes."""
    found = []
    for kind, op in ((kind, OPERATORS[kind]) for kind in OPERATORS):
        if kind in MODELLED or any(getattr(op, family) is True for family in FAMILIES):
            continue
        with suppress(TypeError, ValueError, InputError):
            network(op(), 8, 8, 8)
            found.append(kind)
    return found


@pytest.mark.parametrize("kind", others())
def test_every_other_operator_is_refused(kind: str) -> None:
    with pytest.raises(SimulationError, match=r"are (not modelled for|modelled in fp32)"):
        refuse_unmodelled(network(OPERATORS[kind](), 8, 8, 8))


def test_the_others_are_many() -> None:
    assert {"attention", "matmul", "softmax", "layernorm"} <= {*others()}
