"""The space of a search: the parameters that may be varied, and the values of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from memsim.errors import InputError, Problem
from memsim.sweeps.ranges import listed, parts, ranged
from memsim.yaml.text import resolve

__all__ = ["Dimension", "space_of"]


_BETWEEN = re.compile(r"\s*(\S+?)\s*\.\.\s*(\S+?)\s*")


@dataclass(frozen=True, slots=True)
class Dimension:
    """A parameter and the values that it may have.

    Attributes
    ----------
    name : str
    values : tuple
        In order, each once; of a continuous one its two ends.
    continuous : bool
        Any number between its ends.
    """

    name: str
    values: tuple[Any, ...]
    continuous: bool = False

    @classmethod
    def of(cls, name: str, told: object) -> Dimension:
        """A dimension as it is written: ``8:24:4``, ``1.5,1.6,1.7``, ``1.5..1.9`` or a list.

        Raises
        ------
        InputError
            If it is empty, endless, or says a value twice.

        Examples
        --------
        >>> Dimension.of("growth", "8:24:4").values
        (8, 12, 16, 20, 24)
        >>> Dimension.of("multiplier", "1.5..1.9")
        Dimension(name='multiplier', values=(1.5, 1.9), continuous=True)
        """
        between = _BETWEEN.fullmatch(told) if isinstance(told, str) else None
        if between:
            ends = tuple(_plain(_number(each)) for each in between.groups())
            if ends[0] >= ends[1]:
                raise _wrong(name, f"{told!r} is empty: its end is not above its start")
            return cls(name, ends, continuous=True)
        if isinstance(told, str):
            values = [value for part in parts(told) for value in _values(part)]
        elif isinstance(told, Iterable):
            values = list(told)
        else:
            values = [told]
        if not values:
            raise _wrong(name, "has no values")
        again = [value for n, value in enumerate(values) if value in values[:n]]
        if again:
            raise _wrong(name, f"{again[0]!r} is said twice")
        return cls(name, tuple(values))

    def suggested(self, trial: Any) -> Any:
        """The value that Optuna suggests for a trial."""
        first, last = self.values[0], self.values[-1]
        if self.continuous:
            return trial.suggest_float(self.name, first, last)
        if all(type(value) is int for value in self.values):
            steps = {after - before for before, after in pairwise(self.values)}
            if len(steps) == 1 and first < last:  # Optuna then knows which are neighbours
                return trial.suggest_int(self.name, first, last, step=steps.pop())
        return trial.suggest_categorical(self.name, self.values)


def space_of(parameters: Mapping[str, object]) -> tuple[Dimension, ...]:
    """The dimensions of a search.

    Raises
    ------
    InputError
        If there are none, and as :meth:`Dimension.of`.
    """
    if not parameters:
        message = "nothing to search: no parameter is varied"
        raise InputError(Problem(message, hint="such as --set growth=8:24:4"))
    return tuple(Dimension.of(name, told) for name, told in parameters.items())


def _values(part: str) -> Iterable[Any]:
    if listed(part):
        return [_plain(value) for value in ranged(part, _number)]
    return [resolve(part)]


def _number(text: object) -> Fraction:
    try:
        return Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        raise InputError(Problem(f"{text!r} is no number", hint="such as 8:24:4")) from None


def _plain(value: Fraction | int) -> int | float:
    return int(value) if Fraction(value).denominator == 1 else float(value)


def _wrong(name: str, message: str) -> InputError:
    return InputError(Problem(message, path=name, hint="8:24:4, 1.5,1.6,1.7 or 1.5..1.9"))
