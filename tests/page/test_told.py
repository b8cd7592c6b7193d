"""What the page shows says what it holds for: which size, which part, which program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from memsim.readable import format_bytes, format_time
from memsim.results.sheets.run import joules_text
from tests.page.packed import facts_of
from tests.page.viewer import Viewer, viewing, whole

NETWORK = """\
name: one
input: [16, 40, 40]
layers:
  - block: {pattern: harmonic, layers: 4, growth: 8, multiplier: 1.6}
  - {conv: {out: 24, kernel: 3}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("told")
    (found / "one.yaml").write_text(NETWORK)
    words = ["report", str(found / "one.yaml")]
    sets = [*words, "--machine", "cpu"]
    assert run([*sets, "-o", str(found / "sets.html")]) == 0
    assert run([*sets, "--gallery", "-o", str(found / "gallery")]) == 0
    only = ["--machine", "edge", "--only", "feature-maps", "-o", str(found / "only.html")]
    assert run([*words, *only]) == 0
    program = ["--lowering", "fused,concat_free", "--dtype", "fp32,int8"]
    program += ["--machine", "textbook", "-o", str(found / "programs.html")]
    assert run([*words, *program]) == 0
    return found


def file_of(viewer: Viewer, plot: str) -> tuple[str, list[dict[str, str]]]:
    """The name and the rows of what the button CSV below a plot downloads."""
    with viewer.tab.expect_download() as begun:
        viewer.tab.locator(f"{plot} + .tools button", has_text="CSV").click()
    text = Path(begun.value.path()).read_text(encoding="utf-8")
    return begun.value.suggested_filename, list(csv.DictReader(io.StringIO(text)))


def test_a_page_of_simulated_sizes_claims_no_other(folder: Path) -> None:
    simulated = memsim.curve(str(folder / "one.yaml"), machine="cpu").sampled
    assert len(simulated) > 3
    pages = [(folder / name).read_text("utf-8") for name in ("sets.html", "programs.html")]
    assert facts_of(pages[0])["sampled"] == list(simulated)
    assert facts_of(pages[1])["sampled"] == []
    assert f"Traffic was simulated at {len(simulated)} sizes" in pages[0]
    assert ["exact at every cache size" in page for page in pages] == [False, True]


@pytest.mark.needs("playwright.sync_api")
def test_traffic_and_time_between_simulated_sizes_are_of_one_size(
    browser: Any, folder: Path
) -> None:
    network = str(folder / "one.yaml")
    simulated = memsim.curve(network, machine="cpu").sampled
    size = simulated[1]
    expected = memsim.run(network, machine="cpu", cache=size)
    with viewing(browser, folder / "sets.html", accept_downloads=True) as viewer:
        between = (simulated[1] + simulated[2]) // 2 + 1000  # nearer to the larger one
        viewer.enter(str(between))
        assert viewer.cache == between
        assert viewer.card("one", "exact").startswith(f"{expected.dram_bytes:,} B (at ")
        assert viewer.card("one", "latency").startswith(f"{format_time(expected.time_ps)} (at ")
        smallest = memsim.run(network, machine="cpu", cache=simulated[0])
        assert f"with 64 KiB {format_bytes(smallest.dram_bytes)}" in viewer.card("one", "meter")
        said = viewer.tab.locator("#summary")
        said.filter(has_text="the nearest smaller one that was simulated").wait_for()
        assert "without a cache" not in viewer.text("main")
        # The slider stops where something was simulated, and nowhere else.
        viewer.press("#cache-slider", "Home")
        assert viewer.cache == simulated[0]
        viewer.press("#cache-slider", "ArrowRight", 2)
        assert viewer.cache == simulated[2]
        viewer.enter("1 kB")
        said.filter(has_text="64 KiB, the smallest that was simulated").wait_for()
        # A file has no row of a size that was not.
        _, rows = file_of(viewer, "#plot-curve")
        assert {int(row["cache_bytes"]) for row in rows} <= set(simulated)
        _, rows = file_of(viewer, "#plot-role")
        assert {int(row["cache_bytes"]) for row in rows} == {simulated[0]}

        viewer.open(f"{(folder / 'gallery/index.html').as_uri()}#cache={between}+B")
        assert "those of 128 KiB, the nearest smaller one that was simulated" in viewer.text(
            "#said"
        )
        cell = viewer.tab.locator("[data-network=one] [data-fact=traffic]")
        assert whole(cell.get_attribute("title")) == expected.dram_bytes


@pytest.mark.needs("playwright.sync_api")
def test_energy_is_of_all_traffic_where_a_part_is_told(browser: Any, folder: Path) -> None:
    network = str(folder / "one.yaml")
    with viewing(browser, folder / "only.html") as viewer:
        for cache in (0, 20_000, 10_000_000):
            viewer.enter(f"{cache} B")
            told = memsim.run(network, machine="edge", cache=cache, only="feature-maps")
            assert whole(viewer.card("one", "exact")) == told.dram_bytes
            assert viewer.card("one", "energy") == joules_text(told.totals["energy_j"])
        assert viewer.tab.locator("[data-fact=weights]").count() == 0  # not told: not 0 bytes


@pytest.fixture
def programs(browser: Any, folder: Path) -> Iterator[Viewer]:
    options = {"accept_downloads": True, "has_touch": True}
    with viewing(browser, folder / "programs.html", **options) as found:
        yield found


@pytest.mark.needs("playwright.sync_api")
@pytest.mark.slow
def test_files_say_of_what_they_are_and_a_finger_is_told(programs: Viewer, folder: Path) -> None:
    viewer, tab = programs, programs.tab
    # What is not drawn yet has its place: nothing moves while somebody reads on.
    tall = "document.documentElement.scrollHeight"
    before = tab.evaluate(tall)
    viewer.scroll_through()
    assert tab.locator(".plot").count() == tab.locator(".plot > svg").count()
    assert tab.evaluate(tall) == before

    # Files can be put together, and none is named as another: of a part, of a program.
    name, rows = file_of(viewer, "#plot-cause")
    wanted = {"network": "one", "machine": "textbook", "lowering": "fused", "batch": "1"}
    wanted |= {"dtype": "fp32", "part": "all", "cache_bytes": "2000000"}
    assert {key: rows[0][key] for key in wanted} == wanted
    names = {name}
    with tab.expect_navigation():
        tab.check("#switch-dtype input[value=int8]", force=True)
    tab.locator("#switch-dtype input[value=int8]:checked").wait_for(state="attached")
    viewer.settle()
    tab.locator("input[name=part][value=maps]").check(force=True)
    viewer.settle()
    name, rows = file_of(viewer, "#plot-cause")
    names.add(name)
    assert name == "dram-traffic-of-feature-maps-by-cause-cache-2-mb-fused-int8.csv"
    assert {(row["dtype"], row["part"]) for row in rows} == {("int8", "feature-maps")}
    network = memsim.load(str(folder / "one.yaml"), dtype="int8")
    expected = memsim.run(network, machine="textbook", only="feature-maps")
    assert sum(int(row["dram_bytes"]) for row in rows) == expected.dram_bytes
    for plot in (".graph", "#plot-latency-cache"):
        name, rows = file_of(viewer, plot)
        names.add(name)
        assert {(row["lowering"], row["dtype"]) for row in rows} == {("fused", "int8")}
    assert len(names) == 4

    # The cache's line lies above the bars that reach it, and its name is readable on them.
    live = tab.locator("#plots-lives .plot").nth(1)
    live.scroll_into_view_if_needed()
    viewer.settle()
    assert live.locator("svg").evaluate(
        "svg => { const [line] = [...svg.querySelectorAll('text')]"
        ".filter(text => text.textContent.startsWith('cache '));"
        " return [...svg.querySelectorAll('.bars')].every(bar =>"
        " bar.compareDocumentPosition(line) & Node.DOCUMENT_POSITION_FOLLOWING); }"
    )

    # A finger does not hover: a tap tells, and the next one elsewhere is told instead.
    for plot, across, down in (("#plots-lives .plot >> nth=1", 400, 120), (".graph", 140, 121)):
        chart = tab.locator(plot)  # live bytes; the first kernel of the graph
        chart.scroll_into_view_if_needed()
        viewer.settle()
        box = chart.bounding_box()
        tab.touchscreen.tap(box["x"] + across, box["y"] + down)
        chart.locator(".readout").wait_for()
    assert tab.locator(".readout:not([hidden])").count() == 1
    # Times of a small network are told in its units.
    ticks = tab.locator("#plot-latency-cache svg text").all_text_contents()
    assert any(tick.endswith(" us") for tick in ticks)
    assert not any(tick.startswith("0.0") for tick in ticks)
