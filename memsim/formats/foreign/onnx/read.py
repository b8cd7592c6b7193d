"""ONNX to Network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from memsim.errors import InputError, Problem
from memsim.formats.foreign.attempts import first_known
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.onnx.constants import Folding
from memsim.formats.foreign.onnx.file import OnnxFile
from memsim.formats.foreign.onnx.graph.branches import Branching
from memsim.formats.foreign.onnx.graph.kinds import Kinds
from memsim.formats.foreign.onnx.graph.shapes import Shapes
from memsim.formats.foreign.onnx.patterns import recognise
from memsim.formats.foreign.onnx.rules import RULES
from memsim.formats.overrides import Overrides

if TYPE_CHECKING:
    from memsim.network import Network

__all__ = ["read_onnx"]


def read_onnx(path: str | os.PathLike[str], overrides: Overrides | None = None) -> Network:
    """Read an ONNX file.

    Weights are not loaded, wherever they are, and may be missing as long as their shapes are
    known. A dynamic batch counts as 1; any other dynamic size needs ``overrides.input_shape``. A
    convolution that has absorbed its batch norm is one with a bias.

    Parameters
    ----------
    path : str or path
    overrides : Overrides, optional

    Returns
    -------
    Network
        Named like the file; layers are named like the nodes.

    Raises
    ------
    InputError
        If the file cannot be read; the message names the node.
    SimulationError
        If there are operators that memsim does not know and ``overrides.allow_unknown`` is not
        set; it lists them.
    """
    overrides = overrides or Overrides()
    file = os.fspath(path)
    if overrides.variant is not None or overrides.parameters:
        message = "an ONNX file has neither variants nor parameters"
        raise InputError(Problem(message, file=file))
    graph = OnnxFile(file, overrides.input_shape)

    def first_axis() -> Network:
        return _read(graph, file, overrides, whole=False)

    def all_of_it() -> Network | None:
        if overrides.batch is not None:
            return None
        return _read(graph, file, overrides, whole=True)

    return first_known((first_axis, all_of_it), overrides.allow_unknown)


def _read(graph: OnnxFile, file: str, overrides: Overrides, *, whole: bool) -> Network:
    """The network of a file, whose inputs may be one image without a batch."""
    importer = Importer(RULES, file=file, whole=whole)
    importer.hold(graph.constants)
    shapes = Shapes(graph, importer.values, importer.constants)
    importer.stated = shapes
    importer.fold = Branching(graph.nodes, Folding(graph.opset, shapes), shapes)
    for name, shape in graph.inputs:
        importer.input(name, shape)
    importer.kinds, importer.dtype = Kinds(graph.nodes.kinds), graph.dtype
    importer.run(recognise(graph.records, graph.outputs), graph.outputs)
    for name in graph.outputs:
        if name not in importer.values and name not in importer.constants:
            raise graph.fail("is written by no operator", f"output {name!r}")
    return importer.network(
        Path(file).stem,
        graph.outputs,
        dtype=overrides.dtype or graph.dtype,
        batch=overrides.batch,
        source="ONNX",
    )
