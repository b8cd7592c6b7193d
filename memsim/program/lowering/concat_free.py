"""The HarDNet paper's assumption (CatConv2d): a concat moves nothing."""

from dataclasses import replace
from typing import ClassVar

from memsim.program.lowering.fused import Fused
from memsim.program.lowering.walk import Concats, Rules


class ConcatFree(Fused):
    """``fused``, and readers of a concat read its sources; BN-activation applied on load.

    A concat that leaves the network is written by those who compute its parts.
    """

    name: ClassVar[str] = "concat_free"
    assumes: ClassVar[tuple[str, ...]] = (
        *Fused.assumes,
        "concats read where their parts lie, batch norms and activations applied on load",
    )
    rules: ClassVar[Rules] = replace(Fused.rules, concats=Concats.VIEW, applies_on_load=True)
