"""The dataset of a sweep: what all chunks found, along its axes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.sweeps.chunk import Chunk, Outcome
from memsim.sweeps.extras import needed
from memsim.sweeps.facts import INNER, SPLITS, Fact, split_facts
from memsim.sweeps.space import Space
from memsim.version import __version__

if TYPE_CHECKING:
    import xarray

__all__ = ["SCHEMA", "Assembly", "failures"]

SCHEMA = "memsim.sweep/1"


class Assembly:
    """Outcomes of chunks, put where they belong; the order in which they come does not matter.

    Parameters
    ----------
    space : Space
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.shape = space.shape
        self.facts = split_facts(space.by)
        self.arrays = {
            name: np.zeros(self._sizes(fact), fact.dtype) for name, fact in self.facts.items()
        }
        self.failed: Any = None
        self.messages: dict[str, int] = {}
        self.configs: dict[tuple[int, ...], dict[str, Any]] = {}

    def _inner(self, fact: Fact) -> list[str]:
        return [name for name in INNER if name in fact.inner and name in self.shape]

    def dims(self, fact: Fact) -> tuple[str, ...]:
        """The dimensions of a fact."""
        outer = [name for name in self.shape if name not in INNER]
        return (*outer, *self._inner(fact), *([fact.split] if fact.split else []))

    def _sizes(self, fact: Fact) -> tuple[int, ...]:
        return tuple(
            len(SPLITS[name]) if name == fact.split else self.shape[name]
            for name in self.dims(fact)
        )

    def put(self, chunk: Chunk, outcome: Outcome) -> None:
        """Enter what a chunk found."""
        for name, fact in self.facts.items():
            found = outcome.facts[name]
            kept = tuple(slice(None) if axis in self.shape else 0 for axis in fact.inner)
            self.arrays[name][self._place(chunk, fact)] = found[kept]
        if outcome.errors:
            self._put_errors(chunk, outcome)
        if outcome.config:
            self.configs.setdefault(chunk.where, outcome.config)

    def _place(self, chunk: Chunk, fact: Fact) -> tuple[Any, ...]:
        place: list[Any] = list(chunk.where)
        if "cache" in fact.inner and "cache" in self.shape:
            place.append(slice(chunk.first, chunk.first + len(chunk.capacities)))
        return tuple(place)

    def _put_errors(self, chunk: Chunk, outcome: Outcome) -> None:
        if self.failed is None:  # 0 where all is well, else the number of a message
            self.failed = np.zeros(tuple(self.shape.values()), np.int32)
        numbers = np.zeros(
            (len(chunk.capacities), len(chunk.bandwidths), len(chunk.rates)), np.int32
        )
        for *at, message in outcome.errors:
            number = self.messages.setdefault(message, len(self.messages) + 1)
            numbers[tuple(slice(None) if place < 0 else place for place in at)] = number
        kept = tuple(slice(None) if axis in self.shape else 0 for axis in INNER)
        everything = Fact(INNER, "", "")
        self.failed[self._place(chunk, everything)] = numbers[kept]

    def dataset(self) -> xarray.Dataset:
        """The dataset: numbers with their units, and what was asked in ``attrs``."""
        xarray = needed("xarray", "a sweep")
        everything = Fact(INNER, "", "")
        variables: dict[str, Any] = {}
        for name, fact in self.facts.items():
            attrs = {"long_name": fact.told, **({"units": fact.unit} if fact.unit else {})}
            variables[name] = (self.dims(fact), self._told(fact, self.arrays[name]), attrs)
        count = 0
        if self.failed is not None:
            count = int(np.count_nonzero(self.failed))
            texts = np.array(["", *self._ordered()], dtype=object)
            attrs = {"long_name": "why there is no number"}
            variables["error"] = (self.dims(everything), texts[self.failed], attrs)
        return xarray.Dataset(
            variables, self._coordinates(), {**self._attrs(), "failed_points": count}
        )

    def _ordered(self) -> list[str]:
        """The messages by their numbers, which depend on nothing but what they are found at."""
        return list(self.messages)

    def _told(self, fact: Fact, array: Any) -> Any:
        """An array; of floats, without what failed, where any of it did."""
        if self.failed is None:
            return array
        gone = self.failed != 0
        names = list(self.shape)
        for axis in reversed(range(len(names))):  # a fact of all capacities is gone if all are
            if names[axis] in INNER and names[axis] not in fact.inner:
                gone = gone.all(axis=axis)
        if not gone.any():
            return array
        told = array.astype(np.float64)
        told[gone] = np.nan
        return told

    def _coordinates(self) -> dict[str, Any]:
        coordinates: dict[str, Any] = {}
        for name, axis in self.space.axes.items():
            values = _array(axis.labels)
            if not axis.several:
                values = values.reshape(())
            attrs = {"long_name": axis.told or name.replace("_", " ")}
            if axis.unit:
                attrs["units"] = axis.unit
            coordinates[name] = ((name,) if axis.several else (), values, attrs)
        for split in self.space.by:
            coordinates[split] = ((split,), np.array(SPLITS[split], dtype=object), {})
        return coordinates

    def _attrs(self) -> dict[str, Any]:
        space = self.space
        configs = [self.configs[where] for where in sorted(self.configs)]
        names = dict.fromkeys(name for config in configs for name in config)
        alike = {
            name: configs[0].get(name)
            for name in names
            if all(config.get(name) == configs[0].get(name) for config in configs)
        }
        varied = {
            name: sorted({json.dumps(config.get(name)) for config in configs})
            for name in names
            if name not in alike
        }
        asked = {
            "networks": space.contents,
            "axes": {
                name: list(axis.labels) if len(axis) <= 100 else f"{len(axis)} values"
                for name, axis in space.axes.items()
                if name != "network"
            },
            "by": list(space.by),
        }
        return {
            "schema": SCHEMA,
            "memsim_version": __version__,
            "sweep": space.key,
            "asked": json.dumps(asked),
            "config": json.dumps(alike, sort_keys=True),
            "config_that_varies": json.dumps(
                {name: [json.loads(each) for each in found] for name, found in varied.items()},
                sort_keys=True,
            ),
        }


def _array(labels: tuple[Any, ...]) -> Any:
    """Numbers, or names; names where an axis has both."""
    if any(isinstance(label, str) for label in labels):
        return np.array([str(label) for label in labels], dtype=object)
    return np.array(labels)


def failures(dataset: xarray.Dataset) -> Counter[str]:
    """Why points failed, and how many for each reason.

    Examples
    --------
    >>> import memsim
    >>> ds = memsim.sweep("resnet18", machine="edge", dtype=["int8", "bf16"])
    >>> failures(ds)
    Counter({'dtype: edge computes in int8, not in bf16 (dtype int8)': 1})
    """
    if "error" not in dataset:
        return Counter()
    texts, counts = np.unique(dataset["error"].values.astype(str), return_counts=True)
    told = {str(text): int(count) for text, count in zip(texts, counts, strict=True) if text}
    return Counter(told)
