"""From layers to kernels: groups, then views, then kernels in an order that can be executed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

from memsim.network.graph import Layer, Network
from memsim.network.ops import Operator
from memsim.network.parameters import Weights
from memsim.network.tensor import Tensor
from memsim.program.kernel import IDENTITY, Kernel, Operand, Role, Segment, View
from memsim.program.lowering.fusing import Group, Grouping, scalar
from memsim.program.lowering.parameters import Parameters, folded
from memsim.program.lowering.placing import Placing
from memsim.program.lowering.wiring import Wiring
from memsim.program.roles import operand_role, output_role


class Concats(Enum):
    """What becomes of a concat."""

    COPY = "a kernel that copies"
    IN_PLACE = "its parts are written where it lies"
    VIEW = "its readers read its parts"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a lowering does with layers.

    Attributes
    ----------
    fuses : bool
        Fold batch norms; fuse elementwise followers into convolutions, linear layers and
        elementwise kernels whose output has no other reader.
    prunes : bool
        Leave out layers that no network output depends on.
    concats : Concats
    applies_on_load : bool
        An elementwise chain before a convolution is applied as the convolution loads.
    plans_memory : bool
        Operators write over what nobody needs any more, and memory is free after its last reader.
        Else both are as the network says: ``inplace`` and ``held``.
    """

    fuses: bool = False
    prunes: bool = False
    concats: Concats = Concats.COPY
    applies_on_load: bool = False
    plans_memory: bool = False


class Walk:
    """One network under the rules of a lowering.

    Parameters
    ----------
    rules : Rules
    network : Network
    """

    def __init__(self, rules: Rules, network: Network) -> None:
        self.rules, self.network = rules, network
        self.wiring = Wiring(network, prune=rules.prunes, loads=rules.fuses)
        self.groups = Grouping(
            self.wiring,
            fuses=rules.fuses,
            concats=rules.concats is not Concats.COPY,
            moves=rules.fuses,
        )
        self.stored = partial(_stored, rules.fuses)
        self.parameters = Parameters(self.groups.of, self.stored)
        concats = {
            layer.name
            for layer in self.wiring.layers
            if layer.op.joins and self.groups.arranged(layer)
        }
        placed = {
            Concats.COPY: set(),
            Concats.IN_PLACE: concats,
            Concats.VIEW: concats & self.wiring.leaves,  # an output must lie somewhere
        }
        self.placing = Placing(self.wiring, placed[rules.concats], concats)
        self.mixed = len(network.dtypes) > 1
        self._outputs: dict[str, Tensor] = {}
        self.views: dict[str, View] = {}
        """How readers see each layer."""
        self.copies: dict[str, Kernel] = {}
        """The copies of those parts of a concat that are not written where it lies."""
        for layer in self.wiring.layers:
            self.views[layer.name] = self._view(layer)

    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels, in the order in which their first layers are listed where possible."""
        found = []
        for layer in self.wiring.layers:
            group = self.groups.of.get(layer.name)
            if layer.name in self.copies:
                found.append(self.copies[layer.name])
            elif group is not None and group.head is layer and self._runs(group):
                found.append(self._kernel(group))
        return _executable(found, self.wiring.sources)

    def _runs(self, group: Group) -> bool:
        """Whether a group is a kernel: not what is a view, nor what its reader applies."""
        layer = group.head
        return not (
            layer.op.is_input
            or layer.op.is_parameter
            or self.groups.arranged(layer)
            or self._applied_on_load(group)
        )

    def _view(self, layer: Layer) -> View:
        """How readers see a layer."""
        if layer.op.is_input or layer.op.is_parameter:
            return View.of(layer.output)
        group = self.groups.of.get(layer.name)
        image = layer.output.image
        sources = [self.views[tensor.name] for tensor in layer.inputs]
        if group is None:  # it moves nothing
            return sources[0] if image == layer.shapes[0] else sources[0].seen(image)
        if not self.groups.arranged(layer):
            if self._applied_on_load(group):
                return self._with_prologue(group)
            view = View.of(self._output(group))
            return view if image == view.shape else view.seen(image)
        if not layer.op.joins:
            chosen = layer.op.selects(layer.shapes)
            if chosen is not None:
                return sources[0].channels(*chosen)
            return sources[0].arranged(layer.op.arrangement(layer.shapes) or (), image)
        if layer.name in self.placing.placed:
            placed = self._place(layer)
            if self.rules.concats is Concats.IN_PLACE:
                return placed
        return View.stack(sources, image)

    def _output(self, group: Group) -> Tensor:
        """What a group writes; the same object whoever asks."""
        name = group.head.name
        if name not in self._outputs:
            self._outputs[name] = group.output
        return self._outputs[name]

    def _place(self, concat: Layer) -> View:
        """A concat where it lies; what of it is not written there is copied."""
        parts = self.placing.parts(concat, self.views)
        copied = [part.view for part in parts if part.copied]
        channels = sum(view.shape.box[0] for view in copied)
        image = concat.output.image.resized(concat.output.image.channel, channels)
        output = Tensor.of(concat.name, concat.output.shape[0], image, concat.output.dtype)
        if copied:
            view = View.stack(copied, output.image)
            operand = self._operand(view, operand_role(concat.op, True), IDENTITY)
            self.copies[concat.name] = Kernel(
                name=concat.name,
                op=concat.op,
                layers=(concat.name,),
                shapes=tuple(each.shape for each in copied),
                operands=(operand,),
                own=1,
                output=output,
                output_role=output_role(concat.op),
                stored=0,
                macs=0,
                work=concat.op.work(concat.shapes, concat.output.image),
                load_work=0,
                leaves=self.placing.leaves(concat.name),
            )
        views, at = [], 0
        for part in parts:
            if part.copied:
                end = at + part.view.shape.box[0]
                segments = (Segment(concat.name, at, end),)
                views.append(View(segments, part.view.shape))
                at = end
            else:
                views.append(part.view)
        return View.stack(views, concat.output.image)

    def _applied_on_load(self, group: Group) -> bool:
        """Whether the convolution that alone reads a group of elementwise layers applies it."""
        head = group.head
        if not (self.rules.applies_on_load and head.op.elementwise):
            return False
        reader = self.wiring.only_reader(group.root)
        if (
            len(head.inputs) != 1
            or group.residuals
            or any(each.op.writes for each in (head, *group.computing))  # what is small is stored
            or not all(scalar(table) for each in (head, *group.computing) for table in each.tables)
            or reader is None
            or not reader.op.multiplies
        ):
            return False
        source = self.views[head.inputs[0].name]
        return reader.shapes[0] == group.image and source.fold is None and not source.flat

    def _with_prologue(self, group: Group) -> View:
        source = self.views[group.head.inputs[0].name]
        steps = tuple(self._on_load(each) for each in (group.head, *group.computing))
        return View(source.segments, source.shape, False, source.prologue + steps)

    def _on_load(self, layer: Layer) -> tuple[Weights, ...]:
        """The parameters of a layer that its reader applies."""
        stored, channels = self.stored(layer), layer.output.image.box[0]
        own = (replace(each, stored=stored, channels=channels) for each in layer.weights if stored)
        return (*own, *layer.tables)

    def _kernel(self, group: Group) -> Kernel:
        layer = group.head
        work = layer.op.work(layer.shapes, layer.output.image)
        for each in group.computing if group.followers else ():
            if each is not folded(group) or self.parameters.scales(group):
                work += each.op.work(each.shapes, each.output.image)
        own = self._own_operands(layer)
        residuals = [
            self._operand(self.views[name], role, IDENTITY) for name, role in group.residuals
        ]
        return Kernel(
            name=layer.name,
            op=layer.op,
            layers=(layer.name, *(each.name for each in group.followers)),
            shapes=layer.shapes,
            operands=(*own, *residuals),
            own=len(own),
            output=self._output(group),
            output_role=output_role(layer.op),
            stored=self.parameters.count(group),
            macs=layer.macs,
            work=work,
            load_work=sum(len(operand.view.prologue) for operand in own),
            leaves=self.placing.leaves(group.root),
            shares=self.parameters.shares(group),
            tables=self.parameters.tables(group),
            weight_dtype=layer.stored_as[0] if self.mixed else "",
        )

    def _operand(self, view: View, role: Role, op: Operator) -> Operand:
        """An operand, with its data type where the network has several."""
        dtype = ""
        if self.mixed:  # a stored tensor is named like the last layer in it
            dtype = self.network[view.segments[0].tensor].output.dtype
        return Operand(view, role, op, dtype=dtype)

    def _own_operands(self, layer: Layer) -> list[Operand]:
        views = [self.views[tensor.name] for tensor in layer.inputs]
        if layer.op.stacks and not any(view.fold and not view.flat for view in views):
            role = operand_role(layer.op, True)
            return [self._operand(View.stack(views, layer.output.image), role, IDENTITY)]
        steps = layer.op.arrangement(layer.shapes)
        if steps is not None and layer.op.selects(layer.shapes) is None:
            views = [views[0].arranged(steps, layer.output.image)]
            return [self._operand(views[0], operand_role(layer.op, True), IDENTITY)]
        return [
            self._operand(
                view,
                operand_role(layer.op, position == 0),
                layer.op.reader(position, layer.shapes),
            )
            for position, view in enumerate(views)
        ]


def _stored(fuses: bool, layer: Layer) -> int:
    """Stored parameters per output channel of a layer on its own."""
    count = layer.op.folded if fuses else layer.op.stored
    return count(layer.shapes, layer.output.image)


def _executable(kernels: list[Kernel], inputs: Iterable[str]) -> tuple[Kernel, ...]:
    """The kernels so that each comes after those that it reads, otherwise as they are listed.

    A sum that the earlier of its operands has fused waits for the later one.
    """
    there = set(inputs)
    for kernel in kernels:
        if not there.issuperset(_read(kernel)):
            break
        there.add(kernel.output.name)
    else:
        return tuple(kernels)
    import networkx as nx

    writer = {kernel.output.name: at for at, kernel in enumerate(kernels)}
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(kernels)))
    for at, kernel in enumerate(kernels):
        graph.add_edges_from((writer[name], at) for name in _read(kernel) if name in writer)
    return tuple(kernels[at] for at in nx.lexicographical_topological_sort(graph))


def _read(kernel: Kernel) -> set[str]:
    """The tensors that a kernel reads."""
    return {segment.tensor for operand in kernel.operands for segment in operand.view.segments}
