"""Modules that a sweep needs beyond memsim's own, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from memsim.errors import InputError, Problem
from memsim.installation import install

__all__ = ["needed"]


def needed(module: str, what: str, extra: str = "data") -> Any:
    """Import a module, or say which extra brings it.

    Raises
    ------
    InputError
        If it is not installed.

    Examples
    --------
    >>> needed("no_such_module", "a sweep")
    Traceback (most recent call last):
    memsim.errors.InputError: a sweep needs no_such_module (pip install ...[data]...)
    """
    try:
        return import_module(module)
    except ImportError:
        problem = Problem(f"{what} needs {module}", hint=install(extra))
        raise InputError(problem) from None
