"""Foreign graphs to networks: what the readers of PyTorch and ONNX graphs share.

A reader turns its graph into plain :class:`Record` s and gives a table of rules, one per foreign
operator. What no rule knows becomes an ``opaque`` layer, so that its tensors still count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from memsim.errors import InputError, Problem
from memsim.formats.architecture.items import name_problem
from memsim.formats.foreign.empties import note_empty, refuse_empty
from memsim.formats.foreign.faults import ErrorsAt
from memsim.formats.foreign.layers.filled import add_filled
from memsim.formats.foreign.memory import held_layers, with_memory
from memsim.formats.foreign.opaques import add_opaque
from memsim.formats.foreign.ownership import Ownership
from memsim.formats.foreign.records import NO_PADS, Constant, Dims, Pads, Record, Unsupported, View
from memsim.formats.foreign.rules import Rule, Rules, Stated
from memsim.formats.foreign.typing import Stated as Kinds
from memsim.formats.foreign.typing import typed
from memsim.network import Network, Node
from memsim.network.ops import Operator, Shape, ShapeError
from memsim.network.ops.arrange import Flatten, Reshape
from memsim.network.ops.shape import Input, Parameter
from memsim.yaml.document import shown

__all__ = ["Importer", "Rule", "Rules", "Stated"]


class Importer:
    """A network while it is built from records.

    Parameters
    ----------
    rules : mapping
        Rule by foreign operator.
    file : str
        The name shown in problems.
    stated : mapping, optional
        Shapes that the foreign graph states, for the outputs of operators without a rule.
    fold : callable, optional
        Tried on every record before its rule; whether it was enough.
    exact : bool
        Whether ``learned`` of constants says what is a parameter, not what may be one.
    whole : bool
        No axis of the inputs holds the batch: together they are one image.

    Attributes
    ----------
    values, constants : dict
        By name in the foreign graph.
    nodes, images : dict
        The layers so far and their output shapes, by name.
    batch : int
        The foreign graph's batch; the first axis of every tensor.
    over : set of str
        The layers that write over their first input.
    starts : dict of str to int
        By record: how many layers there were before it.
    kinds, dtype : Kinds, str
        Data types by name in the foreign graph, and that of the network: of most of it.
    readers : Counter
        How many operands (and outputs of the graph) each value is.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule],
        *,
        file: str = "",
        stated: Stated | None = None,
        fold: Callable[[Importer, Record], bool] | None = None,
        exact: bool = False,
        whole: bool = False,
    ) -> None:
        self.rules, self.file, self.fold, self.whole = rules, file, fold, whole
        self.stated: Stated = {} if stated is None else stated
        self.values: dict[str, View] = {}
        self.constants: dict[str, Constant] = {}
        self.ownership = Ownership(exact)
        self.kinds: Kinds = {}
        self.nodes: dict[str, Node] = {}
        self.images: dict[str, Shape] = {}
        self.dtype, self.batch = "fp32", 1
        self.over: set[str] = set()
        self.starts: dict[str, int] = {}
        self.readers: Counter[str] = Counter()
        self._views: dict[tuple[str, Dims], str] = {}
        self.place = Problem("", file=file)

    # -- the walk ---------------------------------------------------------------------------

    def input(self, name: str, shape: Dims) -> None:
        """Add a network input; the first one's first axis is the batch, if any is."""
        if not self.nodes and shape and not self.whole:
            self.batch = shape[0]
        record = Record(name, "input", (), (name,), scope=name)
        with self._errors_at(record):
            self.emit(record, Input(shape=self.image(shape)), shape=shape)

    def hold(self, constants: Mapping[str, Constant]) -> None:
        """Add the tensors that the foreign graph stores."""
        self.constants.update((name, each.held(name)) for name, each in constants.items())

    def run(self, records: Iterable[Record], outputs: Iterable[str]) -> None:
        """Add the layers of all records, which come in an order in which they can be executed."""
        records = list(records)
        self.readers.update(name for record in records for name in record.inputs if name)
        self.readers.update(outputs)
        for record in records:
            self.starts[record.name] = len(self.nodes)
            self.place = self.problem(record)
            rule = self.rules.get(record.target)
            for name in record.inputs:
                if name and name not in self.values and name not in self.constants:
                    message = f"reads {shown(name)}, which is nowhere"
                    raise InputError(self.problem(record, message))
            with self._errors_at(record):
                try:
                    if (self.fold and self.fold(self, record)) or note_empty(self, record):
                        continue
                    if rule is None:
                        raise Unsupported
                    rule(self, record)
                except (Unsupported, ShapeError, ValidationError) as error:
                    add_opaque(self, record, str(error) if isinstance(error, ShapeError) else "")
                except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
                    # Rules take what they need; a foreign graph need not have it.
                    message = "its inputs or attributes do not fit the operator"
                    raise InputError(self.problem(record, message)) from None
                else:
                    if len(record.outputs) > 1:
                        add_opaque(self, record)  # the outputs that the rule does not give

    def network(
        self,
        name: str,
        outputs: Sequence[str],
        *,
        dtype: str = "fp32",
        batch: int | None = None,
        source: str = "",
        freed: Mapping[str, str] | None = None,
    ) -> Network:
        """The network of what the outputs need; the rest is left out, and told.

        ``freed`` tells of values the record after which their memory is freed.
        """
        refuse_empty(self, outputs)
        computed = [output for output in outputs if output not in self.constants]
        with self._errors_at(Record("", "an output", (), ())):
            leaves = list(dict.fromkeys(map(self.layer, computed)))
        if not leaves:
            raise InputError(Problem("has no output that depends on an input", file=self.file))
        about: dict[str, Any] = {"dtype": dtype, "batch": batch or self.batch, "source": source}
        nodes = typed(self.nodes, self.values, self.kinds, self.ownership.constants, self.dtype)
        network = self.ownership.network(name, nodes, leaves, self.constants, about)
        layers = {value: view.layer for value, view in self.values.items()}
        held = held_layers(layers, self.starts, list(self.nodes), freed or {})
        return with_memory(network, self.over, held)

    def _errors_at(self, record: Record) -> ErrorsAt:
        return ErrorsAt(self.problem(record))

    def problem(self, record: Record, message: str = "", hint: str = "") -> Problem:
        """A problem at a record."""
        return record.problem(message, hint, self.file)

    # -- what rules ask -----------------------------------------------------------------------

    def source(self, name: str) -> View:
        """The value of a name.

        Raises
        ------
        Unsupported
            If it is a constant or left out: the rule expects a tensor that is computed.
        """
        if not name or name not in self.values:
            raise Unsupported
        return self.values[name]

    def tensor(self, name: str, record: Record) -> View:
        """The value of a name; a constant becomes a tensor that is stored and read like a map."""
        if name in self.constants and name not in self.values:
            constant = self.constants[name]
            sizes = constant.shape
            image = sizes[1:] if len(sizes) > 1 and sizes[0] == 1 else sizes or (1,)
            scope = record.scope or record.target
            layer = self.add(f"{scope}.parameter", Parameter(shape=image), ())
            self.own(layer, (name,))
            shape = sizes if self.batch == 1 else (self.batch, *image)
            self.values[name] = View(layer, shape)
        return self.source(name)

    def constant(self, name: str) -> Constant:
        """The constant of a name; Unsupported if it is computed or left out."""
        if not name or name not in self.constants:
            raise Unsupported
        return self.constants[name]

    def numbers(self, name: str) -> list[int | float]:
        """The elements of a small constant."""
        values = self.constant(name).values
        if values is None:
            raise Unsupported
        return list(values.reshape(-1).tolist())

    def only_reader(self, name: str) -> bool:
        """Whether just one operand in the whole graph is this value."""
        return self.readers[name] == 1

    def image(self, shape: Dims) -> Shape:
        """The shape of one image of a foreign tensor, whose first axis holds the batch.

        One axis besides the batch are the channels of a 1x1 map. A first axis that is several times
        the batch holds rows of each image.
        """
        first = shape[0] if shape else 1
        if first % self.batch:
            raise Unsupported
        rest = shape[1:] if first == self.batch else (first // self.batch, *shape[1:])
        return Shape(rest) if len(rest) > 1 else Shape((*rest, 1, 1, 1)[:3])

    def axis(self, shape: Dims, axis: int) -> int:
        """The axis of an image that an axis of a foreign tensor is.

        Raises
        ------
        Unsupported
            If it is that of the batch.
        """
        if not shape or shape[0] != self.batch:
            return axis
        if axis == 0:
            raise Unsupported
        return axis - 1

    def padded(self, name: str, axes: int, *fills: float) -> tuple[str, Pads]:
        """A map and the padding a window that reads it has to add, if it is one of ``fills``.

        ``axes`` are the spatial ones; the padding is that in front of each, then that behind each.
        """
        value, none = self.source(name), (0,) * (2 * axes)
        if len(value.shape) != axes + 2:
            raise Unsupported
        if value.pads == NO_PADS or value.fill not in fills:
            return self.layer(name), none
        if self.images[value.layer] != self.image(value.inner):
            return self.layer(name), none
        return value.layer, value.pads

    def layer(self, name: str) -> str:
        """The layer whose output is exactly this value; copies are added where there is none."""
        value = self.source(name)
        image = self.image(value.shape)
        if value.pads == NO_PADS and self.images[value.layer] == image:
            return value.layer
        if value.pads != NO_PADS:
            inner = self.reshaped(value.layer, self.image(value.inner))
            added = add_filled(self, value, inner)
            self.values[name] = View(added, value.shape)
            return added
        return self.reshaped(value.layer, image)

    def seen(self, name: str, image: Dims) -> str:
        """The layer whose output is this value, every image in another shape."""
        return self.reshaped(self.unpadded(name).layer, image)

    def reshaped(self, layer: str, shape: Dims) -> str:
        """A layer seen in another shape; the same layer for the same shape."""
        image = Shape(shape)
        if self.images[layer] == image:
            return layer
        key = (layer, tuple(image))
        if key not in self._views:
            flat = image == (math.prod(image), 1, 1)
            op: Operator = Flatten() if flat else Reshape(shape=tuple(image))
            name = "flatten" if flat else "reshape"
            self._views[key] = self.add(f"{layer}.{name}", op, (layer,))
        return self._views[key]

    # -- what rules do ------------------------------------------------------------------------

    def emit(
        self,
        record: Record,
        op: Operator,
        *layers: str,
        shape: Dims | None = None,
        output: int = 0,
        parameters: Iterable[str] | None = None,
    ) -> None:
        """Add a layer that writes one of a record's outputs.

        Parameters
        ----------
        parameters : iterable of str, optional
            Its parameters, weights before a bias; all constants of the record if left out.
        shape : tuple of int, optional
            The foreign shape, where it is not the layer's NCHW shape.
        """
        if not layers and op.arity[0]:
            raise Unsupported  # of constants alone, which is a constant
        image = Shape(op.output_shape(tuple(self.images[each] for each in layers)))
        shape = shape or (self.batch, *image)
        stated = record.shapes[output] if record.shapes else None
        if stated is not None and stated != shape:
            if math.prod(stated) != math.prod(image) * self.batch:
                raise Unsupported
            shape = stated
        layer = self._add(record.scope or record.target, op, layers, image)
        if record.in_place and op.in_place:
            self.over.add(layer)
        self.values[record.outputs[output]] = View(layer, shape)
        self.own(layer, record.inputs if parameters is None else parameters)

    def own(self, layer: str, names: Iterable[str]) -> None:
        """Note which constants a layer reads."""
        self.ownership.take(layer, [self.constants[n] for n in names if n in self.constants])

    def add(self, name: str, op: Operator, layers: tuple[str, ...]) -> str:
        """Add a layer under a name that is free; return the name."""
        image = Shape(op.output_shape(tuple(self.images[each] for each in layers)))
        return self._add(name, op, layers, image)

    def _add(self, name: str, op: Operator, layers: tuple[str, ...], image: Shape) -> str:
        if name_problem(name) is not None:
            name = op.kind
        free, count = name, 1
        if free in self.nodes:
            name = free = f"{name}.{op.kind}"
        while free in self.nodes:
            count += 1
            free = f"{name}{count}"
        self.nodes[free] = Node(free, op, layers, self.place)
        self.images[free] = image
        return free

    def swap(self, layer: str, op: Operator) -> None:
        """Give a layer that nobody has read yet another operator."""
        node = self.nodes[layer]
        image = op.output_shape(tuple(self.images[each] for each in node.inputs))
        self.nodes[layer], self.images[layer] = replace(node, op=op), Shape(image)

    def forget(self, layers: Iterable[str]) -> None:
        """Take layers out again that nobody reads."""
        for layer in layers:
            del self.nodes[layer], self.images[layer]
            self.ownership.constants.pop(layer, None)
        self._views = {key: view for key, view in self._views.items() if view in self.nodes}

    def alias(self, record: Record, shape: Dims | None = None, output: int = 0) -> None:
        """An output that is the first input, perhaps seen in another shape."""
        name = record.inputs[0]
        if name in self.constants:
            constant = self.constants[name]
            if shape is not None and shape != constant.shape:
                values = None if constant.values is None else constant.values.reshape(shape)
                constant = replace(constant, shape=shape, values=values)
            self.constants[record.outputs[output]] = constant
            return
        value = self.source(name)
        if shape is not None and shape != value.shape:
            value = replace(self.unpadded(name), shape=shape)
        self.values[record.outputs[output]] = value

    def view(self, record: Record, shape: Dims, output: int = 0) -> None:
        """An output with the elements of the first input in order, in another shape."""
        name = record.inputs[0]
        if name in self.constants:
            self.alias(record, shape, output)
            return
        value = self.unpadded(name)
        image, source = self.image(shape), self.images[value.layer]
        if math.prod(shape) != math.prod(value.shape):
            raise Unsupported
        if image != source and image == (math.prod(source), 1, 1):
            self.emit(record, Flatten(), value.layer, shape=shape, output=output)
        else:
            self.alias(record, shape, output)

    def unpadded(self, name: str) -> View:
        """A value of which no padding is yet to be added."""
        value = self.source(name)
        return value if value.pads == NO_PADS else View(self.layer(name), value.shape)

    def shape_of(self, record: Record, number: int) -> Dims | None:
        """The shape that the foreign graph states for an output, if it does."""
        if record.shapes:
            return record.shapes[number]
        return self.stated.get(record.outputs[number])
