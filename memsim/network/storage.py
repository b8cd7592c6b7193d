"""Storage: in whose memory the output of each layer lies, where the network says so.

A view lies where its input lies, and so does the output of a layer with ``inplace: true``. Whether
that is sound is decided here: what was written over must not be read again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from memsim.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from memsim.network.ops import Operator, Shape
    from memsim.network.tensor import Tensor


class Described(Protocol):
    """A layer's description, as far as it is needed here."""

    def problem(self, message: str, hint: str = "") -> Problem:
        """A problem at its place."""


class Layer(Protocol):
    """A layer, as far as it is needed here: :class:`memsim.network.graph.Layer` is one."""

    @property
    def node(self) -> Described: ...
    @property
    def name(self) -> str: ...
    @property
    def op(self) -> Operator: ...
    @property
    def inputs(self) -> tuple[Tensor, ...]: ...
    @property
    def output(self) -> Tensor: ...
    @property
    def shapes(self) -> tuple[Shape, ...]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a layer's output lies.

    Attributes
    ----------
    owner : str
        The layer whose memory it is.
    start, stop : int
        Elements of one image of it.
    """

    owner: str
    start: int
    stop: int

    def meets(self, other: Place) -> bool:
        """Whether two outputs have an element in common.

        Examples
        --------
        >>> Place("a", 0, 8).meets(Place("a", 4, 12)), Place("a", 0, 8).meets(Place("a", 8, 12))
        (True, False)
        """
        return self.owner == other.owner and self.start < other.stop and other.start < self.stop


def places(layers: Iterable[Layer], over: Collection[str] | None = None) -> dict[str, Place]:
    """Where the output of each layer lies.

    Parameters
    ----------
    layers : iterable of Layer
        In an order in which they can be executed.
    over : collection of str, optional
        The layers that write over their first input; those with ``inplace`` if left out.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.loads('''
    ... {name: n, input: [4, 2, 2], layers: [{name: c, conv: {out: 8}},
    ...  {name: half, slice: {start: 6}}, {name: r, relu: {inplace: true}}]}''')
    >>> places(network)["r"]
    Place(owner='c', start=24, stop=32)
    """
    found: dict[str, Place] = {}
    for layer in layers:
        writes = layer.op.overwrites if over is None else layer.name in over
        found[layer.name] = _place(layer, found, writes or layer.op.view)
    return found


def _place(layer: Layer, found: Mapping[str, Place], there: bool) -> Place:
    size = math.prod(layer.output.image)
    if there:
        source = found[layer.inputs[0].name]
        if source.stop - source.start == size:
            return source
    channels = layer.op.selects(layer.shapes)
    if channels is not None:
        source, (first, *rest) = found[layer.inputs[0].name], layer.shapes[0]
        if source.stop - source.start == first * math.prod(rest):
            start = source.start + channels[0] * math.prod(rest)
            return Place(source.owner, start, start + size)
    return Place(layer.name, 0, size)


def _stale(
    layers: Sequence[Layer], outputs: Collection[str], over: Collection[str]
) -> Iterator[tuple[str, str, Layer | None]]:
    """What is read after it was written over.

    Yields
    ------
    tuple of (str, str, Layer or None)
        The layer that writes, the one whose output is gone, and who reads that later; None where
        it leaves the network.
    """
    found = places(layers, over)
    writer: dict[str, str] = {}  # what was written over -> by which layer
    names: dict[str, list[str]] = {}  # whose memory -> the layers whose outputs lie there
    for layer in layers:
        for name in dict.fromkeys(tensor.name for tensor in layer.inputs):
            if name in writer:
                yield writer[name], name, layer
        mine = found[layer.name]
        if layer.name in over:
            for name in names.get(mine.owner, ()):
                if found[name].meets(mine):
                    writer.setdefault(name, layer.name)
                    if name in outputs:
                        yield layer.name, name, None
        names.setdefault(mine.owner, []).append(layer.name)


def sound_writes(
    layers: Iterable[Layer], outputs: Collection[str], over: Collection[str]
) -> frozenset[str]:
    """Those of some layers whose first input is as large as their output, and not read again.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.loads('''
    ... {name: n, input: [4, 2, 2], layers: [{name: c, conv: {out: 8}}, {name: r, relu: {}},
    ...  {name: s, relu: {}}, {name: sum, add: [c]}]}''')
    >>> sorted(sound_writes(network, network.outputs, {"r", "s"}))
    ['s']
    """
    listed = list(layers)
    fit = {layer.name for layer in listed if layer.name in over and _unfit(layer) is None}
    while faulty := {writer for writer, _, _ in _stale(listed, outputs, fit)}:
        fit -= faulty  # what the first of them hid is found in the next round
    return frozenset(fit)


def storage_problems(
    network: Iterable[Layer], outputs: Collection[str], held: Mapping[str, str]
) -> Iterator[Problem]:
    """What is wrong with what a network says of memory: ``inplace`` and ``held``."""
    layers = list(network)
    over = {layer.name: layer for layer in layers if layer.op.overwrites}
    if not over and not held:
        return
    yield from filter(None, map(_unfit, over.values()))
    for writer, name, reader in _stale(layers, frozenset(outputs), over):
        if reader is None:
            message = f"writes over {name!r}, which leaves the network"
        else:
            message = f"writes over {name!r}, which {reader.name!r} reads later"
        yield over[writer].node.problem(message, "leave inplace out")
    yield from _held_problems({layer.name: i for i, layer in enumerate(layers)}, held)


def _unfit(layer: Layer) -> Problem | None:
    """What is wrong with the operand that a layer is to write over."""
    first, output = layer.inputs[0], layer.output
    if first.image == output.image:
        return None
    small, large = ("x".join(map(str, each.image)) for each in (first, output))
    message = f"cannot write {large} over {first.name!r}, which is {small}"
    return layer.node.problem(message, "the first input is written over; list the larger one first")


def _held_problems(position: Mapping[str, int], held: Mapping[str, str]) -> Iterator[Problem]:
    for name, until in held.items():
        unknown = [each for each in (name, until) if each not in position]
        for each in unknown:
            hint = did_you_mean(each, position)
            yield Problem(f"there is no layer {each!r}", f"held.{name}", hint)
        if not unknown and position[until] <= position[name]:
            message = f"{until!r} runs before {name!r}; expected a layer after it"
            yield Problem(message, f"held.{name}")


def executes(layer: Layer) -> bool:
    """Whether a layer computes, or copies: whether it is no view of its input."""
    return not layer.op.view and layer.op.selects(layer.shapes) is None


def last_uses(network: Iterable[Layer]) -> dict[str, str]:
    """The last layer that reads or writes each memory, by the layer whose memory it is.

    Views read nothing.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.loads('''
    ... {name: n, input: [4, 2, 2], layers: [{name: c, conv: {out: 4}},
    ...  {name: r, relu: {inplace: true}}, {name: d, dropout: {}}, {name: e, conv: {out: 4}}]}''')
    >>> last_uses(network)
    {'input': 'c', 'c': 'e', 'e': 'e'}
    """
    layers = list(network)
    found = places(layers)
    last: dict[str, str] = {}
    for layer in layers:
        if not executes(layer):
            continue
        for name in (layer.name, *(tensor.name for tensor in layer.inputs)):
            last[found[name].owner] = layer.name
    return last
