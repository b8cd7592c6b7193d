"""Plans and tensors: what the tasks of a kernel access, by hand."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from memsim.errors import SimulationError
from memsim.formats.architecture.file import from_text
from memsim.network.tensor import Tensor
from memsim.program import Program, build
from memsim.program.tensor_table import TensorTable


def test_an_access_is_a_run_of_cells_for_each_strip() -> None:
    tensors = TensorTable(itemsize=4, largest=1 << 20)
    tensors.add_map(Tensor("before", (1, 2, 1, 1)), "input")
    tensors.add_map(Tensor("map", (2, 8, 6, 5)), "activation")
    tensors.cut("map", np.array([0, 2, 6]), np.array([0, 4, 8]))
    tensors.cut("map", np.array([0, 3, 6]), np.array([0, 8]))
    assert tensors.number_cells(most=13)  # one, and for two images three strips of two
    images = np.array([0, 1]), np.array([1, 2])
    rows, channels = (np.array([0, 2]), np.array([3, 6])), (np.array([0, 4]), np.array([8, 8]))
    access, first, count = tensors.cells("map", images, rows, channels)
    # Cells 1 to 12: the first access takes both halves of strips 0 and 1, the second the right
    # half of strips 1 and 2 of the second image.
    assert access.tolist() == [0, 0, 1, 1]
    assert first.tolist() == [1, 3, 10, 12]
    assert count.tolist() == [2, 2, 1, 1]
    # The second of both images, image by image, and nothing of none.
    images = np.array([1, 0]), np.array([1, 2])
    access, first, _ = tensors.cells("map", images, rows, channels)
    assert (access.tolist(), first.tolist()) == ([1, 1, 1, 1], [4, 6, 10, 12])


def test_an_empty_access_has_no_run() -> None:
    tensors = TensorTable(itemsize=4, largest=1 << 20)
    tensors.add_map(Tensor("map", (1, 8, 6, 5)), "activation")
    assert tensors.number_cells(most=1)
    nothing, all_rows = np.array([8]), (np.array([0]), np.array([6]))
    one = np.array([0]), np.array([1])
    access, _, _ = tensors.cells("map", one, all_rows, (nothing, nothing))
    assert len(access) == 0


def test_more_cells_than_there_may_be_are_not_numbered() -> None:
    tensors = TensorTable(itemsize=4, largest=1 << 20)
    tensors.add_map(Tensor("map", (3, 8, 6, 5)), "activation")
    assert not tensors.number_cells(most=2)


def test_the_columns_of_cells_describe_the_stored_tensors() -> None:
    tensors = TensorTable(itemsize=2, largest=64)
    tensors.add_map(Tensor("map", (2, 8, 6, 5), "fp16"), "input")
    tensors.add_parameters("c.weight", 8, 27 * 2)
    tensors.cut("map", np.array([0, 2, 6]), np.array([0, 8]))
    assert tensors.number_cells(most=100)
    columns = tensors.columns()
    assert [each.nbytes for each in tensors.all()] == [2 * 8 * 6 * 10, 8 * 27 * 2]
    assert columns["cell_tensor"].tolist() == [0, 0, 0, 0, 1]
    assert columns["cell_bytes"].tolist() == [160, 320, 160, 320, 432]
    assert columns["cell_box"].tolist() == [
        [0, 0, 2, 0, 8], [0, 2, 6, 0, 8], [1, 0, 2, 0, 8], [1, 2, 6, 0, 8], [0, 0, 1, 0, 8],
    ]  # fmt: skip
    # The first cell is cut into blocks of 3 channels x 20 bytes; a channel's weights are 54 bytes.
    assert columns["block_bytes"][:3].tolist() == [60, 60, 40]
    assert columns["cell_block"].tolist() == [0, 3, 11, 14, 22, 30]


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
    module = import_module("memsim.program.build")  # the name in the package is the function
    monkeypatch.setattr(module, "MOST_TOUCHES", touches)
    assert len(build(from_text(TEXT), buffer=64 * 1024).touch_cell) == touches
    monkeypatch.setattr(module, "MOST_TOUCHES", touches - 1)
    with pytest.raises(SimulationError, match=f"more than {touches - 1:,} accesses"):
        build(from_text(TEXT), buffer=64 * 1024)
