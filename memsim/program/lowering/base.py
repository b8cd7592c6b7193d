"""How layers become kernels; what all lowerings share."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from memsim.network.graph import Network
from memsim.network.ops.base import Operator
from memsim.network.parameters import Weights
from memsim.network.tensor import Tensor
from memsim.program.kernel import Kernel, Operand
from memsim.program.lowering.walk import Concats, Rules, Walk
from memsim.program.roles import output_role


class Lowering:
    """A rule that turns a network into kernels, in schedule order.

    In every lowering identity, dropout, flatten and slice move nothing: their readers read
    what they read. (Some channels of a tensor that leave the network are copied.)

    Attributes
    ----------
    name : str
        As users write it.
    rules : Rules
        What it does with layers.
    assumes : tuple of str
        What a run under this lowering takes for granted, a phrase each; results print it.
    """

    name: ClassVar[str]
    assumes: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[Rules] = Rules()

    def with_views(self) -> Lowering:
        """The same lowering, but readers of a concat read its parts.

        It is in no table and keeps its name: the program that it makes is one to compare with.
        """
        own = type(self)
        rules = replace(self.rules, concats=Concats.VIEW)
        viewed: Lowering = type(own.__name__, (own,), {"rules": rules})()
        return viewed

    def lower(self, network: Network) -> tuple[Kernel, ...]:
        """Return the network's kernels."""
        return Walk(self.rules, network).kernels()


def library_pass(
    kernel: Kernel,
    name: str,
    op: Operator,
    operands: tuple[Operand, ...],
    output: Tensor,
    stored: int = 0,
    shares: tuple[Weights, ...] = (),
) -> Kernel:
    """An elementwise kernel that a library runs for another one's layer, before or after it.

    Parameters
    ----------
    kernel : Kernel
        The layer's own.
    name : str
        What is added to its name.
    op : Operator
    operands : tuple of Operand
        None where parameters alone are read.
    output : Tensor
        The layer's own, or one between the two kernels.
    stored : int
        Parameters per output channel.
    shares : tuple of Weights
        The tensors they lie in, where other layers read them too.
    """
    return Kernel(
        name=f"{kernel.name}.{name}",
        op=op,
        layers=(kernel.name,),
        shapes=tuple(operand.view.shape for operand in operands) or (output.image,),
        operands=operands,
        own=len(operands),
        output=output,
        output_role=output_role(op),
        stored=stored,
        macs=0,
        work=1,
        load_work=0,
        leaves=kernel.leaves and output is kernel.output,
        shares=shares,
    )
