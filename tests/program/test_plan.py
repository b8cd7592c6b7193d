"""Plans and tensors: what the tasks of a kernel access, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from memsim import limits
from memsim.errors import SimulationError
from memsim.formats.architecture.file import from_text
from memsim.program import Program, build
from memsim.program.blocks import Cells, Edges


def cells(*tensors: tuple[int, int, int, int], rows: list[int], largest: int = 1 << 20) -> Cells:
    """The last tensor is cut at some rows and between its channels 4 and 5."""
    shapes = np.array(tensors)
    last = len(tensors) - 1
    across = Edges(shapes[:, 1], np.array([last]), np.array([4]))
    down = Edges(shapes[:, 2], np.full(len(rows), last), np.array(rows, np.int64))
    return Cells(shapes, down, across, largest)


def test_cells_are_numbered_tensor_by_tensor_then_image_strip_and_channels() -> None:
    found = cells((1, 2, 1, 4), (2, 8, 6, 20), rows=[2, 3, 2])
    assert found.of_image.tolist() == [1, 6]  # three strips of two
    assert found.first.tolist() == [0, 1]
    assert found.count == 13
    assert found.columns()["cell_box"].tolist()[1:8] == [
        [0, 0, 2, 0, 4], [0, 0, 2, 4, 8], [0, 2, 3, 0, 4], [0, 2, 3, 4, 8], [0, 3, 6, 0, 4],
        [0, 3, 6, 4, 8], [1, 0, 2, 0, 4],
    ]  # fmt: skip
    assert found.rows.part(np.array([1, 1]), np.array([3, 6])).tolist() == [2, 3]


def test_the_columns_of_cells_describe_the_stored_tensors() -> None:
    # Parameters of 54 bytes a channel, and a map of fp16 in blocks of 64 bytes at the most.
    shapes = np.array([[1, 8, 1, 54], [2, 8, 6, 10]])
    whole = Edges(shapes[:, 1], np.array([], np.int64), np.array([], np.int64))
    columns = Cells(shapes, Edges(shapes[:, 2], np.array([1]), np.array([2])), whole, 64).columns()
    assert columns["cell_tensor"].tolist() == [0, 1, 1, 1, 1]
    assert columns["cell_bytes"].tolist() == [432, 160, 320, 160, 320]
    assert columns["cell_box"].tolist() == [
        [0, 0, 1, 0, 8], [0, 0, 2, 0, 8], [0, 2, 6, 0, 8], [1, 0, 2, 0, 8], [1, 2, 6, 0, 8],
    ]  # fmt: skip
    # A channel's weights are a block. The map's first cell is cut into blocks of 3 channels x 20
    # bytes, its second one into channels of 40 bytes.
    assert columns["block_bytes"].tolist() == 2 * [*4 * [54]] + 2 * ([60, 60, 40] + 8 * [40])
    assert columns["cell_block"].tolist() == [0, 8, 11, 19, 22, 30]


def test_a_channel_larger_than_a_block_is_cut_into_equal_pieces() -> None:
    found = cells((1, 5, 3, 50), rows=[], largest=64)
    assert found.columns()["block_bytes"].tolist() == 5 * [50, 50, 50]
    found = cells((1, 5, 3, 50), rows=[], largest=100)
    assert found.columns()["block_bytes"].tolist() == 5 * [75, 75]


def test_kernels_that_are_listed_apart_are_listed_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    together = build(from_text(TEXT), buffer=64 * 1024)
    monkeypatch.setattr("memsim.program.columns.AT_ONCE", 1)
    apart = build(from_text(TEXT), buffer=64 * 1024)
    for name in ("touch_start", "touch_cell", "touch_write", "touch_role", "cell_writer"):
        assert (getattr(together, name) == getattr(apart, name)).all()


# A concat keeps the batch norm from folding; in concat_free the last convolution applies it as it
# loads.
TEXT = """
name: prologue
input: [16, 64, 64]
layers:
  - conv: {out: 16, kernel: 3}
    name: a
  - concat: {}
    from: [a, input]
  - batchnorm
  - conv: {out: 64, kernel: 3}
    name: last
"""


@pytest.fixture(scope="module")
def program() -> Program:
    return build(from_text(TEXT), buffer=64 * 1024, lowering="concat_free")


def test_the_parameters_of_a_prologue_are_read_by_the_first_task_alone(program: Program) -> None:
    names = [tensor.name for tensor in program.tensors]
    of_norm = program.cell_tensor[program.touch_cell] == names.index("batchnorm1.weight")
    first_of_last = int(np.flatnonzero(program.task_kernel == 1)[0])
    assert (program.task_kernel == 1).sum() > 4
    assert set(program.touch_task[of_norm].tolist()) == {first_of_last}
    assert program.touch_bytes[of_norm].sum() == 2 * 32 * 4  # a scale and a shift per channel


def test_a_prologue_works_on_every_element_that_is_loaded(program: Program) -> None:
    names = [tensor.name for tensor in program.tensors]
    maps = [names.index("a"), names.index("input")]
    of_last = program.task_kernel[program.touch_task] == 1
    loads = of_last & np.isin(program.cell_tensor[program.touch_cell], maps)
    loaded = np.zeros(program.tasks, np.int64)
    np.add.at(loaded, program.touch_task[loads], program.touch_bytes[loads] // 4)
    assert (program.task_work[program.task_kernel == 1] == loaded[program.task_kernel == 1]).all()


def test_macs_that_do_not_divide_among_the_outputs_are_shared_without_loss() -> None:
    text = (
        "name: t\ninput: [6, 9, 9]\nlayers:\n  - conv_transpose: {out: 8, kernel: 3, stride: 2}\n"
    )
    network = from_text(text)
    program = build(network, buffer=4096)
    assert program.tasks > 1
    assert network.macs % network["conv_transpose1"].output.size
    assert program.task_macs.sum() == network.macs
    assert (program.task_macs > 0).all()


def test_a_program_with_too_many_touches_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    touches = len(build(from_text(TEXT), buffer=64 * 1024).touch_cell)
    monkeypatch.setattr(limits, "MOST_TOUCHES", touches)
    assert len(build(from_text(TEXT), buffer=64 * 1024).touch_cell) == touches
    monkeypatch.setattr(limits, "MOST_TOUCHES", touches - 1)
    with pytest.raises(SimulationError, match=f"more than {touches - 1:,} accesses"):
        build(from_text(TEXT), buffer=64 * 1024)
