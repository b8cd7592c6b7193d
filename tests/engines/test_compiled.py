"""The compiled loops do what the plain ones do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsim.engines.bounds import sweep
from memsim.engines.bounds.bounds import HALVES
from memsim.engines.bounds.intervals import Intervals
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.cells import lru as cells
from memsim.engines.cache.cells.events import CellEvents
from memsim.engines.cache.cells.farthest import cell_belady
from memsim.engines.cache.cells.fifo import cell_fifo
from memsim.engines.cache.cells.lru import cell_lru, serve_cells
from memsim.engines.cache.compiled_farthest import compiled_farthest
from memsim.engines.cache.compiled_order import compiled_order
from memsim.engines.cache.managements.scratchpad import Scratchpad, cell_trace, cell_transfers
from memsim.engines.cache.policies.belady import next_use, plain_farthest
from memsim.engines.cache.policies.in_order import plain_order
from memsim.engines.cache.trace import Events, PartTrace, Trace
from memsim.engines.cache.transfers import Flow
from memsim.engines.clock import demand
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.demand import Demand
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.steps import Steps
from memsim.engines.compiled import compiled, in_python
from memsim.engines.kept_code import Loop
from memsim.machine import load_machine
from memsim.machine.cache import Cache
from memsim.network import Network
from tests.laws.test_curve import parted
from tests.laws.test_program import buffers, capacities, few, lowerings, program_of
from tests.laws.test_time import random_steps, same
from tests.laws.traces import traces
from tests.strategies import networks


@given(traces(), st.booleans())
def test_caches_that_keep_an_order(trace: Trace, refresh: bool) -> None:
    for capacity in range(int(trace.size.sum()) + 2):
        fast = compiled_order(trace, capacity, refresh=refresh)
        _equal(fast, plain_order(trace, capacity, refresh=refresh))


@given(traces())
def test_caches_that_know_the_future(trace: Trace) -> None:
    until = next_use(trace)
    for capacity in range(int(trace.size.sum()) + 2):
        fast = compiled_farthest(trace, capacity, until)
        _equal(fast, plain_farthest(trace, capacity, until))


def test_a_long_trace_of_a_cache_that_knows_the_future() -> None:
    """Heaps of hundreds of blocks, and victims that come back because there is not enough room."""
    draw = np.random.default_rng(7)
    block = draw.integers(0, 300, 6000).astype(np.int32)
    code = draw.choice([0, 0, 1, 3, 4], 6000).astype(np.uint8)
    start, size = np.arange(0, 6001, 3), draw.integers(1, 90, 300)
    trace = Trace(start=start, block=block, code=code, size=size)
    until = next_use(trace)
    for capacity in (80, 700, 4000):
        fast = compiled_farthest(trace, capacity, until)
        assert fast.missed.any()
        assert len(fast.spilled)
        _equal(fast, plain_farthest(trace, capacity, until))


def _equal(one: Events, other: Events) -> None:
    for column in ("missed", "spilled", "spilled_at", "occupancy"):
        assert getattr(one, column).tolist() == getattr(other, column).tolist()
    assert one.peak == other.peak


CELLS: dict[str, Callable[[PartTrace, int], CellEvents]] = {
    "lru": cell_lru,
    "fifo": partial(cell_fifo, entries=1),
    "belady": cell_belady,
}
"""The queue begins with the least room, so that it has to grow."""

PARTS: dict[str, Callable[[Trace, int], Events]] = {
    "lru": partial(plain_order, refresh=True),
    "fifo": partial(plain_order, refresh=False),
    "belady": lambda trace, capacity: plain_farthest(trace, capacity, next_use(trace)),
}


@pytest.mark.parametrize("policy", CELLS)
@given(trace=parted())
def test_cells_are_served_as_their_blocks_are(policy: str, trace: PartTrace) -> None:
    whole = trace.whole
    access = whole.touch
    for capacity in range(int(trace.size.sum()) + 2):
        found, blocks = CELLS[policy](trace, capacity), PARTS[policy](whole, capacity)
        missed = np.zeros(len(trace.block), np.int64)
        np.add.at(missed, access[blocks.missed], whole.size[whole.block[blocks.missed]])
        assert found.fetched.tolist() == missed.tolist()
        told, spilled = np.zeros((2, len(trace.block)), np.int64)
        np.add.at(told, found.spilled_at, found.spilled)
        np.add.at(spilled, access[blocks.spilled_at], whole.size[blocks.spilled])
        assert told.tolist() == spilled.tolist()
        assert found.occupancy.tolist() == blocks.occupancy.tolist()
        assert found.peak == blocks.peak


@settings(few, max_examples=30)
@given(networks(), lowerings, buffers)
def test_a_scratchpad_moves_what_its_blocks_would(
    network: Network, lowering: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    for capacity in capacities(program):
        for policy, serve in CELLS.items():
            scratchpad, cache = Scratchpad(), Cache(size=capacity, policy=policy)
            trace = scratchpad.trace(program, cache)
            blocks = scratchpad.transfers(program, trace, PARTS[policy](trace, capacity))
            found = cell_transfers(program, serve(cell_trace(program), capacity))
            assert found.again.tolist() == blocks.again.tolist()
            assert found.occupancy.tolist() == blocks.occupancy.tolist()
            assert found.peak == blocks.peak
            for name in ("fetches", "spills", "results"):
                assert _lists(getattr(found, name)) == _lists(getattr(blocks, name)), policy


def _lists(flow: Flow) -> list[list[int]]:
    return [column.tolist() for column in (flow.of, flow.at, flow.amount, flow.unit)]


@given(traces(), st.sampled_from(HALVES))
def test_moments_at_which_capacity_is_worth_most(trace: Trace, halves: int) -> None:
    for capacity in range(int(trace.size.sum()) + 2):
        intervals = Intervals.of(trace, capacity)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sweep, "plain_will_do", lambda *_: False)
            fast = sweep.Sweep(intervals).prices(halves)
            patch.setattr(sweep, "plain_will_do", lambda *_: True)
            plain = sweep.Sweep(intervals).prices(halves)
        assert fast.tolist() == plain.tolist()


@given(random_steps())
def test_recurrence(steps: Steps) -> None:
    same(compiled_recurrence(steps), recurrence(steps))


@settings(few, max_examples=20)
@given(networks(), buffers, st.integers(1, 10**12), st.integers(0, 10**6))
def test_times_at_other_bandwidths_of_long_programs(
    network: Network, buffer: int, bandwidth: int, capacity: int
) -> None:
    program = program_of(network, buffer)
    machine = load_machine("textbook")
    plain, fast = (Demand(program, cache_pass(program, capacity), machine) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demand, "LONG", 10**9)
        times = [plain.time(bandwidth), plain.bandwidth_for(Fraction(1, 10))]
        patch.setattr(demand, "LONG", 0)
        assert [fast.time(bandwidth), fast.bandwidth_for(Fraction(1, 10))] == times


def test_long_programs_take_the_recurrence_unless_the_replay_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from memsim.simulate import verbs

    told = verbs.run("patterns/harmonic")
    monkeypatch.setattr(verbs, "LONG", 0)
    monkeypatch.setitem(verbs.CLOCKS._parts, "replay", _not_now)
    same(verbs.run("patterns/harmonic").timeline, told.timeline)
    with pytest.raises(AssertionError, match="the other loop"):
        verbs.run("patterns/harmonic", clock="replay")


def _not_now(*arguments: object, **options: object) -> None:
    raise AssertionError("the other loop was meant to run")


@settings(few, max_examples=30)
@given(networks(), lowerings, buffers)
def test_pass(network: Network, lowering: str, buffer: int) -> None:
    program = program_of(network, buffer, lowering=lowering)
    for capacity in capacities(program):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cells, "in_python", _not_now)
            fast = cache_pass(program, capacity)
        with pytest.MonkeyPatch.context() as patch:
            patch.delitem(sys.modules, "llvmlite")
            patch.setattr(cells, "serve_cells", _not_now)
            patch.setattr(cells, "in_python", lambda _: in_python(serve_cells))
            plain = cache_pass(program, capacity)
        columns = ("load_bytes", "store_bytes", "waits", "traffic", "tensor_traffic", "occupancy")
        for column in columns:
            assert (getattr(fast, column) == getattr(plain, column)).all(), (capacity, column)


def test_a_loop_compiles_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    real = numba.njit

    def njit(*args: object, cache: bool = False) -> object:
        if cache:
            raise RuntimeError("cannot cache function 'twice': no locator available")
        return real(*args)

    monkeypatch.setattr(numba, "njit", njit)
    monkeypatch.setattr(Loop, "of", lambda *_: None)  # as on another processor

    @compiled("int64(int64)")
    def twice(number: int) -> int:
        return 2 * number

    assert twice(21) == 42


def test_other_failures_of_the_compiler_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    def njit(*args: object, **options: bool) -> object:
        raise RuntimeError("no such processor")

    monkeypatch.setattr(numba, "njit", njit)

    @compiled("int64(int64)")
    def twice(number: int) -> int:
        return 2 * number

    with pytest.raises(RuntimeError, match="no such processor"):
        twice(21)


def test_importing_the_engines_does_not_import_the_compiler() -> None:
    code = (
        "import sys; import memsim.results.curve, memsim.simulate; "
        "sys.exit('numba' in sys.modules or 'llvmlite' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


LOOP = """
from memsim.engines.compiled import compiled

@compiled("int64(int64)")
def scale(number):
    return {factor} * number
"""


@pytest.fixture
def scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], int]:
    """A loop that multiplies by a factor, in a file of its own, whose code Numba keeps."""
    monkeypatch.setattr("memsim.engines.kept_code.Loop.of", lambda *asked: None)
    file = tmp_path / "loop.py"

    def scaled(factor: int) -> int:
        file.write_text(LOOP.format(factor=factor))
        os.utime(file, (factor, factor))
        names: dict[str, Any] = {"__name__": "loop", "__file__": str(file)}
        exec(compile(file.read_text(), str(file), "exec"), names)
        return int(names["scale"](7))

    return scaled


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_what_numba_keeps_of_a_loop_may_be_damaged(
    tmp_path: Path, scale: Callable[[int], int], ending: str
) -> None:
    assert scale(2) == 14
    [kept] = (tmp_path / "__pycache__").glob(f"*.{ending}")
    whole = kept.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", bytes(len(whole)), b"text\n" * 9):
        kept.write_bytes(damaged)
        assert scale(2) == 14
        assert kept.read_bytes() != damaged  # it is mended


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_numba_never_runs_the_loop_of_another_version(
    scale: Callable[[int], int], error: BaseException
) -> None:
    """Where it is ended between writing its index and the machine code that the index names."""
    from numba.core.caching import IndexDataCacheFile

    assert scale(2) == 14
    with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):

        def write(*told: object) -> None:
            raise error

        patch.setattr(IndexDataCacheFile, "_save_data", write)
        assert scale(3) == 21
    assert scale(3) == 21
