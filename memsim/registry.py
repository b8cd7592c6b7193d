"""A named table of interchangeable parts: operators, patterns, policies, ..."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TypeVar

from memsim.errors import InputError, Problem, did_you_mean

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A mapping from name to part whose failed look-up is a helpful error.

    Parameters
    ----------
    kind : str
        What the parts are, in the singular, for messages: ``"pattern"``.

    Raises
    ------
    InputError
        From ``registry[name]`` for an unknown name, with a did-you-mean.

    Examples
    --------
    >>> colours: Registry[int] = Registry("colour")
    >>> _ = colours.add("red", 1)
    >>> colours["red"]
    1
    >>> colours["rad"]
    Traceback (most recent call last):
    memsim.errors.InputError: unknown colour 'rad' (did you mean 'red'?)
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[str, T] = {}
        self._later: dict[str, Callable[[], T]] = {}

    def add(self, name: str, part: T) -> T:
        """Register ``part`` under ``name``; a second registration is a bug."""
        if name in self._parts:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._parts[name] = part
        return part

    def add_later(self, name: str, make: Callable[[], T]) -> None:
        """Register under ``name`` what is made when it is first asked for."""
        self.add(name, None)  # type: ignore[arg-type]  # its place in the order
        self._later[name] = make

    def add_home(self, name: str, home: str) -> None:
        """Register under ``name`` what stands at ``module:attribute``, which is imported when it
        is first asked for.

        Examples
        --------
        >>> numbers: Registry[float] = Registry("number")
        >>> numbers.add_home("pi", "math:pi")
        >>> numbers["pi"]
        3.141592653589793
        """
        module, _, attribute = home.partition(":")
        self.add_later(name, lambda: getattr(import_module(module), attribute))

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of :meth:`add`."""
        return lambda part: self.add(name, part)

    def __getitem__(self, name: str) -> T:
        try:
            if make := self._later.get(name):
                self._parts[name] = make()
                self._later.pop(name, None)
            return self._parts[name]
        except (KeyError, TypeError):
            hint = did_you_mean(str(name), self._parts)
            raise InputError(Problem(f"unknown {self.kind} {str(name)!r}", hint=hint)) from None

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)
