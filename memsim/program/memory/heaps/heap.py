"""What a heap is asked, and every heap by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from memsim.program.memory.best_fit import Heap as BestFit
from memsim.program.memory.heaps.coldest import Coldest
from memsim.program.memory.heaps.cuda import CudaCaching
from memsim.program.memory.heaps.glibc import Glibc
from memsim.program.memory.heaps.hottest import Hottest
from memsim.registry import Registry


class Heap(Protocol):
    """Memory that blocks are taken from and given back to.

    The same calls give the same addresses again.
    """

    def allocate(self, nbytes: int, *, alignment: int = 64) -> int:
        """The address of a block of ``nbytes`` bytes at a multiple of a power of two."""

    def free(self, address: int) -> None:
        """Give a block back.

        Raises
        ------
        KeyError
            If there is none at that address.
        """


HEAPS: Registry[Callable[[int], Heap]] = Registry("heap")
"""Every heap by name, made with the address at which it begins.

``glibc`` is the C library's; ``best_fit`` an ideal one; ``cuda`` that of PyTorch on a GPU;
``hottest`` and ``coldest`` are what a heap could do best and worst to a cache.
"""


def _glibc(base: int) -> Glibc:
    """The C library's of Linux, which keeps freed memory, as ``memsim measure`` runs PyTorch."""
    return Glibc(base, keep=True)


HEAPS.add("glibc", _glibc)
HEAPS.add("best_fit", BestFit)
HEAPS.add("cuda", CudaCaching)
HEAPS.add("hottest", Hottest)
HEAPS.add("coldest", Coldest)
