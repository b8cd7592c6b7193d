"""Datasets as tables, a row for each point: Parquet and CSV, which keep what columns do not say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from memsim.files import as_it_was, shown_as_text
from memsim.sweeps.extras import needed

ROWS = 1 << 17
"""Of a table at a time."""

FACTS = "memsim"
"""Under which name a table keeps what its columns do not say."""

MARK = f"# {FACTS}: "
"""How a CSV file of a sweep begins."""


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


def write_parquet(dataset: Any, path: Path) -> None:
    """Write a dataset, piece by piece; what columns do not say goes into the schema."""
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


def parquet_facts(path: Path) -> dict[str, Any]:
    """What the columns of a file do not say."""
    parquet = needed("pyarrow.parquet", "Parquet")
    told = parquet.read_schema(path).metadata or {}
    return dict(json.loads(told[FACTS.encode()]))


def read_parquet(path: Path) -> Any:
    """Read a dataset as it was written."""
    parquet = needed("pyarrow.parquet", "Parquet")
    table = parquet.read_table(path)
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return _from_columns(columns, parquet_facts(path))


def write_csv(dataset: Any, path: Path) -> None:
    """Write a dataset, piece by piece; what columns do not say is the first line, a comment."""
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"{MARK}{json.dumps(_facts(dataset))}\n")
        writer = csv.writer(file, lineterminator="\n")
        for number, piece in enumerate(_rows(dataset)):
            if not number:
                writer.writerow(piece)
            kinds = ((each, each.dtype.kind in "OU") for each in piece.values())
            listed = [map(shown_as_text, each) if text else each.tolist() for each, text in kinds]
            writer.writerows(zip(*listed, strict=True))


def csv_facts(path: Path) -> dict[str, Any]:
    """What the columns of a file do not say."""
    with path.open(encoding="utf-8") as file:
        return dict(json.loads(file.readline().removeprefix(MARK)))


def read_csv(path: Path) -> Any:
    """Read a dataset as it was written."""
    import csv

    with path.open(newline="", encoding="utf-8") as file:
        next(file)
        header, *rows = csv.reader(file)
    columns: dict[str, Any] = {}
    facts = csv_facts(path)
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
