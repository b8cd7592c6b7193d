"""Inferences in a row: what stays on chip is fetched once; all else is as it was."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import memsim
from memsim import limits
from memsim.engines.bounds.bounds import coarse_bound, traffic_bound
from memsim.engines.bounds.communication import convolution_bounds
from memsim.engines.cache.cachepass import cache_pass, transfers
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.trace import KIND, READ, WRITE, WRITE_ALLOCATE
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import first_of_kernel, steps
from memsim.engines.curve.curve import curve
from memsim.errors import InputError, SimulationError
from memsim.machine import load_machine
from memsim.machine.cache import Cache
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.program import LOWERINGS, Cause, Program, build
from memsim.program.frames import repeat
from memsim.program.lives import live_by_use
from memsim.program.memory.allocator import plan_memory
from memsim.program.memory.placement import Placement
from memsim.results.frames import Frames
from tests.laws.brute_force import brute_force
from tests.laws.test_program import all_bytes, buffers, capacities, lowerings, orders
from tests.laws.test_program import program_of as one_program_of
from tests.laws.test_time import same
from tests.strategies import networks

few = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
several = st.integers(2, 4)
machine = load_machine("textbook")


def program_of(network: Network, frames: int, buffer: int = 2000, **options: str) -> Program:
    return repeat(one_program_of(network, buffer, **options), frames)


def frames_of(program: Program, cache: Cache | int) -> Frames:
    moved = cache_pass(program, cache)
    line = recurrence(steps(program, moved, machine))
    return Frames.of(program, transfers(program, cache), line)


# ---- two convolutions, counted by hand


def chain() -> Program:
    """Input 64 B, weights 8 B, a feature map of 128 B, weights 8 B, output 64 B."""
    nodes = [
        Node("x", Input(shape=(1, 4, 4))),
        Node("a", Conv(out=2, kernel=1, bias=False), ("x",)),
        Node("y", Conv(out=1, kernel=1, bias=False), ("a",)),
    ]
    program = build(Network("chain", nodes), buffer=4096)
    assert sorted(program.cell_bytes.tolist()) == [8, 8, 64, 64, 128]
    return program


def by_frame(program: Program, cache: int) -> list[tuple[int, int]]:
    """Weights and all else that each frame moves."""
    found = frames_of(program, cache)
    return [(found[i].weight_bytes, found[i].feature_map_bytes) for i in range(program.frames)]


def test_with_no_cache_every_frame_moves_everything() -> None:
    assert by_frame(repeat(chain(), 3), 0) == [(16, 64 + 128 + 128 + 64)] * 3


def test_with_room_for_everything_weights_move_once() -> None:
    assert by_frame(repeat(chain(), 3), 10**6) == [(16, 128), (0, 128), (0, 128)]


def test_weights_stay_from_the_byte_on_at_which_they_fit_beside_the_feature_map() -> None:
    # Before the first weights come again, the feature map was above them: 128 + 8. The second
    # ones lie below the first as well: 128 + 8 + 8.
    program = repeat(chain(), 3)
    assert by_frame(program, 135) == [(16, 128), (16, 128), (16, 128)]
    assert by_frame(program, 136) == [(16, 128), (8, 128), (8, 128)]
    assert by_frame(program, 143) == [(16, 128), (8, 128), (8, 128)]
    assert by_frame(program, 144) == [(16, 128), (0, 128), (0, 128)]


def test_a_fetch_of_weights_in_a_later_frame_is_a_reload() -> None:
    found = frames_of(repeat(chain(), 2), 0)
    assert found.first.weights == {"compulsory": 16, "reload": 0, "spill": 0}
    assert found.steady.weights == {"compulsory": 0, "reload": 16, "spill": 0}
    assert found.steady.feature_maps == {"compulsory": 128, "reload": 128, "spill": 128}


def test_a_network_of_one_kernel_pays_its_overhead_in_every_frame() -> None:
    nodes = [Node("x", Input(shape=(1, 4, 4))), Node("y", Conv(out=1, kernel=1), ("x",))]
    program = repeat(build(Network("one", nodes), buffer=4096), 3)
    assert first_of_kernel(program).tolist() == [True, True, True]


def test_a_frame_that_is_alone_is_the_program_itself() -> None:
    program = chain()
    assert repeat(program, 1) is program
    assert memsim.run("resnet18", machine="textbook", frames=1).to_dict() == (
        memsim.run("resnet18", machine="textbook").to_dict()
    )


@pytest.mark.parametrize("frames", [0, -1, 2.0, "3", True, None])
def test_a_number_of_frames_is_a_whole_one_from_one_on(frames: object) -> None:
    with pytest.raises(InputError, match=r"frames: .* is no number of inferences"):
        repeat(chain(), frames)  # type: ignore[arg-type]


def test_too_many_frames_are_told_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_TOUCHES", 6 * 7)
    assert repeat(chain(), 7).frames == 7
    with pytest.raises(SimulationError, match=r"8 frames of chain .* \(at most 7 frames\)"):
        repeat(chain(), 8)


# ---- on random networks


@few
@given(networks(most_layers=6), lowerings, orders, buffers, several)
def test_every_frame_runs_the_same_tasks_on_cells_of_its_own(
    network: Network, lowering: str, order: str, buffer: int, frames: int
) -> None:
    program = program_of(network, frames, buffer, lowering=lowering, order=order)
    one = program.one_frame
    assert program.tasks == frames * one.tasks
    assert program.task_frame.tolist() == np.repeat(np.arange(frames), one.tasks).tolist()
    weight = program.cell_is_weight
    for column in ("cell_tensor", "cell_bytes"):
        of_touch = getattr(program, column)[program.touch_cell]
        assert (of_touch == np.tile(getattr(one, column)[one.touch_cell], frames)).all()
    of_touch = program.cell_box[program.touch_cell]
    assert (of_touch == np.tile(one.cell_box[one.touch_cell], (frames, 1))).all()
    assert (program.access_bytes == np.tile(one.access_bytes, frames)).all()
    cells = program.touch_cell.reshape(frames, -1)
    for cell in range(len(program.cell_bytes)):
        seen = np.flatnonzero((cells == cell).any(axis=1)).tolist()
        touched = program.cell_birth[cell] >= 0
        expected = range(frames) if weight[cell] else [program.cell_frame[cell]]
        assert seen == (list(expected) if touched else [])
    first = np.full(len(program.cell_bytes), -1)
    last, writer = first.copy(), first.copy()
    for touch, cell in enumerate(program.touch_cell.tolist()):
        first[cell] = program.touch_task[touch] if first[cell] < 0 else first[cell]
        last[cell] = program.touch_task[touch]
        writer[cell] = touch if program.touch_write[touch] else writer[cell]
    assert (program.cell_birth == first).all()
    assert (program.cell_death == last).all()
    assert (program.cell_writer == writer).all()
    dies = program.touch_cell[program.touch_last]
    assert sorted(dies.tolist()) == np.flatnonzero(~weight & (first >= 0)).tolist()
    assert (live_by_use(program).sum(axis=1) == program.live_bytes).all()
    assert program.compulsory_bytes - one.compulsory_bytes == (frames - 1) * _given_and_taken(one)


def _given_and_taken(one: Program) -> int:
    """Inputs that are read, and outputs."""
    read = one.cell_is_given & ~one.cell_is_weight & (one.cell_birth >= 0)
    return int(one.cell_bytes[read].sum()) + one.compulsory_write_bytes


@few
@given(networks(most_layers=6), lowerings, orders, buffers, several)
def test_the_laws_of_one_inference_hold_for_several(
    network: Network, lowering: str, order: str, buffer: int, frames: int
) -> None:
    program = program_of(network, frames, buffer, lowering=lowering, order=order)
    whole = curve(program)
    compulsory: set[int] = set()
    for capacity in capacities(program):
        moved = cache_pass(program, capacity)
        assert (whole.at(capacity) == moved.traffic).all()
        assert (whole.tensors_at(capacity) == moved.tensor_traffic).all()
        fetches, spills = brute_force_of(program, capacity)
        assert moved.read_bytes == fetches
        assert moved.write_bytes == spills + program.compulsory_write_bytes
        compulsory.add(int(moved.traffic[..., Cause.COMPULSORY].sum()))
        bound = traffic_bound(program, capacity, coarse_bound)
        assert program.compulsory_bytes <= bound <= moved.read_bytes + moved.write_bytes
        durations = steps(program, moved, machine)
        line = recurrence(durations)
        same(replay(durations), line)
        apart = Frames.of(program, transfers(program, capacity), line)
        assert (apart.traffic.sum(axis=0) == moved.traffic).all()
        assert int(apart.time_ps.sum()) == line.end
        assert (apart.time_ps > 0).all()
    assert compulsory == {program.compulsory_bytes}


def brute_force_of(program: Program, capacity: int) -> tuple[int, int]:
    """Bytes fetched and spilled by a cache written for reading."""
    trace = MANAGEMENTS["scratchpad"].trace(program, Cache.of(0))
    fetches, spills = brute_force(trace, capacity)
    size = trace.size
    return (
        sum(int(size[trace.block[at]]) for at in fetches),
        sum(int(size[block]) for block, _ in spills),
    )


@few
@given(networks(most_layers=6), lowerings, several)
def test_with_room_for_everything_later_frames_move_inputs_and_outputs_alone(
    network: Network, lowering: str, frames: int
) -> None:
    program = program_of(network, frames, lowering=lowering)
    found = frames_of(program, all_bytes(program))
    assert found.first.dram_bytes == program.one_frame.compulsory_bytes
    for number in range(1, frames):
        assert found[number].weight_bytes == 0
        assert found[number].dram_bytes == _given_and_taken(program.one_frame)


@few
@given(networks(most_layers=6), lowerings, several)
def test_with_no_cache_every_frame_moves_what_one_alone_does(
    network: Network, lowering: str, frames: int
) -> None:
    program = program_of(network, frames, lowering=lowering)
    alone = cache_pass(program.one_frame, 0).traffic
    for moved in frames_of(program, 0).traffic:
        assert (moved.sum(axis=2) == alone.sum(axis=2)).all()


@few
@given(networks(most_layers=6), lowerings, st.sampled_from([0, 300, 3000, 10**6]))
def test_frames_settle(network: Network, lowering: str, capacity: int) -> None:
    found = frames_of(program_of(network, 5, lowering=lowering), capacity)
    assert found.settled
    assert (found.traffic[-1] == found.traffic[-2]).all()


@given(st.integers(1, 6), st.integers(1, 8), st.sampled_from([1, 3]), several)
def test_no_frames_of_a_convolution_move_less_than_its_bound(
    channels: int, out: int, kernel: int, frames: int
) -> None:
    nodes = [
        Node("x", Input(shape=(channels, 6, 6))),
        Node("y", Conv(out=out, kernel=kernel), ("x",)),
    ]
    program = program_of(Network("one", nodes), frames, 1500)
    for capacity in capacities(program):
        moved = cache_pass(program, capacity)
        (bound,) = convolution_bounds(program, capacity + 1500)
        assert bound.dram_bytes <= moved.read_bytes + moved.write_bytes
    assert bound.compulsory_bytes <= program.compulsory_bytes


# ---- on a hardware cache


@few
@given(networks(most_layers=6), st.sampled_from(["caching", "arena", "fresh"]), several)
def test_feature_maps_return_to_their_place_and_buffers_are_each_frames_own(
    network: Network, allocator: str, frames: int
) -> None:
    program = program_of(network, frames)
    one = program.one_frame
    placement = Placement.of(program, plan_memory(program, allocator))
    alone = Placement.of(one, plan_memory(one, allocator))
    kind = np.array([tensor.kind for tensor in program.tensors])[program.cell_tensor]
    buffers = np.isin(kind, ["input", "output"])
    for frame in range(frames):
        touched = program.touch_cell.reshape(frames, -1)[frame]
        inner = ~buffers[touched]
        assert (placement.first[touched][inner] == alone.first[one.touch_cell][inner]).all()
    cells = np.flatnonzero(buffers & (program.cell_birth >= 0))
    _, start, length = placement.spans(cells)
    order = np.argsort(start)
    assert (start[order][1:] >= (start + length)[order][:-1]).all()
    assert start.min(initial=1 << 60) >= alone.total_bytes
    assert (start + length).max(initial=0) <= placement.total_bytes


def plain_tasks(
    program: Program, cache: Cache, sets: int, ways: int
) -> tuple[list[int], list[int], list[bool]]:
    """Per task: bytes loaded and stored, and whether it fetches what was just stored.

    Line by line; when a frame ends, lines of outputs that are dirty are stored and stay, clean.
    """
    trace = MANAGEMENTS["hardware"].trace(program, cache)
    lines: list[OrderedDict[int, bool]] = [OrderedDict() for _ in range(sets)]
    loads, stores, waits = [0] * program.tasks, [0] * program.tasks, [False] * program.tasks
    stored: list[set[int]] = [set() for _ in range(program.tasks)]
    writer: dict[int, int] = {}
    touches, per_frame = trace.touch.tolist(), len(program.touch_cell) // program.frames
    for at, (line, code) in enumerate(zip(trace.block.tolist(), trace.code.tolist(), strict=True)):
        touch = touches[at]
        task, writes = int(program.touch_task[touch]), bool(program.touch_write[touch])
        moved, held = stores if writes else loads, lines[line % sets]
        if line not in held:
            if code & KIND in (READ, WRITE_ALLOCATE):
                moved[task] += 64
                waits[task] |= not writes and task > 0 and line in stored[task - 1]
            if len(held) == ways:
                victim, dirty = held.popitem(last=False)
                moved[task] += 64 * dirty
                if dirty and writes:
                    stored[task].add(victim)
            held[line] = False
        held.move_to_end(line)
        if code & KIND in (WRITE, WRITE_ALLOCATE):
            held[line], writer[line] = True, touch
        if at + 1 == len(touches) or touches[at + 1] // per_frame != touch // per_frame:
            for held in lines:
                for number, dirty in held.items():
                    if dirty and program.cell_is_output[program.touch_cell[writer[number]]]:
                        stores[task] += 64
                        held[number] = False
    return loads, stores, waits


def hardware(size: int, **options: object) -> Cache:
    return Cache(size=size, management="hardware", **options)  # type: ignore[arg-type]


@few
@given(
    networks(most_layers=5),
    st.sampled_from(sorted(LOWERINGS)),
    st.sampled_from([1, 2, 7]),
    st.sampled_from([1, 3, 16]),
    st.booleans(),
    several,
)
def test_lines_equal_a_cache_that_hands_outputs_over_when_a_frame_ends(
    network: Network, lowering: str, sets: int, ways: int, fetch: bool, frames: int
) -> None:
    program = program_of(network, frames, lowering=lowering)
    cache = hardware(64 * sets * ways, ways=ways, fetch_on_write=fetch)
    moved = cache_pass(program, cache)
    loads, stores, waits = plain_tasks(program, cache, sets, ways)
    assert moved.load_bytes.tolist() == loads
    assert moved.store_bytes.tolist() == stores
    assert moved.waits.tolist() == waits
    found = frames_of(program, cache)
    assert (found.traffic.sum(axis=0) == moved.traffic).all()


@few
@given(networks(most_layers=5), lowerings, st.booleans(), several)
def test_the_curve_of_lines_is_the_pass_at_every_size(
    network: Network, lowering: str, fetch: bool, frames: int
) -> None:
    program = program_of(network, frames, lowering=lowering)
    whole = curve(program, hardware(0, fetch_on_write=fetch))
    compulsory: set[int] = set()
    for count in (0, 1, 3, 10, 30, 100, 1000):
        moved = cache_pass(program, hardware(64 * count, fetch_on_write=fetch))
        assert (whole.at(64 * count) == moved.traffic).all()
        compulsory.add(int(moved.traffic[..., Cause.COMPULSORY].sum()))
    assert len(compulsory) == 1


@few
@given(networks(most_layers=5), lowerings, several)
def test_lines_that_all_fit_are_fetched_once(network: Network, lowering: str, frames: int) -> None:
    program = program_of(network, frames, lowering=lowering)
    found = frames_of(program, hardware(1 << 40, fetch_on_write=False))
    given_and_taken = found[1].dram_bytes
    for number in range(1, frames):
        assert found[number].weight_bytes == 0
        assert found[number].dram_bytes == given_and_taken
        assert set(found[number].feature_maps.values()) <= {0, given_and_taken}
    assert found.first.dram_bytes - found.first.weight_bytes == given_and_taken
