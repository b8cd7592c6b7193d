"""Operators of an ONNX graph as records, those of a branch among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from memsim.errors import InputError, Problem
from memsim.formats.foreign.onnx.graph.kinds import FLOAT, INT64, of_array
from memsim.formats.foreign.onnx.graph.tensors import MOST_VALUES, Tensors
from memsim.formats.foreign.onnx.text import source_line, text
from memsim.formats.foreign.records import Constant, Record
from memsim.yaml.document import shown

__all__ = ["MOST_NODES", "Branch", "Nodes", "in_order"]

MOST_NODES = 20_000
"""Operators of a graph; the largest convolutional networks have some 2,000."""

SOFTMAX_AXIS = {True: 1, False: -1}
"""The axis where none is given, before operator set 13 and since."""

NUMBERS = {"value_int": INT64, "value_ints": INT64, "value_float": FLOAT, "value_floats": FLOAT}
"""What a ``Constant`` may hold its elements as, besides a tensor."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A graph that an operator holds: what an ``If`` may run, the body of a ``Loop``.

    Attributes
    ----------
    graph : GraphProto
    names : mapping
        What the surrounding graph calls the values that the branch reads of it.
    """

    graph: Any
    names: Mapping[str, str]


class Nodes:
    """Reads the operators of a graph and of its branches.

    Parameters
    ----------
    tensors : Tensors
    file : str
    opset : int

    Attributes
    ----------
    constants : dict
        The file's tensors so far, by value.
    kinds : dict
        TensorProto's number of the data type, by value; of tensors at first.
    protos : dict
        The operator as the file has it, by the first value it writes.
    """

    def __init__(self, tensors: Tensors, file: str, opset: int) -> None:
        self.tensors, self.file, self.opset = tensors, file, opset
        self.constants: dict[str, Constant] = {}
        self.kinds: dict[str, int] = {}
        self.protos: dict[str, tuple[Any, Record]] = {}

    def fail(self, message: str, path: str = "") -> InputError:
        """The error that ends the reading."""
        return InputError(Problem(message, path, "", self.file))

    # -- graphs -------------------------------------------------------------------------------

    def held(self, graph: Any, names: Mapping[str, str] | None = None) -> list[str]:
        """Take the tensors of a graph; return what they are called."""
        names = names or {}
        taken = []
        for tensor in graph.initializer:
            name = text(tensor.name)
            what = f"initializer {shown(name)}"
            taken.append(names.get(name, name))
            self.constants[taken[-1]] = self.tensors.constant(tensor, what)
            self.kinds[taken[-1]] = tensor.data_type
        for sparse in graph.sparse_initializer:
            name = text(sparse.values.name)
            what = f"initializer {shown(name)}"
            taken.append(names.get(name, name))
            self.constants[taken[-1]] = self.tensors.sparse(sparse, what)
            self.kinds[taken[-1]] = sparse.values.data_type
        return taken

    def records(
        self, graph: Any, known: Iterable[str], names: Mapping[str, str] | None = None,
        scope: str = "",
    ) -> list[Record]:  # fmt: skip
        """Records of a graph's operators in an order of execution; its constants are taken.

        Parameters
        ----------
        graph : GraphProto
        known : iterable of str
            What is there before: inputs and tensors.
        names : mapping, optional
            What values are called that have another name outside of the graph.
        scope : str
            Put before the names of operators.
        """
        names = names or {}
        listed = list(self._read(graph.node, names, scope))
        return in_order(listed, {*known, *self.constants}, self.fail)

    def branch(
        self, branch: Branch, record: Record
    ) -> tuple[list[Record], dict[str, Constant], list[str]]:
        """The records of a branch that is taken, its constants, and what its outputs are called.

        The values that it computes get the name of the operator before theirs, since another
        branch may use the same.
        """
        graph = branch.graph
        inner = {text(each.name) for each in graph.initializer}
        inner.update(text(each.values.name) for each in graph.sparse_initializer)
        inner.update(text(name) for node in graph.node for name in node.output if name)
        names = {**branch.names, **{name: f"{record.outputs[0]}/{name}" for name in inner}}
        self.held(graph, names)
        scope = f"{record.scope}." if record.scope else ""
        records = self.records(graph, [], names, scope)
        own = (names[name] for name in inner)
        constants = {name: self.constants[name] for name in own if name in self.constants}
        outputs = [names.get(name, name) for name in (text(each.name) for each in graph.output)]
        return records, constants, outputs

    # -- operators ----------------------------------------------------------------------------

    def _read(self, nodes: Any, names: Mapping[str, str], scope: str) -> Iterator[Record]:
        old = self.opset < 13
        for number, node in enumerate(nodes):
            domain = text(node.domain)
            target = text(node.op_type) or "?"
            target = target if domain in ("", "ai.onnx") else f"{domain}.{target}"
            name = text(node.name) or f"#{number}"
            if len(node.input) > MOST_NODES or len(node.output) > MOST_NODES:
                raise self.fail("has too many inputs or outputs", f"{target} {shown(name)}")
            outputs = tuple(names.get(each, each) for each in map(text, node.output))
            if not any(outputs):
                continue  # nobody can read it
            attributes = self._attributes(node, f"{target} {shown(name)}", names)
            if target == "Constant":
                self._constant(attributes, name, outputs[0])
                continue
            if target in ("Softmax", "LogSoftmax"):
                attributes.setdefault("axis", SOFTMAX_AXIS[old])
            if target == "PRelu" and self.opset < 7:
                attributes.setdefault("channelwise", 1)
            inputs = tuple(names.get(each, each) for each in map(text, node.input))
            for each in attributes.values():
                if isinstance(each, Branch):  # it reads of this graph what it does not write
                    inputs += tuple(outer for outer in each.names.values() if outer not in inputs)
            layer = scope + _layer_name(text(node.name) or outputs[0], target)
            line = source_line(node)
            record = Record(name, target, inputs, outputs, attributes, scope=layer, line=line)
            self.protos[next(filter(None, outputs))] = (node, record)
            yield record

    def _attributes(self, node: Any, place: str, names: Mapping[str, str]) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        for each in node.attribute:
            name = text(each.name)
            if each.type == 1:
                attributes[name] = each.f
            elif each.type == 2:
                attributes[name] = each.i
            elif each.type == 3:
                attributes[name] = text(each.s)
            elif each.type == 4:
                what = f"attribute {shown(name)} of {place}"
                attributes[name] = self.tensors.constant(each.t, what)
            elif each.type == 5:
                outer = dict.fromkeys(_captured(each.g))
                attributes[name] = Branch(each.g, {one: names.get(one, one) for one in outer})
            elif each.type == 6:
                attributes[name] = list(each.floats)
            elif each.type == 7:
                attributes[name] = list(each.ints)
            elif each.type == 8:
                attributes[name] = [text(one) for one in each.strings]
            elif each.type == 11:
                what = f"attribute {shown(name)} of {place}"
                attributes[name] = self.tensors.sparse(each.sparse_tensor, what)
        return attributes

    def _constant(self, attributes: dict[str, Any], name: str, output: str) -> None:
        import numpy as np

        if not output:
            return
        constant = attributes.get("value", attributes.get("sparse_value"))
        kind = FLOAT
        for key, number in NUMBERS.items():
            if key in attributes:
                try:
                    dtype = np.int64 if number == INT64 else np.float32
                    array = np.asarray(attributes[key], dtype)
                except (TypeError, ValueError, OverflowError):
                    break
                few = array.size <= MOST_VALUES
                constant, kind = Constant(array.shape, array if few else None), number
        for key in ("value_string", "value_strings"):
            if key in attributes:  # names of classes, perhaps: no tensor that a layer reads
                strings = attributes[key]
                constant = Constant((len(strings),) if isinstance(strings, list) else ())
        if not isinstance(constant, Constant):
            raise self.fail("has no value that memsim reads", f"Constant {shown(name)}")
        if constant.values is not None:
            kind = of_array(constant.values)
        self.constants[output] = constant
        self.kinds[output] = kind


def in_order(
    listed: list[Record], known: set[str], fail: Callable[[str, str], InputError]
) -> list[Record]:
    """Records in an order in which they can be executed, their own as far as it is one.

    Raises
    ------
    InputError
        If one writes what exists already, or what it reads.
    """
    written: dict[str, Record] = {}
    for record in listed:
        for name in filter(None, record.outputs):
            if name in written or name in known:
                raise fail(f"writes {shown(name)}, which exists already", record.place)
            written[name] = record
    done: set[str] = set()  # names of outputs whose records are listed
    order: list[Record] = []
    for start in listed:
        stack = [(start, iter(start.inputs))]
        open_ = {id(start)}
        if any(name in done for name in start.outputs):
            continue
        while stack:
            record, rest = stack[-1]
            for name in rest:
                source = written.get(name)
                if source is None or name in done:
                    continue
                if id(source) in open_:
                    raise fail("reads what it writes: a cycle", source.place)
                open_.add(id(source))
                stack.append((source, iter(source.inputs)))
                break
            else:
                stack.pop()
                open_.discard(id(record))
                done.update(filter(None, record.outputs))
                order.append(record)
    return order


def _captured(graph: Any) -> Iterator[str]:
    """Values that a branch reads and does not write."""
    own = {text(each.name) for each in (*graph.input, *graph.initializer)}
    own.update(text(each.values.name) for each in graph.sparse_initializer)
    own.update(text(name) for node in graph.node for name in node.output)
    for node in graph.node:
        reads = [text(name) for name in node.input]
        for each in node.attribute:
            if each.type == 5:
                reads.extend(_captured(each.g))
        yield from (name for name in reads if name and name not in own)
    yield from (name for name in (text(each.name) for each in graph.output) if name not in own)


def _layer_name(name: str, target: str) -> str:
    """A layer's name from a node's.

    Examples
    --------
    >>> _layer_name("/layer1/conv/Conv", "Conv"), _layer_name("node_conv2d_1", "Conv")
    ('layer1.conv', 'node_conv2d_1')
    """
    parts = [part for part in name.split("/") if part]
    if len(parts) > 1 and parts[-1].rstrip("_0123456789") == target:
        parts.pop()
    return ".".join(parts) or target
