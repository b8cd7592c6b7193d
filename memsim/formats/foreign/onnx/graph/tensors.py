"""Tensors that an ONNX file holds: their shapes, and the elements of small ones."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem
from memsim.formats.foreign.onnx.graph.kinds import NAMES
from memsim.formats.foreign.onnx.text import text
from memsim.formats.foreign.records import Constant, Dims
from memsim.network.graph import MOST_ELEMENTS
from memsim.yaml.document import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_AXES", "MOST_VALUES", "Tensors"]

MOST_VALUES = 1024
"""Elements of a constant whose values are kept."""

MOST_BYTES = 8 * MOST_VALUES
"""Bytes that are read of a tensor in a file of its own."""

MOST_AXES = 16

WEIGHTS = frozenset({1, 2, 3, 10, 11, 16, *range(17, 24)})
"""Numbers of the data types that weights have; the others are shapes, axes and flags."""

EXTERNAL = 1
"""Where the data of a tensor lie that has them in another file."""


class Tensors:
    """Reads the tensors of a file.

    Parameters
    ----------
    onnx : module
    file : str
        For problems, and for data beside the file.
    """

    def __init__(self, onnx: Any, file: str) -> None:
        self._onnx, self._file = onnx, file

    def fail(self, message: str, path: str = "") -> InputError:
        """The error of a tensor that cannot be."""
        return InputError(Problem(message, path, "", self._file))

    def sizes(self, dims: Any, what: str) -> Dims:
        """A shape; an error if it is none that a tensor has."""
        shape = tuple(int(size) for size in dims)
        if any(size < 0 for size in shape) or len(shape) > MOST_AXES:
            raise self.fail(f"has the shape {shown(list(shape))}", what)
        if math.prod(shape) > MOST_ELEMENTS:
            raise self.fail(f"has more than {MOST_ELEMENTS} elements", what)
        return shape

    def constant(self, tensor: Any, what: str) -> Constant:
        """A tensor; without its elements if they are many, missing or no numbers."""
        shape = self.sizes(tensor.dims, what)
        values = None
        if math.prod(shape) <= MOST_VALUES:
            try:
                if tensor.data_location == EXTERNAL:
                    tensor = self._fetched(tensor)
                values = self._onnx.numpy_helper.to_array(tensor)
            except Exception:  # its data are missing or do not fit: only its shape counts then
                values = None
            if values is not None and values.dtype.kind not in "biuf":
                values = None
        dtype = NAMES.get(tensor.data_type, "")
        return Constant(shape, values, tensor.data_type in WEIGHTS, dtype=dtype)

    def sparse(self, tensor: Any, what: str) -> Constant:
        """A tensor of which the file holds the elements that are not 0; it counts whole."""
        import numpy as np

        shape = self.sizes(tensor.dims, what)
        held, places = self.constant(tensor.values, what), self.constant(tensor.indices, what)
        values: NDArray[np.generic] | None = None
        if math.prod(shape) <= MOST_VALUES and held.values is not None:
            values = np.zeros(shape, held.values.dtype)
            try:
                at = np.asarray(places.values).astype(np.int64)
                flat = at if at.ndim == 1 else np.ravel_multi_index(tuple(at.T), shape)
                values.reshape(-1)[flat] = held.values
            except (IndexError, TypeError, ValueError):
                raise self.fail("has elements outside of its shape", what) from None
        return Constant(shape, values, held.learned, dtype=held.dtype)

    def _fetched(self, tensor: Any) -> Any:
        """A small tensor with its elements from the file beside that holds them.

        Raises
        ------
        ValueError
            If that is none below the ONNX file's folder, or too short.
        """
        where = {text(each.key): text(each.value) for each in tensor.external_data}
        folder = os.path.realpath(os.path.dirname(self._file) or os.curdir)
        path = os.path.realpath(os.path.join(folder, where["location"]))
        length = int(where.get("length", -1))
        if os.path.commonpath([folder, path]) != folder or not 0 <= length <= MOST_BYTES:
            raise ValueError(path)
        if not os.path.isfile(path):
            raise ValueError(path)
        with open(path, "rb") as stream:
            stream.seek(int(where.get("offset", 0)))
            data = stream.read(length)
        if len(data) < length:
            raise ValueError(path)
        here = type(tensor)()
        here.CopyFrom(tensor)
        here.ClearField("external_data")
        here.data_location = 0
        here.raw_data = data
        return here
