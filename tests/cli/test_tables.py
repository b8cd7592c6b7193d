"""``memsim paper`` and ``memsim compare``: what people read, and what programs read."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from memsim.sheets import text
from memsim.sheets.sheet import Grid, Sheet
from memsim.sheets.text import as_text, print_sheet
from tests.golden import check_golden

COMPARE = (
    "compare", "hardnet68", "densenet121", "resnet50", "--machine", "textbook", "--cache", "2MB",
)  # fmt: skip


@pytest.mark.parametrize("table", ["imagenet", "camvid"])
def test_a_table_of_the_paper(memsim, table: str) -> None:
    code, out, err = memsim("paper", table)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    check_golden(f"paper_{table}.txt", out)


def test_a_table_in_json_has_the_documented_keys(memsim) -> None:
    facts = json.loads(memsim("paper", "imagenet", "--format", "json")[1])
    assert facts["schema"] == "memsim.paper/1"
    row = facts["rows"][0]
    assert set(row) == {
        "network", "shipped", "variant", "outside", "accounting", "note",
        *(f"{q}{end}" for q in ("cio", "params", "macs") for end in ("", "_paper", "_deviation")),
    }  # fmt: skip
    assert row["network"] == "hardnet39ds"
    assert row["accounting"] == "depthwise_downsampling=left_out"
    assert row["cio_deviation"] == pytest.approx(row["cio"] / row["cio_paper"] - 1)


def test_a_row_without_ours_has_nothing_to_deviate(memsim) -> None:
    facts = json.loads(memsim("paper", "camvid", "--format", "json")[1])
    row = facts["rows"][0]
    assert (row["network"], row["cio"], row["cio_deviation"]) == ("segnet", None, None)
    assert row["cio_paper"] == 702e6 / 4


def test_a_table_in_csv_and_markdown(memsim) -> None:
    rows = list(csv.DictReader(StringIO(memsim("paper", "camvid", "--format", "csv")[1])))
    assert len(rows) == 12
    assert rows[2]["accounting"] == "transition_down=once"
    assert "| fc\\_hardnet84 | 8.35 | 8.4 |" in memsim("paper", "camvid", "--format", "md")[1]


def test_the_comparison_of_three(memsim) -> None:
    code, out, err = memsim(*COMPARE)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    check_golden("compare.txt", out)


def test_a_comparison_in_json(memsim) -> None:
    facts = json.loads(memsim("compare", "patterns/log", "--input", "64x28x28", "--batch", "2",
                              "--lowering", "concat_free", "--format", "json")[1])  # fmt: skip
    assert facts["schema"] == "memsim.comparison/3"
    assert facts["config"]["lowering"] == "concat_free"
    network = facts["networks"][0]
    assert network["input_shapes"] == [[2, 64, 28, 28]]
    assert set(network["moc"]) == {
        *(f"percentile_{p}" for p in (10, 25, 50, 75, 90)),
        "macs_share_below_30", "layers_below_30",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("paper imagenets", "unknown table 'imagenets' (did you mean 'imagenet'?)"),
        ("compare hardnet68 hardnet86", "unknown network 'hardnet86'"),
        ("compare hardnet68 --cache x", "cache"),
        ("paper camvid --format xml", "unknown format 'xml'"),
    ],
)
def test_errors(memsim, line: str, message: str) -> None:
    code, out, err = memsim(*line.split())
    assert (code, out) == (2, "")
    assert message in err


def test_nothing_to_compare_is_wrong_usage(memsim) -> None:
    assert memsim("compare")[0] == 2


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=6),
    st.lists(st.integers(1, 12), min_size=1, max_size=7),
    st.sampled_from([60, 80, 100]),
)
def test_numbers_are_whole_while_there_is_room_for_a_name(
    names: list[int], columns: list[int], width: int
) -> None:
    cells = tuple(digit * size for digit, size in zip("1234567", columns, strict=False))
    grid = Grid("", ("layer", *cells), tuple(("n" * size, *cells) for size in names))
    lines = as_text(Sheet("title", grids=(grid,)), width).splitlines()
    assert all(len(line) <= width for line in lines)
    if 12 + sum(2 + size for size in columns) <= width:
        for line in lines[-len(names) :]:
            assert line.split()[1:] == list(cells)


WORDS = st.text("ab1.-[]: ", min_size=1, max_size=16).map(str.strip)


@settings(max_examples=40)
@given(st.data(), st.integers(1, 4), st.integers(1, 4), st.sampled_from([30, 80]))
def test_a_table_that_fits_is_put_side_by_side_as_rich_would(
    data: st.DataObject, columns: int, rows: int, width: int
) -> None:
    row = st.tuples(*[WORDS] * columns)
    heads = data.draw(st.tuples(*[WORDS.map(lambda word: word.strip("[]:"))] * columns))
    title, total = data.draw(WORDS), data.draw(st.integers(0, rows))
    grid = Grid(title, heads, tuple(data.draw(row) for _ in range(rows)), total)
    for colours in (None, "standard"):
        plain, rich = (
            Console(file=StringIO(), width=width, color_system=colours, force_terminal=True)
            for _ in range(2)
        )
        print_sheet(Sheet("t", grids=(grid,)), plain)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text, "aligned", lambda grid, width, least: None)
            print_sheet(Sheet("t", grids=(grid,)), rich)
        assert _seen(plain) == _seen(rich)


def _seen(console: Console) -> list[list[tuple[str, bool]]]:
    """Each line's characters, and whether they are bold; spaces at the end are not seen."""
    lines = Text.from_ansi(console.file.getvalue()).split("\n", allow_blank=True)
    seen = []
    for line in lines:
        line.rstrip()
        bold = {at for span in line.spans if span.style.bold for at in range(span.start, span.end)}
        cells = [(char, at in bold and char != " ") for at, char in enumerate(line.plain)]
        seen.append(cells)
    return seen
