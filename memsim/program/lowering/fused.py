"""What inference compilers do."""

from typing import ClassVar

from memsim.program.lowering.base import Lowering


class Fused(Lowering):
    """Batch norms folded, activations and residual adds fused; a concat copies."""

    name: ClassVar[str] = "fused"
    assumes: ClassVar[tuple[str, ...]] = ("batch norms folded, elementwise followers fused",)
    fuses: ClassVar[bool] = True
