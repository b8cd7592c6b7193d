"""A chunk of a sweep: one program on one machine, at some capacities, bandwidths and rates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from memsim.network.graph import Network
from memsim.simulate.source import Source
from memsim.version import __version__

__all__ = ["ALL", "Chunk", "Outcome"]

ALL = -1
"""In the place of an error: at every capacity, bandwidth or rate."""


@dataclass(frozen=True)
class Chunk:
    """What one worker is given at a time.

    Attributes
    ----------
    where : tuple of int
        Its group's place along the outer dimensions.
    first : int
        The place of its first capacity.
    source : Network, str or path
    loading, options : dict
        How the network is loaded, and what else :func:`memsim.run` is told.
    capacities, bandwidths, rates : tuple
        Bytes, bytes per second and MAC/s; None is the machine's own.
    by : tuple of str
    content : str
        The digest of its network.
    network : Network or None
        As it runs, where whoever computes cannot load it.
    """

    where: tuple[int, ...]
    first: int
    source: Source
    loading: Mapping[str, Any]
    options: Mapping[str, Any]
    capacities: tuple[int | None, ...]
    bandwidths: tuple[Fraction | None, ...]
    rates: tuple[Fraction | None, ...]
    by: tuple[str, ...] = ()
    content: str = ""
    network: Network | None = None

    @property
    def points(self) -> int:
        """How many it has."""
        return len(self.capacities) * len(self.bandwidths) * len(self.rates)

    @cached_property
    def group(self) -> str:
        """What its program and its machine are made of; the chunks of a group share them."""
        how = sorted(self.loading.items()), sorted(self.options.items())
        return repr((self.content, how))

    @property
    def key(self) -> str:
        """The address of its outcome: what it is made of, and by which memsim."""
        facts = (
            __version__, self.content, sorted(self.loading.items()),
            sorted(self.options.items()),
            self.capacities, self.bandwidths, self.rates, self.by,
        )  # fmt: skip
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def with_network(self, network: Network) -> Chunk:
        """The same with its network in it: for who cannot read its file."""
        return replace(self, network=network)


@dataclass
class Outcome:
    """What was found of a chunk.

    Attributes
    ----------
    facts : dict of str to array
        Each along the inner axes that it depends on, and then by its split.
    errors : list of (int, int, int, str)
        What failed: the places of capacity, bandwidth and rate, and why.
    config : dict
        The resolved configuration, as far as it is one for all points; empty where all failed.
    lasting : bool
        Whether the same would be found again; what failed because a worker was lost would not.
    """

    facts: dict[str, Any]
    errors: list[tuple[int, int, int, str]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    lasting: bool = True

    def failed(self, chunk: Chunk) -> int:
        """How many points failed."""
        return int(self.failures(chunk).sum())

    def failures(self, chunk: Chunk) -> Any:
        """Whether each point failed: capacities x bandwidths x rates."""
        shape = len(chunk.capacities), len(chunk.bandwidths), len(chunk.rates)
        failed = np.zeros(shape, np.bool_)
        for *place, _ in self.errors:
            failed[tuple(slice(None) if at == ALL else at for at in place)] = True
        return failed

    def to_bytes(self) -> bytes:
        """A file that holds it: the same bytes for the same outcome."""
        import io

        told = json.dumps({"errors": self.errors, "config": self.config}, sort_keys=True)
        stream = io.BytesIO()
        np.savez(stream, **self.facts, told=np.frombuffer(told.encode(), np.uint8))
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Outcome:
        """Read it back.

        Raises
        ------
        ValueError, OSError, KeyError, zipfile.BadZipFile
            If it is not whole.
        """
        import io

        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            facts = {name: file[name] for name in file.files}
        told = json.loads(facts.pop("told").tobytes())
        return cls(facts, [tuple(each) for each in told["errors"]], told["config"])
