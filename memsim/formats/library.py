"""Networks by name or by file: the shipped architectures, and a reader for each file ending."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem, did_you_mean
from memsim.formats.foreign.allowance import may_hold_unknown, refuse_allowance
from memsim.formats.foreign.torch.named import is_source
from memsim.formats.overrides import Overrides
from memsim.formats.shipped import Entry, names, shipped
from memsim.formats.standard_input import NAME as STANDARD_INPUT
from memsim.network.inputs import Given
from memsim.progress import stage
from memsim.registry import Registry
from memsim.yaml.document import shown

if TYPE_CHECKING:
    from memsim.network import Network

__all__ = ["CHECKERS", "READERS", "Entry", "check", "load", "names", "parameters_of", "path_of"]

READERS: Registry[Callable[[str, Overrides], Network]] = Registry("file ending")
"""Readers of network files by ending; imported when they are used."""

CHECKERS: Registry[Callable[[str], list[Problem]]] = Registry("file ending")
"""Checkers of network files, where reading a file once does not tell all of its problems."""


@READERS.register(".yaml")
@READERS.register(".yml")
@READERS.register(".json")
def _read_yaml(path: str, overrides: Overrides) -> Network:
    from memsim.formats.architecture.file import read_architecture

    return read_architecture(path, overrides)


@READERS.register(".onnx")
def _read_onnx(path: str, overrides: Overrides) -> Network:
    from memsim.formats.foreign.onnx.read import read_onnx

    return read_onnx(path, overrides)


@READERS.register(".csv")
def _read_scalesim(path: str, overrides: Overrides) -> Network:
    from memsim.formats.scalesim import read_scalesim

    return read_scalesim(path, overrides)


@CHECKERS.register(".yaml")
@CHECKERS.register(".yml")
@CHECKERS.register(".json")
def _check_yaml(path: str) -> list[Problem]:
    from memsim.formats.architecture.file import check_architecture

    return check_architecture(path)


def path_of(name_or_path: str | os.PathLike[str]) -> Path:
    """The file that a name or a path means.

    A shipped network's name comes first; whatever else has a separator or an ending is a path.

    Raises
    ------
    InputError
        For an unknown name, with a did-you-mean.

    Examples
    --------
    >>> path_of("hardnet68").name
    'hardnet68.yaml'
    >>> path_of("hardnet86")
    Traceback (most recent call last):
    memsim.errors.InputError: unknown network 'hardnet86' (did you mean 'hardnet85'?)
    """
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, os.PathLike):
        return Path(text)
    if text in shipped():
        return shipped()[text]
    if text == STANDARD_INPUT:
        return Path(text)
    is_path = "/" in text or os.sep in text or Path(text).suffix in READERS
    if is_path or (Path(text).suffix and os.path.lexists(text)):
        return Path(text)
    hint = did_you_mean(text, shipped()) if text else "a name, or the path of a file"
    raise InputError(Problem(f"unknown network {shown(text)}", hint=hint))


def load(
    path_or_name: str | os.PathLike[str],
    *,
    variant: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    input_shape: Given | None = None,
    batch: int | None = None,
    dtype: str | None = None,
    submodule: str | None = None,
    allow_unknown: bool = False,
    otherwise_dtype: str = "fp32",
    edits: Iterable[str] = (),
) -> Network:
    """Load a shipped network by name, or any network from its file or its Python module.

    Parameters
    ----------
    path_or_name : str or path
        A name from :func:`names`, or a file: whatever has a path separator or a known ending.
        ``NAME@variant`` says the variant too, such as ``"resnet50@v1.5"``.
        ``package.module:callable`` is a PyTorch module or what makes one, such as
        ``"torchvision.models:resnet18"``; the current directory is searched first, and the code
        runs. ``-`` is an architecture file on standard input.
    variant : str, optional
        One of the file's variants.
    parameters : mapping, optional
        Values of the file's parameters.
    input_shape : sequence of int, str or mapping, optional
        The size of the one input without the batch, such as channels, height, width or
        ``"3x224x224"``; or sizes by the names of inputs, ``{"image": (3, 64, 64)}``. The file's
        if left out.
    batch : int, optional
        Images at a time.
    dtype : str, optional
        ``fp32``, ``fp16``, ``bf16`` or ``int8``.
    submodule : str, optional
        The part of a PyTorch module to read, such as ``"backbone"``.
    allow_unknown : bool
        Read an ONNX file or a PyTorch module with operators that memsim does not know: their
        tensors count as traffic, their MACs do not.
    otherwise_dtype : str
        The data type where neither ``dtype`` nor the file says one.
    edits : iterable of str
        What is changed in it, such as ``drop=conv1..add1``: see :mod:`memsim.network.edits`.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        For an unknown name, a file that cannot be read, and every problem of the file at once,
        each with its line and column.

    Examples
    --------
    >>> network = load("hardnet68")
    >>> network.params, network.macs, network.cio
    (17565348, 4246114304, 11468940)
    >>> load("resnet50@v1.5", batch=2).macs == 2 * 4089184256
    True
    >>> load("hardnet68", input_shape=(3, 448, 448))["conv1.conv"].output.shape
    (1, 32, 224, 224)
    """
    if allow_unknown and not may_hold_unknown(path_or_name):
        refuse_allowance(path_or_name)
    path_or_name, variant = split_variant(path_or_name, variant)
    overrides = Overrides.of(
        variant, parameters, input_shape, batch, dtype, allow_unknown, otherwise_dtype
    )
    if isinstance(path_or_name, str) and is_module(path_or_name):
        from memsim.formats.foreign.torch.source import read_torch

        with stage(f"reading {path_or_name}"):
            read = read_torch(path_or_name, replace(overrides, submodule=submodule))
        return _edited(read, edits)
    if submodule is not None:
        message = f"{os.fspath(path_or_name)} has no submodules"
        raise InputError(Problem(message, "submodule", "it is for PyTorch modules"))
    path = path_of(path_or_name)
    reader = _by_ending(READERS, path, _shown(path_or_name, path))
    with stage(f"reading {path.name if path.name != STANDARD_INPUT else 'standard input'}"):
        network = reader(_shown(path_or_name, path), overrides)
    return _edited(network, edits)


def parameters_of(
    path_or_name: str | os.PathLike[str], variant: str | None = None
) -> dict[str, Any]:
    """The parameters of a network's file with their values; none where it is no such file.

    Raises
    ------
    InputError
        As :func:`load`.

    Examples
    --------
    >>> parameters_of("hardnet68")["growth1"], parameters_of("resnet18")
    (14, {})
    """
    file, variant = split_variant(path_or_name, variant)
    if isinstance(file, str) and is_module(file):
        return {}
    path = path_of(file)
    if READERS.get(_ending(path)) is not _read_yaml:
        return {}
    from memsim.formats.architecture.file import parameters_of as of_file

    return of_file(path, variant)


def _edited(network: Network, edits: Iterable[str]) -> Network:
    told = tuple(edits)
    if not told:
        return network
    from memsim.network.edits import edited

    return edited(network, told)


def is_module(name: str) -> bool:
    """Whether a name means something in a Python module: no network and no file is called so.

    Examples
    --------
    >>> is_module("torchvision.models:resnet18"), is_module("resnet18")
    (True, False)
    """
    return is_source(name) and not os.path.lexists(name)


def split_variant(
    path_or_name: str | os.PathLike[str], variant: str | None = None
) -> tuple[str | os.PathLike[str], str | None]:
    """``NAME@variant`` as name and variant; a file whose name has an ``@`` stays whole.

    Raises
    ------
    InputError
        Where a second variant is named.

    Examples
    --------
    >>> split_variant("resnet50@v1.5"), split_variant("resnet50")
    (('resnet50', 'v1.5'), ('resnet50', None))
    """
    if not isinstance(path_or_name, str) or os.path.lexists(path_or_name):
        return path_or_name, variant
    name, at, named = path_or_name.rpartition("@")
    if not at or not name or not named:
        return path_or_name, variant
    if variant is not None and variant != named:
        message = f"{shown(path_or_name)} names a variant, and so does {shown(variant)}"
        raise InputError(Problem(message, hint="name one"))
    return name, named


def loads(
    text: str,
    *,
    variant: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    input_shape: Given | None = None,
    batch: int | None = None,
    dtype: str | None = None,
) -> Network:
    """Read a network from the text of an architecture file.

    Parameters
    ----------
    text : str
        YAML.
    variant, parameters, input_shape, batch, dtype
        As in :func:`load`.

    Raises
    ------
    InputError
        As :func:`load`; the file is called ``<text>``.

    Examples
    --------
    >>> network = loads("{name: tiny, input: [3, 8, 8], layers: [conv: {out: 4, kernel: 3}]}")
    >>> network.params, network.macs
    (108, 6912)
    """
    from memsim.formats.architecture.file import from_text

    overrides = Overrides.of(variant, parameters, input_shape, batch, dtype)
    return from_text(text, overrides=overrides)


def check(path_or_name: str | os.PathLike[str]) -> list[Problem]:
    """All problems of a network file, those of each of its variants included.

    ``NAME@variant`` asks for that variant alone.

    Returns
    -------
    list of Problem
        Empty if the file is sound.

    Examples
    --------
    >>> check("resnet50"), check("resnet50@v1.5")
    ([], [])
    >>> print(*check("no/such.yaml"))
    no/such.yaml: no such file
    """
    try:
        if isinstance(path_or_name, str) and is_module(path_or_name):
            load(path_or_name)
            return []
        file, variant = split_variant(path_or_name)
        path = path_of(file)
        _by_ending(READERS, path, _shown(file, path))
        if variant is not None:
            load(path_or_name)
            return []
        if _ending(path) in CHECKERS:
            return CHECKERS[_ending(path)](_shown(path_or_name, path))
        load(path_or_name)
    except InputError as error:
        return list(error.problems)
    return []


def _shown(given: str | os.PathLike[str], path: Path) -> str:
    """The file's name for problems: as it was given, where ``Path`` would drop a ``./``."""
    return str(path) if given in shipped() else os.fspath(given)


def _ending(path: Path) -> str:
    """Which reader a file is for; standard input has an architecture."""
    return ".yaml" if os.fspath(path) == STANDARD_INPUT else path.suffix.lower()


def _by_ending(
    readers: Registry[Callable[[str, Overrides], Network]], path: Path, shown_as: str
) -> Callable[[str, Overrides], Network]:
    ending = _ending(path)
    if ending not in readers:
        from memsim.yaml.document import read

        read(shown_as)  # a folder, or no file at all, is the better message
        known = ", ".join(readers)
        what = f"with the ending {ending!r}" if ending else "without an ending"
        message = f"memsim reads no files {what}"
        raise InputError(Problem(message, hint=f"known: {known}", file=shown_as))
    return readers[ending]
