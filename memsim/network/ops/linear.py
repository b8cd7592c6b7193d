"""Products of matrices: fully connected and recurrent layers, two tensors, attention."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.base import (
    Box,
    Index,
    Operator,
    Shape,
    ShapeError,
    Shapes,
    Size,
    Strides,
    broadcast,
)
from memsim.network.ops.reading import ALL, Reading


class Linear(Operator):
    """Fully connected layer over the last axis, of tokens or any other rows; of a map over the
    channels, if it is 1x1 (put ``flatten`` before it otherwise).

    MACs are input elements x ``out``. Parameters are input features x ``out``, and ``out`` for a
    bias.
    """

    kind: ClassVar[str] = "linear"
    multiplies: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "out"

    out: Annotated[Size, Field(description="output features")]
    bias: Annotated[bool, Field(description="add a learned constant per feature")] = True

    axis: Annotated[
        Literal[-1] | None,
        Field(description="-1: over the last axis even of what looks like a map"),
    ] = None

    @property
    def biased(self) -> bool:
        return self.bias

    def op_class(self, inputs: Shapes) -> str:
        return "linear"

    def _axis(self, source: Shape) -> int:
        source = Shape(source)
        if self.axis is not None:
            return len(source) - 1
        if source[1:] == (1, 1) and source.channel == 0:
            return 0
        if len(source) == 3 and source.channel == 0:
            raise ShapeError(
                f"linear takes a 1x1 feature map, not {source}; "
                "put global_avgpool or flatten before it"
            )
        return len(source) - 1

    def output_shape(self, inputs: Shapes) -> Shape:
        axis = self._axis(inputs[0])
        return Shape(inputs[0]).resized(axis, self.out).by(axis)

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return inputs[0][self._axis(inputs[0])] + int(self.bias)

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(inputs[0]) * self.out

    def takes(self, number: int, strides: Strides) -> bool:
        return strides.is_even and strides.is_matrix  # rows out of order go to torch.bmm

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[0]


class MatMul(Operator):
    """Product of two tensors over the last axis of the first and the last but one of the second.

    All axes before them are those of a batch of products, and are broadcast. MACs are output
    elements x the last axis of the first.
    """

    kind: ClassVar[str] = "matmul"
    arity: ClassVar[tuple[int, int | None]] = (2, 2)
    multiplies: ClassVar[bool] = True

    def op_class(self, inputs: Shapes) -> str:
        return "linear"

    def output_shape(self, inputs: Shapes) -> Shape:
        left, right = inputs
        if min(len(left), len(right)) < 2 or left[-1] != right[-2]:
            raise ShapeError(f"matmul needs ... x M x K and ... x K x N, not {left} and {right}")
        return Shape((*broadcast("matmul", (left[:-2], right[:-2])), left[-2], right[-1]))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(output) * inputs[0][-1]

    def takes(self, number: int, strides: Strides) -> bool:
        # torch.matmul makes one batch of all leading axes; see prepare_batch_matrix_for_mkl and
        # prepare_batch_matrix_for_cublas in ATen for what torch.bmm then takes.
        return strides.is_even and strides.is_matrix

    def reader(self, number: int, inputs: Shapes) -> Operator:
        # Of two axes the channels are the columns of the product; of three they are the batch,
        # and the rows those of the first operand; of more both are of the batch.
        rank = max(map(len, inputs))
        if number == 0:
            return Reading(channels=rank == 2)
        return Reading(rows=rank <= 3, passing=True)


class _Shared(Reading):
    """A head of keys or values, which several heads of queries read."""

    kind: ClassVar[str] = "shared"

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.channels or output[0] % source[0]:
            return super().input_channels(start, stop, source, output)
        heads = output[0] // source[0]
        return start // heads, -(-stop // heads)


class Attention(Operator):
    """Attention of queries to keys: ``softmax(q k^T / sqrt(d)) v``, in one kernel.

    Operands are queries (... x T x d), keys (... x S x d), values (... x S x e) and, if there is
    one, a mask that is added to the scores. The scores of a query stay on chip: each strip of
    queries reads the keys and values of its heads once, as in FlashAttention (arXiv:2205.14135);
    so do PyTorch's own kernels on CPUs and GPUs. Written out as ``matmul``, ``softmax`` and
    ``matmul`` the scores are tensors. Heads of queries may share heads of keys and values. MACs are
    those of both products, queries x S x (d + e), masked or not.
    """

    kind: ClassVar[str] = "attention"
    arity: ClassVar[tuple[int, int | None]] = (3, 4)
    multiplies: ClassVar[bool] = True

    def op_class(self, inputs: Shapes) -> str:
        return "linear"

    def output_shape(self, inputs: Shapes) -> Shape:
        query, key, value = inputs[:3]
        if min(map(len, inputs[:3])) < 2 or query[-1] != key[-1] or key[-2] != value[-2]:
            raise ShapeError(
                "attention needs ... x T x d, ... x S x d and ... x S x e, not "
                f"{query}, {key} and {value}"
            )
        batch = list(query[:-2])
        for other in (key[:-2], value[:-2]):
            for axis, size in enumerate(reversed(other), 1):
                if axis > len(batch):
                    batch.insert(0, size)
                elif batch[-axis] == 1:
                    batch[-axis] = size
                elif batch[-axis] % size:
                    raise ShapeError(f"{batch[-axis]} heads of queries do not share {size} of keys")
        return Shape((*batch, query[-2], value[-1]))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        query, key, value = inputs[:3]
        return math.prod(output[:-1]) * key[-2] * (query[-1] + value[-1])

    def work(self, inputs: Shapes, output: Shape) -> int:
        return -(-4 * inputs[1][-2] // output[-1])  # the softmax of a query's scores

    def kept(self, inputs: Shapes, output: Shape) -> int:
        return inputs[1][-2]

    def takes(self, number: int, strides: Strides) -> bool:
        # Its kernels take any strides of queries, keys and values but that of the last axis: see
        # check_last_dim_stride_equals_1 in ATen's sdp_utils_cpp.h.
        return number < 3 and strides.steps[-1] == 1

    def lays(self, sizes: tuple[int, ...], operands: tuple[Strides, ...]) -> Strides:
        # Every kernel allocates it like the queries: at::empty_like(query).
        query = operands[0]
        same = len(query.sizes) == len(sizes)
        return query.dense(sizes) if same else super().lays(sizes, operands)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        rank = max(map(len, inputs[:3]))
        if number in (0, 3):
            return Reading(channels=rank == 2)
        return _Shared(rows=rank <= 3, channels=rank == 2 and number == 1, passing=True)


class Rnn(Operator):
    """A recurrent layer over sequences of tokens (... x tokens x features), step by step.

    A token's product with weights and that of the state before it are one step; what lies before
    the tokens are sequences of their own. Further operands are first states, which are zero if
    left out and multiplied with all the same. A strip of tokens reads its tokens once and the
    weights of its channels once: from step to step they stay where they are, and so do the
    states. MACs are tokens x gates x hidden x (features + hidden), twice that if it goes both ways;
    parameters are what a token is multiplied by, and 2 x gates x hidden for biases.
    """

    kind: ClassVar[str] = "rnn"
    arity: ClassVar[tuple[int, int | None]] = (1, 3)
    multiplies: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "hidden"
    gates: ClassVar[int] = 1

    hidden: Annotated[Size, Field(description="features of the state")]
    both: Annotated[
        bool, Field(strict=True, description="also from the last token to the first, side by side")
    ] = False
    bias: Annotated[
        bool, Field(strict=True, description="two learned constants for each gate's feature")
    ] = True

    @property
    def state(self) -> int:
        """Features that a step hands to the next."""
        return self.hidden

    def op_class(self, inputs: Shapes) -> str:
        return "linear"

    def output_shape(self, inputs: Shapes) -> Shape:
        if len(inputs[0]) < 2:
            raise ShapeError(f"{self.kind} takes tokens x features, not {Shape(inputs[0])}")
        return Shape((*inputs[0][:-1], (1 + self.both) * self.state), -1)

    def _weights(self, inputs: Shapes) -> int:
        """Weights of a direction, each of which every token is multiplied by once."""
        extra = self.hidden * self.state if self.state != self.hidden else 0
        return self.gates * self.hidden * (inputs[0][-1] + self.state) + extra

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(inputs[0][:-1]) * (1 + self.both) * self._weights(inputs)

    def learnable(self, inputs: Shapes, output: Shape) -> int:
        added = 2 * self.gates * self.hidden if self.bias else 0
        return (1 + self.both) * (self._weights(inputs) + added)

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return -(-self.learnable(inputs, output) // output[-1])

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 2 * self.gates

    def reader(self, number: int, inputs: Shapes) -> Operator:
        return ALL if number else Reading(channels=True)


class Gru(Rnn):
    """A recurrent layer of gated units: as ``rnn``, with three gates."""

    kind: ClassVar[str] = "gru"
    gates: ClassVar[int] = 3


class Lstm(Rnn):
    """A recurrent layer of long short-term memory: as ``rnn``, with four gates and a second
    state, which stays in the layer.

    A ``projection`` takes the place of the hidden features that are handed on, and adds hidden x
    projection.
    """

    kind: ClassVar[str] = "lstm"
    gates: ClassVar[int] = 4

    projection: Annotated[
        Size | None, Field(description="features that the state is projected to")
    ] = None

    @property
    def state(self) -> int:
        return self.projection or self.hidden
