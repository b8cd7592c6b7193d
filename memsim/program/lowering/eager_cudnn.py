"""What PyTorch's eager mode does on NVIDIA GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from memsim.network.graph import Network
from memsim.network.ops.base import Operator, Shape, Shapes
from memsim.network.tensor import Tensor
from memsim.program.kernel import Kernel, Operand, View
from memsim.program.lowering.base import library_pass
from memsim.program.lowering.eager import Eager


class AddBias(Operator):
    """One number per channel is added; no layer of its own, so it is not in the registry."""

    kind: ClassVar[str] = "bias"
    elementwise: ClassVar[bool] = True
    in_place: ClassVar[bool] = True

    @property
    def overwrites(self) -> bool:
        return True

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1


class EagerCudnn(Eager):
    """``eager``, and a convolution's bias is added by a kernel of its own.

    PyTorch calls cuDNN for the product and then ``cudnnAddTensor`` for the bias, which reads and
    writes the whole output again (``cudnn_convolution_add_bias_`` in ATen's ``cudnn/Conv.cpp``).
    Networks whose convolutions are followed by batch norm have no biases; VGG and SqueezeNet do.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("squeezenet1_0")
    >>> [kernel.name for kernel in EagerCudnn().lower(network)][:3]
    ['conv1.conv', 'conv1.conv.bias', 'conv1.act']
    """

    name: ClassVar[str] = "eager_cudnn"
    assumes: ClassVar[tuple[str, ...]] = ("a convolution's bias added by a kernel of its own",)

    def lower(self, network: Network) -> tuple[Kernel, ...]:
        return tuple(part for kernel in super().lower(network) for part in _split(kernel))


def _split(kernel: Kernel) -> Iterator[Kernel]:
    """Yield a convolution without its bias, then the addition; any other kernel as it is."""
    if not (kernel.op.convolves and kernel.op.biased):
        yield kernel
        return
    product = Tensor(f"{kernel.output.name}.product", kernel.output.shape, kernel.output.dtype)
    weights, bias = kernel.apart
    yield replace(kernel, output=product, stored=kernel.stored - 1, leaves=False, shares=weights)
    op = AddBias()
    operand = Operand(View.of(product), op=op)
    yield library_pass(kernel, "bias", op, (operand,), kernel.output, 1, bias)
