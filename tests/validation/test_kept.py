"""Kept checks are told only while they are what would be made today."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memsim.cli.main import run
from memsim.validation import CHECKS, Check, fidelity
from memsim.validation import kept as module
from memsim.validation.kept import Kept, _same, kept, kept_text, read_kept, state, still_true

IDEAL = "dev_ideal"
"""A check whose probe takes no time."""


def ideal(**changed: float) -> Kept:
    """That check alone, kept a moment ago; with other predictions for rows that begin so."""
    check = kept().checks[IDEAL]
    rows = [
        replace(row, predicted=row.predicted * factor) if row.name.startswith(name) else row
        for row in check.rows
        for name, factor in [*changed.items()] or [("nothing", 1.0)]
    ]
    return Kept("1.0", state(), {IDEAL: replace(check, rows=tuple(rows))})


def test_a_kept_check_is_told_while_a_probe_says_the_same() -> None:
    known = ideal()
    assert still_true([IDEAL, "unkept"], known) == known.checks
    assert still_true(["unkept"], known) == {}


def test_nothing_is_told_as_kept_when_the_model_or_its_data_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert still_true([IDEAL], ideal(squeezenet1_0=1.00001)) == {}
    assert still_true([IDEAL], ideal(squeezenet1_0=1 + 1e-9))  # a solver's last digits
    assert still_true([IDEAL], replace(ideal(), state="what it was")) == {}
    monkeypatch.setattr(module, "predicted", lambda subject, series: {})  # a size is gone
    assert still_true([IDEAL], ideal()) == {}


def test_the_state_is_that_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    before = state()
    assert before == state()
    monkeypatch.setitem(module.ROOMS, "validation", (".py",))
    assert state() != before


def test_what_is_kept_comes_back_as_it_was() -> None:
    checks = kept().checks
    assert read_kept(kept_text("1.0", "", checks.values())).checks == checks
    assert set(checks) <= set(CHECKS)
    assert checks["zen3"].kernels is not None


def test_the_summary_has_a_line_per_check_and_says_what_was_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    here: dict[str, Check] = {IDEAL: kept().checks[IDEAL]}
    monkeypatch.setattr("memsim.validation.record.still_true", lambda names: here)
    names = [IDEAL, "test_fused"]
    found = fidelity(names, told=lambda done, total: told.append((done, total)))
    assert found.kept == (IDEAL,)
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert [row["held"] for row in found.verdicts.rows()] == [0, 0]
    assert run(["fidelity", *names, "--summary"]) == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert [words[1] for words in lines if words[:1] == [IDEAL]] == ["in"]
    assert [words[-1] for words in lines if words[:1] == ["test_fused"]] == ["NO"]
    assert "test_fused: WAPE at most 7 %" in out
    assert max(map(len, out.splitlines())) <= 80
    assert err.startswith("memsim: 1 check is told as kept")
    assert run(["fidelity", "eager_memory_modules_dev", "--summary", "--anew"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.needs("scipy")
@pytest.mark.release
def test_every_kept_check_is_what_is_made_today() -> None:
    assert kept().state == state(), "run benchmarks/keep_checks.py"
    for name, check in kept().checks.items():
        made = CHECKS[name]()
        assert len(made.rows) == len(check.rows)
        assert _same(made.rows, check.rows), name
        assert replace(made, rows=(), kernels=None) == replace(check, rows=(), kernels=None)
        if made.kernels is not None:
            assert check.kernels is not None
            assert _same(made.kernels.rows, check.kernels.rows)
            assert made.kernels.wape == pytest.approx(check.kernels.wape)
