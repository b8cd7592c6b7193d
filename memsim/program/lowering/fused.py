"""What inference compilers do that copy concats."""

from typing import ClassVar

from memsim.program.lowering.base import Lowering
from memsim.program.lowering.walk import Rules


class Fused(Lowering):
    """Batch norms folded, activations and residual adds fused; a concat copies.

    What no network output depends on is not executed.
    """

    name: ClassVar[str] = "fused"
    assumes: ClassVar[tuple[str, ...]] = ("batch norms folded, elementwise followers fused",)
    rules: ClassVar[Rules] = Rules(fuses=True, prunes=True, plans_memory=True)
