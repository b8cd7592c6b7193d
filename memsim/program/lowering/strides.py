"""What PyTorch's eager mode finds where it lies: tensors with their axes in another order.

A permute gives a tensor other strides; elements are copied only for a kernel that needs them in
order. Elementwise kernels, convolutions and pools give their output the order of their input, so
that maps whose channels lie last stay so from layer to layer. What an operator ``takes``, and how
it ``lays`` its output, it says itself.
"""

from __future__ import annotations

from memsim.network.graph import Layer
from memsim.network.ops.base import Strides
from memsim.program.lowering.wiring import Wiring

__all__ = ["free_permutes"]


def free_permutes(wiring: Wiring) -> frozenset[str]:
    """The permutes that nobody copies, as all who read them take their strides.

    Whoever reads one may stand behind others that pass strides on. Where one of them takes no
    strides, the last permute before it is the one that is copied: PyTorch copies at the reader,
    the same elements once.
    """
    return frozenset(_Strided(wiring).free)


class _Strided:
    """The strides of every layer while permutes are free, until a kernel cannot take them."""

    def __init__(self, wiring: Wiring) -> None:
        self.free = {layer.name for layer in wiring.layers if _permutes(layer)} - wiring.leaves
        self.found: dict[str, Strides] = {}
        self.order: dict[str, str] = {}
        """The permute that a layer has its order from."""
        place = {layer.name: at for at, layer in enumerate(wiring.layers)}
        at = 0
        while self.free and at < len(wiring.layers):
            copied = min(self._refused(wiring.layers[at]), key=place.__getitem__, default=None)
            if copied is not None:
                self.free.remove(copied)
            at = at + 1 if copied is None else place[copied]  # anew from there, with a copy

    def _refused(self, layer: Layer) -> list[str]:
        """Find a layer's strides; return the permutes whose strides it does not take."""
        names = [tensor.name for tensor in layer.inputs]
        operands = tuple(self.found[name] for name in names)
        sizes, before = tuple(layer.output.shape), [self.order.get(name) for name in names]
        self.order.pop(layer.name, None)
        permutes = _permutes(layer)
        moved = _moved(layer, operands[0]) if operands else None
        if moved is not None and (layer.name in self.free or not permutes):
            self.found[layer.name] = moved
            self._order_of(layer, layer.name if layer.name in self.free else before[0])
            return []
        self.found[layer.name] = layer.op.lays(sizes, operands) if operands else Strides.of(sizes)
        if permutes:
            return []
        self._order_of(layer, next(filter(None, before), None))
        return [
            permute
            for number, (strides, permute) in enumerate(zip(operands, before, strict=True))
            if permute and not (strides.sizes[0] == sizes[0] and layer.op.takes(number, strides))
        ]

    def _order_of(self, layer: Layer, permute: str | None) -> None:
        if permute and not self.found[layer.name].in_order:
            self.order[layer.name] = permute


def _moved(layer: Layer, strides: Strides) -> Strides | None:
    """The strides of a layer that only says what lies where; None for any other."""
    if layer.op.view:
        same = layer.output.image == layer.shapes[0]
        return strides if same else strides.reshaped((strides.sizes[0], *layer.output.image))
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
