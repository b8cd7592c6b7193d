"""Machines from files: the shipped presets by name, any other by path."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from memsim.errors import InputError, Problem, did_you_mean
from memsim.machine.habits import Calibrated, ProgramHabit
from memsim.machine.machine import (
    Cache,
    Compute,
    Dram,
    MacEnergy,
    Machine,
    MacRates,
    RateByDtype,
)
from memsim.yaml import text as yaml_text
from memsim.yaml.document import shown

__all__ = ["DEFAULT_MACHINE", "load_machine", "machine_file", "machine_names"]

DEFAULT_MACHINE = "gtx1080"
"""The preset used where none is named: a device that was measured, and whose order it has."""

_PRESETS = Path(__file__).with_name("presets")
_MODELS: dict[tuple[str | int, ...], type[BaseModel]] = {
    (): Machine,
    ("cache",): Cache,
    ("dram",): Dram,
    ("compute",): Compute,
    ("compute", "macs_per_s"): MacRates,
    ("compute", "rate_by_dtype"): RateByDtype,
    ("compute", "energy_pj_per_mac"): MacEnergy,
    ("program",): ProgramHabit,
    ("calibrated",): Calibrated,
}


def machine_names() -> tuple[str, ...]:
    """Return the names of the shipped machines, the default first.

    Examples
    --------
    >>> machine_names()
    ('gtx1080', 'cpu', 'datacenter', 'edge', 'jetson_nano', 'textbook', 'titan_v', 'xeon_avx512',
     'xeon_avx512_eager', 'zen3', 'zen3_eager')
    """
    names = {path.stem for path in _PRESETS.glob("*.yaml")}
    return (DEFAULT_MACHINE, *sorted(names - {DEFAULT_MACHINE}))


def load_machine(name_or_path: str | os.PathLike[str] = DEFAULT_MACHINE) -> Machine:
    """Read a shipped machine by name, or any machine from its YAML file.

    Parameters
    ----------
    name_or_path : str or path
        A name from :func:`machine_names`. A ``Path``, and text that holds a path
        separator or ends in ``.yaml`` or ``.yml``, is a file.

    Returns
    -------
    Machine

    Raises
    ------
    InputError
        Unknown name (with a did-you-mean), unreadable file, or every fault of the
        file at once, each with its line and column.

    Examples
    --------
    >>> load_machine("gtx1080").resolved()["bandwidth_bytes_per_s"]
    320000000000
    >>> load_machine("gtx1090")
    Traceback (most recent call last):
    memsim.errors.InputError: unknown machine 'gtx1090' (did you mean 'gtx1080'?)
    """
    text = os.fspath(name_or_path)
    file = machine_file(name_or_path)
    return _load_preset(file.stem) if file.parent == _PRESETS else _load_file(text)


def machine_file(name_or_path: str | os.PathLike[str]) -> Path:
    """Return the file of a shipped machine, or the path of any other; read by `load_machine`.

    Raises
    ------
    InputError
        Unknown name (with a did-you-mean).

    Examples
    --------
    >>> machine_file("textbook").name
    'textbook.yaml'
    """
    text = os.fspath(name_or_path)
    if not isinstance(name_or_path, str) or _looks_like_a_path(text):
        return Path(text)
    if text not in machine_names():
        hint = did_you_mean(text, machine_names())
        raise InputError(Problem(f"unknown machine {shown(text)}", hint=hint))
    return _PRESETS / f"{text}.yaml"


@cache
def _load_preset(name: str) -> Machine:
    return _load_file(str(_PRESETS / f"{name}.yaml"))


def _looks_like_a_path(text: str) -> bool:
    separators = ("/", os.sep, os.altsep or "/")
    return any(map(text.__contains__, separators)) or text.endswith((".yaml", ".yml"))


def _load_file(file: str) -> Machine:
    document = yaml_text.load(yaml_text.read(file), file)
    try:
        return Machine.model_validate(document.data)
    except ValidationError as error:
        told = [_told(fault, document.data) for fault in error.errors(include_url=False)]
    raise InputError(*(document.problem(*problem) for problem in told))


def _told(fault: Any, data: Any) -> tuple[tuple[str | int, ...], str, str]:
    """Return the path, message and hint of one pydantic fault."""
    *parent, key = place = fault["loc"] or ("",)
    if fault["type"] == "extra_forbidden":
        model = _MODELS[tuple(parent)]
        return place, f"unknown key {key!r}", did_you_mean(str(key), model.model_fields)
    if fault["type"] == "missing":
        return tuple(parent), f"missing key {key!r}", ""
    if fault["type"] == "quantity":
        return _written(place, data), fault["msg"], fault["ctx"]["hint"]
    if fault["type"] in {"model_type", "model_attributes_type"}:
        keys = ", ".join(_MODELS[fault["loc"]].model_fields)
        return fault["loc"], "expected a mapping", f"keys: {keys}"
    message = fault["msg"].replace("Input should be", "expected")
    return _written(place, data), f"{message}, not {shown(fault['input'])}", ""


def _written(place: tuple[str | int, ...], data: Any) -> tuple[str | int, ...]:
    """Cut a path to what the file itself spells out: one rate may stand for all classes."""
    for depth, key in enumerate(place):
        if not isinstance(data, dict) or key not in data:
            return place[:depth]
        data = data[key]
    return place
