"""SCALE-Sim topology files: a chain of convolutions as a table."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from memsim.errors import InputError, Problem
from memsim.files import cells
from memsim.formats.architecture.items import name_problem
from memsim.formats.foreign.layers.windows import short
from memsim.network import Network, Node
from memsim.network.ops import Operator, Shape, ShapeError
from memsim.network.ops.arrange import Flatten
from memsim.network.ops.base import LARGEST
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.yaml.document import read, shown

if TYPE_CHECKING:
    from memsim.formats.overrides import Overrides

__all__ = ["from_text", "read_scalesim"]

COLUMNS = (
    "Layer name", "IFMAP Height", "IFMAP Width", "Filter Height", "Filter Width", "Channels",
    "Num Filter", "Strides",
)  # fmt: skip
"""The columns, in order; upper and lower case and spaces do not matter."""

MOST_LAYERS = 20_000


def read_scalesim(path: str | os.PathLike[str], overrides: Overrides | None = None) -> Network:
    """Read a SCALE-Sim topology file; see :func:`from_text`.

    Raises
    ------
    InputError
        Every problem of the file at once, each with its line.
    """
    file = os.fspath(path)
    if overrides is not None and (overrides.variant is not None or overrides.parameters):
        raise InputError(Problem("a topology has neither variants nor parameters", file=file))
    if overrides is not None and overrides.input_shape is not None:
        raise InputError(Problem("a topology fixes the size of every layer", "--input", file=file))
    network = from_text(read(path), file)
    if overrides is None:
        return network
    dtype = overrides.dtype or overrides.otherwise_dtype
    return network.with_options(batch=overrides.batch, dtype=dtype)


def from_text(text: str, file: str = "<text>") -> Network:
    """Read the text of a topology: one convolution a line, each reading the one above it.

    A topology does not say what lies between its layers, so a layer reads the one above it where
    that can be told from the sizes, and an input of its own elsewhere. Precisely, with the
    output above it of ``C x H x W``:

    - the same channels, and an IFMAP as large or larger by less than the filter: the difference
      is zero padding, which a topology counts as part of the IFMAP;
    - an IFMAP of 1x1 with ``C * H * W`` channels: the output above is flattened first;
    - else (a pool or a branch is missing) the layer reads a new network input, named
      ``<layer>.ifmap``, and the output above leaves the network.

    Parameters
    ----------
    text : str
        CSV with the header ``Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width,
        Channels, Num Filter, Strides``; a comma at the end of a line is ignored.
    file : str
        The name shown in problems; without its ending, the network's name.

    References
    ----------
    A. Samajdar et al., SCALE-Sim: Systolic CNN Accelerator Simulator, arXiv:1811.02883.

    Examples
    --------
    >>> network = from_text(f'''{", ".join(COLUMNS)},
    ... Conv1, 230, 230, 7, 7, 3, 64, 2,
    ... Conv2, 58, 58, 3, 3, 64, 64, 1,
    ... Conv3, 60, 58, 5, 3, 64, 128, 1,
    ... ''', "toy.csv")
    >>> network.inputs, network.outputs
    (('Conv1.ifmap', 'Conv2.ifmap'), ('Conv1', 'Conv3'))
    >>> network["Conv3"].inputs[0].name, network["Conv3"].op.padding
    ('Conv2', 'same')
    """
    rows = [
        (number, [cell.strip() for cell in cells(line, file, number)])
        for number, line in enumerate(io.StringIO(text, newline=None), 1)
    ]
    rows = [(number, row[:-1] if row and not row[-1] else row) for number, row in rows]
    rows = [(number, row) for number, row in rows if any(row)]
    if not rows:
        raise InputError(Problem("is empty", file=file))
    if tuple(map(_plain, rows[0][1])) != tuple(map(_plain, COLUMNS)):
        message = f"expected the header '{', '.join(COLUMNS)}'"
        hint = "a topology of convolutions; GEMM topologies are not read"
        raise InputError(Problem(message, "", hint, file, rows[0][0], 1))
    if len(rows) > MOST_LAYERS:
        raise InputError(Problem(f"has more than {MOST_LAYERS:,} layers", file=file))
    chain = _Chain(file)
    for number, row in rows[1:]:
        chain.add(number, row)
    if chain.problems:
        raise InputError(*chain.problems)
    if not chain.nodes:
        raise InputError(Problem("has no layers", file=file))
    return Network(Path(file).stem, chain.nodes, source="SCALE-Sim topology")


class _Chain:
    """The layers so far, and what the last one writes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.nodes: list[Node] = []
        self._names: set[str] = set()
        self._last: tuple[str, Shape] | None = None

    def add(self, line: int, row: list[str]) -> None:
        """Add the layer of one row, or note what is wrong with it."""
        try:
            self._add(line, row)
        except ShapeError as error:
            self._last = None
            self.problems.append(Problem(str(error), row[0], "", self.file, line, 1))

    def _add(self, line: int, row: list[str]) -> None:
        if len(row) != len(COLUMNS):
            raise ShapeError(f"has {len(row)} columns, not {len(COLUMNS)}")
        wrong = name_problem(row[0])
        if wrong is not None:
            raise ShapeError(wrong[0])
        if row[0] in self._names:
            raise ShapeError(f"the name {row[0]!r} is taken")
        numbers = []
        for column, cell in zip(COLUMNS[1:], row[1:], strict=True):
            if not re.fullmatch("0*[1-9][0-9]{0,8}", cell) or int(cell) > LARGEST:
                raise ShapeError(f"{column} must be a number of at least 1, not {shown(cell)}")
            numbers.append(int(cell))
        height, width, kernel_height, kernel_width, channels, out, stride = numbers
        place = Problem("", row[0], "", self.file, line, 1)
        kernel = (kernel_height, kernel_width)
        source, pads = self._source(row[0], Shape((channels, height, width)), kernel, place)
        op = Conv(out=out, kernel=kernel, stride=stride, padding=short(pads))
        same = Conv(out=out, kernel=kernel, stride=stride)
        if same.pads() == pads:
            op = same
        shape = (channels, height - pads[0] - pads[2], width - pads[1] - pads[3])
        self._put(row[0], op, (source,), (Shape(shape),), place)

    def _source(
        self, name: str, ifmap: Shape, kernel: tuple[int, int], place: Problem
    ) -> tuple[str, tuple[int, int, int, int]]:
        """What a layer reads, and the padding that its IFMAP includes."""
        if self._last is not None:
            above, (channels, height, width) = self._last
            down, across = ifmap[1] - height, ifmap[2] - width
            if ifmap[0] == channels and 0 <= down < kernel[0] and 0 <= across < kernel[1]:
                return above, (down // 2, across // 2, down - down // 2, across - across // 2)
            if ifmap == (channels * height * width, 1, 1):
                shape = (channels, height, width)
                return self._put(f"{name}.flatten", Flatten(), (above,), (Shape(shape),), place), (
                    0,
                ) * 4
        return self._put(f"{name}.ifmap", Input(shape=tuple(ifmap)), (), (), place), (0, 0, 0, 0)

    def _put(
        self, name: str, op: Operator, inputs: tuple[str, ...], shapes: tuple[Shape, ...],
        place: Problem,
    ) -> str:  # fmt: skip
        self._last = (name, Shape(op.output_shape(shapes)))
        self._names.add(name)
        self.nodes.append(Node(name, op, inputs, place))
        return name


def _plain(column: str) -> str:
    return re.sub(r"[^a-z]", "", column.lower()).removesuffix("s")
