"""What the kernels of a library are not modelled for is refused by name."""

from __future__ import annotations

import pytest

from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops import Operator
from memsim.network.ops.arrange import Reshape
from memsim.network.ops.pool import MaxPool
from memsim.network.ops.sampling import Gather
from memsim.network.ops.shape import Input
from memsim.program.library.modelled import refuse_unmodelled


@pytest.mark.parametrize(
    ("op", "why"),
    [
        (MaxPool(kernel=2), ""),
        (MaxPool(kernel=2, dilation=2), "pools with a dilation"),
        (Gather(places=(0, 2)), "the operator gather"),
        (Reshape(shape=(8, 64)), "tensors such as 8x64, without channels, height and width"),
    ],
)
def test_what_is_not_modelled_is_refused(op: Operator, why: str) -> None:
    network = Network("n", [Node("x", Input(shape=(8, 8, 8))), Node("y", op, ("x",))], ["y"])
    if not why:
        refuse_unmodelled(network)
        return
    with pytest.raises(SimulationError) as caught:
        refuse_unmodelled(network)
    assert str(caught.value) == (
        f"y: the kernels of oneDNN are not modelled for {why} (--library none)"
    )
