"""What was read off runs is counted from the model itself."""

from __future__ import annotations

from dataclasses import fields

from memsim.program.library.onednn.runtime import BARE, Floor, Runtime
from memsim.validation.traffic.read_off import KNOWN, READ_OFF, floors, numbers


def test_the_numbers_of_a_floor_are_counted_where_they_are_not_zero() -> None:
    assert numbers(Floor(read=270, dirtied=110, written=15)) == 3
    assert floors(BARE) == 0
    some = Runtime(every=Floor(read=1), kinds={"conv": Floor(read=2, own=3)}, module=0,
                   start=Floor())  # fmt: skip
    assert floors(some) == 3


def test_the_runtime_that_ships_counts_by_hand() -> None:
    """Every operator; convolutions of 4 + 4 + 4 + 4 + 3; 9 other kinds; modules; the start."""
    assert floors() == 3 + 19 + 19 + 1 + 2


def test_every_part_of_the_runtime_is_either_read_off_runs_or_known() -> None:
    assert {each.name for each in fields(Runtime)} == {*READ_OFF, *KNOWN}
