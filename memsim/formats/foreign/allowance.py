"""The allowance for operators that memsim does not know: which files may hold any."""

from __future__ import annotations

import os
from typing import NoReturn

from memsim.errors import InputError, Problem
from memsim.formats.foreign.torch.named import is_source

__all__ = ["may_hold_unknown", "refuse_allowance"]

FOREIGN = (".onnx",)
"""Endings of files with operators of another program; the others name memsim's own."""


def may_hold_unknown(name: str | os.PathLike[str]) -> bool:
    """Whether a network comes from another program: by a file's ending, or a Python module.

    Examples
    --------
    >>> may_hold_unknown("model.onnx"), may_hold_unknown("models:net"), may_hold_unknown("resnet18")
    (True, True, False)
    """
    return is_source(name) or os.path.splitext(os.fspath(name))[1].lower() in FOREIGN


def refuse_allowance(name: str | os.PathLike[str]) -> NoReturn:
    """Refuse to allow unknown operators of a file that cannot hold any.

    Raises
    ------
    InputError
    """
    message = f"{os.fspath(name)} holds no operators but memsim's own"
    raise InputError(Problem(message, path="allow_unknown", hint="it is for ONNX and PyTorch"))
