"""Kernels: what a lowering makes of layers. One kernel runs at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsim.network.ops import Operator, Shape
from memsim.network.ops.base import Arrangement
from memsim.network.ops.shape import Identity
from memsim.network.parameters import Weights
from memsim.network.tensor import ITEMSIZES, Tensor
from memsim.program.fold import Fold

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Role(IntEnum):
    """What a byte is moved for."""

    WEIGHT = 0
    """Reads of parameters."""
    INPUT = 1
    """Reads of a network input."""
    ACTIVATION = 2
    """Reads of feature maps by the operator that needs them; their write-backs."""
    RESIDUAL = 3
    """Reads of the second and further operands of an add or mul, fused or not."""
    CONCAT = 4
    """Reads and writes of concat copies: what ``concat_free`` saves."""
    OUTPUT = 5
    """Writes of network outputs."""
    SCRATCH = 6
    """What a library moves besides tensors: packed copies, unfolded maps, objects of its own and
    of the runtime. Ideal kernels have none."""


class Cause(IntEnum):
    """Why a byte crosses the DRAM interface.

    Compulsory bytes are the same at every cache size; all others are the cache's doing.
    """

    COMPULSORY = 0
    """What no cache can save: weights and network inputs are fetched once, outputs written once."""
    RELOAD = 1
    """The fetch of bytes that were on chip before: weights and inputs again, and feature maps,
    which were made there. In a cache that fetches on write also what a write fetches."""
    SPILL = 2
    """The write-back of feature maps that are still needed, to be loaded again. In a cache that
    does not know what is needed, of all that are not network outputs, and of outputs that are
    written to again."""


class Segment(NamedTuple):
    """Channels ``start`` to ``stop`` of a stored tensor."""

    tensor: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class View:
    """How readers see a layer's output: segments of stored tensors, stacked along channels.

    Parameters
    ----------
    segments : tuple of Segment
    shape : Shape
        The logical shape, which is what the segments hold unless ``flat`` or folded.
    flat : bool
        Seen through a flatten of a map larger than 1x1: readers read all of it.
    prologue : tuple of (tuple of Weights)
        Elementwise operators that the reader applies as it loads: for each its parameters.
    fold : Fold or None
        Where its elements lie in what the segments hold, if not in the same places.
    """

    segments: tuple[Segment, ...]
    shape: Shape
    flat: bool = False
    prologue: tuple[tuple[Weights, ...], ...] = ()
    fold: Fold | None = None

    @classmethod
    def of(cls, tensor: Tensor) -> View:
        """A stored tensor, whole."""
        return cls((Segment(tensor.name, 0, tensor.image.box[0]),), tensor.image)

    @classmethod
    def stack(cls, views: list[View], shape: Shape) -> View:
        """Views stacked along the channels: a concat that is not copied."""
        segments = tuple(segment for view in views for segment in view.segments)
        return cls(segments, shape, any(view.flat for view in views))

    def seen(self, shape: Shape) -> View:
        """Its elements in the same order, in another shape."""
        flat = self.flat or shape == (math.prod(self.shape), 1, 1)
        folded = self.arranged((("reshaped", shape),), shape)
        return replace(folded, flat=flat and shape[1:] == (1, 1))

    def channels(self, start: int, stop: int) -> View:
        """The channels ``[start, stop)`` of this view; all of it where it is flat."""
        shape = self.shape.resized(self.shape.channel, stop - start)
        if self.fold is not None:
            fold = self.fold.selected(self.shape.channel, start, stop)
            return replace(self, shape=shape, fold=fold)
        parts, offset = [], 0
        for segment in self.segments:
            size = segment.stop - segment.start
            low, high = max(start - offset, 0), min(stop - offset, size)
            if low < high:
                base = segment.start
                parts.append(Segment(segment.tensor, base + low, base + high))
            offset += size
        return View(tuple(parts), shape)

    def arranged(self, steps: Arrangement, shape: Shape) -> View:
        """Its elements in other places, which has ``shape`` in the end."""
        fold = Fold.of(self.shape) if self.fold is None else self.fold
        for name, *values in steps:
            fold = getattr(fold, name)(*values)
        return replace(self, shape=shape, fold=fold, flat=False)


IDENTITY = Identity()


@dataclass(frozen=True, slots=True)
class Operand:
    """A view that a kernel reads, and which part of it an output tile needs.

    Parameters
    ----------
    view : View
    role : Role
        ``ACTIVATION`` stands for ``INPUT`` where the tensor is a network input.
    op : Operator
        Whose ``input_rows`` and ``input_channels`` apply; the identity for fused operands.
    packed : bool
        Whether it is the weights, which a kernel before this one packed.
    dtype : str
        The data type in which it is stored; empty: that of the kernel's output.
    """

    view: View
    role: Role = Role.ACTIVATION
    op: Operator = IDENTITY
    packed: bool = False
    dtype: str = ""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One launch: reads operands and parameters, writes one tensor.

    Attributes
    ----------
    name : str
        The name of its first layer.
    op : Operator
        That layer's operator, which decides the tiling.
    layers : tuple of str
        All layers it executes, in order; their output is the last one's.
    shapes : tuple of Shape
        The first layer's input shapes.
    operands : tuple of Operand
        In listed order: the operator's, then fused residuals.
    own : int
        How many operands are the operator's own.
    output : Tensor
        Named like its last layer.
    output_role : Role
        ``ACTIVATION`` or ``CONCAT``; network outputs are written as ``OUTPUT`` all the same.
    stored : int
        Parameters per output channel, biases and unfolded scales included.
    macs : int
        Multiply-accumulates of the whole batch.
    work : int
        Elementwise operations per output element.
    load_work : int
        Elementwise operations per element loaded (a prologue).
    leaves : bool
        Whether its output is a network output, or a part of one.
    shares : tuple of Weights
        The tensors that its parameters lie in, where other layers read some of them; they sum up
        to ``stored``. Empty: all lie in one that is its own.
    tables : tuple of Weights
        What it stores besides, that is not so many numbers per output channel.
    weight_dtype : str
        The data type of its weights; empty: that of its output.
    """

    name: str
    op: Operator
    layers: tuple[str, ...]
    shapes: tuple[Shape, ...]
    operands: tuple[Operand, ...]
    own: int
    output: Tensor
    output_role: Role
    stored: int
    macs: int
    work: int
    load_work: int
    leaves: bool = False
    shares: tuple[Weights, ...] = ()
    tables: tuple[Weights, ...] = ()
    weight_dtype: str = ""

    @property
    def weights(self) -> tuple[Weights, ...]:
        """The tensors of parameters that it reads."""
        if self.shares or not self.stored:
            return self.shares + self.tables
        return (Weights(f"{self.name}.weight", self.stored), *self.tables)

    @property
    def parameters(self) -> int:
        """Elements of them all."""
        return self.stored * self.output.grid[1] + sum(each.elements for each in self.tables)

    @property
    def apart(self) -> tuple[tuple[Weights, ...], tuple[Weights, ...]]:
        """What of ``shares`` is weights, and what the bias of a kernel that adds one."""
        if not (self.shares and self.op.biased):
            return self.shares, ()
        weights, *bias = self.shares
        if not bias:
            weights, *bias = weights.without_bias()
        return (weights,), tuple(bias)

    @property
    def dtype(self) -> str:
        """The data type that it computes in: that of what it multiplies, not of what it writes.

        Machines compute alike in whole numbers of 8 bits with and without a sign.
        """
        own = self.operands[: self.own]
        dtype = next((each.dtype for each in own if each.dtype), self.output.dtype)
        return "int8" if dtype == "uint8" else dtype

    def itemsize(self, number: int) -> int:
        """Bytes of an element of an operand."""
        return ITEMSIZES[self.operands[number].dtype or self.output.dtype]

    @property
    def weight_itemsize(self) -> int:
        """Bytes of an element of its weights."""
        return ITEMSIZES[self.weight_dtype or self.output.dtype]

    @property
    def filters(self) -> int:
        """Parameters per output channel, those included that a kernel before this one packed."""
        packed = [operand.view.shape.box for operand in self.operands if operand.packed]
        return self.stored + sum(rows * columns for _, rows, columns in packed)

    def source(self, number: int) -> Shape:
        """The shape of an operand as its operator goes through it."""
        operand = self.operands[number]
        return operand.op.oriented(number, operand.view.shape, self.output.image)

    @property
    def op_class(self) -> str:
        """The class whose MAC rate applies."""
        return self.op.op_class(self.shapes)

    @property
    def untiled(self) -> bool:
        """Whether rows and channels must not be cut: it reads a flattened map elementwise, or
        parameters alone."""
        if not self.operands:
            return True
        own = self.operands[: self.own]
        return self.op_class != "linear" and any(operand.view.flat for operand in own)


def recomputed_macs(
    kernels: Sequence[Kernel],
    frames: int,
    task_kernel: NDArray[np.int32],
    task_macs: NDArray[np.int64],
) -> tuple[int, ...]:
    """What the tasks of each kernel compute beyond its own MACs, in all frames."""
    computed = np.zeros(len(kernels), np.int64)
    np.add.at(computed, task_kernel, task_macs)
    computed -= frames * np.array([each.macs for each in kernels], np.int64)
    return tuple(computed.tolist())


def macs_by_dtype(kernels: Sequence[Kernel], frames: int, again: Sequence[int]) -> dict[str, int]:
    """MACs in all frames by the data type that they are computed in; most of them first.

    Parameters
    ----------
    kernels : sequence of Kernel
    frames : int
    again : sequence of int
        Of each kernel those that are computed again.
    """
    found: dict[str, int] = {}
    for kernel, more in zip(kernels, again, strict=True):
        found[kernel.dtype] = found.get(kernel.dtype, 0) + frames * kernel.macs + more
    macs = {name: count for name, count in found.items() if count}
    return dict(sorted(macs.items(), key=lambda item: -item[1]))
