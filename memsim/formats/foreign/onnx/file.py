"""ONNX files as plain records: the thin part that needs the ``onnx`` package."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

from memsim.errors import InputError, Problem
from memsim.formats.foreign.onnx.graph.functions import written_out
from memsim.formats.foreign.onnx.graph.nodes import MOST_NODES, Nodes
from memsim.formats.foreign.onnx.graph.tensors import Tensors
from memsim.formats.foreign.onnx.inputs import graph_inputs, settled
from memsim.formats.foreign.onnx.text import text
from memsim.formats.foreign.onnx.wire import skeleton
from memsim.installation import install
from memsim.network.inputs import Given
from memsim.yaml.document import shown

__all__ = ["OnnxFile"]

DTYPES = {1: "fp32", 10: "fp16", 16: "bf16"}
"""Data types that a network may have, by TensorProto's number."""

DEFAULT_OPSET = 13
"""The version of ONNX's operators where a file does not say it."""


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
    nodes : Nodes
        What reads operators, those of branches too.

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
        self.model = written_out(self.onnx, self.model, MOST_NODES, self.fail)
        graph = self.model.graph
        versions = [each.version for each in self.model.opset_import if not each.domain]
        self.opset = max(versions, default=DEFAULT_OPSET)
        tensors = Tensors(self.onnx, path)
        self.nodes = Nodes(tensors, path, self.opset)
        self.constants = self.nodes.constants
        self.nodes.held(graph)
        values = [value for value in graph.input if text(value.name) not in self.constants]
        kinds = self.nodes.kinds
        self.dtype = self._dtype([each.type.tensor_type.elem_type for each in values])
        kinds.update({text(each.name): each.type.tensor_type.elem_type for each in values})
        self.inputs = [
            (name, tensors.sizes(dims, f"input {shown(name)}"))
            for name, dims in settled(graph_inputs(values), given, path)
        ]
        self.outputs = [text(value.name) for value in graph.output]
        self.records = self.nodes.records(graph, [name for name, _ in self.inputs])

    def _dtype(self, inputs: list[int]) -> str:
        """That of the first input that is no whole number, or else of most weights."""
        for kind in inputs:
            if kind in DTYPES:
                return DTYPES[kind]
        sizes: dict[str, int] = {}
        for name, constant in self.constants.items():
            kind = self.nodes.kinds[name]
            if kind in DTYPES and constant.shape:
                held = sizes.get(DTYPES[kind], 0)
                sizes[DTYPES[kind]] = held + math.prod(constant.shape)
        return max(sizes, key=sizes.__getitem__, default="fp32")

    def fail(self, message: str, path: str = "", hint: str = "") -> InputError:
        """The error that ends the reading."""
        return InputError(Problem(message, path, hint, self.file))


def _import_onnx() -> Any:
    try:
        onnx = import_module("onnx")
        import_module("onnx.numpy_helper")
        import_module("onnx.shape_inference")
    except ImportError:
        hint = install("onnx")
        message = "reading ONNX needs the onnx package, which is not installed"
        raise InputError(Problem(message, hint=hint)) from None
    return onnx
