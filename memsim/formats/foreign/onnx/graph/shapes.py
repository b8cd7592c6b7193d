"""Shapes of what operators write that memsim has no rule for.

``onnx`` knows them of every operator of its own from the shapes of what it reads, and where it must
from the elements; memsim knows those as it walks. What ``onnx`` cannot say, the file may state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from memsim.formats.foreign.onnx.file import OnnxFile
from memsim.formats.foreign.onnx.graph.kinds import FLOAT, of_array
from memsim.formats.foreign.onnx.graph.nodes import Branch
from memsim.formats.foreign.onnx.graph.tensors import MOST_AXES, MOST_VALUES
from memsim.formats.foreign.onnx.text import text
from memsim.formats.foreign.records import Constant, Dims, Record, View
from memsim.network.graph import MOST_ELEMENTS

__all__ = ["Shapes"]


class Shapes:
    """Shapes by value, as :class:`memsim.formats.foreign.importer.Stated`.

    Parameters
    ----------
    file : OnnxFile
    values, constants : mapping
        What is known so far; both grow while the importer walks.
    """

    def __init__(
        self, file: OnnxFile, values: Mapping[str, View], constants: Mapping[str, Constant]
    ) -> None:
        self._file, self._onnx = file, file.onnx
        self._values, self._constants = values, constants
        self._schemas: dict[tuple[str, str], Any] = {}
        self._inferred: dict[str, Dims | None] = {}
        self._stated: dict[str, Dims] | None = None
        self._opsets = {
            text(each.domain): each.version for each in file.model.opset_import if each.domain
        }
        self._opsets[""] = file.opset

    def get(self, name: str) -> Dims | None:
        """The shape of a value, if anyone knows."""
        if name in self._values:
            return self._values[name].shape
        if name in self._constants:
            return self._constants[name].shape
        if name not in self._inferred:
            proto = self._file.nodes.protos.get(name)
            if proto is not None:
                self.infer(proto[1])
        shape = self._inferred.get(name)
        return self._of_file().get(name) if shape is None else shape

    def infer(self, record: Record) -> list[Dims | None]:
        """The shapes of what an operator writes, from those of what it reads."""
        found: Mapping[str, Any] = {}
        first = next(filter(None, record.outputs))
        proto = self._file.nodes.protos.get(first)
        node = proto[0] if proto is not None and proto[1] is record else None
        if node is not None and not _aborts(record):
            try:
                branches = [b for b in record.attributes.values() if isinstance(b, Branch)]
                found = self._whole(node, record) if branches else self._alone(node, record)
            except Exception:  # a broken operator, or one that nobody knows
                found = {}
        shapes: list[Dims | None] = []
        for position, output in enumerate(record.outputs):
            name = text(node.output[position]) if node is not None else ""
            shapes.append(_known(found.get(name)))
            if output:
                self._inferred[output] = shapes[-1]
        return shapes

    def _alone(self, node: Any, record: Record) -> Mapping[str, Any]:
        domain = text(node.domain)
        schema = self._schema(text(node.op_type), "" if domain == "ai.onnx" else domain)
        types, data = {}, {}
        for name, inner in zip(record.inputs, map(text, node.input), strict=False):
            if name:
                types[inner] = self._type(name)
                value = self._data(name)
                if value is not None:
                    data[inner] = value
        helper = self._onnx.helper
        opsets = [helper.make_opsetid(*each) for each in self._opsets.items()]
        return self._onnx.shape_inference.infer_node_outputs(  # type: ignore[no-any-return]
            schema, node, types, data, opset_imports=opsets, ir_version=self._file.model.ir_version
        )

    def _whole(self, node: Any, record: Record) -> Mapping[str, Any]:
        """As a model of the one operator, which has graphs of its own."""
        names = dict(zip(map(text, node.input), record.inputs, strict=False))
        for branch in record.attributes.values():
            if isinstance(branch, Branch):
                names.update(branch.names)
        helper = self._onnx.helper
        inputs, tensors = [], []
        for inner, name in names.items():
            value = self._data(name) if name else None
            if value is not None:
                value.name = inner
                tensors.append(value)
            elif name:
                inputs.append(helper.make_value_info(inner, self._type(name)))
        outputs = [self._onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = helper.make_graph([node], "one", inputs, outputs, tensors)
        opsets = [helper.make_opsetid(*each) for each in self._opsets.items()]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = self._file.model.ir_version
        inferred = self._onnx.shape_inference.infer_shapes(model, data_prop=True)
        return {text(each.name): each.type for each in inferred.graph.output}

    def _schema(self, target: str, domain: str) -> Any:
        key = target, domain
        if key not in self._schemas:
            version = self._opsets.get(domain, 1)
            self._schemas[key] = self._onnx.defs.get_schema(target, version, domain)
        return self._schemas[key]

    def _type(self, name: str) -> Any:
        shape = self.get(name)
        kind = self._file.nodes.kinds.get(name, FLOAT)
        constant = self._constants.get(name)
        if constant is not None and constant.values is not None:
            kind = of_array(constant.values)
        return self._onnx.helper.make_tensor_type_proto(kind, shape)

    def _data(self, name: str) -> Any:
        constant = self._constants.get(name)
        if constant is None or constant.values is None or constant.values.size > MOST_VALUES:
            return None
        return self._onnx.numpy_helper.from_array(constant.values, name)

    def _of_file(self) -> dict[str, Dims]:
        """What the file states, where it states it for inputs of this size."""
        if self._stated is None:
            self._stated = _stated(self._file)
        return self._stated


def _aborts(record: Record) -> bool:
    """Whether ``onnx`` would end the process: its inference of Split looks for a size of every
    output among as many as ``num_outputs`` says."""
    stated = record.attributes.get("num_outputs")
    return record.target == "Split" and stated is not None and stated != len(record.outputs)


def _known(kind: Any) -> Dims | None:
    """The shape of a type, where every axis is known and it is one that memsim takes."""
    if kind is None or not kind.HasField("tensor_type"):
        return None
    if not kind.tensor_type.HasField("shape"):
        return None
    sizes = []
    for dim in kind.tensor_type.shape.dim:
        if not dim.HasField("dim_value") or dim.dim_value < 0:
            return None
        sizes.append(dim.dim_value)
    if len(sizes) > MOST_AXES or math.prod(sizes) > MOST_ELEMENTS:
        return None
    return tuple(sizes)


def _stated(file: OnnxFile) -> dict[str, Dims]:
    shapes = dict(file.inputs)
    names: dict[str, int] = {}
    graph = file.model.graph
    for value in graph.input:
        dims = value.type.tensor_type.shape.dim
        for dim, size in zip(dims, shapes.get(text(value.name), ()), strict=False):
            if dim.dim_value > 0 and dim.dim_value != size:
                return {}  # another size of an input makes the file's own shapes wrong
            if dim.dim_param:
                names.setdefault(text(dim.dim_param), size)
    batch = next((shape[0] for _, shape in file.inputs if shape), 1)
    stated: dict[str, Dims] = {}
    for value in (*graph.value_info, *graph.output):
        sizes = [
            dim.dim_value or names.get(text(dim.dim_param), 0)
            for dim in value.type.tensor_type.shape.dim
        ]
        if sizes and sizes[0] <= 0:
            sizes[0] = batch
        plain = sizes and min(sizes) > 0 and len(sizes) <= MOST_AXES
        if plain and math.prod(sizes) <= MOST_ELEMENTS:
            stated.setdefault(text(value.name), tuple(sizes))
    return stated
