"""The figure of a sweep: lines over one axis, a heat map over two, small multiples over a third."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.errors import InputError, Problem, did_you_mean
from memsim.plot.canvas import new_panels
from memsim.plot.style import (
    BLACK,
    GREY,
    LABEL,
    RED,
    TICK,
    bytes_axis,
    chosen_size,
    dress,
    legend,
    series,
    si,
)
from memsim.plot.variables import (
    is_ordered,
    is_spread,
    label,
    name_ticks,
    scale,
    short_value,
    value_text,
)
from memsim.sweeps.facts import INNER, SPLITS, split_facts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from memsim.plot.canvas import GivenPanels, Panels

__all__ = ["sweep"]

MOST_LINES = 7
"""Lines of a panel, and panels of a figure times two: more could not be told apart."""

MOST_PANELS = 16

MOST_WRITTEN = 80
"""Cells of a heat map up to which each says its number."""

LETTER = 0.055
"""Inches of a letter of such a number."""


def sweep(
    data: Any,
    *,
    value: str = "dram_bytes",
    over: str | Sequence[str] = "",
    at: Mapping[str, Any] | None = None,
    front: str | Sequence[str] = "",
    ax: GivenPanels | None = None,
    size: tuple[float, float] | None = None,
) -> Axes | Panels:
    """Draw one number of a sweep over its axes.

    Parameters
    ----------
    data : xarray.Dataset, xarray.DataArray, str or path
        What :func:`memsim.sweep` returns, a number computed of it, or a file of a sweep.
    value : str
        Which of the variables; of a DataArray itself.
    over : str or sequence of str
        Axes: of one the values are lines, of two (x, y) a heat map, of three the third makes
        panels. Left out: those of numbers that have several values, a cache first, then names.
    at : mapping, optional
        The values of the other axes.
    front : str or sequence of str
        Instead: two of the axes and variables, both to be small. Every point is drawn, and the
        Pareto front, of points that no other is better than in both.
    ax : Axes or sequence of them, optional
        Where to draw; a new figure if left out.
    size : (float, float), optional
        Inches of a new figure.

    Returns
    -------
    Axes, or an array of them where there are panels

    Raises
    ------
    InputError
        For an axis or a variable that the sweep does not have, and an axis with several values
        that is neither drawn nor chosen.

    Examples
    --------
    >>> import memsim
    >>> ds = memsim.sweep("resnet18", cache="1MiB:4MiB:log2", bandwidth="6GB/s,12GB/s",
    ...                   machine="textbook")
    >>> axes = sweep(ds, value="time_s", over=["cache", "bandwidth"])
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('cache [B]', 'peak DRAM bandwidth [B/s]')
    """
    found = _chosen(_read(data), at or {})
    words = _words(front)
    if words:
        if over:
            problem = Problem("a front is over all points", path="over", hint="leave one out")
            raise InputError(problem)
        return _front(found, words, ax, size or (7.5, 5.0))
    array = _variable(found, value) if hasattr(found, "data_vars") else found
    axes = _words(over) or _usual(array)
    _check_axes(array, axes)
    array = _in_milliseconds(
        _own(array).squeeze([name for name in _single(array) if name not in axes])
    )
    if len(axes) == 1:
        return _lines(array, axes[0], ax, size or (8.0, 4.5))
    return _maps(array, axes, ax, size)


def _read(data: Any) -> Any:
    if not isinstance(data, str | os.PathLike):
        return data
    from memsim.sweeps.files import load_sweep

    return load_sweep(data)


def _single(array: Any) -> list[str]:
    return [name for name in array.dims if array.sizes[name] == 1]


def _usual(array: Any) -> list[str]:
    """The axes that are drawn where none are named: of numbers before names, a cache first."""
    several = [name for name in array.dims if array.sizes[name] > 1] or list(array.dims)
    numbers = [name for name in several if is_ordered(array, name)]
    numbers.sort(key=lambda name: INNER.index(name) if name in INNER else len(INNER))
    names = [name for name in several if name not in numbers]
    if len(numbers) == 1 and len(several) <= 2:
        return numbers  # a line for each of the names
    return [*numbers, *names][:3]


def _own(array: Any) -> Any:
    """What was computed of a fact is called by its own name, whatever xarray lets it inherit."""
    facts = split_facts(tuple(SPLITS))
    inherited = {None, *(fact.told for fact in facts.values())}
    if array.name in facts or array.attrs.get("long_name") not in inherited:
        return array
    return array.assign_attrs(units="", long_name=str(array.name))


def _in_milliseconds(array: Any) -> Any:
    if array.attrs.get("units") != "s":
        return array
    return (1e3 * array).assign_attrs({**array.attrs, "units": "ms"}).rename(array.name)


def _words(given: str | Sequence[str]) -> list[str]:
    listed = given.split(",") if isinstance(given, str) else given
    return [word.strip() for word in listed if word.strip()]


def _chosen(data: Any, at: Mapping[str, Any]) -> Any:
    """The data at some values of some axes."""
    for name, value in at.items():
        if name not in data.dims:
            hint = did_you_mean(name, data.dims)
            raise InputError(Problem(f"the sweep has no axis {name!r}", path="at", hint=hint))
        known = data[name].values.tolist()
        if isinstance(value, str) and not isinstance(known[0], str):
            value = _number(name, value)
        if value not in known:
            hint = f"known: {', '.join(map(str, known[:12]))}{', ...' if len(known) > 12 else ''}"
            raise InputError(Problem(f"{name} has no {value!r}", path="at", hint=hint))
        data = data.isel({name: known.index(value)})
    return data


def _number(name: str, text: str) -> Any:
    """A value as the axis of this name is written."""
    from memsim.sweeps.axis import AXES, PARAMETER, axis

    return axis(name, text, AXES.get(name, PARAMETER)).labels[0]


def _variable(data: Any, name: str) -> Any:
    if name not in data.data_vars:
        hint = did_you_mean(name, data.data_vars)
        raise InputError(Problem(f"a sweep has no {name!r}", path="value", hint=hint))
    return data[name]


def _check_axes(array: Any, axes: list[str]) -> None:
    if not 1 <= len(axes) <= 3:
        message = f"a figure is over one to three axes, not {len(axes)}"
        raise InputError(Problem(message, path="over", hint=", ".join(array.dims)))
    for name in axes:
        if name not in array.dims:
            hint = did_you_mean(name, array.dims)
            problem = f"{array.name} does not depend on {name!r}"
            raise InputError(Problem(problem, path="over", hint=hint))
    most = 1 if len(axes) == 1 else 0
    left = [name for name in array.dims if name not in axes and array.sizes[name] > 1]
    if len(left) > most:
        name = left[-1]
        message = f"{name} has {array.sizes[name]} values, and is neither drawn nor chosen"
        raise InputError(Problem(message, path="over", hint=f"--at {name}={array[name].values[0]}"))


def _lines(array: Any, x: str, ax: GivenPanels | None, size: tuple[float, float]) -> Axes:
    (axes,) = new_panels(ax, (1, 1), size, kind="the figure of a sweep")
    hues = [name for name in array.dims if name != x]
    if hues and array.sizes[hues[0]] > MOST_LINES:
        name = hues[0]
        message = f"{name} has {array.sizes[name]} values, and {MOST_LINES} lines can be told apart"
        hint = f"choose one with --at {name}=..., or draw it with --over {x},{name}"
        raise InputError(Problem(message, path="over", hint=hint))
    handles = []
    places = array[x].values if is_ordered(array, x) else np.arange(array.sizes[x])
    for number in range(array.sizes[hues[0]] if hues else 1):
        line = array.isel({hues[0]: number}) if hues else array
        name = value_text(array[hues[0]], number) if hues else ""
        look = series(number, name)
        (handle,) = axes.plot(
            places, line.transpose(x).values, color=look.colour, linestyle=look.line, label=name,
            marker=look.marker if len(places) <= 24 else "", markersize=5, linewidth=2,
        )  # fmt: skip
        handles.append(handle)
    scale(axes.xaxis, array[x])
    if array.attrs.get("units") == "B":
        bytes_axis(axes.yaxis)
    if is_spread(array.values):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    y = label(array, str(array.name))
    dress(axes, title=f"{y.partition(' [')[0]} over {x}", x=label(array[x], x), y=y, grid="both")
    if hues:
        legend(axes, handles, title=label(array[hues[0]], hues[0]))
    return axes  # type: ignore[no-any-return]  # the one panel


def _maps(
    array: Any, axes: list[str], ax: GivenPanels | None, size: tuple[float, float] | None
) -> Axes | Panels:
    x, y, *third = axes
    count = array.sizes[third[0]] if third else 1
    if count > MOST_PANELS:
        message = f"{third[0]} has {count} values, and a figure has {MOST_PANELS} panels at most"
        raise InputError(Problem(message, path="over", hint=f"choose one with --at {third[0]}=..."))
    wide = min(count, 4)
    shape = (ceil(count / wide), wide)
    inches = size or ((2.6 if count > 1 else 6.0) * wide + 1.4, 3.2 * shape[0] + 0.4)
    panels = new_panels(ax, shape, inches, sharex=True, sharey=True, kind="the figure of a sweep")
    flat: list[Axes] = list(panels.flat)  # type: ignore[arg-type]  # an array of Axes
    room = int((inches[0] - 1.4) / wide / array.sizes[x] / LETTER)
    real = array.values[np.isfinite(array.values)]
    from matplotlib.colors import LogNorm, Normalize

    low, high = (float(real.min()), float(real.max())) if len(real) else (0.0, 1.0)
    norm = LogNorm(low, high) if low > 0 and high >= 2 * low else Normalize(low, high)
    image: Any = None
    for number, axes_ in enumerate(flat):
        if number >= count:
            axes_.set_visible(False)
            continue
        panel = array.isel({third[0]: number}) if third else array
        image = _map(axes_, panel.transpose(y, x), (x, y), norm, room)
        title = value_text(array[third[0]], number) if third else _title(array, x, y)
        axes_.set_title(title, loc="left", fontsize=LABEL, fontweight="bold", color=BLACK)
    bar = flat[0].figure.colorbar(image, ax=flat, pad=0.02)
    bar.set_label(label(array, str(array.name)), fontsize=LABEL)
    bar.ax.tick_params(which="both", labelsize=TICK)
    bar.ax.yaxis.set_major_formatter(lambda number, _: short_value(number, array))
    told = "123456789" if high < 10 * low else "25"
    bar.ax.yaxis.set_minor_formatter(
        lambda number, _: short_value(number, array) if f"{number:e}"[0] in told else ""
    )
    return panels if third else flat[0]


def _title(array: Any, x: str, y: str) -> str:
    return f"{array.attrs.get('long_name', array.name)} over {x} and {y}"


def _map(axes: Axes, panel: Any, names: tuple[str, str], norm: Any, room: int) -> Any:
    x, y = names
    values = panel.values.astype(float)
    texts = {number: short_value(number, panel) for number in values[np.isfinite(values)].tolist()}
    image = axes.imshow(values, cmap="YlOrRd", norm=norm, origin="lower", aspect="auto")
    if values.size <= MOST_WRITTEN and max(map(len, texts.values()), default=0) <= room:
        for (row, column), number in np.ndenumerate(values):
            if number in texts:
                dark = norm(number) > 0.65
                axes.text(
                    column, row, texts[number], ha="center", va="center",
                    fontsize=TICK - 2, color="white" if dark else BLACK,
                )  # fmt: skip
    name_ticks(axes.xaxis, panel[x])
    name_ticks(axes.yaxis, panel[y])
    axes.tick_params(axis="x", rotation=30, labelsize=TICK)
    axes.tick_params(axis="y", labelsize=TICK)
    axes.set_xlabel(label(panel[x], x), fontsize=LABEL)
    place = axes.get_subplotspec()
    if place is None or place.is_first_col():
        axes.set_ylabel(label(panel[y], y), fontsize=LABEL)
    return image


def _front(data: Any, words: list[str], ax: GivenPanels | None, size: tuple[float, float]) -> Axes:
    if len(words) != 2 or not hasattr(data, "data_vars"):
        hint = "such as cache,time_s"
        raise InputError(Problem("a front is of two numbers of a sweep", path="front", hint=hint))
    for name in words:
        if name not in data or data[name].dtype.kind not in "if":
            numbers = [each for each in data.variables if data[each].dtype.kind in "if"]
            hint = did_you_mean(name, numbers)
            raise InputError(Problem(f"a sweep has no number {name!r}", path="front", hint=hint))
    import xarray

    first, second = xarray.broadcast(*(data[name] for name in words))
    x, y = (each.values.astype(float).ravel() for each in (first, second))
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    best = pareto(x, y)
    (axes,) = new_panels(ax, (1, 1), size, kind="the front of a sweep")
    axes.scatter(x, y, s=12, color=GREY, alpha=0.5, linewidths=0, label="points")
    axes.step(x[best], y[best], where="post", color=RED, linewidth=2, marker="o", markersize=5,
              label="front")  # fmt: skip
    for axis, values, variable in (
        (axes.xaxis, x, data[words[0]]),
        (axes.yaxis, y, data[words[1]]),
    ):
        if is_spread(values):
            (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
        if variable.attrs.get("units") == "B":
            bytes_axis(axis, chosen_size if variable.name in data.coords else si)
    labels = [label(data[name], name) for name in words]
    title = f"{len(best)} of {len(x):,} points that no other beats in both"
    dress(axes, title=title, x=labels[0], y=labels[1], grid="both")
    return axes  # type: ignore[no-any-return]  # the one panel


def pareto(x: Any, y: Any) -> Any:
    """The places of the points that no other is better than in both, by ascending ``x``.

    Examples
    --------
    >>> pareto(np.array([1.0, 2, 2, 3, 1]), np.array([5.0, 3, 4, 3, 6])).tolist()
    [0, 1]
    """
    order = np.lexsort((y, x))
    least = np.minimum.accumulate(y[order])
    kept = np.concatenate([[True], y[order][1:] < least[:-1]])
    return order[kept]
