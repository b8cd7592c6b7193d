"""The space of a sweep: networks times axes, and how it falls apart into groups and chunks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from memsim.errors import InputError, Problem
from memsim.network.graph import Network
from memsim.simulate.heed import refuse
from memsim.simulate.source import Source
from memsim.sweeps.axis import AXES, PARAMETER, Axis, axis
from memsim.sweeps.chunk import Chunk
from memsim.sweeps.facts import FACTS, INNER, SPLITS
from memsim.version import __version__

__all__ = ["MOST_POINTS", "Space", "space"]

MOST_POINTS = 10**9

LOADING = ("batch", "dtype", "input", "variant", "submodule")
"""Axes that say how a network is loaded."""

LARGEST_CHUNK = 1 << 15
"""Points; a chunk is finished or it is not, so this is what a stop may cost."""

SINGLE_PASSES = 64
"""Capacities of a chunk at most: where each takes a pass of its own, some seconds."""

Networks = Source | Iterable[Source] | Mapping[str, Source]


@dataclass(frozen=True)
class Space:
    """Networks, and the axes that they are simulated along.

    Attributes
    ----------
    networks : dict of str to Network, str or path
        By the name that stands for each in the dataset.
    options : tuple of Axis
        In the order of :data:`~memsim.sweeps.axis.AXES`.
    parameters : tuple of Axis
        Parameters of files.
    by : tuple of str
        ``role`` and ``cause``: how the traffic is split besides.

    Examples
    --------
    >>> found = space(["hardnet68", "resnet18"], cache="64KiB:1MiB:log2", dtype="int8")
    >>> found.points, found.shape
    (10, {'network': 2, 'cache': 5})
    """

    networks: Mapping[str, Source]
    options: tuple[Axis, ...]
    parameters: tuple[Axis, ...] = ()
    by: tuple[str, ...] = ()

    @cached_property
    def axes(self) -> dict[str, Axis]:
        """All axes by the names of their coordinates, in the order of the dataset."""
        names = Axis("network", tuple(self.networks), told="")
        options = {each.name: each for each in self.options}
        outer = [each for name, each in options.items() if name not in INNER]
        own = {self.coordinate(each.name): each for each in self.parameters}
        inner = [options[name] for name in INNER if name in options]
        return {
            "network": names,
            **{each.name: each for each in outer},
            **own,
            **{each.name: each for each in inner},
        }

    @staticmethod
    def coordinate(parameter: str) -> str:
        """What a parameter is called beside options and facts."""
        taken = {"network", "error", *AXES, *SPLITS, *FACTS}
        return f"parameter_{parameter}" if parameter in taken else parameter

    @property
    def shape(self) -> dict[str, int]:
        """How many values each dimension has."""
        return {name: len(each) for name, each in self.axes.items() if each.several}

    @property
    def points(self) -> int:
        """Of the whole product."""
        return prod(map(len, self.axes.values()))

    @cached_property
    def outer(self) -> dict[str, Axis]:
        """The axes along which the program, or what its cache does, changes."""
        return {name: each for name, each in self.axes.items() if name not in INNER}

    @property
    def groups(self) -> int:
        """How many programs there are to build."""
        return prod(map(len, self.outer.values()))

    def inner(self, name: str) -> tuple[Any, ...]:
        """The values of an inner axis; one None where it is left to the machine."""
        return self.axes[name].values if name in self.axes else (None,)

    @property
    def pieces(self) -> int:
        """Into how many chunks the capacities of each group are cut."""
        return -(-len(self.inner("cache")) // self._capacities)

    @property
    def _capacities(self) -> int:
        across = len(self.inner("bandwidth")) * len(self.inner("macs"))
        return max(1, min(SINGLE_PASSES, LARGEST_CHUNK // across))

    @property
    def chunks(self) -> int:
        """How many there are."""
        return self.groups * self.pieces

    def __iter__(self) -> Iterator[Chunk]:
        """The chunks, group by group."""
        capacities, size = self.inner("cache"), self._capacities
        bandwidths, rates = self.inner("bandwidth"), self.inner("macs")
        parameters = {self.coordinate(each.name): each.name for each in self.parameters}
        for where, values in self._outer_points():
            name = values.pop("network")
            source, content = self.networks[name], self.contents[name]
            loading = {name: values.pop(name) for name in LOADING if name in values}
            own = {given: values.pop(name) for name, given in parameters.items()}
            if own:
                loading["parameters"] = own
            for first in range(0, len(capacities), size):
                yield Chunk(
                    where, first, source, loading, values,
                    capacities[first : first + size], bandwidths, rates, self.by, content,
                )  # fmt: skip

    def _outer_points(self) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
        """Each group's place along the dimensions, and its values."""
        names = list(self.outer)
        several = [self.outer[name].several for name in names]
        indices = product(*(range(len(each)) for each in self.outer.values()))
        for index in indices:
            values = {
                name: self.outer[name].values[at] for name, at in zip(names, index, strict=True)
            }
            yield tuple(at for at, kept in zip(index, several, strict=True) if kept), values

    @cached_property
    def contents(self) -> dict[str, str]:
        """The digest of each network."""
        return {name: content(source) for name, source in self.networks.items()}

    @cached_property
    def key(self) -> str:
        """What tells this sweep from any other: networks' content, axes and memsim's version."""
        told = [__version__, self.by, *self.contents.items()]
        axes = [(name, each.several, each.values) for name, each in self.axes.items()]
        return hashlib.sha256(repr((told, axes)).encode()).hexdigest()


def space(
    networks: Networks,
    *,
    parameters: Mapping[str, object] | None = None,
    by: str | Iterable[str] = (),
    **options: object,
) -> Space:
    """Read what a sweep is told.

    Parameters
    ----------
    networks : Network, str, path, an iterable of them, or a mapping
        A mapping says by which name each stands in the dataset.
    parameters : mapping, optional
        Axes by the name of the parameter.
    by : str or iterable of str
        ``role``, ``cause``.
    **options
        Axes by the name of the option; None stands for an option that is not given.

    Raises
    ------
    InputError
        For an option that does not exist, and every axis that cannot be read, all at once; for
        a product of more than 10**9 points.

    Examples
    --------
    >>> space("hardnet68", cach="1MB")
    Traceback (most recent call last):
    memsim.errors.InputError: unknown option 'cach' (did you mean 'cache'?)
    """
    refuse("sweep", options, AXES)
    named = named_networks(networks)
    problems: list[Problem] = []
    read: dict[str, Axis] = {}
    own: list[Axis] = []
    for name in AXES:
        if options.get(name) is not None:
            try:
                read[name] = axis(name, options[name])
            except InputError as error:
                problems += error.problems
    for name, given in (parameters or {}).items():
        try:
            own.append(axis(name, given, PARAMETER))
        except InputError as error:
            problems += error.problems
    splits = tuple(part.strip() for part in by.split(",")) if isinstance(by, str) else tuple(by)
    for split in splits:
        if split not in SPLITS:
            problems.append(Problem(f"unknown split {split!r}", "by", " or ".join(SPLITS)))
    if problems:
        raise InputError(*problems)
    found = Space(named, tuple(read.values()), tuple(own), splits)
    found.contents  # noqa: B018  # an unknown name, or no such file, is an error before any work
    _check_points(found)
    return found


def _check_points(found: Space) -> None:
    if found.points <= MOST_POINTS:
        return
    sizes = sorted(((len(a), name) for name, a in found.axes.items() if len(a) > 1), reverse=True)
    axes = " x ".join(f"{count:,} {name}" for count, name in sizes)
    most, name = sizes[0]
    others = found.points // most
    hint = f"reduce {name} to {MOST_POINTS // others:,} values" if others <= MOST_POINTS else (
        "reduce several of them"
    )  # fmt: skip
    message = f"{found.points:,} points ({axes}) are more than {MOST_POINTS:,}"
    raise InputError(Problem(message, hint=hint))


def named_networks(networks: Networks) -> dict[str, Source]:
    """Networks by name, each of them known.

    Raises
    ------
    InputError
        For none, a name that is unknown and one that stands for two.
    """
    if isinstance(networks, Mapping):
        found = {str(name): source for name, source in networks.items()}
    else:
        one = isinstance(networks, Network | str | os.PathLike)
        listed: list[Source] = [networks] if one else list(networks)  # type: ignore[list-item, arg-type]
        found = {}
        for source in listed:
            name = source.name if isinstance(source, Network) else os.fspath(source)
            if name in found:
                hint = "once is enough; in Python a mapping gives names"
                raise InputError(Problem(f"{name} is there twice", path="networks", hint=hint))
            found[name] = source
    if not found:
        raise InputError(Problem("there is no network to sweep", hint="such as hardnet68"))
    for source in found.values():
        if not isinstance(source, Network | str | os.PathLike):
            raise InputError(f"{source!r} is no network")
    return found


def content(source: Source) -> str:
    """A digest of what a network is made of: of its file, or of its layers.

    Raises
    ------
    InputError
        For an unknown name, and a file that cannot be read.
    """
    from memsim.formats.library import is_module, path_of, split_variant

    if isinstance(source, str) and is_module(source):
        from memsim.formats import load

        source = load(source)
    if isinstance(source, Network):
        facts = (
            source.dtype, source.batch, source.outputs, sorted(source.held.items()), source.nodes,
            source.groups,
        )  # fmt: skip
        return hashlib.sha256(repr(facts).encode()).hexdigest()
    name, variant = split_variant(source)
    path = path_of(name)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(Problem("no such file", file=str(path))) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(Problem(f"cannot be read: {reason}", file=str(path))) from None
    return hashlib.sha256(raw + (variant or "").encode()).hexdigest()
