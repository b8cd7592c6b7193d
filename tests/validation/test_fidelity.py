"""The report of fidelity: what it says is what the documents say, and the goals are reached."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from memsim.calibration.score import Score
from memsim.cli.main import run
from memsim.errors import InputError
from memsim.sheets.formats import render
from memsim.validation import CHECKS, Check, CheckRow, Fidelity, fidelity

pytestmark = pytest.mark.needs("scipy")

DOCUMENT = Path(__file__).parents[2] / "docs" / "fidelity.md"


@cache
def whole() -> Fidelity:
    return fidelity()


def test_the_document_is_the_report():
    expected = "memsim fidelity --format md -o docs/fidelity.md"
    assert DOCUMENT.read_text("utf-8") == render(whole(), "md"), expected


def test_the_report_in_json():
    facts = json.loads(render(whole(), "json"))
    assert facts["schema"] == "memsim.fidelity/1"
    assert [check["name"] for check in facts["checks"]] == list(CHECKS)
    for check in facts["checks"]:
        assert set(check) == {
            "name", "title", "unit", "facts", "parameters", "errors", "fitted_errors", "claims",
            "rows", "notes",
        }  # fmt: skip
        assert check["errors"]["rows"] == len(check["rows"])


def test_the_report_fits_a_terminal():
    text = render(whole(), "table")
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_all_goals_are_reached_and_all_claims_hold():
    for check in whole().checks:
        for claim in check.claims:
            assert claim.holds, f"{check.name}: {claim.text}: {claim.predicted}"


def test_a_fit_has_far_fewer_parameters_than_rows():
    for check in whole().checks:
        assert 2 * check.parameters <= len(check.rows), check.name


def test_rows_are_flat():
    rows = whole().rows()
    assert len(rows) == sum(len(check.rows) for check in whole().checks)
    assert rows[0]["check"] == "gtx1080"


def test_one_check_alone(capsys):
    assert run(["fidelity", "jetson_nano", "--format", "csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    with pytest.raises(InputError, match="did you mean 'titan_v'"):
        fidelity(["titan"])


def test_errors_are_of_what_had_not_seen_the_row():
    rows = (CheckRow("a", 1.0, 1.1, 1.0), CheckRow("b", 2.0, 2.0, 2.0), CheckRow("c", 4.0, 4.0))
    check = Check("x", "X", "ms", (), rows)
    assert check.score == Score.of([1, 2, 4], [1.1, 2, 4])
    assert check.fitted_score is None
    assert check.rows[0].error == pytest.approx(0.1)
