"""The HarDNet paper's assumption (CatConv2d): a concat moves nothing."""

from typing import ClassVar

from memsim.program.lowering.fused import Fused


class ConcatFree(Fused):
    """``fused``, and readers of a concat read its sources; BN-activation applied on load."""

    name: ClassVar[str] = "concat_free"
    concat_views: ClassVar[bool] = True
