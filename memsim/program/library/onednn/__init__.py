"""What PyTorch really does on a CPU: its kernels, their loops and their memory.

The lowerings in :mod:`memsim.program.lowering` describe kernels of an ideal machine. This
package describes those of one library, PyTorch 2.13 with oneDNN 3.12 on a processor with AVX2, one
thread, one image, fp32: which functions run, how each walks its operands, and at which addresses
these lie. Its product is a trace of spans for :func:`memsim.engines.cache.levels.two_levels`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memsim.program.library.onednn.eager import EagerForward
from memsim.program.library.onednn.forward import Forward
from memsim.program.library.onednn.fused import FusedForward
from memsim.program.library.onednn.runtime import Runtime
from memsim.registry import Registry

FORWARDS: Registry[type[Forward]] = Registry("PyTorch mode")
"""How PyTorch runs a network, by name."""

for _forward in (EagerForward, FusedForward):
    FORWARDS.add(_forward.name, _forward)


@dataclass(frozen=True, slots=True)
class Library:
    """The kernels of one instruction set."""

    name: str
    summary: str = "PyTorch 2.13 with oneDNN 3.12 on AVX2, one thread, one image, fp32"

    def forward(self, mode: str) -> Callable[..., Forward]:
        """What runs a network in a mode."""
        return lambda network, **rest: FORWARDS[mode](network, Runtime(), **rest)


LIBRARIES: Registry[Library] = Registry("library")

LIBRARIES.add("onednn-avx2", Library("onednn-avx2"))

__all__ = ["FORWARDS", "LIBRARIES", "Forward"]
