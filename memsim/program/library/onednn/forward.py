"""One forward pass in PyTorch: which kernels run, on which addresses.

:class:`Forward` walks a network's layers in order and keeps the memory of its feature maps: a map
is allocated by the layer that writes it and freed after its last reader, as Python's reference
counts do it. What a convolution becomes differs between modes and is left to :mod:`.eager` and
:mod:`.fused`.

Maps lie on the C library's heap, among the small objects of the process (:mod:`.process`), or on
another one of :data:`.HEAPS`. Passes make the same blocks in the same order, but on the C library's
heap they do not all get the addresses of the pass before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from memsim.network.graph import Layer, Network
from memsim.network.ops.base import Operator, Window
from memsim.network.ops.pool import MaxPool
from memsim.program.library.modelled import refuse_unmodelled
from memsim.program.library.onednn.aten import (
    INDEX,
    Map,
    Storage,
    StoredMap,
    record_concat,
    record_elementwise,
    record_pad,
    record_pool,
    record_read,
)
from memsim.program.library.onednn.geometry import ITEM, Geometry
from memsim.program.library.onednn.process import memory_of
from memsim.program.library.onednn.runtime import LINE, Floor, Runtime
from memsim.program.memory.best_fit import aligned
from memsim.program.memory.in_place import WRITTEN, Candidate, InPlaceRule
from memsim.program.memory.regions import Owner, Regions
from memsim.program.spans import Recorder, Spans

SPACE = 1 << 40
"""Distance between the areas of memory: parameters, heap, runtime."""

OBJECT = 1024
"""Bytes of the pieces that a primitive's tables are allocated in."""


class Forward:
    """Passes over a network, one after the other: what they touch.

    Parameters
    ----------
    network : Network
        In fp32.
    runtime : Runtime
    passes : int

    Attributes
    ----------
    passes : list of Spans
        The first one makes the library's primitives.
    calls : list of LibraryCall
        The calls of a pass, in order.
    regions : Regions
        Whose memory it all is.

    Raises
    ------
    SimulationError
        For another data type, and layers that are not modelled.
    """

    name: ClassVar[str] = ""
    last: ClassVar[bool] = False
    """Whether feature maps are channels last."""
    in_place: ClassVar[InPlaceRule] = WRITTEN
    """Which operand's memory an output takes, where the runtime does not say."""

    def __init__(self, network: Network, runtime: Runtime, passes: int = 2) -> None:
        refuse_unmodelled(network)
        self.network, self.runtime = network, runtime
        kind = "fused" if self.last else "eager"
        self.heap = memory_of(runtime.heap, kind, 2 * SPACE, runtime.past)
        self.regions = Regions()
        self._own = self.regions.owner("runtime", "scratch")
        self._scratch = self.regions.owner("scratch", "scratch")
        self._fixed = SPACE
        self._shared = 3 * SPACE
        self.blas = 4 * SPACE
        self.regions.add(self.blas, SPACE, self._scratch)
        self._parameters: dict[str, int] = {}
        self._primitives: dict[object, list[int]] = {}
        self._runtime: dict[str, int] = {}
        self._outputs = set(network.outputs)
        self.reads = {
            layer.name: len(network.readers[layer.name]) + (layer.name in self._outputs)
            for layer in network
        }
        self.build()
        self.heap.finish()
        for name, address in self._parameters.items():  # some are packed into scratch memory
            self.regions.give(address, self.regions.owner(f"{name}.weight", "weight"))
        self.passes = [self._pass() for _ in range(passes)]
        self.calls = self.trace.calls

    @property
    def owners(self) -> list[Owner]:
        """Who may own a span, by its number."""
        return self.regions.owners

    @property
    def cold(self) -> Spans:
        """The first pass."""
        return self.passes[0]

    @property
    def steady(self) -> Spans:
        """The last pass."""
        return self.passes[-1]

    def _pass(self) -> Spans:
        """Run once: what is touched, in order."""
        self.trace = Recorder(self.regions.at)
        self.values: dict[str, StoredMap] = {}
        self.done: set[str] = set()
        self.run()
        for value in self.values.values():  # the network's outputs, and what nobody reads
            self._release(value.storage)
        self.heap.finish()
        return self.trace.spans()

    # ---- memory

    def fixed(self, nbytes: int, owner: int) -> int:
        """Memory that stays, such as parameters."""
        address = self._fixed
        self._fixed += aligned(nbytes)
        self.regions.add(address, nbytes, owner)
        return address

    def parameters(self, layer: str, nbytes: int, kind: str = "weight") -> int:
        """The address of a layer's parameters, or of a network input."""
        if layer not in self._parameters:
            name = layer if kind == "input" else f"{layer}.weight"
            self._parameters[layer] = self.fixed(nbytes, self.regions.owner(name, kind))
        return self._parameters[layer]

    def scratch(self, nbytes: int, owner: int | None = None) -> int:
        """Memory of the heap, to be freed by the caller."""
        nbytes = max(nbytes, ITEM)
        address = self.heap.allocate(nbytes)
        self.regions.add(address, nbytes, self._scratch if owner is None else owner)
        return address

    def free(self, address: int) -> None:
        """Give it back."""
        self.heap.free(address)
        self.regions.remove(address)

    def produce(self, layer: Layer) -> StoredMap:
        """Allocate a layer's output."""
        channels, rows, columns = layer.output.image
        nbytes, owner = layer.output.nbytes, self.regions.owner(layer.name, "activation")
        storage = Storage(self.scratch(nbytes, owner), nbytes, owner)
        seen = Map(storage.address, channels, rows, columns, self.last, self.network.batch)
        return self.bind(layer, seen, storage)

    def bind(self, layer: Layer, seen: Map, storage: Storage) -> StoredMap:
        """Make a layer's name stand for a map, in memory of its own or in another one's."""
        if layer.name in self._outputs:
            self.regions.leaves(storage.owner)
        storage.reads += self.reads[layer.name]
        value = StoredMap(seen, storage)
        self.values[layer.name] = value
        self.done.add(layer.name)
        return value

    def consume(self, layer: Layer) -> None:
        """Count a layer's reads; what nobody reads any more is freed."""
        for tensor in layer.inputs:
            self.read(tensor.name)

    def read(self, name: str) -> None:
        """Count one read of a layer's output."""
        storage = self.values[name].storage
        storage.reads -= 1
        if storage.reads == 0:
            self._release(storage)

    def _release(self, storage: Storage) -> None:
        if not storage.fixed and not storage.freed:
            self.free(storage.address)
            storage.freed = True

    # ---- the runtime's own

    def enter(
        self, kind: str, layer: str, shape: object = None, variant: str = "", floor: str = ""
    ) -> None:
        """What calling an operator touches besides tensors.

        Parameters
        ----------
        kind : str
            What is called, and key of the runtime's floors; ``floor`` where that is another one.
        layer : str
        shape : object, optional
            What tells a primitive from others of its kind.
        variant : str
            What comes behind the kind where such calls make other small objects.
        """
        first = shape is not None and (kind, shape) not in self._primitives
        called = self.network[layer]
        operands, channels = len(called.inputs), called.output.image[0]
        self.heap.call(kind + variant, operands=operands, weights=channels * ITEM, first=first)
        self._touch("", self.runtime.every)
        record_read(self.trace, self.own(layer, self.runtime.module), self.runtime.module * LINE)
        floor = floor or kind
        touched = self.runtime.kinds.get(floor)
        if touched is not None:
            self._touch(floor, touched)
            if shape is not None:
                for piece in self._primitive((kind, shape), touched.own):
                    record_read(self.trace, piece, OBJECT)

    def _touch(self, kind: str, floor: Floor) -> None:
        at = self.own(f"{kind} floor", floor.read + floor.written)
        record_read(self.trace, at, floor.read * LINE)
        record_read(self.trace, at, floor.dirtied * LINE, write=True)
        record_read(self.trace, at + floor.read * LINE, floor.written * LINE, write=True)

    def own(self, name: str, lines: int) -> int:
        """Return the address of a piece of the runtime's memory, placed when it is first needed."""
        if name not in self._runtime:
            self._runtime[name] = self._shared
            self.regions.add(self._shared, lines * LINE, self._own)
            self._shared += lines * LINE
        return self._runtime[name]

    def _primitive(self, key: object, lines: int) -> list[int]:
        """The objects of a primitive: made when it is first used, never freed."""
        if key not in self._primitives:
            pieces = range(lines * LINE // OBJECT)
            self._primitives[key] = [self.own(f"{key} {n}", OBJECT // LINE) for n in pieces]
        return self._primitives[key]

    # ---- the walk

    def run(self) -> None:
        """Record all layers."""
        self.start()
        for layer in self.network:
            if layer.name not in self.done:
                self._layer(layer)

    def start(self) -> None:
        """Record what is touched before the first layer."""
        with self.trace.call("", "start"):
            self._touch("start", self.runtime.start)

    def _layer(self, layer: Layer) -> None:
        op, selected = layer.op, layer.op.selects(layer.shapes)
        if op.is_input:
            channels, rows, columns = layer.output.image
            address = self.parameters(layer.name, layer.output.nbytes, "input")
            seen = Map(address, channels, rows, columns, self.last, self.network.batch)
            owner = self.regions.at(address)
            self.bind(layer, seen, Storage(seen.address, seen.nbytes, owner, fixed=True))
        elif op.view:
            value = self.values[layer.inputs[0].name]
            self.bind(layer, self._viewed(value.map, layer), value.storage)
            self.consume(layer)
        elif selected is not None and not self.last and self.network.batch == 1:
            value = self.values[layer.inputs[0].name]
            plane = value.map.rows * value.map.columns * ITEM
            moved = replace(value.map, address=value.map.address + selected[0] * plane)
            self.bind(layer, self._viewed(moved, layer), value.storage)
            self.consume(layer)
        elif self.convolves(layer):
            self.convolve(layer)
        else:
            self._plain(layer)

    def _viewed(self, seen: Map, layer: Layer) -> Map:
        channels, rows, columns = layer.output.image
        return replace(seen, channels=channels, rows=rows, columns=columns)

    def build(self) -> None:
        """Lay out what is in memory before the first pass: the weights."""
        for layer in self.network:
            channels = layer.output.image[0]
            if layer.op.folds:
                self.heap.call("norm", weights=channels * ITEM, first=True)
            elif layer.op.multiplies and layer.weights_of in (layer.name, ""):
                nbytes = layer.op.stored(layer.shapes, layer.output.image) * ITEM
                self.heap.call("weights", weights=nbytes * channels, first=True)

    def convolves(self, layer: Layer) -> bool:
        """Whether a layer is a convolution by one of the modelled kernels."""
        return layer.op.convolves and not layer.op.transposed

    def convolve(self, layer: Layer) -> None:
        """Record a convolution."""
        raise NotImplementedError

    def source(self, layer: Layer, geometry: Geometry) -> Map:
        """What a convolution reads: its input, or a padded copy, which the caller frees by
        :meth:`drop`."""
        (seen,) = self.maps(layer)
        rows, columns = geometry.ih, geometry.iw
        if (seen.rows, seen.columns) == (rows, columns):
            return seen
        assert layer.op.window is not None
        padded = replace(seen, rows=rows, columns=columns)
        padded = replace(padded, address=self.scratch(padded.nbytes))
        with self.trace.call(layer.name, "pad"):
            record_pad(self.trace, seen, padded, layer.op.window.padding[0])
        return padded

    def drop(self, layer: Layer, source: Map) -> None:
        """Free a padded copy, if there is one."""
        if source not in self.maps(layer):
            self.free(source.address)

    def maps(self, layer: Layer) -> list[Map]:
        """What a layer reads."""
        return [self.values[tensor.name].map for tensor in layer.inputs]

    def _plain(self, layer: Layer) -> None:
        """A layer that is one kernel of PyTorch's own."""
        op = layer.op
        with self.trace.call(layer.name, op.kind):
            self.enter("activation" if op.activates else op.kind, layer.name)
            sources = self.maps(layer)
            giver = self._giver(layer)
            if giver is not None:
                target = self.bind(layer, giver.map, giver.storage).map
            else:
                target = self.produce(layer).map
            self._record(op, layer, sources, target)
        self.consume(layer)

    def _record(self, op: Operator, layer: Layer, sources: list[Map], target: Map) -> None:
        for name, elements in self._read(layer):
            size = elements * ITEM
            record_read(self.trace, self.parameters(name, size), size)
        if op.joins:
            record_concat(self.trace, sources, target)
        elif op.pools and op.window is not None:
            self._record_pool(op, op.window, sources[0], target)
        elif op.elementwise:
            whole = [source for source in sources if source.nbytes == target.nbytes]
            for source in sources:
                if source not in whole:  # one value per channel, or per pixel
                    record_read(self.trace, source.address, source.nbytes)
            record_elementwise(self.trace, whole, target)
        else:
            for source in sources:
                record_read(self.trace, source.address, source.nbytes)
            record_read(self.trace, target.address, target.nbytes, write=True)

    def _read(self, layer: Layer) -> list[tuple[str, int]]:
        """The parameters of a layer that is one kernel: whose they are, how many."""
        channels = layer.output.image[0]
        stored = layer.op.stored(layer.shapes, layer.output.image) * channels
        if not (layer.op.biased and any(each.shared for each in layer.weights)):
            own = [(layer.weights_of or layer.name, stored)] if stored else []
            return own + [(each.name, each.elements) for each in layer.tables]
        return [(layer.weights_of, stored - channels), (f"{layer.bias_of}.bias", channels)]

    def _record_pool(self, op: Operator, window: Window, source: Map, target: Map) -> None:
        top, left, _, _ = window.padding
        geometry = Geometry(
            1, 1, source.rows, source.columns, target.rows, target.columns,
            *window.kernel, *window.stride, 1, 1, top, left,
        )  # fmt: skip
        indices = None
        if isinstance(op, MaxPool):  # its kernel also writes where each maximum lay
            indices = self.scratch(target.nbytes // ITEM * INDEX)
        record_pool(self.trace, source, target, geometry, indices)
        if indices is not None:
            self.free(indices)

    def _giver(self, layer: Layer) -> StoredMap | None:
        """The operand whose memory the output takes, if the operator works in place."""
        operands = [self.values[tensor.name] for tensor in layer.inputs]
        here = [id(operand.storage) for operand in operands]
        candidates = [
            Candidate(
                nbytes=operand.map.nbytes,
                whole=operand.map.nbytes == operand.storage.nbytes,
                free=not operand.storage.fixed
                and operand.storage.reads == here.count(id(operand.storage)),
            )
            for operand in operands
        ]
        rule = self.in_place if self.runtime.in_place is None else self.runtime.in_place
        chosen = rule.choose(layer.op, layer.output.nbytes, candidates)
        return None if chosen is None else operands[chosen]
