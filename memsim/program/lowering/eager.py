"""Every operator its own kernel, as PyTorch runs a module."""

from typing import ClassVar

from memsim.program.lowering.base import Lowering


class Eager(Lowering):
    """Nothing is fused; a concat copies; a batch norm reads four vectors.

    A permute is a copy where a kernel that reads it takes no strides; see
    :func:`memsim.program.lowering.strides.free_permutes`.
    """

    name: ClassVar[str] = "eager"
