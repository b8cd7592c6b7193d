"""Needs: which convolutions a convolution's output elements are computed from, and how many places.

What :mod:`memsim.engines.bounds.segments` counts. All that makes the count smaller is left out, so
that what is proved of the counted operations holds for the network: borders, whose windows do not
meet every weight, the second operand of a sum, and whatever lies behind an operator that is not
looked through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.network.graph import Layer, Network
from memsim.network.ops.base import Window
from memsim.network.tensor import ITEMSIZES, Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["Convolved", "Need", "needs"]


@dataclass(frozen=True, slots=True)
class Need:
    """What a convolution reads of another one's output, perhaps through pools and sums.

    Attributes
    ----------
    of : int
        The other convolution's place among all.
    places : int
        Places of its output that belong to one place of the reader's output and to no other.
    held_bytes : int
        The fewest bytes per channel that hold what the reader needs there of it, at any stage on
        the way.
    """

    of: int
    places: int
    held_bytes: int


@dataclass(frozen=True, slots=True)
class Convolved:
    """A plain convolution, all of whose channels read all channels.

    Attributes
    ----------
    layer : str
    weight_bytes : int
    channels, itemsize : int
        Of its output.
    places : int
        Places of its output, of all images, that count: their windows meet every weight, and so do
        those of the places that they need of others.
    needs : tuple of Need
    """

    layer: str
    weight_bytes: int
    channels: int
    itemsize: int
    places: int
    needs: tuple[Need, ...]

    @property
    def output_bytes(self) -> int:
        """Bytes of the places that count."""
        return self.places * self.channels * self.itemsize


def needs(network: Network, frames: int = 1) -> tuple[Convolved, ...]:
    """The convolutions of a network in the order of its layers, and what they need of others.

    Parameters
    ----------
    network : Network
    frames : int
        Inferences in a row: so many times the places.

    Examples
    --------
    The second convolution needs a place of the first for each of its own, and two bytes a channel
    hold it. Outermost places do not count.

    >>> from memsim.network import Node
    >>> from memsim.network.ops.conv import Conv
    >>> from memsim.network.ops.shape import Input
    >>> net = Network("two", [Node("x", Input(shape=(3, 8, 8))),
    ...                       Node("a", Conv(out=4, kernel=3), ("x",)),
    ...                       Node("b", Conv(out=5, kernel=1), ("a",))], dtype="fp16")
    >>> [each.places for each in needs(net)], needs(net)[1].needs
    ([36, 36], (Need(of=0, places=1, held_bytes=2),))
    """
    known: dict[str, int] = {}
    counted: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = []
    found: list[Convolved] = []
    place = {layer.name: number for number, layer in enumerate(network)}
    readers: dict[str, int] = {}
    for layer in network:
        readers[layer.weights_of] = readers.get(layer.weights_of, 0) + 1
    for layer in network:
        if not _counts(layer) or readers[layer.weights_of] > 1 or layer.weights_of != layer.name:
            continue
        window = layer.op.window
        assert window is not None
        images, channels, *sizes = layer.output.shape
        source = layer.inputs[0]
        axes = [_Axis.of(source.shape[2 + n], window, n, sizes[n]) for n in (0, 1)]
        inside: list[Any] = [axis.inside for axis in axes]
        told: dict[int, Need] = {}
        for path in _sources(_Path.into(source, axes), network, known, place):
            other = known[path.tensor]
            kept: list[Any] = [
                ok & _meets(own, there)
                for ok, own, there in zip(inside, path.own, counted[other], strict=True)
            ]
            if not (kept[0].any() and kept[1].any()):
                continue  # as if it were free
            inside = kept
            need = Need(other, path.places, path.held)
            if other not in told or told[other].held_bytes > need.held_bytes:
                told[other] = need
        number = len(found)
        known[layer.name] = number
        counted.append((inside[0], inside[1]))
        weights = channels * (layer.op.stored(layer.shapes, layer.output.image) - layer.op.biased)
        found.append(
            Convolved(
                layer.name,
                weights * ITEMSIZES[layer.stored_as[0]],
                channels,
                layer.output.itemsize,
                frames * images * int(inside[0].sum()) * int(inside[1].sum()),
                tuple(told.values()),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Windows along one axis.

    Attributes
    ----------
    inside : bool array, per window
        Whether it lies inside the input.
    own : int array, windows x places
        Places of the input that belong to this window alone: as many as the stride where the
        window is at least as long, else one.
    """

    inside: NDArray[np.bool_]
    own: Ints

    @classmethod
    def of(cls, size: int, window: Window, axis: int, windows: int) -> _Axis:
        kernel, stride = window.kernel[axis], window.stride[axis]
        dilation, before = window.dilation[axis], window.padding[axis]
        first = np.arange(windows) * stride - before
        inside = (first >= 0) & (first + dilation * (kernel - 1) < size)
        if dilation == 1 and kernel >= stride:
            own = (first + (kernel - stride + 1) // 2)[:, None] + np.arange(stride)
        else:
            own = (first + dilation * ((kernel - 1) // 2))[:, None]
        return cls(inside, np.where((own >= 0) & (own < size), own, -1))


@dataclass(frozen=True, slots=True)
class _Path:
    """A way from a reader back to what it reads.

    Attributes
    ----------
    tensor : str
    own : (int array, int array)
        Per row and per column of the reader its own places in the tensor; -1 outside.
    held : int
        Fewest bytes per channel that hold them at any stage so far.
    """

    tensor: str
    own: tuple[Ints, Ints]
    held: int

    @classmethod
    def into(cls, source: Tensor, axes: Sequence[_Axis]) -> _Path:
        """To what a reader's windows go over."""
        own = axes[0].own, axes[1].own
        return cls(source.name, own, source.itemsize * own[0].shape[1] * own[1].shape[1])

    @property
    def places(self) -> int:
        """How many places of the tensor belong to one of the reader."""
        return int(self.own[0].shape[1] * self.own[1].shape[1])

    def back(self, source: Tensor, window: Window | None = None) -> _Path:
        """One operator further back, which goes over a window or takes place by place."""
        own = self.own
        if window is not None:
            rows, columns = (_behind(own[n], source.shape[2 + n], window, n) for n in (0, 1))
            own = rows, columns
        path = _Path(source.name, own, self.held)
        return replace(path, held=min(self.held, source.itemsize * path.places))


def _sources(
    path: _Path, network: Network, known: Mapping[str, int], place: Mapping[str, int]
) -> Iterator[_Path]:
    """The paths that end at the output of a convolution that counts."""
    while path.tensor not in network.outputs:
        if path.tensor in known:
            yield path
            return
        layer = network[path.tensor]
        op, output = layer.op, layer.output
        if op.stacks and len(output.shape) == 4:
            for source in layer.inputs:
                yield from _sources(path.back(source), network, known, place)
            return
        if (op.pools or _depthwise(layer)) and op.window is not None and _is_map(layer):
            path = path.back(layer.inputs[0], op.window)
            continue
        same = [tensor for tensor in layer.inputs if tensor.shape == output.shape]
        if not same or not (op.elementwise or op.view):
            return
        # Of a sum the operand whose convolution comes last; the others are left out.
        path = path.back(max(same, key=lambda tensor: place[tensor.name]))


def _is_map(layer: Layer) -> bool:
    """Whether a window goes over rows and columns of one map per image."""
    plain = getattr(layer.op, "axes", None) is None and not getattr(layer.op, "indices", False)
    return plain and all(len(t.shape) == 4 for t in (layer.inputs[0], layer.output))


def _depthwise(layer: Layer) -> bool:
    """Whether each output channel is computed from the input channel of the same number."""
    op = layer.op
    if not op.convolves or op.transposed or op.window is None:
        return False
    return op.window.groups == layer.inputs[0].shape[1] == layer.output.shape[1]


def _counts(layer: Layer) -> bool:
    """Whether it is a convolution of maps, each of whose channels reads all."""
    op = layer.op
    if not op.convolves or op.transposed or op.window is None or op.window.groups > 1:
        return False
    return _is_map(layer)


def _behind(own: Ints, size: int, window: Window, axis: int) -> Ints:
    """Places of an operator's output, to places of its input."""
    of = _Axis.of(size, window, axis, int(own.max(initial=0)) + 1)
    places = of.own[np.maximum(own, 0)]
    places[own < 0] = -1
    return places.reshape(len(own), -1)


def _meets(own: Ints, counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows have places of their own that all lie inside, and count."""
    return np.asarray(((own >= 0) & counted[np.maximum(own, 0)]).all(axis=1))
