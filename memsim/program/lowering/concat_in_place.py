"""What inference compilers do that write the parts of a concat where it lies."""

from dataclasses import replace
from typing import ClassVar

from memsim.program.lowering.fused import Fused
from memsim.program.lowering.walk import Concats, Rules


class ConcatInPlace(Fused):
    """``fused``, and a part of a concat is written where the concat lies, if it can be.

    A tensor has one place: what is part of several concats is copied into all but one, and network
    inputs, network outputs and some channels of a tensor are copied into all. Batch norms and
    activations behind a concat stay kernels of their own. TensorRT, OpenVINO and Vela do this.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("squeezenet1_0")
    >>> [kernel.op.kind for kernel in ConcatInPlace().lower(network)].count("concat")
    0
    """

    name: ClassVar[str] = "concat_in_place"
    assumes: ClassVar[tuple[str, ...]] = (
        *Fused.assumes,
        "parts of concats written where the concat lies, into one concat each",
    )
    rules: ClassVar[Rules] = replace(Fused.rules, concats=Concats.IN_PLACE)
