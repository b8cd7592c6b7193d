"""Results that were written as JSON, read again as far as a difference needs them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from memsim.errors import InputError, Problem
from memsim.files import read_bytes
from memsim.formats.architecture.file import schema_of
from memsim.results.run import SCHEMA
from memsim.yaml.document import LARGEST_FILE as LARGEST_NETWORK

__all__ = ["is_stored", "read_result"]

LARGEST_FILE = 1 << 28
"""Bytes of the largest result that is read."""

AGAIN = "memsim run NETWORK --format json -o FILE writes one"


def is_stored(source: object) -> bool:
    """Whether a source is a written result: a file that ends in ``.json``, and is no network.

    Examples
    --------
    >>> is_stored("before.json"), is_stored("hardnet68")
    (True, False)
    """
    if not isinstance(source, str | os.PathLike):
        return False
    file = os.fspath(source)
    return file.lower().endswith(".json") and not _is_network(file)


def _is_network(file: str) -> bool:
    """Whether a file holds an architecture: layers, and no schema of an answer."""
    if schema_of(file) is not None:
        return False
    try:
        held = json.loads(read_bytes(file, LARGEST_NETWORK))
    except (InputError, ValueError, RecursionError):
        return False
    return isinstance(held, dict) and "layers" in held and "schema" not in held


def read_result(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what ``memsim run --format json`` wrote.

    Raises
    ------
    InputError
        For a file that cannot be read, is no result of a run, or does not add up.

    Examples
    --------
    >>> read_result("no/such.json")
    Traceback (most recent call last):
    memsim.errors.InputError: no/such.json: no such file
    """
    file = os.fspath(path)
    facts = _parsed(file)
    told = facts.get("schema") if isinstance(facts, dict) else None
    if told != SCHEMA:
        what = f"{told!r}" if isinstance(told, str) else "no report of memsim"
        raise InputError(Problem(f"is {what[:60]}, not {SCHEMA!r}", file=file, hint=AGAIN))
    problems = [Problem(message, path=where, file=file) for where, message in _faults(facts)]
    if problems:
        raise InputError(*problems[:20])
    moved = sum(row["dram_read_bytes"] + row["dram_write_bytes"] for row in facts["layers"])
    if moved != facts["totals"]["dram_bytes"]:
        message = f"its layers move {moved:,} B, and its totals tell "
        message += f"{facts['totals']['dram_bytes']:,} B"
        raise InputError(Problem(message, "totals.dram_bytes", AGAIN, file))
    return dict(facts)


def _parsed(file: str) -> Any:
    raw = read_bytes(file, LARGEST_FILE)
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse)
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg}"
        raise InputError(Problem(message, "", "", file, error.lineno, error.colno)) from None
    except (ValueError, RecursionError) as error:  # no text, a number that is none, or too deep
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InputError(Problem(f"is not JSON: {reason[:60]}", file=file)) from None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


Test = Callable[[Any], bool]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 80


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_count, value))


COUNT: tuple[Test, str] = (_is_count, "a whole number from 0 on")
TEXT: tuple[Test, str] = (_is_text, "text")
TEXTS: tuple[Test, str] = (_is_texts, "a list of text")
SHAPE: tuple[Test, str] = (_is_shape, "a list of whole numbers")

BOTH: Mapping[str, tuple[Test, str]] = {
    "name": TEXT, "op": TEXT, "output_shape": SHAPE, "params": COUNT,
}  # fmt: skip
ROWS: Mapping[str, Mapping[str, tuple[Test, str]]] = {
    "layers": {
        **BOTH, "layers": TEXTS, "ops": TEXTS, "dram_read_bytes": COUNT, "dram_write_bytes": COUNT,
        "dram_weight_bytes": COUNT, "macs": COUNT,
        "time_s": (_is_time, "a number of seconds"),
    },
    "without_kernel": {**BOTH, "after": TEXT},
}  # fmt: skip
"""What of a result's rows a difference reads."""

HEAD: Mapping[tuple[str, str], tuple[Test, str]] = {
    ("network", "name"): TEXT,
    ("config", "batch"): COUNT,
    ("totals", "dram_bytes"): COUNT,
}
"""What it reads besides."""


def _faults(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a result is not as memsim writes it, and what was expected."""
    for (part, key), (fits, what) in HEAD.items():
        held = facts.get(part)
        if not isinstance(held, dict) or not fits(held.get(key)):
            yield f"{part}.{key}", f"expected {what}"
    config = facts.get("config")
    for key in ("batch", "frames"):
        if isinstance(config, dict) and config.get(key, 1) == 0:
            yield f"config.{key}", "expected a whole number from 1 on"
    if isinstance(config, dict) and not _is_count(config.get("frames", 1)):
        yield "config.frames", "expected a whole number from 1 on"
    for part, columns in ROWS.items():
        rows = facts.get(part)
        if not isinstance(rows, list):
            yield part, f"expected a list of layers; {AGAIN}"
            continue
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                yield f"{part}[{number}]", "expected a mapping"
                continue
            for key, (fits, what) in columns.items():
                if not fits(row.get(key)):
                    yield f"{part}[{number}].{key}", f"expected {what}"
            names, ops = row.get("layers", ()), row.get("ops", ())
            if _is_texts(names) and _is_texts(ops) and not 0 < len(names) == len(ops):
                yield f"{part}[{number}].ops", "expected an operator for each of its layers"
