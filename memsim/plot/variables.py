"""How the variables of a dataset are told: labels, ticks and short texts of values."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from memsim.plot.style import bytes_axis, chosen_size, si

SPREAD = 20
"""From this ratio of the largest to the smallest number on, colours and heights are logarithmic."""


def is_ordered(array: Any, name: str) -> bool:
    """Whether a coordinate is of numbers, and no names."""
    return array[name].dtype.kind in "if"


def label(variable: Any, name: str) -> str:
    """What an axis of it is called, with its unit."""
    told = variable.attrs.get("long_name", name)
    unit = variable.attrs.get("units")
    return f"{told} [{unit}]" if unit else str(told)


def is_spread(values: Any) -> bool:
    """Whether numbers differ so much that they need a logarithm."""
    real = values[np.isfinite(values)]
    return bool(len(real) and real.min() > 0 and real.max() >= SPREAD * real.min())


def scale(axis: Any, variable: Any) -> None:
    """An axis of numbers, logarithmic where they spread; else one of names."""
    values = variable.values
    if variable.dtype.kind not in "if":
        axis.set_ticks(range(len(values)), [str(value) for value in values])
        return
    if is_spread(values):
        axis.axes.set_xscale("log", base=2 if variable.attrs.get("units") == "B" else 10)
    if variable.attrs.get("units") == "B":
        bytes_axis(axis, chosen_size)


def value_text(variable: Any, number: int) -> str:
    """One value of a coordinate, as somebody would choose it."""
    value, unit = variable.values[number], variable.attrs.get("units", "")
    if unit == "B":
        return chosen_size(float(value))
    if unit in ("B/s", "MAC/s"):
        for prefix, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
            if value >= factor:
                return f"{value / factor:g} {prefix}{unit}"
    return f"{value:g}" if isinstance(value, np.number) else str(value)


def short_value(number: float, panel: Any) -> str:
    """A number of a variable in three digits."""
    if panel.attrs.get("units") == "B":
        return si(number)
    return f"{number:.3g}"


def name_ticks(axis: Any, variable: Any) -> None:
    """At most a dozen names of cells."""
    every = ceil(len(variable) / 12)
    places = range(0, len(variable), every)
    axis.set_ticks(list(places), [value_text(variable, place) for place in places])
