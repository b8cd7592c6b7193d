"""PyTorch modules by name: ``package.module:callable``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem, did_you_mean
from memsim.formats.foreign.torch.capture import submodule_of
from memsim.formats.foreign.torch.examples import empty, fitting, parameters_of
from memsim.formats.foreign.torch.reading import from_torch
from memsim.formats.module.module import import_torch
from memsim.formats.overrides import Overrides
from memsim.network.inputs import Given, assign, size_of
from memsim.yaml.document import shown

if TYPE_CHECKING:
    from memsim.network import Network

__all__ = ["assumed", "read_torch", "usual_example"]

DTYPES = ("float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
"""Data types that inputs have, for hints."""

MOST_TRIALS = 16
"""Ways in which sizes are tried where some may be whole, without a batch in front."""


def read_torch(source: str, overrides: Overrides | None = None) -> Network:
    """The network of a module that a Python module holds or makes.

    Parameters
    ----------
    source : str
        ``package.module:name``; the current directory is searched first. The name is that of a
        ``torch.nn.Module`` or of a callable that returns one when called with nothing, such as
        a class. The code runs: do this with code you trust.
    overrides : Overrides, optional
        ``input_shape`` goes by the names of the parameters of the module's ``forward``, and may
        say data types; the batch goes in front of each. An input of two or more for which the
        module runs only without it, such as a recurrent state, is taken as it stands. Without
        any, :func:`assumed` says the size.

    Raises
    ------
    InputError
        If the source cannot be imported, raises or gives no module, or the input's size is
        missing.
    """
    overrides = overrides or Overrides()
    if overrides.variant is not None or overrides.parameters:
        raise InputError(Problem("a PyTorch module has neither variants nor parameters", source))
    torch = import_torch()
    module = _module(torch, source)
    name = source.rpartition(":")[2].rpartition(".")[2]
    if overrides.submodule is not None:
        module = submodule_of(module, overrides.submodule)
        name = f"{name}.{overrides.submodule}"
    given = assumed(torch, module) if overrides.input_shape is None else overrides.input_shape
    batch = 1 if overrides.batch is None else overrides.batch
    failure: InputError | None = None
    for examples in _trials(torch, module, given, batch):
        try:
            network = from_torch(module, examples, name, allow_unknown=overrides.allow_unknown)
        except InputError as error:
            failure = failure or error
        else:
            same = overrides.dtype in (None, network.dtype)
            return network if same else network.with_options(dtype=overrides.dtype)
    assert failure is not None
    raise failure


def _trials(torch: Any, module: Any, given: Given, batch: int) -> Iterator[Any]:
    """Examples of the given sizes: each with the batch in front, then some without."""
    known, any_name = parameters_of(module)
    needed = parameters_of(module, needed=True)[0] or known[:1]
    if isinstance(given, Mapping):
        names = [*known, *(name for name in given if any_name)]
    else:
        names = needed
    sizes = assign(given, dict.fromkeys(names), type(module).__name__, dtypes=True)
    missing = [name for name in needed if name not in sizes]
    if missing:
        listed = " and ".join(missing)
        hint = " ".join(f"--input {name}=SIZE" for name in missing)
        message = f"{type(module).__name__} needs the size of its input {listed}, too"
        raise InputError(Problem(message, "--input", hint))
    dtypes = {name: _dtype(torch, size.dtype) for name, size in sizes.items()}
    several = list(sizes) if len(sizes) > 1 else []
    wholes = [each for count in range(len(several) + 1) for each in combinations(several, count)]
    for whole in wholes[:MOST_TRIALS]:
        tensors = {
            name: empty(torch, module, size.axes if name in whole else (batch, *size.axes), dtype)
            for (name, size), dtype in zip(sizes.items(), dtypes.values(), strict=True)
        }
        yield tensors if isinstance(given, Mapping) else tuple(tensors.values())


def _dtype(torch: Any, name: str) -> Any:
    """PyTorch's data type of a name; None where none is said."""
    if not name:
        return None
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        hint = did_you_mean(name, DTYPES)
        raise InputError(Problem(f"PyTorch has no data type {name!r}", "--input", hint))
    return dtype


def usual_example(module: Any) -> Any:
    """An example of one image for a module of images, of the size that :func:`assumed` says.

    Raises
    ------
    InputError
        If it is no module of images, or no module at all.
    """
    torch = import_torch()
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"expected a torch.nn.Module, not {type(module).__name__}")
    given = assumed(torch, module)
    return (1, *size_of(given).axes) if not isinstance(given, Mapping) else given


def assumed(torch: Any, module: Any) -> Given:
    """The input size of a module of which none is said.

    It is what the module says itself, as models of timm do, and for a network of images 224x224
    of as many channels as its first convolution takes.

    Raises
    ------
    InputError
        For any other module, with a hint that fits its first layer.
    """
    config = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None)
    said = config.get("input_size") if isinstance(config, Mapping) else None
    if isinstance(said, list | tuple) and said and all(type(axis) is int for axis in said):
        return tuple(said)
    needed = parameters_of(module, needed=True)[0]
    kind, example = fitting(torch, module) or ("", "3x224x224")
    if kind == "Conv2d" and len(needed) <= 1:
        return example
    if len(needed) > 1:
        listed = " and ".join([", ".join(needed[:-1]), needed[-1]])
        message = f"a PyTorch module needs the sizes of its inputs {listed}"
        sizes = " ".join(f"--input {name}=SIZE" for name in needed)
        raise InputError(Problem(message, "--input", f"such as {example}: {sizes}"))
    message = "a PyTorch module needs the size of its input"
    raise InputError(Problem(message, "--input", f"such as --input {example}"))


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
