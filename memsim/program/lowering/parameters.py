"""Which tensors a kernel's parameters lie in, where layers share them.

A batch norm is folded into the weights before it, and folded weights are other weights. If all that
read shared weights fold the same batch norm, what comes out is shared as well. Otherwise the
weights stay as they are, and each kernel that has a batch norm scales and shifts what it computes:
two parameters per channel of its own, in place of a bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from memsim.network.graph import Layer
from memsim.network.parameters import Weights
from memsim.program.lowering.fusing import Group

__all__ = ["Parameters", "folded"]


def folded(group: Group) -> Layer | None:
    """The batch norm that can be folded into the weights of a group's first layer."""
    computing = group.computing
    if computing and computing[0].op.folds and group.head.op.multiplies and group.head.weights:
        return computing[0] if _along(computing[0], group) else None
    return None


def _along(layer: Layer, group: Group) -> bool:
    """Whether a layer's channels are those of the tile that it runs on."""
    return layer.output.image.channel == group.image.channel


class Parameters:
    """The parameters of groups.

    Parameters
    ----------
    groups : mapping
        The group of each layer that does something.
    stored : callable
        A layer's stored parameters per output channel, on its own.
    """

    def __init__(self, groups: Mapping[str, Group], stored: Callable[[Layer], int]) -> None:
        self.stored = stored
        self._folds: dict[str, set[tuple[str, ...]]] = {}
        self._biases: dict[str, set[str]] = {}
        for name, group in groups.items():
            if name == group.head.name and any(each.shared for each in group.head.weights):
                weights, *bias = group.head.weights
                norm = folded(group)
                key: tuple[str, ...] = ()
                if norm is not None:  # turned, the other axis is scaled
                    key = (*(each.name for each in norm.weights), str(weights.turned))
                self._folds.setdefault(weights.name, set()).add(key)
                self._biases.setdefault(weights.name, set()).update(each.name for each in bias)

    def scales(self, group: Group) -> bool:
        """Whether a batch norm behind shared weights is computed, since not all fold the same."""
        if folded(group) is None:
            return False
        return self._mixed(group.head)

    def _mixed(self, head: Layer) -> bool:
        """Whether not all that read a layer's weights fold the same batch norm into them."""
        return len(self._folds.get(head.weights[0].name, ())) > 1

    def count(self, group: Group) -> int:
        """Stored parameters per output channel, biases and unfolded scales included."""
        if not group.followers:
            return self.stored(group.head)
        head, norm = group.head, folded(group)
        total = self.stored(head)
        if norm is not None:
            total += 2 - int(head.op.biased) if self.scales(group) else int(not head.op.biased)
        return total + sum(self.stored(each) for each in self._others(group))

    def tables(self, group: Group) -> tuple[Weights, ...]:
        """What it stores that is not so many numbers for each channel of its output."""
        if not group.followers:
            return group.head.tables
        found = [*group.head.tables]
        for layer in group.computing:
            found += layer.tables
            if not _along(layer, group) and self.stored(layer):
                image = layer.output.image
                sizes = tuple(
                    size if axis == image.channel else 1 for axis, size in enumerate(image)
                )
                found += (
                    replace(each, stored=self.stored(layer), sizes=sizes) for each in layer.weights
                )
        return tuple(found)

    def shares(self, group: Group) -> tuple[Weights, ...]:
        """The tensors they lie in; none where all lie in one that only this group reads, as a
        whole, and that has the network's data type."""
        along = [each for each in group.computing if _along(each, group)]
        layers = (group.head, *along)
        held = [each for layer in layers for each in layer.weights]
        if not any(each.shared or each.itemsize or each.looked_up for each in held):
            return ()
        parts = [*self._of_head(group)]
        for each in self._others(group):
            parts += _alone(each.weights, self.stored(each))
        return tuple(parts)

    def _others(self, group: Group) -> list[Layer]:
        """The followers whose parameters are not folded and belong to the channels."""
        norm = folded(group)
        return [each for each in group.computing if each is not norm and _along(each, group)]

    def _of_head(self, group: Group) -> Iterable[Weights]:
        head, norm = group.head, folded(group)
        if not head.weights:
            return ()
        if not head.op.multiplies:
            return _alone(head.weights, self.stored(head))
        mixed = self._mixed(head)
        if norm is None and not mixed:
            return head.weights
        weights, *bias = head.weights
        if mixed and head.op.biased and not bias:  # some read the weights without the bias
            weights, *bias = weights.without_bias()
        if norm is None:
            return (weights, *bias)
        (scale,) = norm.weights
        if mixed:
            name = f"{head.name}.scale" if head.op.biased else scale.name
            return (weights, replace(scale, name=name, stored=2))
        if head.op.biased and not bias:
            return (weights,)  # folded, in the same place
        alike = weights.shared and len(self._biases[weights.name]) <= 1
        shift = f"{(scale.name if alike else head.name).removesuffix('.weight')}.shift"
        return (weights, Weights(shift, 1, shared=alike))


def _alone(weights: tuple[Weights, ...], stored: int) -> tuple[Weights, ...]:
    """A layer's only tensor with so many parameters per channel; nothing where there are none."""
    return tuple(replace(each, stored=stored) for each in weights) if stored else ()
