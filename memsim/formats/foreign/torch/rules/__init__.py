"""PyTorch's ATen operators as memsim's; these rules know their arguments, not PyTorch.

A module for each kind of operator. A new rule is a function under ``@rule`` with the operator's
names; a new module is a line here.
"""

from __future__ import annotations

from memsim.formats.foreign.torch.rules import (
    arrange,
    norms,
    pointwise,
    products,
    recurrent,
    reduce,
    sampling,
    windows,
)
from memsim.formats.foreign.torch.rules.arguments import RULES

__all__ = [
    "RULES",
    "arrange",
    "norms",
    "pointwise",
    "products",
    "recurrent",
    "reduce",
    "sampling",
    "windows",
]
