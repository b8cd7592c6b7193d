"""What malloc does with memory that a process frees: keep it, or give it back to the system."""

from __future__ import annotations

import ctypes
import sys

from memsim.errors import InputError, Problem, did_you_mean

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's ``mallopt`` (malloc.h)."""

LARGEST = 2**31 - 1
"""The largest value that it takes, an int."""

MALLOCS = {
    "keep": "freed memory is kept and used again (mallopt M_MMAP_THRESHOLD, M_TRIM_THRESHOLD)",
    "system": "the system's own settings: large tensors may be mapped anew, page by page",
}
"""Each choice and what it means."""


def choose_malloc(name: str) -> str:
    """Set how this process handles freed memory, for the rest of its life.

    glibc gives memory above 32 MiB back to the system, so that each large feature map is mapped
    anew, zeroed page by page as it is first written: about 0.5 ns a byte, more than DRAM takes. A
    caching allocator, which PyTorch's tuning guide recommends for inference, does not.

    Parameters
    ----------
    name : str
        A key of :data:`MALLOCS`.

    Returns
    -------
    str
        What holds now: ``keep`` is glibc's alone, elsewhere it is the system's way.

    Raises
    ------
    InputError
        For another name.

    Examples
    --------
    >>> choose_malloc("kep")
    Traceback (most recent call last):
    memsim.errors.InputError: --malloc: unknown malloc 'kep' (did you mean 'keep'?)
    """
    if name not in MALLOCS:
        hint = did_you_mean(name, MALLOCS)
        raise InputError(Problem(f"unknown malloc {name!r}", "--malloc", hint))
    if name == "keep" and sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None and all(
            mallopt(what, LARGEST) for what in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD)
        ):
            return MALLOCS["keep"]
    return MALLOCS["system"]
