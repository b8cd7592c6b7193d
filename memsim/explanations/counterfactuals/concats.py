"""Concats that copy nothing."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.program.kernel import Role
from memsim.program.lowering import LOWERINGS
from memsim.results.run import Result


def concats_as_views(question: Question, result: Result) -> Iterator[Change]:
    """Where concats are copied: lowering ``concat_free``, whose readers read the parts.

    It is the ``fused`` lowering besides, so under an eager one it saves what fusing saves, too.
    """
    if any(kernel.output_role is Role.CONCAT for kernel in result.program.kernels):
        fuses = LOWERINGS[str(result.program.options["lowering"])].rules.fuses
        what = "read concats as views" if fuses else "fuse, and read concats as views"
        yield Change(what, {"lowering": "concat_free"})
