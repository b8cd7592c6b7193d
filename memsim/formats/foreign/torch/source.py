"""PyTorch modules by name: ``package.module:callable``."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem, did_you_mean
from memsim.formats.foreign.torch.trace import from_torch
from memsim.formats.module.module import import_torch
from memsim.yaml.document import shown

if TYPE_CHECKING:
    from memsim.network import Network

__all__ = ["is_source", "read_torch"]

LARGEST_EXAMPLE = 1 << 26
"""Elements of the largest example that is a tensor of its own; a larger one is one number seen
as often as needed, which only modules that write into their input notice."""

_SOURCE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def is_source(text: str) -> bool:
    """Whether a text names something in a Python module.

    Examples
    --------
    >>> is_source("torchvision.models:resnet18"), is_source("a/b.onnx"), is_source("C:/a.onnx")
    (True, False, False)
    """
    return _SOURCE.fullmatch(text) is not None


def read_torch(
    source: str,
    input_shape: tuple[int, int, int] | None,
    *,
    batch: int | None = None,
    allow_unknown: bool = False,
) -> Network:
    """The network of a module that a Python module holds or makes.

    Parameters
    ----------
    source : str
        ``package.module:name``; the current directory is searched first. The name is that of a
        ``torch.nn.Module`` or of a callable that returns one when called with nothing, such as
        a class. The code runs: do this with code you trust.
    input_shape : tuple of int
        Channels, height, width of the one input.
    batch : int, optional
    allow_unknown : bool
        As in :func:`memsim.from_torch`.

    Raises
    ------
    InputError
        If the source cannot be imported, raises or gives no module, or the input's shape is
        missing.
    """
    if input_shape is None:
        hint = "such as --input 3x224x224"
        raise InputError(Problem("a PyTorch module needs the size of its input", "--input", hint))
    torch = import_torch()
    module = _module(torch, source)
    first = next(module.parameters(), torch.zeros(()))
    shape = (1 if batch is None else batch, *input_shape)
    example = torch.empty((), dtype=first.dtype, device=first.device).expand(shape)
    if example.numel() <= LARGEST_EXAMPLE:
        example = example.clone()
    name = source.rpartition(":")[2].rpartition(".")[2]
    return from_torch(module, example, name, allow_unknown=allow_unknown)


def _module(torch: Any, source: str) -> Any:
    """Import what a source names, and call it until it is a module."""
    path, _, name = source.partition(":")
    with _current_directory_first():
        target = _imported(path)
        for part in name.split("."):
            if not hasattr(target, part):
                hint = did_you_mean(part, (each for each in dir(target) if each[0] != "_"))
                raise InputError(Problem(f"{path} has no {shown(part)}", source, hint))
            target = getattr(target, part)
        if isinstance(target, torch.nn.Module):
            return target
        if not callable(target):
            kind = type(target).__name__
            raise InputError(Problem(f"is neither a module nor callable, but {kind}", source))
        try:
            made = target()
        except (Exception, SystemExit) as error:
            raise InputError(Problem(f"raises {_first_line(error)}", source)) from None
    if not isinstance(made, torch.nn.Module):
        message = f"returns no torch.nn.Module, but {type(made).__name__}"
        raise InputError(Problem(message, source))
    return made


def _imported(path: str) -> Any:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        missing = error.name or path
        if path == missing or path.startswith(f"{missing}."):
            hint = "the current directory and what is installed are searched"
            raise InputError(Problem(f"there is no module {missing!r}", path, hint)) from None
        raise InputError(Problem(f"needs the module {missing!r}", path)) from None
    except (Exception, SystemExit) as error:
        raise InputError(Problem(f"cannot be imported: {_first_line(error)}", path)) from None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


@contextmanager
def _current_directory_first() -> Iterator[None]:
    sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.pop(0)
