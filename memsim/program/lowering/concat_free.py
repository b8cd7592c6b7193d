"""The HarDNet paper's assumption (CatConv2d): a concat moves nothing."""

from typing import ClassVar

from memsim.program.lowering.fused import Fused


class ConcatFree(Fused):
    """``fused``, and readers of a concat read its sources; BN-activation applied on load."""

    name: ClassVar[str] = "concat_free"
    assumes: ClassVar[tuple[str, ...]] = (
        *Fused.assumes,
        "concats read where their parts lie, batch norms and activations applied on load",
    )
    concat_views: ClassVar[bool] = True
