"""ONNX files as plain records: the thin part that needs the ``onnx`` package."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from memsim.errors import InputError, Problem
from memsim.formats.foreign.onnx.inputs import graph_inputs, settled
from memsim.formats.foreign.onnx.text import source_line, text
from memsim.formats.foreign.onnx.wire import skeleton
from memsim.formats.foreign.records import Constant, Dims, Record
from memsim.network.graph import MOST_ELEMENTS
from memsim.network.inputs import Given
from memsim.yaml.document import shown

__all__ = ["OnnxFile"]

MOST_NODES = 20_000
"""Operators of a graph; the largest convolutional networks have some 2,000."""

MOST_VALUES = 1024
"""Elements of a constant whose values are kept."""

MOST_AXES = 16

DTYPES = {10: "fp16", 16: "bf16", 2: "int8", 3: "int8"}
"""Data types by TensorProto's number; everything else counts as fp32."""

WEIGHTS = frozenset({1, 2, 3, 10, 11, 16, *range(17, 24)})
"""Numbers of the data types that weights have; the others are shapes, axes and flags."""

DEFAULT_OPSET = 13
"""The version of ONNX's operators where a file does not say it."""

SOFTMAX_AXIS = {True: 1, False: -1}
"""The axis where none is given, before operator set 13 and since."""


class OnnxFile:
    """The graph of an ONNX file as plain data.

    Parameters
    ----------
    path : str
    given : sequence of int, str or mapping, optional
        Sizes of inputs in place of the file's: see :mod:`memsim.network.inputs`.

    Attributes
    ----------
    records : list of Record
        In an order in which they can be executed.
    constants : dict
    inputs : list of (str, tuple of int)
    outputs : list of str
    dtype : str
    opset : int
        The version of ONNX's operators that the file uses.
    stated : Stated
        Shapes by value.

    Raises
    ------
    InputError
        If the ``onnx`` package is missing, or the file is none that it reads.
    """

    def __init__(self, path: str, given: Given | None = None) -> None:
        self.file = path
        self.resized = given is not None
        raw = skeleton(path)  # a missing file is told before a missing package
        self.onnx = _import_onnx()
        self.model = self.onnx.ModelProto()
        try:
            self.model.ParseFromString(raw)
        except Exception:  # the error's class depends on the protobuf implementation
            raise self.fail("is no ONNX model") from None
        graph = self.model.graph
        if not graph.node:
            raise self.fail("has no operators; is it an ONNX model?")
        if len(graph.node) > MOST_NODES:
            raise self.fail(f"has more than {MOST_NODES:,} operators")
        self.constants: dict[str, Constant] = {}
        for tensor in graph.initializer:
            name = text(tensor.name)
            self.constants[name] = self._constant(tensor, f"initializer {shown(name)}")
        for sparse in graph.sparse_initializer:
            name = text(sparse.values.name)
            shape = self._sizes(sparse.dims, f"initializer {shown(name)}")
            self.constants[name] = Constant(shape, learned=True)
        values = [value for value in graph.input if text(value.name) not in self.constants]
        self.dtype = next((DTYPES[v.type.tensor_type.elem_type] for v in values
                           if v.type.tensor_type.elem_type in DTYPES), "fp32")  # fmt: skip
        versions = [each.version for each in self.model.opset_import if not each.domain]
        self.opset = max(versions, default=DEFAULT_OPSET)
        self.inputs = self._inputs(values, given)
        self.outputs = [text(value.name) for value in graph.output]
        self.records = self._sorted(self._records())
        self.stated = Stated(self)

    def fail(self, message: str, path: str = "", hint: str = "") -> InputError:
        """The error that ends the reading."""
        return InputError(Problem(message, path, hint, self.file))

    def _sizes(self, dims: Any, what: str) -> Dims:
        shape = tuple(int(size) for size in dims)
        if any(size < 0 for size in shape) or len(shape) > MOST_AXES:
            raise self.fail(f"has the shape {shown(list(shape))}", what)
        if math.prod(shape) > MOST_ELEMENTS:
            raise self.fail(f"has more than {MOST_ELEMENTS} elements", what)
        return shape

    def _constant(self, tensor: Any, what: str) -> Constant:
        shape = self._sizes(tensor.dims, what)
        values = None
        if math.prod(shape) <= MOST_VALUES and tensor.data_location != 1:  # EXTERNAL
            try:
                values = self.onnx.numpy_helper.to_array(tensor)
            except Exception:  # its data are missing or do not fit: only its shape counts then
                values = None
            if values is not None and values.dtype.kind not in "biuf":
                values = None
        return Constant(shape, values, tensor.data_type in WEIGHTS)

    def _inputs(self, values: list[Any], given: Given | None) -> list[tuple[str, Dims]]:
        inputs = settled(graph_inputs(values), given, self.file)
        return [(name, self._sizes(dims, f"input {shown(name)}")) for name, dims in inputs]

    def _records(self) -> Iterator[Record]:
        old = self.opset < 13
        for number, node in enumerate(self.model.graph.node):
            domain = text(node.domain)
            target = text(node.op_type) or "?"
            target = target if domain in ("", "ai.onnx") else f"{domain}.{target}"
            name = text(node.name) or f"#{number}"
            if len(node.input) > MOST_NODES or len(node.output) > MOST_NODES:
                raise self.fail("has too many inputs or outputs", f"{target} {shown(name)}")
            outputs = tuple(map(text, node.output))
            if not any(outputs):
                continue  # nobody can read it
            attributes = self._attributes(node, f"{target} {shown(name)}")
            if target == "Constant":
                value = _constant_value(self, attributes, name)
                self.constants.update(dict.fromkeys(outputs[:1], value))
                continue
            if target in ("Softmax", "LogSoftmax"):
                attributes.setdefault("axis", SOFTMAX_AXIS[old])
            yield Record(
                name,
                target,
                tuple(map(text, node.input)),
                outputs,
                attributes,
                scope=_layer_name(text(node.name) or outputs[0], target),
                line=source_line(node),
            )

    def _attributes(self, node: Any, place: str) -> dict[str, Any]:
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
                attributes[name] = self._constant(each.t, f"attribute {shown(name)} of {place}")
            elif each.type == 6:
                attributes[name] = list(each.floats)
            elif each.type == 7:
                attributes[name] = list(each.ints)
        return attributes

    def _sorted(self, records: Iterator[Record]) -> list[Record]:
        """In an order in which they can be executed, their own as far as it is one."""
        listed = list(records)
        written: dict[str, Record] = {}
        known = {*self.constants, *(name for name, _ in self.inputs)}
        for record in listed:
            for name in filter(None, record.outputs):
                if name in written or name in known:
                    raise self.fail(f"writes {shown(name)}, which exists already", record.place)
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
                        raise self.fail("reads what it writes: a cycle", source.place)
                    open_.add(id(source))
                    stack.append((source, iter(source.inputs)))
                    break
                else:
                    stack.pop()
                    open_.discard(id(record))
                    done.update(filter(None, record.outputs))
                    order.append(record)
        return order


class Stated:
    """Shapes of values: the file's own, and where it has none those that ``onnx`` infers.

    It looks like a mapping to :class:`memsim.formats.foreign.importer.Importer`; inference runs
    when it is first needed, which for a graph of known operators is never.
    """

    def __init__(self, file: OnnxFile) -> None:
        self._file = file
        self._batch = file.inputs[0][1][0] if file.inputs and file.inputs[0][1] else 1
        self._inferred = False
        graph = file.model.graph
        # Another input size makes the file's own shapes wrong.
        own = [] if file.resized else [*graph.value_info, *graph.output]
        self._shapes: dict[str, Dims] = {}
        self._take(own)

    def get(self, name: str) -> Dims | None:
        """The shape of a value, if anyone knows."""
        if name not in self._shapes and not self._inferred:
            self._infer()
        return self._shapes.get(name)

    def _take(self, values: Any) -> None:
        for value in values:
            sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            if sizes and sizes[0] <= 0:
                sizes[0] = self._batch
            if sizes and min(sizes) > 0 and len(sizes) <= MOST_AXES:
                self._shapes.setdefault(text(value.name), tuple(sizes))

    def _infer(self) -> None:
        self._inferred = True
        model, shapes = self._file.model, dict(self._file.inputs)
        for value in model.graph.input:
            name = text(value.name)
            if name in shapes:
                kind = value.type.tensor_type
                del kind.shape.dim[:]
                for size in shapes[name]:
                    kind.shape.dim.add().dim_value = size
        if self._file.resized:
            del model.graph.value_info[:]
            for value in model.graph.output:
                value.type.tensor_type.ClearField("shape")
        try:
            inferred = self._file.onnx.shape_inference.infer_shapes(model, data_prop=True)
        except Exception:  # then they are not known
            return
        self._take([*inferred.graph.value_info, *inferred.graph.output])


def _import_onnx() -> Any:
    try:
        onnx = import_module("onnx")
        import_module("onnx.numpy_helper")
        import_module("onnx.shape_inference")
    except ImportError:
        hint = "pip install 'memsim[onnx]'"
        message = "reading ONNX needs the onnx package, which is not installed"
        raise InputError(Problem(message, hint=hint)) from None
    return onnx


def _constant_value(file: OnnxFile, attributes: dict[str, Any], name: str) -> Constant:
    import numpy as np

    if isinstance(attributes.get("value"), Constant):
        tensor: Constant = attributes["value"]
        return tensor
    for key in ("value_int", "value_ints", "value_float", "value_floats"):
        if key in attributes:
            try:
                array = np.asarray(attributes[key], np.int64 if "int" in key else np.float32)
            except (TypeError, ValueError, OverflowError):
                break
            return Constant(array.shape, array if array.size <= MOST_VALUES else None)
    raise file.fail("has no value that memsim reads", f"Constant {shown(name)}")


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
