"""Datasets in files: Zarr, netCDF, Parquet and CSV, written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from memsim.errors import InputError, Problem, did_you_mean
from memsim.registry import Registry
from memsim.sweeps.extras import needed
from memsim.sweeps.tables import (
    MARK,
    csv_facts,
    parquet_facts,
    read_csv,
    read_parquet,
    write_csv,
    write_parquet,
)

if TYPE_CHECKING:
    import xarray

__all__ = ["FORMATS", "check_output", "format_of", "is_sweep", "load_sweep", "told_of", "write"]


class Format(NamedTuple):
    """A kind of file.

    Attributes
    ----------
    modules : tuple of str
        What it needs.
    write : callable
        (dataset, path), to a path that is not there yet.
    read : callable
        (path) -> dataset.
    attrs : callable
        (path) -> the dataset's ``attrs`` alone.
    """

    modules: tuple[str, ...]
    write: Callable[[Any, Path], None]
    read: Callable[[Path], Any]
    attrs: Callable[[Path], Mapping[str, Any]]


FORMATS: Registry[Format] = Registry("file ending of a sweep")
"""Kinds of files by their ending."""


def format_of(
    path: str | os.PathLike[str], what: str = "a sweep", format: str | None = None
) -> Format:
    """The format of a file, by its ending or as it is named; what it needs is installed.

    Raises
    ------
    InputError
        For another ending, and a module that is missing.
    """
    ending = f".{format}" if format else Path(path).suffix.lower()
    if ending not in FORMATS:
        message = f"{what} is written to no file with the ending {ending!r}"
        hint = did_you_mean(ending, FORMATS) if ending else f"known: {', '.join(FORMATS)}"
        raise InputError(Problem(message, file=os.fspath(path), hint=hint))
    found = FORMATS[ending]
    for module in ("xarray", *found.modules):
        needed(module, f"{what} in a {ending} file")
    return found


def check_output(path: str | os.PathLike[str], key: str, format: str | None = None) -> bool:
    """Whether a file holds this very sweep already; before any work is done.

    Raises
    ------
    InputError
        If it cannot be written, or is there and holds anything else.
    """
    form, target = format_of(path, format=format), Path(path)
    if not target.parent.is_dir():
        raise _unwritable(target, f"there is no directory {target.parent}")
    if not os.path.lexists(target):
        if not os.access(target.parent, os.W_OK):
            raise _unwritable(target, "permission denied")
        return False
    told: Mapping[str, Any] = {}
    with suppress(Exception):  # whatever is there, it is no sweep that can be read
        told = form.attrs(target)
    if told.get("sweep") == key:
        return True
    what = "it is no sweep" if "sweep" not in told else told_of(told)
    raise InputError(
        Problem(f"is there already: {what}", file=str(target), hint="name another, or remove it")
    )


def told_of(attrs: Mapping[str, Any]) -> str:
    """What a file that is in the way holds."""
    from memsim.version import __version__

    version = attrs.get("memsim_version")
    if version != __version__:
        return f"a sweep of memsim {version}, and this is {__version__}"
    return "another sweep"


def write(
    dataset: xarray.Dataset,
    path: str | os.PathLike[str],
    scratch: Path,
    format: str | None = None,
) -> None:
    """Write a dataset, whole or not at all.

    Parameters
    ----------
    dataset : Dataset
    path : path
        Not there yet.
    scratch : Path
        What is half-written, on the same disk.
    format : str, optional
        Where the ending does not say it.

    Raises
    ------
    InputError
        If it cannot be written: the disk may be full.
    """
    form, target = format_of(path, format=format), Path(path)
    _remove(scratch)
    try:
        form.write(dataset, scratch)
        os.replace(scratch, target)
    except (OSError, RuntimeError) as error:  # netCDF4 tells a full disk as a RuntimeError
        reason = getattr(error, "strerror", None) or str(error)
        raise _unwritable(target, reason) from None
    finally:
        _remove(scratch)


def load_sweep(path: str | os.PathLike[str], format: str | None = None) -> xarray.Dataset:
    """Read a sweep from the file that ``memsim sweep`` wrote.

    Parameters
    ----------
    path : str or path
        A ``.zarr`` folder, or a ``.nc``, ``.parquet`` or ``.csv`` file.
    format : str, optional
        ``zarr``, ``nc``, ``parquet`` or ``csv``, where the ending does not say it.

    Returns
    -------
    xarray.Dataset
        As :func:`memsim.sweep` returned it, whichever the format was.

    Raises
    ------
    InputError
        If there is no such file, or it holds no sweep.

    Examples
    --------
    >>> load_sweep("no/such.nc")
    Traceback (most recent call last):
    memsim.errors.InputError: no/such.nc: no such file
    """
    form, target = format_of(path, format=format), Path(path)
    if not target.exists():
        raise InputError(Problem("no such file", file=os.fspath(path)))
    try:
        told = form.attrs(target)
        if "sweep" in told:
            return form.read(target)
    except InputError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(Problem(f"cannot be read: {reason}", file=os.fspath(path))) from None
    raise InputError(Problem("holds no sweep", file=os.fspath(path)))


def is_sweep(path: str | os.PathLike[str]) -> bool:
    """Whether a file is one that a sweep is kept in, by its ending; a CSV file by its first line.

    Examples
    --------
    >>> is_sweep("sweep.zarr"), is_sweep("hardnet68"), is_sweep("no/such.csv")
    (True, False, False)
    """
    ending = Path(path).suffix.lower()
    if ending != ".csv":
        return ending in FORMATS
    try:
        with open(path, "rb") as file:
            return file.read(len(MARK)) == MARK.encode()
    except OSError:
        return False


def _unwritable(path: Path, reason: str) -> InputError:
    return InputError(Problem(f"cannot be written: {reason}", file=str(path)))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


# ---- Zarr and netCDF: xarray's business


def _write_zarr(dataset: Any, path: Path) -> None:
    dataset.to_zarr(path, mode="w-", consolidated=False)


def _write_netcdf(dataset: Any, path: Path) -> None:
    dataset.to_netcdf(path, engine="netcdf4")


def _reader(
    engine: str, **how: Any
) -> tuple[Callable[[Path], Any], Callable[[Path], Mapping[str, Any]]]:
    @contextmanager
    def opened(path: Path) -> Iterator[Any]:
        xarray = needed("xarray", "a sweep")
        with xarray.open_dataset(path, engine=engine, **how) as dataset:
            yield dataset

    def read(path: Path) -> Any:
        with opened(path) as dataset:
            return _as_written(dataset.load())

    def attrs(path: Path) -> Mapping[str, Any]:
        with opened(path) as dataset:
            return _plain(dataset.attrs)

    return read, attrs


def _as_written(dataset: Any) -> Any:
    """Text as objects, whichever the file's own kind of text is, and plain attributes."""
    for name, variable in dataset.variables.items():
        kind = variable.dtype.kind
        if kind in "UST":
            values = np.asarray(variable.values.astype(object))
            dataset[name] = (variable.dims, values, dict(variable.attrs))
        dataset[name].encoding = {}
        dataset[name].attrs = _plain(dataset[name].attrs)
    dataset.attrs, dataset.encoding = _plain(dataset.attrs), {}
    return dataset


def _plain(attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each.item() if hasattr(each, "item") else each for name, each in attrs.items()}


FORMATS.add(".zarr", Format(("zarr",), _write_zarr, *_reader("zarr", consolidated=False)))
FORMATS.add(".nc", Format(("netCDF4",), _write_netcdf, *_reader("netcdf4")))
FORMATS.add(
    ".parquet",
    Format(("pyarrow",), write_parquet, read_parquet, lambda p: parquet_facts(p)["attrs"]),
)
FORMATS.add(".csv", Format((), write_csv, read_csv, lambda p: csv_facts(p)["attrs"]))
