"""What PyTorch really does on a CPU: its kernels, their loops and their memory.

The lowerings in :mod:`memsim.program.lowering` describe kernels of an ideal machine. This
package describes those of one library, PyTorch 2.13 with oneDNN 3.12, one thread, fp32: which
functions run, how each walks its operands, and at which addresses these lie. Its product is a
trace of spans for :func:`memsim.engines.cache.levels.level_pass`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from memsim.program.library.onednn.eager import EagerForward, EagerInPlaceForward
from memsim.program.library.onednn.forward import Forward
from memsim.program.library.onednn.fused import FusedAddsApart, FusedForward
from memsim.program.library.onednn.processor import AVX, AVX512, Processor
from memsim.program.library.onednn.runtime import Runtime
from memsim.registry import Registry

FORWARDS: Registry[type[Forward]] = Registry("PyTorch mode")
"""How PyTorch runs a network, by name: ``eager`` and ``fused`` as ``memsim measure`` runs them,
``eager_in_place`` and ``fused_adds_apart`` as other programs do."""

for _forward in (EagerForward, EagerInPlaceForward, FusedForward, FusedAddsApart):
    FORWARDS.add(_forward.name, _forward)


@dataclass(frozen=True, slots=True)
class Library:
    """The kernels of one instruction set.

    Attributes
    ----------
    name, summary : str
    processor : Processor
        What the library blocks for.
    """

    name: str
    summary: str
    processor: Processor

    def forward(self, mode: str) -> Callable[..., Forward]:
        """What runs a network in a mode: (network, runtime, ...) as :class:`Forward`.

        Parameters
        ----------
        mode : str
            A name in :data:`FORWARDS`.
        """
        runs = FORWARDS[mode]

        def forward(network: object, runtime: Runtime | None = None, **rest: object) -> Forward:
            runtime = replace(runtime or Runtime(), processor=self.processor)
            return runs(network, runtime, **rest)  # type: ignore[arg-type]

        return forward


LIBRARIES: Registry[Library] = Registry("library")
"""Libraries of kernels by name."""

for _library in (
    Library("onednn-avx2", "PyTorch 2.13 with oneDNN 3.12 on AVX2, one thread", Processor()),
    Library(
        "onednn-avx512",
        "PyTorch 2.13 with oneDNN 3.12 on AVX-512, one thread, blocked for caches of 48 KiB and "
        "2 MiB (Sapphire Rapids and later)",
        Processor(48 * 1024, 2048 * 1024, AVX512),
    ),
    Library("onednn-avx", "PyTorch 2.13 with oneDNN 3.12 on AVX, one thread",
            Processor(vectors=AVX)),
):  # fmt: skip
    LIBRARIES.add(_library.name, _library)

__all__ = ["FORWARDS", "LIBRARIES", "Forward", "Library"]
