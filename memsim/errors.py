"""Errors that name the place, the fault and the remedy.

Every error memsim raises on purpose is a :class:`MemsimError`. It carries a
tuple of :class:`Problem` so that all faults of a file are told at once. Its
``args`` are exactly its constructor's arguments: SimPy and process pools
re-create exceptions from ``args``, and nothing may be lost on that way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One fault, told as ``file:line:column: path: message (hint)``.

    Parameters
    ----------
    message : str
        What is wrong and what was expected.
    path : str
        Where in the data, such as ``layers[3].conv.kernel``; may be empty.
    hint : str
        A remedy, such as ``did you mean 'kernel'?``; may be empty.
    file : str
        The file's name as the user gave it; may be empty.
    line, column : int
        1-based position; 0 where there is none.

    Examples
    --------
    >>> print(Problem("unknown key", path="layers[0]", hint="did you mean 'conv'?",
    ...               file="a.yaml", line=3, column=5))
    a.yaml:3:5: layers[0]: unknown key (did you mean 'conv'?)
    """

    message: str
    path: str = ""
    hint: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place = f"{place or '<text>'}:{self.line}:{self.column}"
        head = "".join(f"{part}: " for part in (place, self.path) if part)
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head}{self.message}{tail}"


class MemsimError(Exception):
    """Base of memsim's errors: a tuple of problems and the exit code they mean.

    Parameters
    ----------
    *problems : Problem or str
        At least one. A plain string becomes a :class:`Problem` without place.

    Examples
    --------
    >>> error = InputError("no layers")
    >>> str(error), error.exit_code
    ('no layers', 2)
    >>> str(type(error)(*error.args)) == str(error)
    True
    """

    exit_code = 1

    def __init__(self, *problems: Problem | str) -> None:
        super().__init__(*problems)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The faults, in the order they were found."""
        return tuple(p if isinstance(p, Problem) else Problem(str(p)) for p in self.args)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class InputError(MemsimError):
    """The input or the usage is wrong (exit code 2).

    Examples
    --------
    >>> InputError.exit_code
    2
    """

    exit_code = 2


class SimulationError(MemsimError):
    """The input is sound but cannot be simulated on this machine (exit code 1).

    Examples
    --------
    >>> SimulationError.exit_code
    1
    """

    exit_code = 1


@contextmanager
def at_path(path: str) -> Iterator[None]:
    """Give what goes wrong inside a path: the name of the option whose value is read.

    Examples
    --------
    >>> with at_path("cache"):
    ...     raise InputError("'2MX' is not a size")
    Traceback (most recent call last):
    memsim.errors.InputError: cache: '2MX' is not a size
    """
    try:
        yield
    except InputError as error:
        problems = (replace(problem, path=path) for problem in error.problems)
        raise InputError(*problems) from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest known word, else what is known.

    Examples
    --------
    >>> did_you_mean("harmonik", ["dense", "harmonic"])
    "did you mean 'harmonic'?"
    >>> did_you_mean("zzz", ["b", "a"])
    'known: a, b'
    """
    names = sorted(known)
    near = get_close_matches(word, names, n=1) or get_close_matches(word.lower(), names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else ""
