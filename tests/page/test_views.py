"""A view of the page can be sent, kept and taken apart: its address, its downloads, its graph."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from memsim.results.run import Result
from memsim.results.sheets.run import joules_text
from tests.page.packed import facts_of
from tests.page.viewer import Viewer, viewing, whole

BLOCK = """\
name: "=block"
input: [3, 32, 32]
layers:
  - {conv: {out: 16, kernel: 3, bn: true, act: relu}, name: a1}
  - {conv: {out: 16, kernel: 3, bn: true, act: relu}, name: a2}
  - {conv: {out: 16, kernel: 3, bn: true, act: relu}, name: a3}
  - {concat: [a1, a3], name: b1.concat}
  - {conv: {out: 32, kernel: 1}, name: b1}
  - global_avgpool
  - linear: 10
"""
LOWERINGS, DTYPES = ("fused", "concat_free"), ("fp32", "int8")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("network") / "block.yaml"
    file.write_text(BLOCK)
    return str(file)


@pytest.fixture(scope="module")
def report(network: str) -> Path:
    out = Path(network).with_suffix(".html")
    words = ["report", network, "--machine", "textbook", "-o", str(out)]
    assert run([*words, "--lowering", ",".join(LOWERINGS), "--dtype", ",".join(DTYPES)]) == 0
    return out


def test_every_variant_is_in_the_file(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    wanted = [{"lowering": a, "dtype": b} for a in LOWERINGS for b in DTYPES]
    assert facts_of(text)["variants"] == wanted
    assert [f'id="facts-{number}"' in text for number in (1, 2, 3, 4)] == [True] * 3 + [False]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--lowering fused,", "--lowering: expected different names between commas"),
        ("--dtype int8,int8", "--dtype: expected different names between commas"),
        ("--lowering fused,eager --explain", "--explain: tells of one program, and there are 2"),
        ("--lowering fused,egaer", "unknown lowering 'egaer'"),
    ],
)
def test_what_is_no_list_of_variants_is_told(
    network: str, words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert run(["report", network, *words.split(), "-o", str(out)]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def check(viewer: Viewer, expected: Result) -> None:
    """Traffic, frames and energy of the only card."""
    label = expected.program.network.name
    assert whole(viewer.card(label, "exact")) == expected.dram_bytes
    assert float(viewer.card(label, "frames")) == float(f"{1e12 / expected.time_ps:.3g}")
    assert viewer.card(label, "energy") == joules_text(expected.totals["energy_j"])
    assert whole(viewer.rows("#table-what")["total"][-1]) == expected.dram_bytes


def downloaded(viewer: Viewer, plot: str, kind: str) -> bytes:
    with viewer.tab.expect_download() as begun:
        viewer.tab.locator(f"{plot} + .tools button", has_text=kind).click()
    return Path(begun.value.path()).read_bytes()


def rows_of(viewer: Viewer, plot: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(downloaded(viewer, plot, "CSV").decode("utf-8"))))


@pytest.mark.needs("playwright.sync_api")
def test_in_a_browser(browser: Any, network: str, report: Path) -> None:
    with viewing(browser, report, accept_downloads=True) as viewer:
        tab = viewer.tab

        def said(dtype: str | None = None, **more: str) -> Result:
            loaded = memsim.load(network, dtype=dtype)
            return memsim.run(loaded, machine="textbook", cache="16KiB", **more)

        # An address is obeyed; what it does not tell is as the page opens.
        viewer.go("cache=16KiB&macs=1TMAC/s&split=cause&theme=dark&picked=0:layer:a3.conv")
        check(viewer, said(macs="1TMAC/s"))
        assert tab.is_checked("input[name=split][value=cause]")
        assert tab.get_attribute("html", "data-theme") == "dark"

        # A switch of the data type keeps what else is set, and goes into the address.
        with tab.expect_navigation():
            tab.check("#switch-dtype input[value=int8]", force=True)
        viewer.settle()
        check(viewer, said(macs="1TMAC/s", dtype="int8"))
        assert "dtype=int8" in tab.url
        assert "int8" in viewer.text("#configuration")
        with tab.expect_navigation():
            tab.check("#switch-lowering input[value=concat_free]", force=True)
        viewer.settle()
        check(viewer, said(macs="1TMAC/s", dtype="int8", lowering="concat_free"))

        # A layer that is picked is marked in the graph, the layers, the lives and both tables.
        assert "a3.conv (conv): " in viewer.text(".picked")
        viewer.scroll_through()
        spots = "#plots-layers .spot, #plots-lives .spot"
        assert tab.locator(spots).count() == 4
        for place in ("#plots-layers", "#plots-lives"):
            viewer.unfold(place)
            assert "a3" in viewer.text(f"{place} .picked-row th")
        tab.locator("#plots-layers tbody tr", has_text="a1.conv").click()
        assert "a1.conv (conv): " in viewer.text(".picked")
        tab.locator(".graph svg").click(position={"x": 140, "y": 121})  # the first kernel
        assert "a1.conv" not in viewer.text(".picked")  # it was picked: it is put down
        tab.locator(".graph svg").click(position={"x": 140, "y": 121})
        assert "a1.conv (conv): " in viewer.text(".picked")
        tab.locator(".picked").get_by_text("put down").click()
        assert tab.locator(".picked-row").count() == 0
        viewer.scroll_through()
        assert tab.locator(spots).count() == 0

        # The graph has the links of the program, all of them; its file is no formula.
        program = said(dtype="int8", lowering="concat_free").program
        writer = {kernel.output.name: kernel.name for kernel in program.kernels}
        links = {
            (segment.tensor, writer[segment.tensor], kernel.name)
            for kernel in program.kernels
            for operand in kernel.operands
            for segment in operand.view.segments
            if segment.tensor in writer
        }
        found = rows_of(viewer, ".graph")
        assert {(r["feature_map"], r["written_by"], r["read_by"]) for r in found} == links
        assert {row["network"] for row in found} == {"'=block"}

        # The curve's file has every step; its picture is one.
        steps = memsim.curve(network, machine="textbook").steps
        viewer.go("theme=light")
        assert not tab.is_checked("#switch-dtype input[value=int8]")
        rows = rows_of(viewer, "#plot-curve")
        assert [int(row["cache_bytes"]) for row in rows] == steps.cache_bytes.tolist()
        assert [int(row["dram_bytes"]) for row in rows] == steps.dram_bytes.tolist()
        assert downloaded(viewer, "#plot-curve", "PNG").startswith(b"\x89PNG")

        # An entry of a legend takes its bars away; bytes in tables and files stay.
        bars = tab.locator("#plot-role .bars")
        tab.locator("#plot-role").scroll_into_view_if_needed()
        viewer.settle()
        before = bars.count()
        tab.locator(".legend[data-legend=role] button", has_text="weight").click()
        viewer.settle()
        assert bars.count() == before - 1
        assert "hidden=role%253Aweight" in tab.url
        # What it tells wrongly is left out.
        viewer.go("hidden=role%253Aspare,%25,role:input&cache=nonsense")
        assert tab.locator(".legend[data-legend=role] [aria-pressed=false]").all_inner_texts() == [
            "input"
        ]
        assert viewer.cache == 2_000_000
        weights = [row for row in rows_of(viewer, "#plot-role") if row["role"] == "weight"]
        expected = memsim.run(network, machine="textbook")
        assert int(weights[0]["dram_bytes"]) == expected.by_part["weights"]
