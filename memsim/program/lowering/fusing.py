"""Which layers run as one kernel. That is decided by the graph, not by the order of the listing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from memsim.network.graph import Layer
from memsim.network.ops.base import Shape
from memsim.network.parameters import Weights
from memsim.network.tensor import Tensor
from memsim.program.kernel import Role
from memsim.program.lowering.strides import StridedReaders
from memsim.program.lowering.wiring import Wiring, moves_nothing
from memsim.program.roles import operand_role


def alike(layer: Layer) -> bool:
    """Whether a layer does the same to every element: what it stores, if anything, are scalars."""
    stored = layer.op.folded(layer.shapes, layer.output.image)
    return not stored and all(map(scalar, layer.tables))


def scalar(table: Weights) -> bool:
    """Whether all elements read the same parameters."""
    return math.prod(table.sizes) == 1


@dataclass(slots=True)
class Group:
    """A layer, and the elementwise layers that run on its output tile before it is written.

    Attributes
    ----------
    head : Layer
    followers : list of Layer
        In order; views between and behind them that only they read are among them, so that the
        output bears the last name.
    root : str
        The last layer that does something: the one whose values are written.
    residuals : list of (str, Role)
        The layers that followers read besides the tile at hand.
    """

    head: Layer
    followers: list[Layer] = field(default_factory=list)
    root: str = ""
    residuals: list[tuple[str, Role]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = self.head.name

    @property
    def last(self) -> Layer:
        """The layer after which the output is named."""
        return self.followers[-1] if self.followers else self.head

    @property
    def image(self) -> Shape:
        """The shape in which the output is computed and stored."""
        return self.head.output.image

    @property
    def output(self) -> Tensor:
        """What is written."""
        if not self.followers:
            return self.head.output
        return replace(self.head.output, name=self.last.name, dtype=self.last.output.dtype)

    @property
    def computing(self) -> list[Layer]:
        """The followers that do something."""
        if not self.followers:
            return []
        return [layer for layer in self.followers if not moves_nothing(layer)]


class Grouping:
    """The groups of a network.

    Parameters
    ----------
    wiring : Wiring
    fuses : bool
        Whether elementwise layers join the convolution, linear layer or elementwise layer whose
        output they alone read. Otherwise every layer is a group of its own.
    concats : bool
        Whether concats are views.
    moves : bool
        Whether readers find elements that are only moved (permute) where they lie. Else those
        alone do that PyTorch gives them at other strides.

    Attributes
    ----------
    of : dict of str to Group
        The group of each layer that does something.
    flat : dict of str to bool
        Whether a layer's output is a map larger than 1x1 seen as a column of channels, by a
        flatten or a reshape: its elements then lie in the order of that map's.
    folded : dict of str to bool
        Whether a layer is seen in other places than it is stored, so that its channels are none
        of a stored tensor's.
    """

    def __init__(self, wiring: Wiring, *, fuses: bool, concats: bool, moves: bool = False) -> None:
        self.wiring, self.fuses, self.concats, self.moves = wiring, fuses, concats, moves
        self.of: dict[str, Group] = {}
        self.flat: dict[str, bool] = {}
        self.folded: dict[str, bool] = {}
        self._free = frozenset() if moves else StridedReaders(wiring).free
        self._whole: dict[str, bool] = {}  # False for channels of a flattened map
        self._arranged: dict[str, bool] = {}
        for layer in wiring.layers:
            self._add(layer)

    def _add(self, layer: Layer) -> None:
        sources = [tensor.name for tensor in layer.inputs]
        self._whole[layer.name] = True
        self.folded[layer.name] = self._folds(layer)
        if self.wiring.moves_nothing(layer):
            (source,) = sources
            self.flat[layer.name] = self.flat[source] or layer.output.image != layer.shapes[0]
            self._whole[layer.name] = self._whole[source]
            self._name_after(layer)
            return
        group = self._host(layer)
        if group is None:
            group = Group(layer)
            flat = self.arranged(layer) and any(self.flat[name] for name in sources)
            self.flat[layer.name] = flat
            self._whole[layer.name] = not flat or (
                layer.op.joins and all(self._whole[name] for name in sources)
            )
        else:
            root = group.root
            tile = next(name for name in sources if self.wiring.root[name] == root)
            others = [name for name in sources if name != tile]
            if self.flat[tile]:
                others = [self.wiring.root[name] for name in others]
            role = operand_role(layer.op, False)
            group.residuals += [(name, role) for name in others]
            group.followers.append(layer)
            group.root = layer.name
            self.flat[layer.name] = layer.output.image != group.image
        self.of[layer.name] = group

    def arranged(self, layer: Layer) -> bool:
        """Whether a layer only says what lies where: a slice, a permute, a concat as a view."""
        found = self._arranged.get(layer.name)
        if found is None:
            found = self._arranged[layer.name] = self._arranges(layer)
        return found

    def _arranges(self, layer: Layer) -> bool:
        if layer.op.joins:
            return self.concats and layer.op.stacks and not any(
                self.folded[tensor.name] or tensor.image.channel != layer.output.image.channel
                for tensor in layer.inputs
            )  # fmt: skip
        if layer.name in self.wiring.leaves:
            return False
        if layer.op.selects(layer.shapes) is not None:
            return True
        moves = layer.op.arrangement(layer.shapes) is not None
        return moves and (self.moves or not layer.op.copied or layer.name in self._free)

    def _folds(self, layer: Layer) -> bool:
        """Whether a layer is seen in other places than it is stored."""
        if not layer.inputs:
            return False
        before = self.folded[layer.inputs[0].name]
        if layer.op.view:
            flattened = layer.output.image[1:] == (1, 1)
            return before or not (flattened or layer.output.image == layer.shapes[0])
        if not self.arranged(layer) or layer.op.joins:
            return False
        return before or layer.op.selects(layer.shapes) is None

    def _name_after(self, view: Layer) -> None:
        """Let a fused output bear the name of a view that alone reads it, as a chain ends there."""
        source = view.inputs[0].name
        root = self.wiring.root[source]
        group = self.of.get(root)
        if (
            group is not None
            and self._absorbs(group)
            and group.root == root not in self.wiring.leaves
            and group.last.name == source
            and self.wiring.named[source] == 1
            and view.renames
        ):
            group.followers.append(view)

    def _absorbs(self, group: Group) -> bool:
        return self.fuses and (group.head.op.multiplies or group.head.op.elementwise)

    def _host(self, layer: Layer) -> Group | None:
        """The group that an elementwise layer joins: of several that of the last operand.

        Whoever writes a sum computes its operands from left to right, so it is what runs last. How
        layers are listed says nothing of the network.
        """
        if not (self.fuses and layer.op.elementwise):
            return None
        for tensor in reversed(layer.inputs):
            group = self.of.get(self.wiring.root[tensor.name])
            if group is not None and self._joins(layer, group, tensor):
                return group
        return None

    def _joins(self, layer: Layer, group: Group, tile: Tensor) -> bool:
        """Whether a layer can run on a group's output tile, of which it sees ``tile``."""
        wiring = self.wiring
        if not self._absorbs(group) or wiring.root[tile.name] != group.root:
            return False
        if wiring.only_reader(group.root) is not layer or layer.output.image != tile.image:
            return False  # others need the map as it is, or it would have to be broadcast
        others = [tensor.name for tensor in layer.inputs if tensor.name != tile.name]
        if self.flat[tile.name]:
            # What is done alike to every element may as well be done before the flatten.
            roots = [wiring.root[name] for name in others]
            return alike(layer) and all(
                self.flat[name] and not self.flat[root]
                and wiring.network[root].output.image == group.image
                for name, root in zip(others, roots, strict=True)
            )  # fmt: skip
        return all(self._whole[name] for name in others)
