"""What PyTorch's eager mode does on CPUs with oneDNN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from memsim.network.graph import Layer, Network
from memsim.network.ops.base import Box, Index, Operator, Shape, Shapes
from memsim.network.tensor import Tensor
from memsim.program.kernel import Kernel, Operand, View
from memsim.program.lowering.base import library_pass
from memsim.program.lowering.eager import Eager


class Reorder(Operator):
    """A copy in another layout; no layer of its own, so it is not in the registry.

    It is not ``elementwise``: elements change places, so nothing can be reordered where it lies.
    """

    kind: ClassVar[str] = "reorder"

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1


class _Packed(Operator):
    """Reads packed weights: those of a tile's output channels, whatever its rows."""

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[1]


class EagerOnednn(Eager):
    """``eager``, and convolutions by oneDNN reorder their maps and weights ON EVERY CALL.

    Maps between layers are plain NCHW, or taken for it where a permute leaves channels last. A
    convolution that PyTorch gives to oneDNN (see
    :func:`memsim.program.library.onednn.eager.uses_onednn`) reads its input from a copy in blocks
    of 8 channels, its weights from a packed copy, and its output is copied back: kernels of their
    own, named after it with ``.reorder_input``, ``.reorder_weights`` and ``.reorder_output``. Fewer
    than 8 input channels are read as they lie. All others are matrix products on plain maps.

    Examples
    --------
    >>> import memsim
    >>> [kernel.name for kernel in EagerOnednn().lower(memsim.load("resnet18"))][:4]
    ['conv1.conv.reorder_weights', 'conv1.conv', 'conv1.conv.reorder_output', 'conv1.bn']
    """

    name: ClassVar[str] = "eager_onednn"
    assumes: ClassVar[tuple[str, ...]] = ("maps and weights reordered on every call, by oneDNN",)

    def lower(self, network: Network) -> tuple[Kernel, ...]:
        from memsim.program.library.onednn.eager import uses_onednn
        from memsim.program.library.onednn.geometry import Geometry

        kernels: list[Kernel] = []
        for kernel in super().lower(network):
            layer = network[kernel.name]
            plain = kernel.op.convolves and not kernel.op.transposed
            by_onednn = plain and uses_onednn(Geometry.of(layer))
            kernels += _reordered(kernel, layer) if by_onednn else [kernel]
        return tuple(kernels)


def _reordered(kernel: Kernel, layer: Layer) -> Iterator[Kernel]:
    """Yield the copies into oneDNN's layouts, the convolution, and the copy of its output back."""
    from memsim.program.library.onednn.direct import BLOCK

    (source,) = kernel.operands
    bias = int(kernel.op.biased)
    shared, added = kernel.apart
    channels, height, width = source.view.shape.box
    if channels >= BLOCK:
        image = (kernel.output.shape[0], channels, height, width)
        blocked = Tensor(f"{kernel.name}.input.blocked", image, kernel.output.dtype)
        yield library_pass(
            kernel, "reorder_input", Reorder(), (Operand(source.view, op=Reorder()),), blocked
        )
        source = Operand(View.of(blocked), op=source.op)
    filters = kernel.output.shape[1]
    packed = Tensor(
        f"{kernel.name}.weight.packed", (1, filters, kernel.stored - bias, 1), kernel.output.dtype
    )
    yield library_pass(
        kernel, "reorder_weights", Reorder(), (), packed, kernel.stored - bias, shared
    )
    product = replace(kernel.output, name=f"{kernel.output.name}.blocked")
    weights = Operand(View.of(packed), op=_Packed(), packed=True)
    yield replace(
        kernel, operands=(source, weights), own=1, output=product, stored=bias, leaves=False,
        shares=added,
    )  # fmt: skip
    yield library_pass(
        kernel,
        "reorder_output",
        Reorder(),
        (Operand(View.of(product), op=Reorder()),),
        kernel.output,
    )
