"""Lives: by hand on a residual and a concat, and against the program block by block."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memsim.errors import SimulationError
from memsim.formats.architecture.file import from_text
from memsim.network import Network
from memsim.program import LOWERINGS, Program, build
from memsim.program.lives import USES, Lives, live_by_use, most_live
from tests.strategies import networks

# Each map is 8 KiB (8 channels of 16x16 fp32). a is read by b, and again by the add, which is fused
# into c.
RESIDUAL = """
name: residual
input: [8, 16, 16]
layers:
  - conv: {out: 8, kernel: 3}
    name: a
  - conv: {out: 8, kernel: 3}
    name: b
  - conv: {out: 8, kernel: 3}
    name: c
  - add: a
"""
MAP = 8192


def program_of(text: str, lowering: str = "fused") -> Program:
    return build(from_text(text), buffer=1 << 20, lowering=lowering)


def test_lives_of_a_residual() -> None:
    lives = Lives.of(program_of(RESIDUAL))
    assert lives.names == ("input", "a", "b", "add1")
    assert lives.born.tolist() == [0, 0, 1, 2]
    assert lives.consumed.tolist() == [0, 1, 2, 2]
    assert lives.dead.tolist() == [0, 2, 2, 2]
    assert lives.nbytes.tolist() == [MAP] * 4
    assert lives.computed.tolist() == [False, True, True, True]


def test_what_is_handed_on_is_written_by_one_kernel_and_read_by_a_later_one() -> None:
    lives = Lives.of(program_of(RESIDUAL)).handed_on()
    assert lives.names == ("a", "b")  # the input is not written, the sum not read
    assert lives.kernels.tolist() == [2, 1]
    assert lives.byte_kernels.tolist() == [2 * MAP, MAP]
    facts = lives.to_dict()
    assert (facts["kernels_mean"], facts["kernels_max"], facts["longest"]) == (1.5, 2, "a")
    assert (facts["byte_kernels_mean"], facts["byte_kernels_max"]) == (1.5 * MAP, 2 * MAP)


def test_a_single_layer_hands_nothing_on() -> None:
    program = program_of("name: t\ninput: [8, 16, 16]\nlayers:\n  - conv: 8\n")
    facts = Lives.of(program).handed_on().to_dict()
    assert (facts["feature_maps"], facts["kernels_mean"], facts["byte_kernels_max"]) == (0, 0, 0)
    assert facts["longest"] == ""


def test_a_shortcut_waits_from_the_end_of_its_first_reader() -> None:
    # Kernels a, b, c, one task each: a waits while c runs; what b and c read is chain.
    live = live_by_use(program_of(RESIDUAL))
    assert live[:, USES.index("chain")].tolist() == [2 * MAP, 2 * MAP, 2 * MAP]
    assert live[:, USES.index("waiting")].tolist() == [0, 0, MAP]


def test_what_a_concat_writes_is_a_copy() -> None:
    text = RESIDUAL.replace("  - add: a\n", "  - concat: {}\n    from: [a, c]\n    name: both\n")
    lives = Lives.of(program_of(text))
    assert [name for name, copy in zip(lives.names, lives.copies, strict=True) if copy] == ["both"]
    assert live_by_use(program_of(text))[-1, USES.index("copy")] == 2 * MAP


def test_a_concat_that_is_read_far_away_is_a_shortcut_as_a_map_is() -> None:
    """The long skips of a U-Net begin at what a block joins."""
    text = RESIDUAL.replace(
        "  - add: a\n",
        "  - concat: {}\n    from: [a, c]\n    name: both\n"
        "  - conv: {out: 2, kernel: 1}\n    name: d\n"
        "  - concat: {}\n    from: [both, d]\n    name: end\n",
    )
    live = live_by_use(program_of(text))
    assert live[-1, USES.index("waiting")] == 2 * MAP


@given(networks(), st.sampled_from(sorted(LOWERINGS)), st.sampled_from([4000, 1 << 16]))
def test_lives_are_those_of_the_accesses(network: Network, lowering: str, buffer: int) -> None:
    try:
        program = build(network, buffer=buffer, lowering=lowering)
    except SimulationError:
        return
    lives = Lives.of(program)
    kernel = program.task_kernel[program.touch_task]
    names = np.array([tensor.name for tensor in program.tensors])
    of_touch = names[program.cell_tensor[program.touch_cell]]
    touched = {t.name for t in program.tensors if t.kind != "weight"} & set(of_touch.tolist())
    assert set(lives.names) == touched
    assert (np.diff(lives.born) >= 0).all()
    for number, name in enumerate(lives.names):
        reads = kernel[(of_touch == name) & ~program.touch_write]
        assert lives.born[number] == kernel[of_touch == name].min()
        assert lives.dead[number] == kernel[of_touch == name].max()
        if len(reads):
            assert lives.consumed[number] == reads.min()


@given(networks(), st.sampled_from(sorted(LOWERINGS)))
def test_live_bytes_by_use_are_all_live_bytes(network: Network, lowering: str) -> None:
    try:
        program = build(network, buffer=1 << 16, lowering=lowering)
    except SimulationError:
        return
    live = live_by_use(program)
    assert (live >= 0).all()
    assert (live.sum(axis=1) == program.live_bytes).all()
    for kernel, most in enumerate(most_live(program)):
        assert most.sum() == program.live_bytes[program.task_kernel == kernel].max()


def test_a_concat_that_is_a_view_writes_no_copy() -> None:
    text = RESIDUAL.replace("  - add: a\n", "  - concat: {}\n    from: [a, c]\n  - conv: 8\n")
    assert Lives.of(program_of(text, "fused")).copies.any()
    assert not Lives.of(program_of(text, "concat_free")).copies.any()
