"""Datasets in files: Zarr, netCDF, Parquet and CSV, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from memsim.errors import InputError, Problem, did_you_mean
from memsim.files import as_it_was, shown_as_text
from memsim.registry import Registry
from memsim.sweeps.extras import needed

if TYPE_CHECKING:
    import xarray

__all__ = ["FORMATS", "check_output", "format_of", "load_sweep", "told_of", "write"]

ROWS = 1 << 17
"""Of a table at a time."""


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


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format of a file, by its ending; what it needs is installed.

    Raises
    ------
    InputError
        For another ending, and a module that is missing.
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        message = f"a sweep is written to no file with the ending {ending!r}"
        hint = did_you_mean(ending, FORMATS) if ending else f"known: {', '.join(FORMATS)}"
        raise InputError(Problem(message, file=os.fspath(path), hint=hint))
    found = FORMATS[ending]
    for module in ("xarray", *found.modules):
        needed(module, f"a sweep in a {ending} file")
    return found


def check_output(path: str | os.PathLike[str], key: str) -> bool:
    """Whether a file holds this very sweep already; before any work is done.

    Raises
    ------
    InputError
        If it cannot be written, or is there and holds anything else.
    """
    form, target = format_of(path), Path(path)
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


def write(dataset: xarray.Dataset, path: str | os.PathLike[str], scratch: Path) -> None:
    """Write a dataset, whole or not at all.

    Parameters
    ----------
    dataset : Dataset
    path : path
        Not there yet.
    scratch : Path
        What is half-written, on the same disk.

    Raises
    ------
    InputError
        If it cannot be written: the disk may be full.
    """
    form, target = format_of(path), Path(path)
    _remove(scratch)
    try:
        form.write(dataset, scratch)
        os.replace(scratch, target)
    except (OSError, RuntimeError) as error:  # netCDF4 tells a full disk as a RuntimeError
        reason = getattr(error, "strerror", None) or str(error)
        raise _unwritable(target, reason) from None
    finally:
        _remove(scratch)


def load_sweep(path: str | os.PathLike[str]) -> xarray.Dataset:
    """Read a sweep from the file that ``memsim sweep`` wrote.

    Parameters
    ----------
    path : str or path
        A ``.zarr`` folder, or a ``.nc``, ``.parquet`` or ``.csv`` file.

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
    form, target = format_of(path), Path(path)
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


# ---- tables: a row for each point


def _columns(dataset: Any) -> dict[str, Any]:
    """Each column of the table, broadcast over all points where it is one for several of them."""
    dims = _dims(dataset)
    shape = tuple(dataset.sizes[name] for name in dims)
    columns: dict[str, Any] = {}
    for name in (*dataset.coords, *dataset.data_vars):
        variable = dataset[name].variable
        split = [each for each in variable.dims if each not in dims]
        if name in ("role", "cause"):
            continue
        if not split:
            columns[name] = _broadcast(variable.values, variable.dims, dims, shape)
            continue
        for at, part in enumerate(dataset[split[0]].values):
            values = variable.values[..., at]
            columns[f"{name}:{part}"] = _broadcast(values, variable.dims[:-1], dims, shape)
    return columns


def _dims(dataset: Any) -> tuple[str, ...]:
    """The dimensions that make points."""
    return tuple(name for name in dataset.sizes if name not in ("role", "cause"))


def _broadcast(values: Any, own: Any, dims: tuple[str, ...], shape: tuple[int, ...]) -> Any:
    there = [size if name in own else 1 for name, size in zip(dims, shape, strict=True)]
    return np.broadcast_to(np.asarray(values).reshape(there), shape)


def _rows(dataset: Any) -> Iterator[dict[str, Any]]:
    """The table in pieces of so many rows."""
    columns = _columns(dataset)
    total = int(np.prod([dataset.sizes[name] for name in _dims(dataset)], dtype=np.int64))
    for first in range(0, max(total, 1), ROWS):
        yield {name: values.flat[first : first + ROWS] for name, values in columns.items()}


def _facts(dataset: Any) -> dict[str, Any]:
    """What of a dataset a table's columns do not say."""
    return {
        "attrs": dataset.attrs,
        "dims": {name: int(size) for name, size in dataset.sizes.items()},
        "variables": {
            name: {
                "dims": list(dataset[name].dims),
                "dtype": str(dataset[name].dtype),
                "attrs": dataset[name].attrs,
                "coordinate": name in dataset.coords,
            }
            for name in dataset.variables
        },
    }


def _from_columns(columns: Mapping[str, Any], facts: Mapping[str, Any]) -> Any:
    """The dataset again."""
    from memsim.sweeps.facts import SPLITS

    xarray = needed("xarray", "a sweep")
    sizes = facts["dims"]
    points = [name for name in sizes if name not in SPLITS]
    shape = tuple(sizes[name] for name in points)
    found: dict[bool, dict[str, Any]] = {True: {}, False: {}}
    for name, told in facts["variables"].items():
        own = [dim for dim in told["dims"] if dim not in SPLITS]
        split = [dim for dim in told["dims"] if dim in SPLITS]
        keep = tuple(slice(None) if dim in own else 0 for dim in points)
        if name in SPLITS:
            values: Any = np.array(SPLITS[name], dtype=object)
        elif split:
            each = [columns[f"{name}:{part}"] for part in SPLITS[split[0]]]
            values = np.stack([part.reshape(shape)[keep] for part in each], axis=-1)
        else:
            values = columns[name].reshape(shape)[keep]
        values = np.asarray(values).astype(told["dtype"])
        found[told["coordinate"]][name] = (told["dims"], values, told["attrs"])
    dataset = xarray.Dataset(found[False], found[True], facts["attrs"])
    return dataset[list(found[False])]


FACTS = "memsim"
"""Under which name a table keeps what its columns do not say."""


def _write_parquet(dataset: Any, path: Path) -> None:
    arrow, parquet = needed("pyarrow", "Parquet"), needed("pyarrow.parquet", "Parquet")
    told = {FACTS.encode(): json.dumps(_facts(dataset)).encode()}
    writer = None
    try:
        for piece in _rows(dataset):
            table = arrow.table({name: arrow.array(each) for name, each in piece.items()})
            if writer is None:
                schema = table.schema.with_metadata(told)
                writer = parquet.ParquetWriter(path, schema, compression="zstd")
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _parquet_facts(path: Path) -> dict[str, Any]:
    parquet = needed("pyarrow.parquet", "Parquet")
    told = parquet.read_schema(path).metadata or {}
    return dict(json.loads(told[FACTS.encode()]))


def _read_parquet(path: Path) -> Any:
    parquet = needed("pyarrow.parquet", "Parquet")
    table = parquet.read_table(path)
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return _from_columns(columns, _parquet_facts(path))


def _write_csv(dataset: Any, path: Path) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {FACTS}: {json.dumps(_facts(dataset))}\n")
        writer = csv.writer(file, lineterminator="\n")
        for number, piece in enumerate(_rows(dataset)):
            if not number:
                writer.writerow(piece)
            kinds = ((each, each.dtype.kind in "OU") for each in piece.values())
            listed = [map(shown_as_text, each) if text else each.tolist() for each, text in kinds]
            writer.writerows(zip(*listed, strict=True))


def _csv_facts(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        return dict(json.loads(file.readline().removeprefix(f"# {FACTS}: ")))


def _read_csv(path: Path) -> Any:
    import csv

    with path.open(newline="", encoding="utf-8") as file:
        next(file)
        header, *rows = csv.reader(file)
    columns: dict[str, Any] = {}
    facts = _csv_facts(path)
    for name, values in zip(header, zip(*rows, strict=True), strict=True):
        dtype = facts["variables"][name.partition(":")[0]]["dtype"]
        columns[name] = _parsed(values, dtype)
    return _from_columns(columns, facts)


def _parsed(values: Any, dtype: str) -> Any:
    if dtype.startswith("int"):
        return np.array([*map(int, values)], np.int64)
    if dtype.startswith("float"):
        return np.array([float(value) if value else np.nan for value in values])
    if dtype == "bool":
        return np.array([value == "True" for value in values])
    return np.array(list(map(as_it_was, values)), dtype=object)


FORMATS.add(".zarr", Format(("zarr",), _write_zarr, *_reader("zarr", consolidated=False)))
FORMATS.add(".nc", Format(("netCDF4",), _write_netcdf, *_reader("netcdf4")))
FORMATS.add(
    ".parquet",
    Format(("pyarrow",), _write_parquet, _read_parquet, lambda p: _parquet_facts(p)["attrs"]),
)
FORMATS.add(".csv", Format((), _write_csv, _read_csv, lambda p: _csv_facts(p)["attrs"]))
