"""Groups of layers, such as the modules or the stages of a network: what each costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from memsim.network.graph import Network
from memsim.network.stages import grouped
from memsim.results.layer import LayerResult, bound_of
from memsim.units import PICOSECONDS

__all__ = ["Group", "groups_of", "tree_of"]


@dataclass(frozen=True, slots=True)
class Group:
    """What the layers of one group cost together.

    A kernel belongs to the group of its first layer, with all that it moves and computes; a
    parameter belongs to the group of its own layer, which may have no kernel, such as a batch norm
    that is folded. So every column sums to the network's total.

    Attributes
    ----------
    name : str
        What the names of its layers begin with; empty for the whole network.
    depth : int
        Parts of the name.
    layers, kernels : tuple of str
        Its layers, but for inputs, and its kernels by their first layers, in order.
    output_shape : tuple of int
        Of its last layer, the batch first.
    params, macs : int
    dram_read_bytes, dram_write_bytes, dram_weight_bytes : int
        As of :class:`~memsim.results.layer.LayerResult`; the weights are part of what is read.
    time_ps, compute_ps, overhead_ps : int

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18")
    >>> [group.name for group in result.by_group("stage")][:3]
    ['conv1', 'maxpool1', 'stage.1']
    >>> sum(group.dram_bytes for group in result.by_group(2)) == result.dram_bytes
    True
    """

    name: str
    depth: int
    layers: tuple[str, ...]
    kernels: tuple[str, ...]
    output_shape: tuple[int, ...]
    params: int
    macs: int
    dram_read_bytes: int
    dram_write_bytes: int
    dram_weight_bytes: int
    time_ps: int
    compute_ps: int
    overhead_ps: int

    @property
    def dram_bytes(self) -> int:
        """Bytes read and written."""
        return self.dram_read_bytes + self.dram_write_bytes

    @property
    def bound(self) -> str:
        """What its time goes by with, as of a layer; empty where it takes none."""
        return bound_of(self.time_ps, self.compute_ps, self.overhead_ps) if self.kernels else ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "name": self.name,
            "depth": self.depth,
            "layers": list(self.layers),
            "kernels": list(self.kernels),
            "output_shape": list(self.output_shape),
            "params": self.params,
            "macs": self.macs,
            "dram_bytes": self.dram_bytes,
            "dram_read_bytes": self.dram_read_bytes,
            "dram_write_bytes": self.dram_write_bytes,
            "dram_weight_bytes": self.dram_weight_bytes,
            "time_s": self.time_ps / PICOSECONDS,
            "compute_s": self.compute_ps / PICOSECONDS,
            "overhead_s": self.overhead_ps / PICOSECONDS,
            "bound": self.bound,
        }

    def row(self) -> dict[str, Any]:
        """Flat values, of layers and kernels their number."""
        shape = "x".join(map(str, self.output_shape))
        counts = {"layers": len(self.layers), "kernels": len(self.kernels)}
        return {**self.to_dict(), **counts, "output_shape": shape}


def groups_of(network: Network, kernels: Sequence[LayerResult], by: int | str) -> tuple[Group, ...]:
    """The groups of a network, in the order of their first layers; see :func:`grouped`.

    Parameters
    ----------
    network : Network
    kernels : sequence of LayerResult
        Of all its kernels.
    by : int or str
    """
    names = [layer.name for layer in network if layer.inputs]
    whose = dict(zip(names, grouped(names, by), strict=True))
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(whose[name], []).append(name)
    run: dict[str, list[LayerResult]] = {}
    for kernel in kernels:
        run.setdefault(whose[_layer(network, kernel)], []).append(kernel)
    found = (_sum(network, name, layers, run.get(name, ())) for name, layers in members.items())
    return tuple(group for group in found if group.kernels or group.params)


def tree_of(
    network: Network, kernels: Sequence[LayerResult], depth: int | None
) -> tuple[Group, ...]:
    """All groups down to a depth, each before those in it; what is deeper counts in the deepest.

    The first is the whole network. A group's columns are those of the groups right below it, and of
    the layer of its own name, if there is one.
    """
    below: dict[str, tuple[list[str], list[LayerResult]]] = {"": ([], [])}
    for layer in network:
        if layer.inputs:
            for path in _paths(layer.name, depth):
                below.setdefault(path, ([], []))[0].append(layer.name)
    for kernel in kernels:
        for path in _paths(_layer(network, kernel), depth):
            below[path][1].append(kernel)
    order: dict[str, list[str]] = {}
    for path in below:
        if path:
            order.setdefault(path.rpartition(".")[0], []).append(path)
    listed, stack = [], [""]
    while stack:
        path = stack.pop()
        listed.append(_sum(network, path, *below[path]))
        stack += reversed(order.get(path, []))
    return tuple(listed)


def _layer(network: Network, kernel: LayerResult) -> str:
    """The layer that a kernel computes first; a pass beside a layer's own is named below it."""
    name = kernel.name
    while name and name not in network:
        name = name.rpartition(".")[0]
    return name or kernel.layers[0]


def _paths(name: str, depth: int | None) -> Iterable[str]:
    """The groups that a layer is in, from the whole network to the deepest one."""
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(len(parts[:depth]) + 1))


def _sum(
    network: Network, name: str, layers: Sequence[str], kernels: Iterable[LayerResult]
) -> Group:
    kernels = tuple(kernels)
    return Group(
        name=name,
        depth=len(name.split(".")) if name else 0,
        layers=tuple(layers),
        kernels=tuple(kernel.name for kernel in kernels),
        output_shape=network[layers[-1]].output.shape if layers else (),
        params=sum(network[layer].params for layer in layers),
        macs=sum(kernel.macs for kernel in kernels),
        dram_read_bytes=sum(kernel.dram_read_bytes for kernel in kernels),
        dram_write_bytes=sum(kernel.dram_write_bytes for kernel in kernels),
        dram_weight_bytes=sum(kernel.dram_weight_bytes for kernel in kernels),
        time_ps=sum(kernel.time_ps for kernel in kernels),
        compute_ps=sum(kernel.compute_ps for kernel in kernels),
        overhead_ps=sum(kernel.overhead_ps for kernel in kernels),
    )
