"""At which MAC rate a kernel runs, and for how many MACs it pays.

Libraries pick an algorithm by the shape of a convolution. Three rules, each off unless a
machine's file asks for it:

- 3x3 convolutions of stride 1 are computed with fewer multiplications (Winograd; Lavin and Gray,
  *Fast Algorithms for Convolutional Neural Networks*, CVPR 2016): ``macs_per_s.conv3x3``.
- Where the length of a filter (input channels x kernel) or the size of a feature map is odd, rows
  do not start at the boundaries of vectors, and general kernels with scalar loads are used:
  ``vector`` elements, ``macs_per_s.unaligned``.
- Output channels are computed a tile at a time, a vector on a CPU: ``channel_tile``.
- A device of many cores computes many outputs at once, and a convolution with fewer of them takes
  as long as one that has as many: ``wave``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from memsim.machine import Machine
from memsim.program.kernel import Kernel
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def rate_class(kernel: Kernel, vector: int = 1) -> str:
    """Tell which of a machine's MAC rates applies.

    Parameters
    ----------
    kernel : Kernel
    vector : int
        Elements that the machine loads together; 1 for a machine that loads one by one.

    Returns
    -------
    str
        A class of :class:`memsim.machine.MacRates`; ``elementwise`` for a kernel without MACs.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("hardnet68"), buffer=512 * 1024)
    >>> stem, second = program.kernels[:2]
    >>> rate_class(stem), rate_class(stem, vector=2)  # 3 x 3 x 3 inputs are 27, an odd number
    ('conv', 'unaligned')
    >>> rate_class(second, vector=2)
    'conv3x3'
    """
    op, name = kernel.op, kernel.op_class
    window = op.window if name == "conv" else None
    if window is None:
        return name
    length = kernel.shapes[0][0] // window.groups * math.prod(window.kernel)
    maps = (kernel.shapes[0].box, kernel.output.image.box)
    if length % vector or any(shape[1] * shape[2] % vector for shape in maps):
        return "unaligned"
    simple = window.groups == 1 and not op.transposed
    shape = (window.kernel, window.stride, window.dilation)
    return "conv3x3" if simple and shape == ((3, 3), (1, 1), (1, 1)) else "conv"


def is_pooling(kernel: Kernel) -> bool:
    """Whether a kernel goes over windows without MACs: its work is done at the pooling rate.

    One whose window is the whole map is a sum over it, which is as fast as any other.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> [kernel.name for kernel in program.kernels if is_pooling(kernel)]
    ['maxpool1']
    """
    return kernel.op.pools and math.prod(kernel.output.image.box[1:]) > 1


def paid_macs(program: Program, machine: Machine) -> Ints:
    """MACs per task, filled up to whole tiles of output channels and to one wave of outputs.

    Examples
    --------
    >>> import memsim
    >>> machine = memsim.load_machine("textbook")
    >>> program = memsim.build(memsim.load("resnet18"), buffer=machine.buffer_bytes)
    >>> bool((paid_macs(program, machine) == program.task_macs).all())
    True
    """
    tile, wave = machine.compute.channel_tile, machine.compute.wave
    if tile == wave == 1:
        return program.task_macs
    factors = [_fill(kernel, tile, wave) for kernel in program.kernels]
    times, over = np.array(factors, np.int64)[program.task_kernel].T
    paid: Ints = -(-program.task_macs * times // over)
    return paid


def _fill(kernel: Kernel, tile: int, wave: int) -> tuple[int, int]:
    """Outputs paid for over outputs computed, in lowest terms."""
    if kernel.op_class != "conv":
        return 1, 1
    window = kernel.op.window
    groups = window.groups if window else 1
    images, channels, *image = kernel.output.grid
    others = images * groups * math.prod(image)
    outputs = channels // groups * others
    paid = max(-(-channels // groups // tile) * tile * others, wave)
    common = math.gcd(paid, outputs)
    return paid // common, outputs // common
