"""Every operator its own kernel, as PyTorch runs a module."""

from typing import ClassVar

from memsim.program.lowering.base import Lowering


class Eager(Lowering):
    """Nothing is fused; a concat copies; a batch norm reads four vectors."""

    name: ClassVar[str] = "eager"
