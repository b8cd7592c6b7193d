"""The compiled loops do what the plain ones do."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings

from memsim.engines.cache import compiled_lru as compiled_lru_module
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.compiled_lru import compiled_lru
from memsim.engines.cache.policies.in_order import in_order
from memsim.engines.cache.policies.lru import lru
from memsim.engines.cache.trace import Trace
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.steps import Steps
from memsim.engines.compiled import compiled
from memsim.network import Network
from tests.laws.test_program import buffers, capacities, few, lowerings, program_of
from tests.laws.test_time import random_steps, same
from tests.laws.traces import traces
from tests.strategies import networks


@given(traces())
def test_lru(trace: Trace) -> None:
    for capacity in range(int(trace.size.sum()) + 2):
        fast = compiled_lru(trace, capacity)
        plain = in_order(trace, capacity, refresh=True)
        for column in ("missed", "spilled", "spilled_at", "occupancy"):
            assert getattr(fast, column).tolist() == getattr(plain, column).tolist()
        assert fast.peak == plain.peak


@given(random_steps())
def test_recurrence(steps: Steps) -> None:
    same(compiled_recurrence(steps), recurrence(steps))


def _not_now(*arguments: object, **options: object) -> None:
    raise AssertionError("the other loop was meant to run")


@settings(few, max_examples=30)
@given(networks(), lowerings, buffers)
def test_pass(network: Network, lowering: str, buffer: int) -> None:
    program = program_of(network, buffer, lowering=lowering)
    for capacity in capacities(program):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.modules[lru.__module__], "in_order", _not_now)
            fast = cache_pass(program, capacity)
        with pytest.MonkeyPatch.context() as patch:
            patch.delitem(sys.modules, "numba")
            patch.setattr(compiled_lru_module, "compiled_lru", _not_now)
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

    @compiled("int64(int64)")
    def twice(number: int) -> int:
        return 2 * number

    assert twice(21) == 42


def test_other_failures_of_the_compiler_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    def njit(*args: object, cache: bool = False) -> object:
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
