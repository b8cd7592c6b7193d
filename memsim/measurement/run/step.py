"""A step of a run: what executes one kernel, and the values it reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memsim.program.kernel import Kernel


@dataclass(frozen=True, slots=True)
class Step:
    """What runs one kernel.

    Attributes
    ----------
    kernel : Kernel
    call : callable
        (values of ``inputs``) -> the value of the one output, or a tuple of several.
    inputs, outputs : tuple of str
        Names of values.
    dead : tuple of str
        Values that nothing reads after this step: their memory is given back at once, as in a
        module's own forward pass.
    """

    kernel: Kernel
    call: Callable[..., Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dead: tuple[str, ...]
