"""Lowerings by name: how layers become kernels."""

from __future__ import annotations

from memsim.program.lowering import concat_free, eager, eager_cudnn, fused
from memsim.program.lowering.base import Lowering
from memsim.registry import Registry

LOWERINGS: Registry[Lowering] = Registry("lowering")
"""Every lowering by name."""

for _lowering in (
    eager.Eager(),
    eager_cudnn.EagerCudnn(),
    fused.Fused(),
    concat_free.ConcatFree(),
):
    LOWERINGS.add(_lowering.name, _lowering)

__all__ = ["LOWERINGS", "Lowering"]
