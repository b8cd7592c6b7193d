"""PyTorch for inference: folded, fused, packed once, channels last.

What ``memsim measure --lowering fused`` runs: one step for each kernel of the lowering ``fused``.
Batch norms are folded into the convolution before them; a residual sum and the activation after
it are applied as the convolution's output is written; weights are packed when the network is
built, in the layout that oneDNN's kernels ask for; maps are nhwc, so nothing is reordered. Weights
that several layers share are packed for each of them: there are as many copies.
Concats copy. What a kernel has beyond that (an activation after a sum that the library does not
know, a batch norm after a concat) runs layer by layer, activations in place on what the kernel
itself computed.

References
----------
PyTorch 2.13, aten/src/ATen/native/mkldnn/Conv.cpp (``mkldnn::_convolution_pointwise`` and its
``binary`` variant, which writes a new map and reads the sum's other operand as a post-operation,
``mkldnn::_reorder_convolution_weight``); :mod:`memsim.measurement.run.onednn`, which calls them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from memsim.network.graph import Layer
from memsim.network.ops import Operator
from memsim.program.kernel import Kernel
from memsim.program.library.onednn import choice, direct, reorder
from memsim.program.library.onednn.aten import Map, StoredMap, record_read
from memsim.program.library.onednn.forward import Forward
from memsim.program.library.onednn.geometry import ITEM, Geometry
from memsim.program.lowering import LOWERINGS
from memsim.program.memory.in_place import PYTORCH, InPlaceRule

KNOWN = frozenset(
    ("relu", "relu6", "leaky_relu", "sigmoid", "tanh", "silu", "hardswish", "hardsigmoid", "gelu")
)
"""Activations that oneDNN's convolution applies; after a sum only the first."""

SKIPPED = frozenset(("dropout", "identity"))
"""Layers between a convolution and its followers that do nothing at inference."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Layers that one convolution computes.

    Attributes
    ----------
    layers : list of Layer
        The convolution, then those that are fused into it.
    residual : str
        The layer whose output is added, if there is one.
    """

    layers: list[Layer]
    residual: str = ""

    @property
    def after(self) -> str:
        """What is applied as the output is stored."""
        kinds = [layer.op.kind for layer in self.layers[1:]]
        return "+".join(k for k in kinds if k != "batchnorm" and k not in SKIPPED)


def _variant(geometry: Geometry, chain: Chain) -> str:
    """Which small objects a convolution makes."""
    if chain.residual:
        return ".added"
    if geometry.depthwise:
        return ".depthwise"
    return ".pointwise" if geometry.pointwise else ""


class FusedForward(Forward):
    """Convolution, batch norm, residual sum and activation are one kernel."""

    name: ClassVar[str] = "fused"
    last: ClassVar[bool] = True
    in_place: ClassVar[InPlaceRule] = PYTORCH
    adds: ClassVar[bool] = True
    """Whether a residual sum runs in the convolution."""

    def build(self) -> None:
        """Pack the weights, layer by layer; the memory of copies on the way becomes free.

        So the heap is full of holes of the weights' sizes before the first pass, and feature
        maps of different sizes find different holes rather than each other's memory.
        """
        super().build()
        self.kernels = LOWERINGS["fused"].lower(self.network)
        self.kernel_of = {name: at for at, each in enumerate(self.kernels) for name in each.layers}
        self._count_reads()
        layers = [
            layer
            for layer in self.network
            if self.convolves(layer) and layer.name in self.kernel_of
        ]
        self.chosen: dict[str, choice.Packed] = {}
        for layer in layers:
            chain = self._chain(layer, self.kernels[self.kernel_of[layer.name]])
            chosen = choice.packed(
                Geometry.of(layer), self.runtime.processor, self.network.batch, chain.after
            )
            self.chosen[layer.name] = chosen
            weights = Geometry.of(layer).weights * ITEM
            folded = any(each.op.folds for each in chain.layers)
            made = "packed" if folded else "packed.alone"
            self.heap.call(made, weights=weights, first=True)
            self._parameters[layer.name] = self.scratch(chosen.nbytes)

    def _count_reads(self) -> None:
        """Reads by what is executed: kernels, and the views and slices that they look through."""
        outputs = set(self.network.outputs)
        pending = [*self.kernel_of, *outputs]
        executed: set[str] = set()
        while pending:
            name = pending.pop()
            if name not in executed:
                executed.add(name)
                pending += [tensor.name for tensor in self.network[name].inputs]
        self.reads = {
            layer.name: (layer.name in outputs)
            + sum(reader in executed for reader in self.network.readers[layer.name])
            for layer in self.network
        }

    def enter(
        self, kind: str, layer: str, shape: object = None, variant: str = "", floor: str = ""
    ) -> None:
        super().enter(kind, layer, shape, variant, "linear.packed" if kind == "linear" else floor)

    def run(self) -> None:
        """Record all kernels, in their order."""
        self.start()
        for kernel in self.kernels:
            for name in kernel.layers:
                if name not in self.done:
                    layer = self.network[name]
                    if self.convolves(layer):
                        for tensor in layer.inputs:
                            self._provide(tensor.name)
                        self._convolve(layer, kernel)
                    else:
                        self._provide(name)
        for name in self.network.outputs:
            self._provide(name)

    def _provide(self, name: str) -> None:
        """Make a layer's value, and first those of the views that it is read through."""
        pending = [name]
        while pending:
            layer = self.network[pending[-1]]
            missing = [each.name for each in layer.inputs if each.name not in self.values]
            if layer.name in self.values or not missing:
                pending.pop()
                if layer.name not in self.values:
                    self._layer(layer)
            else:
                pending += missing

    def _convolve(self, layer: Layer, kernel: Kernel) -> None:
        geometry = Geometry.of(layer)
        chain = self._chain(layer, kernel)
        if chain.residual:
            self._provide(chain.residual)
        source = self.source(layer, geometry)
        with self.trace.call(layer.name, "conv"):
            self.enter(
                "conv", layer.name, (geometry, len(chain.layers)), _variant(geometry, chain),
                "conv.depthwise" if geometry.depthwise else "",
            )  # fmt: skip
            size = geometry.oc * geometry.groups * ITEM  # a folded norm always leaves one
            own = any(each.op.folds for each in chain.layers)
            bias = layer.name if own else layer.bias_of or layer.name
            record_read(self.trace, self.parameters(f"{bias}.bias", size), size)
            added = self.values[chain.residual].map if chain.residual else None
            target = self.produce(chain.layers[-1]).map
            self.chosen[layer.name].record(
                self.trace, source, self._parameters[layer.name], target, added
            )
        for each in chain.layers:
            self.done.add(each.name)
        self.drop(layer, source)
        self.consume(layer)
        if chain.residual:
            self.read(chain.residual)

    def _chain(self, layer: Layer, kernel: Kernel) -> Chain:
        """What is computed with a convolution: a batch norm, a sum and an activation, if each
        alone reads what is before it and belongs to the same kernel."""
        layers, residual = [layer], ""
        follower = self._follower(layers, kernel)
        if follower is not None and follower.op.folds:
            layers.append(follower)
            follower = self._follower(layers, kernel)
        if follower is not None and self.adds and follower.op.kind == "add":
            residual = self._other(follower, layers, kernel)
            if residual:
                layers.append(follower)
                follower = self._follower(layers, kernel)
        known = {"relu"} if residual else KNOWN
        if follower is not None and follower.op.kind in known:
            layers.append(follower)
        return Chain(layers, residual)

    def _follower(self, layers: list[Layer], kernel: Kernel) -> Layer | None:
        """The only reader of the last layer; one that does nothing is taken on the way."""
        while True:
            last = layers[-1]
            readers = self.network.readers[last.name]
            if len(readers) != 1 or last.name in self.network.outputs:
                return None
            (name,) = readers
            if name not in kernel.layers:
                return None
            if self.network[name].op.kind not in SKIPPED:
                return self.network[name]
            layers.append(self.network[name])

    def _other(self, add: Layer, layers: list[Layer], kernel: Kernel) -> str:
        """The operand of a sum that another kernel has computed; empty where it cannot be added
        as the output is written."""
        others = [tensor for tensor in add.inputs if tensor.name != layers[-1].name]
        if len(add.inputs) != 2 or len(others) != 1:
            return ""
        (other,) = others
        if other.image != layers[-1].output.image or self._owner(other.name) is kernel:
            return ""
        return other.name

    def _owner(self, name: str) -> Kernel | None:
        """The kernel that a layer belongs to; a view belongs to the one that reads it first."""
        if name in self.kernel_of:
            return self.kernels[self.kernel_of[name]]
        readers = [self.kernel_of[r] for r in self.network.readers[name] if r in self.kernel_of]
        return self.kernels[min(readers)] if readers else None

    def _record(self, op: Operator, layer: Layer, sources: list[Map], target: Map) -> None:
        if not op.transposed:
            super()._record(op, layer, sources, target)
            return
        geometry = Geometry.of(layer)  # its weights are packed on every call
        size = geometry.weights * ITEM
        packed = self.scratch(size)
        reorder.record_copy(self.trace, self.parameters(layer.weights_of, size), size, packed, size)
        for image in range(target.images):
            where = (sources[0].image(image), packed, target.image(image))
            direct.record_transposed(self.trace, geometry, *where)
        self.free(packed)

    def _read(self, layer: Layer) -> list[tuple[str, int]]:
        """As in eager mode, but what multiplies has packed weights, which are its own."""
        if not layer.op.multiplies:
            return super()._read(layer)
        stored = layer.op.stored(layer.shapes, layer.output.image)
        return [(layer.name, stored * layer.output.image[0])]

    def _giver(self, layer: Layer) -> StoredMap | None:
        """Activations write over what their own kernel has computed, nothing else does."""
        if self.runtime.in_place is not None:
            return super()._giver(layer)
        if not layer.op.activates:
            return None
        mine = self.kernel_of.get(layer.name)
        if mine is None or self.kernel_of.get(layer.inputs[0].name) != mine:
            return None
        return super()._giver(layer)

    def _layer(self, layer: Layer) -> None:
        if layer.op.view and layer.output.image != layer.shapes[0]:
            seen = self.values[layer.inputs[0].name].map
            if seen.rows * seen.columns > 1:  # in nhwc a flattened map lies in another order
                self._plain(layer)
                return
        super()._layer(layer)


class FusedAddsApart(FusedForward):
    """The same with residual sums, and the activations after them, as kernels of their own.

    They work in place, on whichever operand is read for the last time.
    """

    name: ClassVar[str] = "fused_adds_apart"
    adds: ClassVar[bool] = False

    def _giver(self, layer: Layer) -> StoredMap | None:
        return Forward._giver(self, layer)
