"""Peak memory of eager PyTorch: what was measured, and what is planned for it."""

from __future__ import annotations

import pytest

from memsim.files import read_table
from memsim.sheets.formats import render
from memsim.validation import fidelity
from memsim.validation.eager_memory import MOST, shipped, written

NAMES = ["eager_memory_test", "eager_memory_modules_test"]


def test_what_was_looked_at_judges_nothing() -> None:
    for table in ("peaks", "peaks_written"):
        rows = read_table("memsim.validation", table)
        sides = {
            side: {row["network"] for row in rows if row["split"] == side}
            for side in ("dev", "test")
        }
        assert len(sides["dev"]) + len(sides["test"]) == len(rows)
        assert len(sides["test"]) >= 10
    assert (shipped("dev").sample, written("test").sample) == ("in", "unseen")


@pytest.mark.parametrize("check", [written("dev"), written("test"), shipped("dev")],
                         ids=lambda check: str(check.name))  # fmt: skip
def test_every_peak_is_within_five_percent(check) -> None:
    assert all(abs(row.error) <= MOST for row in check.rows)
    assert [claim.holds for claim in check.claims] == [True]


@pytest.mark.release
def test_those_of_unseen_shipped_networks_are_too() -> None:
    report = fidelity(NAMES)
    assert all(claim.holds for check in report.checks for claim in check.claims)
    assert max(map(len, render(report, "table").splitlines())) <= 80
