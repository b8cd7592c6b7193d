"""What inference compilers do."""

from typing import ClassVar

from memsim.program.lowering.base import Lowering


class Fused(Lowering):
    """Batch norms folded, activations and residual adds fused; a concat copies."""

    name: ClassVar[str] = "fused"
    fuses: ClassVar[bool] = True
