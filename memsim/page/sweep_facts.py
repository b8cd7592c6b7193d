"""Sweep facts: everything the page knows of a sweep's dataset."""

from __future__ import annotations

from typing import Any

import numpy as np

from memsim.errors import InputError, Problem
from memsim.page.looks import looks
from memsim.plot.variables import is_ordered, is_spread, value_text
from memsim.sweeps.dataset import failures

MOST_NUMBERS = 500_000
"""Of all variables together: more, and a page would take seconds to open."""

LINES = 7
"""Lines that can be told apart."""

LEFT_OUT = {"time_s": "time_ps", "stall_s": "stall_ps"}
"""Variables that are another one, rounded."""


def sweep_facts(dataset: Any) -> dict[str, Any]:
    """The axes of a sweep with their values, and its numbers along them.

    Parameters
    ----------
    dataset : xarray.Dataset
        As :func:`memsim.sweep` returns it.

    Raises
    ------
    InputError
        If it has a single point, or too many numbers for a page.

    Examples
    --------
    >>> import memsim
    >>> facts = sweep_facts(memsim.sweep("resnet18", cache="1MiB,2MiB", machine="textbook"))
    >>> facts["axes"][0]["texts"], facts["variables"][0]["dims"]
    (['1 MiB', '2 MiB'], ['cache'])
    """
    several = [str(name) for name in dataset.sizes if dataset.sizes[name] > 1]
    numbers = dataset.squeeze()
    shown = [
        numbers[name]
        for name in numbers.data_vars
        if numbers[name].dims and numbers[name].dtype.kind in "if"
        and LEFT_OUT.get(str(name)) not in numbers.data_vars
    ]  # fmt: skip
    if not shown:
        message = "the sweep has a single point, and a page shows how numbers change"
        raise InputError(Problem(message, hint="memsim run tells all of one point"))
    total = sum(int(variable.size) for variable in shown)
    if total > MOST_NUMBERS:
        message = f"the sweep has {total:,} numbers, and a page holds at most {MOST_NUMBERS:,}"
        raise InputError(Problem(message, hint="sweep fewer values, or ask memsim plot sweep"))
    return {
        "axes": [_axis(dataset[name], name) for name in several],
        "variables": [_variable(each) for each in shown],
        "failed": sum(failures(dataset).values()),
        "looks": looks([""] * LINES),
    }


def _axis(values: Any, name: str) -> dict[str, Any]:
    ordered = is_ordered({name: values}, name)
    return {
        "name": name,
        "label": str(values.attrs.get("long_name", name)),
        "unit": str(values.attrs.get("units", "")),
        "log": ordered and is_spread(values.values),
        "values": values.values.tolist() if ordered else None,
        "texts": [value_text(values, number) for number in range(len(values))],
    }


def _variable(values: Any) -> dict[str, Any]:
    flat = values.values.ravel()
    told = flat.tolist()
    if flat.dtype.kind == "f":
        told = [value if np.isfinite(value) else None for value in told]
    return {
        "name": str(values.name),
        "label": _label(values),
        "unit": str(values.attrs.get("units", "")),
        "dims": [str(name) for name in values.dims],
        "numbers": told,
    }


def _label(values: Any) -> str:
    label = str(values.attrs.get("long_name", values.name))
    split = str(values.name).partition("_by_")[2]
    return f"{label} by {split}" if split else label
