"""The program of a library's kernels: what it says of tasks, tensors and addresses."""

from __future__ import annotations

import numpy as np
import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.machine.cache import Cache
from memsim.program import Program
from memsim.program.kernel import Cause, Role
from memsim.program.library.build import build_library
from memsim.program.library.onednn import LIBRARIES
from memsim.program.spans import Recorder

SETS = Cache(size=1 << 20, management="hardware", ways=16, first_level=1 << 15)

RESIDUAL = """
name: small
input: [8, 16, 16]
layers:
  - conv: {out: 16, kernel: 3, bn: true, act: relu}
    name: a
  - conv: {out: 16, kernel: 3, bn: true}
    name: b
  - add: a
    name: sum
  - relu
  - concat: [a, sum]
    name: both
  - conv: {out: 8, kernel: 1}
    name: last
"""


def built(lowering: str = "fused", frames: int = 1, library: str = "onednn-avx2") -> Program:
    network = memsim.loads(RESIDUAL)
    return build_library(network, library=library, lowering=lowering, frames=frames)


@pytest.mark.parametrize("lowering", ["fused", "eager"])
def test_a_kernel_is_a_task_with_its_macs(lowering: str) -> None:
    program = built(lowering)
    assert program.task_kernel.tolist() == list(range(len(program.kernels)))
    assert int(program.task_macs.sum()) == program.network.macs
    assert program.touch_start[-1] == len(program.touch_cell)


@pytest.mark.parametrize("lowering", ["fused", "eager"])
def test_each_span_is_part_of_the_touch_of_its_tensor(lowering: str) -> None:
    program = built(lowering)
    ((spans, touch),) = program.spans
    assert (program.touch_write[touch] == spans.write).all()
    assert set(np.unique(touch)) == set(range(len(program.touch_cell)))  # none is idle
    named = {program.tensors[t].name for t in program.cell_tensor[program.touch_cell[touch]]}
    assert {"input", "a.conv.weight", "last.conv.weight" if "last.conv" in program.network else
            "last.weight", "scratch", "runtime"} & named >= {"input", "runtime"}  # fmt: skip


def test_what_a_tensor_is_touched_for() -> None:
    program = built("eager")
    told = {
        (program.kernels[program.task_kernel[task]].op.kind,
         program.tensors[program.cell_tensor[cell]].kind, bool(write)): Role(role)
        for task, cell, write, role in zip(
            program.touch_task, program.touch_cell, program.touch_write, program.touch_role,
            strict=True)
    }  # fmt: skip
    assert told["conv", "weight", False] is Role.WEIGHT
    assert told["conv", "input", False] is Role.INPUT
    assert told["concat", "activation", True] is Role.CONCAT
    assert told["concat", "activation", False] is Role.CONCAT
    assert told["conv", "scratch", True] is Role.SCRATCH
    assert told["conv", "output", True] is Role.OUTPUT


def test_a_copy_that_no_kernel_executes_is_done_for_the_next_one() -> None:
    text = (
        "{name: n, input: [8, 4, 4], layers: [{conv: {out: 16, kernel: 3}}, flatten, {linear: 4}]}"
    )
    program = build_library(memsim.loads(text), library="onednn-avx2")
    assert [kernel.op.kind for kernel in program.kernels] == ["conv", "linear"]
    reads = {program.tensors[t].name
             for t in program.cell_tensor[program.touch_cell[program.touch_start[1]:]]}  # fmt: skip
    assert "conv1" in reads


def test_residual_operands_are_told_apart() -> None:
    program = built("eager")
    roles = {Role(role) for role, task in zip(program.touch_role, program.touch_task, strict=True)
             if program.kernels[program.task_kernel[task]].op.kind == "add"}  # fmt: skip
    assert Role.RESIDUAL in roles


@pytest.mark.parametrize("library", [*LIBRARIES])
@pytest.mark.parametrize("lowering", ["fused", "eager"])
@pytest.mark.parametrize("frames", [1, 3])
def test_compulsory_bytes_are_those_of_the_lines(library: str, lowering: str, frames: int) -> None:
    program = built(lowering, frames, library)
    for size in (1 << 16, 1 << 20, 1 << 26):
        traffic = cache_pass(program, SETS.resized(size)).traffic
        assert int(traffic[..., Cause.COMPULSORY].sum()) == program.compulsory_bytes


def test_frames_share_weights_and_the_image() -> None:
    one, three = built(), built(frames=3)
    output = one.compulsory_write_bytes
    assert three.compulsory_bytes - one.compulsory_bytes == 2 * output
    assert three.one_frame.tasks == one.tasks
    assert three.tasks == 3 * one.tasks
    kept = int(((one.cell_frame == 0) & one.cell_is_weight).sum())
    assert int(three.cell_is_weight.sum()) == kept


@pytest.mark.parametrize("lowering", ["fused", "eager"])
@pytest.mark.parametrize("library", [*LIBRARIES])
@pytest.mark.parametrize("name", ["squeezenet1_0", "mobilenetv2", "hardnet39ds", "fc_hardnet68"])
def test_all_that_a_kernel_touches_lies_in_one_region(
    monkeypatch: pytest.MonkeyPatch, name: str, library: str, lowering: str
) -> None:
    outside: list[str] = []
    find = Recorder._owner

    def owner(self: Recorder, start: np.ndarray, length: np.ndarray) -> int:
        begin, nbytes = np.broadcast_arrays(start, length)
        some = nbytes > 0
        if some.any():
            low, high = int(begin[some].min()), int((begin + nbytes)[some].max())
            if not self._owner_of.__self__.holds(low, high - low):  # type: ignore[attr-defined]
                outside.append(f"{self.calls[-1]}: {low} to {high}")
        return find(self, start, length)

    monkeypatch.setattr(Recorder, "_owner", owner)
    network = memsim.load(name, input_shape=(3, 64, 64))
    build_library(network, library=library, lowering=lowering)
    assert not outside


def test_another_lowering_is_none_of_a_library() -> None:
    with pytest.raises(memsim.InputError, match=r"lowering: onednn-avx2 runs no network as 'conc"):
        built("concat_free")
    with pytest.raises(memsim.InputError, match=r"unknown library 'onednn' \(did you mean"):
        built(library="onednn")


@pytest.mark.parametrize("frames", [0, True, 1.5])
def test_frames_are_a_number(frames: int) -> None:
    with pytest.raises(memsim.InputError, match=r"frames: .+ is no number of inferences"):
        built(frames=frames)
