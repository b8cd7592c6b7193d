"""What a program will take is told before it is built, and refused where it does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

import memsim
from memsim import limits
from memsim.errors import SimulationError
from memsim.limits import Forecast, check_least, forced, foretelling
from memsim.network import Network
from memsim.program.tiling import ORDERS
from tests.laws.test_program import buffers, few, lowerings, orders, program_of
from tests.strategies import networks

DEEP = """\
name: deep
input: [8, 16, 16]
layers:
  - block: {pattern: dense, layers: 30, growth: 8}
"""


@few
@given(networks(), lowerings, orders, buffers)
def test_what_is_told_is_what_is_listed(
    network: Network, lowering: str, order: str, buffer: int
) -> None:
    told: list[Forecast] = []
    with foretelling(told.append):
        program = program_of(network, buffer, lowering=lowering, order=order)
    assert [each.touches for each in told] == [len(program.touch_cell)]
    assert told[0].name == network.name


@pytest.mark.parametrize("options", [{"register_tile": "4x24"}, {"images": "apart"}, {}])
def test_it_counts_shared_tiles_and_images(options: dict[str, str]) -> None:
    told: list[Forecast] = []
    with foretelling(told.append):
        program = memsim.build(memsim.loads(DEEP, batch=3), buffer="16KiB", **options)
    assert [each.touches for each in told] == [len(program.touch_cell)]


def test_memory_that_is_not_there_is_refused_before_it_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = memsim.loads(DEEP)
    touches = len(memsim.build(network, buffer="16KiB").touch_cell)
    monkeypatch.setattr(limits, "memory_left", lambda: touches * limits.BYTES)
    memsim.build(network, buffer="16KiB")
    monkeypatch.setattr(limits, "memory_left", lambda: touches * limits.BYTES - 1)
    with pytest.raises(SimulationError, match=r"deep: .* GB are left \(.*; --force goes on\)"):
        memsim.build(network, buffer="16KiB")
    with forced():
        memsim.build(network, buffer="16KiB")


def test_memory_left_is_some() -> None:
    left = limits.memory_left()
    assert left is None or left > 1 << 20


def test_parameters_of_too_many_blocks_are_refused() -> None:
    wide = "name: wide\ninput: [1000000, 4, 4]\nlayers:\n  - conv: 1000000\n"
    with pytest.raises(SimulationError, match="wide takes more than 100,000,000 blocks of memory"):
        memsim.build(memsim.loads(wide), buffer="512KiB")


def test_the_command_says_what_it_will_take_and_is_forced(
    memsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deep.yaml").write_text(DEEP)
    monkeypatch.setattr("memsim.cli.effort.LONG", 1e-6)
    code, _, err = memsim("run", "deep.yaml")
    assert code == 0
    assert err == "memsim: note: deep: 0 million accesses, about 0 s and 0.0 GB\n"
    monkeypatch.setattr("memsim.cli.effort.LONG", 10)
    monkeypatch.setattr(limits, "memory_left", lambda: 1000)
    code, out, err = memsim("curve", "deep.yaml")
    assert (code, out) == (1, "")
    assert err.endswith("(larger buffers, a smaller input or batch; --force goes on)\n")
    code, out, err = memsim("curve", "deep.yaml", "--force")
    assert (code, err) == (0, "")
    assert out


@pytest.mark.parametrize("tile", ["none", "4x24"])
def test_tasks_are_counted_before_they_are_listed(
    monkeypatch: pytest.MonkeyPatch, tile: str
) -> None:
    text = "{name: wide, input: [3, 4096, 4096], layers: [conv: {out: 100000, kernel: 3}]}"

    def listed(*edges: object) -> None:
        raise AssertionError("tasks are listed")

    for order in ORDERS:
        monkeypatch.setitem(ORDERS._parts, order, listed)
    monkeypatch.setattr("memsim.limits.MOST_TOUCHES", 1_000_000)
    with pytest.raises(SimulationError, match=r"^conv1 takes more than 1,000,000 accesses"):
        memsim.build(memsim.loads(text), buffer="512KiB", register_tile=tile)


def test_many_accesses_are_told_before_they_are_counted() -> None:
    told: list[Forecast] = []
    with foretelling(told.append):
        check_least("deep", limits.MANY)
        assert not told
        check_least("deep", limits.MANY + 1)
    (forecast,) = told
    assert str(forecast).startswith("deep: at least 20 million accesses, about 26 s and 2.8 GB")


def test_memory_is_asked_for_when_there_are_many_accesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsim.limits.memory_left", lambda: 10**9)
    check_least("deep", 1_000_000)
    with pytest.raises(
        SimulationError, match=r"deep: at least 8 million accesses, .* 1\.0 GB are left"
    ):
        check_least("deep", 8_000_000)
    with forced():
        check_least("deep", 8_000_000)
