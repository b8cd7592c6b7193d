"""Layers: the operators of a network, as they are described and with their tensors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from memsim.errors import Problem
from memsim.network.ops import Operator, Shape
from memsim.network.parameters import Learned, Weights
from memsim.network.tensor import Tensor
from memsim.network.types import USUAL, Types

__all__ = ["Layer", "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """A layer as it is described: an operator and the names of what it reads.

    Parameters
    ----------
    name : str
        Unique in the network.
    op : Operator
    inputs : tuple of str
        Names of the layers read, in operand order; a name may come twice.
    place : Problem
        Where it was described; its ``file``, ``line``, ``column`` and ``path`` go into errors.
    weights, bias : str
        Names of the layers whose weights (or, where it is no product, whose parameters) and whose
        bias it reads; empty where they are its own.
    learned : tuple of (str, int), optional
        What its own parameters are computed from beforehand, by name, with the numbers of
        elements: these are counted, and layers that name the same one share it. None: they are
        learned as they are.
    types : Types
        The data types of what it writes and stores, where they are not the usual ones.

    Examples
    --------
    >>> from memsim.network.ops.shape import Input
    >>> Node("x", Input(shape=(3, 8, 8))).op.kind
    'input'
    """

    name: str
    op: Operator
    inputs: tuple[str, ...] = ()
    place: Problem = field(default=Problem(""), compare=False, repr=False)
    weights: str = ""
    bias: str = ""
    learned: Learned | None = None
    types: Types = USUAL

    def problem(self, message: str, hint: str = "") -> Problem:
        """A problem at this node's place."""
        path = self.place.path
        path = f"{path} ({self.name})" if path else self.name
        return replace(self.place, message=message, hint=hint, path=path)


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator of a network, with the tensors it reads and the one it writes.

    Attributes
    ----------
    node : Node
        Its description.
    inputs : tuple of Tensor
        In operand order.
    output : Tensor
        Named like the layer.
    macs, params : int
        Multiply-accumulates of the whole batch; learnable parameters that count with it, which
        those that another layer owns do not.
    weights : tuple of Weights
        The tensors of parameters that it reads, so many for each channel of its output.
    tables : tuple of Weights
        Those that it reads besides.
    weights_of : str
        The layer whose weights it reads; its own name where it has some, empty without.
    stored_as : (str, str)
        The data types of its weights and of its bias.
    name : str
        The node's, unique in the network.
    op : Operator
        The node's.
    shapes : tuple of Shape
        The inputs' shapes per image.
    """

    node: Node
    inputs: tuple[Tensor, ...]
    output: Tensor
    macs: int
    params: int
    weights: tuple[Weights, ...] = ()
    tables: tuple[Weights, ...] = ()
    weights_of: str = ""
    stored_as: tuple[str, str] = ("fp32", "fp32")
    name: str = field(init=False, repr=False, compare=False)
    op: Operator = field(init=False, repr=False, compare=False)
    shapes: tuple[Shape, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for at every step of building a program, so they are found once.
        object.__setattr__(self, "name", self.node.name)
        object.__setattr__(self, "op", self.node.op)
        object.__setattr__(self, "shapes", tuple([tensor.image for tensor in self.inputs]))

    @property
    def cio(self) -> int:
        """Convolutional input/output in elements of the whole batch.

        ``c_in * h_in * w_in + c_out * h_out * w_out`` for convolutions, plain and transposed; 0
        for every other layer. Weights are not counted; a concatenated input counts in full.
        """
        return self.inputs[0].size + self.output.size if self.op.convolves else 0

    @property
    def cio_bytes(self) -> int:
        """The same in bytes."""
        return self.inputs[0].nbytes + self.output.nbytes if self.op.convolves else 0

    @property
    def bias_of(self) -> str:
        """The layer whose bias it adds, likewise."""
        if not (self.weights and self.op.biased):
            return ""
        return self.weights[-1].name.removesuffix(".bias").removesuffix(".weight")

    @property
    def renames(self) -> bool:
        """Whether its output is its input as it lies, under another name."""
        return self.op.view and self.output.image == self.inputs[0].image
