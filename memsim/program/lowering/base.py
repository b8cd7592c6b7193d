"""How layers become kernels; what all lowerings share."""

from __future__ import annotations

from typing import ClassVar

from memsim.network.graph import Layer, Network
from memsim.network.ops.base import Operator
from memsim.network.tensor import Tensor
from memsim.program.kernel import IDENTITY, Kernel, Operand, View
from memsim.program.roles import operand_role, output_role


class Lowering:
    """A rule that turns a network into kernels, in schedule order.

    In every lowering identity, dropout, flatten and slice move nothing: their readers read
    what they read. (A slice that leaves the network is copied.)

    Attributes
    ----------
    name : str
        As users write it.
    fuses : bool
        Fold batch norms; fuse elementwise followers into convolutions, linear layers and
        elementwise kernels whose output has no other reader.
    concat_views : bool
        A concat is a view, and an elementwise chain before a convolution is applied as the
        convolution loads.
    assumes : tuple of str
        What a run under this lowering takes for granted, a phrase each; results print it.
    """

    name: ClassVar[str]
    assumes: ClassVar[tuple[str, ...]] = ()
    fuses: ClassVar[bool] = False
    concat_views: ClassVar[bool] = False

    def lower(self, network: Network) -> tuple[Kernel, ...]:
        """Return the network's kernels."""
        return _Pass(self, network).run()


def library_pass(
    kernel: Kernel,
    name: str,
    op: Operator,
    operands: tuple[Operand, ...],
    output: Tensor,
    stored: int = 0,
) -> Kernel:
    """An elementwise kernel that a library runs for another one's layer, before or after it.

    Parameters
    ----------
    kernel : Kernel
        The layer's own.
    name : str
        What is added to its name.
    op : Operator
    operands : tuple of Operand
        None where parameters alone are read.
    output : Tensor
        The layer's own, or one between the two kernels.
    stored : int
        Parameters per output channel.
    """
    return Kernel(
        name=f"{kernel.name}.{name}",
        op=op,
        layers=(kernel.name,),
        shapes=tuple(operand.view.shape for operand in operands) or (output.image,),
        operands=operands,
        own=len(operands),
        output=output,
        output_role=output_role(op),
        stored=stored,
        macs=0,
        work=1,
        load_work=0,
    )


def output_roots(network: Network) -> set[str]:
    """Return the layers whose tensors leave the network; for a view, the layer that it shows."""
    roots = set()
    for name in network.outputs:
        layer = network[name]
        while layer.op.view:
            layer = network[layer.inputs[0].name]
        roots.add(layer.name)
    return roots


class _Pass:
    """One walk over a network: ``views`` tells how readers see each layer done so far."""

    def __init__(self, rule: Lowering, network: Network) -> None:
        self.rule = rule
        self.network = network
        self.leaves = output_roots(network)
        self.views: dict[str, View] = {}
        self.kernels: list[Kernel] = []

    def run(self) -> tuple[Kernel, ...]:
        for layer in self.network:
            if layer.name not in self.views:
                self._lower(layer)
        return tuple(self.kernels)

    def _lower(self, layer: Layer) -> None:
        view = self._as_view(layer)
        if view is not None:
            self.views[layer.name] = view
            return
        chain, residuals = self._followers(layer) if self._absorbs(layer) else ([], [])
        if self.rule.concat_views and not residuals and self._applied_on_load(layer, chain):
            self._add_prologue(layer, chain)
        else:
            self._add_kernel(layer, chain, residuals)

    def _as_view(self, layer: Layer) -> View | None:
        """Return how readers see a layer that needs no kernel; None for a layer that needs one."""
        op = layer.op
        if op.is_input:
            return View.of(layer.output)
        sources = [self.views[tensor.name] for tensor in layer.inputs]
        shape = layer.output.image
        if op.view:
            flat = sources[0].flat or not layer.renames
            return View(sources[0].segments, shape, flat, sources[0].prologue)
        if layer.name in self.leaves:
            return None
        selected = op.selects(layer.shapes)
        if selected is not None:
            return sources[0].channels(*selected)
        if op.joins and self.rule.concat_views:
            return View.stack(sources, shape)
        return None

    def _absorbs(self, layer: Layer) -> bool:
        return self.rule.fuses and (layer.op.multiplies or layer.op.elementwise)

    def _followers(self, layer: Layer) -> tuple[list[Layer], list[Operand]]:
        """The elementwise layers that can run on the output tile before it is written."""
        chain: list[Layer] = []
        residuals: list[Operand] = []
        current = layer
        while current.name not in self.leaves:
            readers = self.network.readers[current.name]
            if len(readers) != 1:
                break
            follower = self.network[readers[0]]
            op = follower.op
            if not (op.elementwise or follower.renames):
                break
            others = [t.name for t in follower.inputs if t.name != current.name]
            if any(name not in self.views for name in others):
                break  # computed later: the add runs with the later of its operands
            if any(self.views[name].flat for name in others):
                break  # every tile would read all of it
            if others and follower.output.image != current.output.image:
                break  # the tile at hand would have to be broadcast
            residuals += [Operand(self.views[name], operand_role(op, False)) for name in others]
            chain.append(follower)
            current = follower
        return chain, residuals

    def _applied_on_load(self, layer: Layer, chain: list[Layer]) -> bool:
        if not layer.op.elementwise or len(layer.inputs) != 1:
            return False
        last = chain[-1] if chain else layer
        readers = self.network.readers[last.name]
        return (
            last.name not in self.leaves
            and len(readers) == 1
            and self.network[readers[0]].op.multiplies
            and not self.views[layer.inputs[0].name].flat
        )

    def _add_prologue(self, layer: Layer, chain: list[Layer]) -> None:
        source = self.views[layer.inputs[0].name]
        steps = tuple(
            (each.name, self._stored(each)) for each in (layer, *chain) if each.op.elementwise
        )
        with_steps = View(source.segments, source.shape, False, source.prologue + steps)
        for each in (layer, *chain):
            self.views[each.name] = with_steps

    def _stored(self, layer: Layer) -> int:
        """Stored parameters per output channel of a layer on its own."""
        count = layer.op.folded if self.rule.fuses else layer.op.stored
        return count(layer.shapes, layer.output.image)

    def _add_kernel(self, layer: Layer, chain: list[Layer], residuals: list[Operand]) -> None:
        stored = self._stored(layer)
        work = layer.op.work(layer.shapes, layer.output.image)
        computing = [each for each in chain if each.op.elementwise]
        for position, each in enumerate(computing):
            if position == 0 and each.op.folds and layer.op.multiplies:
                stored += int(not layer.op.biased)  # the shift becomes the bias
            else:
                stored += self._stored(each)
                work += each.op.work(each.shapes, each.output.image)
        last = chain[-1] if chain else layer
        own = self._own_operands(layer)
        kernel = Kernel(
            name=layer.name,
            op=layer.op,
            layers=(layer.name, *(each.name for each in chain)),
            shapes=layer.shapes,
            operands=(*own, *residuals),
            own=len(own),
            output=last.output,
            output_role=output_role(layer.op),
            stored=stored,
            macs=layer.macs,
            work=work,
            load_work=sum(len(operand.view.prologue) for operand in own),
        )
        self.kernels.append(kernel)
        for each in (layer, *chain):
            self.views[each.name] = View.of(last.output)

    def _own_operands(self, layer: Layer) -> list[Operand]:
        views = [self.views[tensor.name] for tensor in layer.inputs]
        if layer.op.joins:
            role = operand_role(layer.op, True)
            return [Operand(View.stack(views, layer.output.image), role, IDENTITY)]
        return [
            Operand(view, operand_role(layer.op, position == 0), layer.op)
            for position, view in enumerate(views)
        ]
