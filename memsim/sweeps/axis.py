"""An axis of a sweep: an option, and the values that it takes one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem, at_path
from memsim.machine import Machine, fields
from memsim.machine.fields import plain
from memsim.sweeps.ranges import MOST_VALUES, listed, parts, ranged, refuse_half_range
from memsim.units import parse_bytes
from memsim.yaml.text import resolve

if TYPE_CHECKING:
    from memsim.program.depth_first import Strip

__all__ = ["AXES", "PARAMETER", "Axis", "Kind", "axis"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What an axis is of.

    Attributes
    ----------
    read : callable
        Reads one value as a verb takes it.
    told : str
        What figures write at the axis; empty for the option's name.
    unit : str
        Of its coordinate; empty for a number without one, and for names.
    ranges : bool
        Whether values have an order, so that a range means something.
    names : bool
        Whether names may stand among numbers: all are names then, as one coordinate holds them.
    """

    read: Callable[[Any], Any]
    told: str = ""
    unit: str = ""
    ranges: bool = False
    names: bool = False


def _word(value: object) -> str:
    """Read a name."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise InputError(Problem(f"{fields.shown(value)} is no name"))


def _count(least: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = resolve(value.strip()) if isinstance(value, str) else value
        if hasattr(number, "item"):  # NumPy's
            number = number.item()
        if isinstance(number, int) and not isinstance(number, bool) and number >= least:
            return number
        message = f"{fields.shown(value)} is no whole number from {least}"
        raise InputError(Problem(message, hint=f"such as {max(least, 1)}"))

    return read


def _strip(value: object) -> Strip:
    """Read rows, or a tile such as ``4x16``."""
    from memsim.program.depth_first import TileSize

    strip: Any = resolve(value.strip()) if isinstance(value, str) else value
    if hasattr(strip, "item"):  # NumPy's
        strip = strip.item()
    TileSize.of(strip)  # what is none is an error
    return strip  # type: ignore[no-any-return]  # it is one


def _flag(value: object) -> bool:
    return fields.flag(resolve(value.strip()) if isinstance(value, str) else value)


def _machine(value: object) -> Machine:
    from memsim.simulate.preparation import machine_of

    return machine_of(value.strip() if isinstance(value, str) else value)


def _size(value: object) -> Any:
    from memsim.network.inputs import size_of, told

    size = size_of(value)  # type: ignore[arg-type]  # it tells what is none
    return f"{told(size.axes)}:{size.dtype}" if size.dtype else told(size.axes)


def _known(
    registry: Callable[[], Iterable[str]], what: str, *besides: str, found: str = ""
) -> Kind:
    """Names of a registry, which is imported when one is read.

    What is ``found`` for one cache size is no axis of a program that serves all of them.
    """

    def read(value: object) -> str:
        if value == found:
            message = f"{found} is found for one cache size, and points of a sweep share programs"
            hint = "memsim run --cache SIZE,SIZE finds it at each"
            raise InputError(Problem(message, hint=hint))
        return fields.one_of(what, *registry(), *besides)(_word(value))

    return Kind(read)


def _lowerings() -> Iterable[str]:
    from memsim.program.lowering import LOWERINGS

    return LOWERINGS


def _schedules() -> Iterable[str]:
    from memsim.program.schedule import SCHEDULES

    return SCHEDULES


def _patterns() -> Iterable[str]:
    from memsim.program.depth_first import PATTERNS

    return PATTERNS


def _overlaps() -> Iterable[str]:
    from memsim.program.depth_first import OVERLAPS

    return OVERLAPS


def _orders() -> Iterable[str]:
    from memsim.program.tiling import LARGER_OUTER, ORDERS

    return (*ORDERS, LARGER_OUTER)


def _policies() -> Iterable[str]:
    from memsim.engines.cache.policies import POLICIES

    return POLICIES


def _managements() -> Iterable[str]:
    from memsim.engines.cache.managements import MANAGEMENTS

    return MANAGEMENTS


def _allocators() -> Iterable[str]:
    from memsim.program.memory.allocator import ALLOCATORS

    return ALLOCATORS


def _libraries() -> Iterable[str]:
    from memsim.program.library.onednn import LIBRARIES

    return LIBRARIES


def _heaps() -> Iterable[str]:
    from memsim.program.memory.heaps.heap import HEAPS

    return HEAPS


def _rows() -> Iterable[str]:
    from memsim.program.rows import ROWS

    return ROWS


def _dtypes() -> Iterable[str]:
    from memsim.network import DTYPES

    return DTYPES


def _parts() -> Iterable[str]:
    from memsim.program.parts import Part

    return [part.value for part in Part]


def _register_tile(value: object) -> str:
    word = _word(value)
    fields.register_tile(word)
    return word


def _parameter(value: object) -> Any:
    """A value of a file's parameter: text is read as in the file."""
    if isinstance(value, Fraction):
        return plain(value)
    if hasattr(value, "item"):  # NumPy's
        value = value.item()
    return resolve(value.strip()) if isinstance(value, str) else value


AXES: Mapping[str, Kind] = {
    "machine": Kind(_machine),
    "batch": Kind(_count(1), "batch", "images", ranges=True),
    "dtype": _known(_dtypes, "data type"),
    "input": Kind(_size),
    "variant": Kind(_word),
    "submodule": Kind(_word),
    "buffer": Kind(fields.positive_bytes, "streaming buffers", "B", ranges=True),
    "lowering": _known(_lowerings, "lowering"),
    "layer_order": _known(lambda: ("file", "dfs", "min_peak"), "layer order", found="min_traffic"),
    "schedule": _known(_schedules, "schedule", found="auto"),
    "group": Kind(_word),
    "groups": _known(_patterns, "pattern of groups", found="auto"),
    "strip": Kind(_strip, "strip", "rows", ranges=True, names=True),
    "overlap": _known(_overlaps, "overlap"),
    "order": _known(_orders, "task order", "best"),
    "register_tile": Kind(_register_tile),
    "tile": _known(lambda: ("auto", "whole"), "tile"),
    "images": _known(lambda: ("together", "apart"), "word for images"),
    "rows": _known(_rows, "reading of rows"),
    "scores": _known(lambda: ("chip", "dram"), "place for scores"),
    "library": _known(_libraries, "library", "none"),
    "heap": _known(_heaps, "heap"),
    "policy": _known(_policies, "policy"),
    "management": _known(_managements, "management"),
    "ways": Kind(_count(0), "ways, 0 for all", "lines", ranges=True),
    "fetch_on_write": Kind(_flag),
    "layout": _known(lambda: ("nchw", "nhwc"), "layout"),
    "allocator": _known(_allocators, "allocator"),
    "frames": Kind(_count(1), "inferences in a row", "inferences", ranges=True),
    "only": _known(_parts, "part of the traffic"),
    "cache": Kind(parse_bytes, "cache", "B", ranges=True),
    "bandwidth": Kind(fields.bandwidth, "peak DRAM bandwidth", "B/s", ranges=True),
    "macs": Kind(fields.mac_rate, "compute rate", "MAC/s", ranges=True),
}
"""What can be an axis besides networks and a file's parameters, in the order of a dataset's."""

PARAMETER = Kind(_parameter, ranges=True)
"""A parameter of a file."""


@dataclass(frozen=True)
class Axis:
    """An option and its values.

    Attributes
    ----------
    name : str
        Of its coordinate.
    values : tuple
        As a verb takes them: bytes, exact rates, names, machines.
    several : bool
        Whether it is a dimension; a single value that stands for itself is a mere coordinate.
    unit, told : str
        Of the coordinate; what figures write at it.

    Examples
    --------
    >>> axis("cache", "64KiB:256KiB:log2").labels
    (65536, 131072, 262144)
    >>> axis("lowering", "fused").several, axis("lowering", ["fused"]).several
    (False, True)
    """

    name: str
    values: tuple[Any, ...]
    several: bool = True
    unit: str = ""
    told: str = ""

    @property
    def labels(self) -> tuple[Any, ...]:
        """The values as coordinates: numbers in the base unit, or names."""
        return tuple(_label(value) for value in self.values)

    def __len__(self) -> int:
        return len(self.values)


def axis(name: str, given: object, kind: Kind | None = None) -> Axis:
    """Read an axis.

    Parameters
    ----------
    name : str
        A key of :data:`AXES`, unless ``kind`` says what it is.
    given : object
        One value, a list of them, or text: a list with commas or ranges.

    Raises
    ------
    InputError
        If it is empty, has a value that cannot be read or has one twice.

    Examples
    --------
    >>> axis("cache", "64KB:1GB/s:log2")
    Traceback (most recent call last):
    memsim.errors.InputError: cache: '1GB/s' is not a size: unknown unit 'GB/s' \
(did you mean 'GB'?)
    >>> axis("policy", "lru,lru")
    Traceback (most recent call last):
    memsim.errors.InputError: policy: lru is there twice (once is enough)
    >>> axis("strip", "1:4:log2").labels, axis("strip", "2, 4x16").labels
    ((1, 2, 4), ('2', '4x16'))
    """
    kind = AXES[name] if kind is None else kind
    with at_path(name):
        values, several = _read(given, kind)
        if not values:
            raise InputError(Problem("is an axis without values", hint="give at least one"))
        unit = kind.unit
        if kind.ranges and all(_number(value) for value in values):
            values.sort()
        elif kind.names:
            values, unit = [str(value) for value in values], ""
        _check_once(values)
    return Axis(name, tuple(values), several, unit, kind.told)


def _read(given: object, kind: Kind) -> tuple[list[Any], bool]:
    """The values, and whether they are several by the way in which they were given."""
    if isinstance(given, str):
        if not listed(given) or not (kind.ranges or "," in given):
            return ([_one(given, kind)] if given.strip() else []), False
        return [value for part in parts(given) if part for value in _part(part, kind)], True
    if _is_one(given):
        return [kind.read(given)], False
    values: list[Any] = []
    for each in given:  # type: ignore[attr-defined]  # it is no single value
        values += _part(each, kind) if isinstance(each, str) else [kind.read(each)]
        if len(values) > MOST_VALUES:
            raise InputError(f"has more than {MOST_VALUES:,} values")
    return values, True


def _is_one(given: object) -> bool:
    one = isinstance(given, str | bytes | os.PathLike | Machine | Mapping)
    return one or not isinstance(given, Iterable)


def _one(text: str, kind: Kind) -> Any:
    """One value; what was meant as a range, and is none, is told as such."""
    try:
        return kind.read(text)
    except InputError:
        if kind.ranges:
            refuse_half_range(text, kind.read)
        raise


def _part(text: str, kind: Kind) -> list[Any]:
    """A value or a range."""
    if not kind.ranges or text.count(":") != 2:
        return [_one(text, kind)]
    values = list(ranged(text, lambda word: _exact(kind.read, word)))
    if kind is PARAMETER:
        return [kind.read(value) for value in values]
    kind.read(values[-1])  # the largest; what lies between two that can be read can be read
    return values


def _exact(read: Callable[[Any], Any], word: object) -> Fraction | int:
    """A number of a range, without the error of a float."""
    value = read(word)
    if isinstance(value, float):
        return Fraction(repr(value))
    if not _number(value):
        raise InputError(Problem(f"{word!r} is no number", hint="a range is of numbers"))
    return value  # type: ignore[no-any-return]  # it is a number


def _number(value: object) -> bool:
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def _label(value: object) -> Any:
    if isinstance(value, Fraction):
        return plain(value)
    if isinstance(value, Machine):
        return value.name
    return value if isinstance(value, int | float | str) else str(value)


def _check_once(values: list[Any]) -> None:
    labels = [_label(value) for value in values]
    if len(set(labels)) == len(labels):
        return
    twice = next(label for number, label in enumerate(labels) if label in labels[:number])
    raise InputError(Problem(f"{twice} is there twice", hint="once is enough"))
