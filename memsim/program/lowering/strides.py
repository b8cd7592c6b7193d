"""What PyTorch's eager mode finds where it lies: tensors with their axes in another order.

A permute gives a tensor other strides; elements are copied only for a reader that needs them in
order. Products of matrices take strides, within limits: see ``takes`` of the operators.
"""

from __future__ import annotations

from memsim.network.graph import Layer
from memsim.network.ops.base import Strides
from memsim.program.lowering.wiring import Wiring


class StridedReaders:
    """The permutes of a network that nobody copies, as all who read them take their strides.

    Readers are looked for behind reshapes, slices, repeats and other permutes, as long as these
    give new strides and no new tensor.

    Parameters
    ----------
    wiring : Wiring

    Attributes
    ----------
    free : frozenset of str
        The permutes that cost nothing.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.free: frozenset[str] = frozenset()
        if not any(_permutes(layer) for layer in wiring.layers):
            return
        free: set[str] = set()
        self._leaving = set(wiring.network.outputs)
        self._readers: dict[str, list[tuple[Layer, int]]] = {
            each.name: [] for each in wiring.layers
        }
        for layer in wiring.layers:
            for number, tensor in enumerate(layer.inputs):
                self._readers[tensor.name].append((layer, number))
        found: dict[str, Strides] = {}
        for layer in wiring.layers:
            first = found[layer.inputs[0].name] if layer.inputs else None
            moved = self._moved(layer, first) if first else None
            if moved is not None and _permutes(layer):
                if self._taken(layer, moved):
                    free.add(layer.name)
                else:
                    moved = None
            found[layer.name] = moved or layer.op.lays(tuple(layer.output.shape), first)
        self.free = frozenset(free)

    def _taken(self, layer: Layer, strides: Strides) -> bool:
        """Whether all who read a layer find its elements at these strides."""
        if layer.name in self._leaving:
            return False
        if strides.in_order:
            return True
        readers = self._readers[layer.name]
        for reader, number in readers:
            if reader.output.shape[0] != strides.sizes[0]:
                return False  # a parameter, which is repeated for each image
            if reader.op.takes(number, strides):
                continue
            moved = self._moved(reader, strides)
            if moved is None or not self._taken(reader, moved):
                return False
        return bool(readers)

    def _moved(self, layer: Layer, strides: Strides) -> Strides | None:
        """The strides of a layer that only says what lies where; None for any other."""
        if layer.op.view:
            return strides.reshaped((strides.sizes[0], *layer.output.image))
        steps = layer.op.arrangement(layer.shapes)
        if steps is None or (layer.op.copied and not _permutes(layer)):
            return None
        for what, *how in steps:
            if what == "permuted":
                strides = strides.permuted((0, *(axis + 1 for axis in how[0])))
            elif what == "selected":
                axis, start, stop, step = how
                strides = strides.selected(axis + 1, start, stop, step)
            elif what == "expanded":
                strides = strides.expanded((strides.sizes[0], *how[0]))
            else:
                return None
        return strides


def _permutes(layer: Layer) -> bool:
    """Whether a layer changes the order of axes and does nothing else."""
    if not (layer.inputs and layer.op.copied):
        return False
    steps = layer.op.arrangement(layer.shapes)
    return steps is not None and [step[0] for step in steps] == ["permuted"]
