"""The page in a real browser says what ``memsim run`` says, and can be used by everybody."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memsim
from memsim.cli.main import run
from memsim.errors import InputError
from memsim.page.latency_grid import LatencyGrid
from memsim.readable import format_bytes, format_time
from memsim.results.run import Result
from memsim.units import parse_bytes
from tests.page.test_page import EVIL, EVIL_LAYER, evil_network
from tests.page.viewer import Viewer, viewing, whole

pytestmark = pytest.mark.needs("playwright.sync_api")

NETWORKS = ("hardnet68", "densenet121")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    assert run(["report", *NETWORKS, "--machine", "textbook", "-o", str(file)]) == 0
    return file


@pytest.fixture
def viewer(browser: Any, report: Path):
    with viewing(browser, report) as found:
        yield found


def test_the_first_chart_is_above_the_fold(viewer: Viewer) -> None:
    viewer.tab.set_viewport_size({"width": 1400, "height": 900})
    viewer.settle()
    box = viewer.tab.locator("#plot-curve svg").bounding_box()
    assert 0 < box["y"] < box["y"] + box["height"] <= 900


def at(network: str, cache: int) -> Result:
    return memsim.run(network, machine="textbook", cache=cache, clock="recurrence")


def check_numbers(viewer: Viewer, cache: int) -> None:
    """Every number of the cards and of the table, to the byte."""
    assert viewer.cache == cache
    for number, network in enumerate(NETWORKS):
        expected = at(network, cache)
        assert viewer.card(network, "total") == format_bytes(expected.dram_bytes)
        for fact, bytes_ in (
            ("exact", expected.dram_bytes),
            ("read", expected.dram_read_bytes),
            ("write", expected.dram_write_bytes),
        ):
            assert whole(viewer.card(network, fact)) == bytes_, (network, cache, fact)
        rows = viewer.rows("#table-what", number)
        causes = viewer.columns("#table-what", number)[1:-1]
        for role, split in expected.by_role_and_cause.items():
            shown = [whole(cell) for cell in rows.get(role, ["-"] * (len(causes) + 1))]
            assert shown == [*(split[cause] for cause in causes), sum(split.values())]
        totals = [whole(cell) for cell in rows["total"]]
        assert totals == [*(expected.by_cause[cause] for cause in causes), expected.dram_bytes]


# ---- exact at every size


def test_ten_random_sizes_typed_into_the_field(viewer: Viewer) -> None:
    draw = random.Random(1)
    for _ in range(10):
        cache = int(10 ** draw.uniform(3.5, 7))
        viewer.enter(f"{cache} B")
        check_numbers(viewer, cache)


def test_ten_positions_of_the_slider_by_keyboard(viewer: Viewer) -> None:
    draw = random.Random(2)
    slider = "#cache-slider"
    viewer.press(slider, "Home")
    check_numbers(viewer, 0)
    seen = {0}
    for _ in range(8):
        viewer.press(slider, "PageUp")
        viewer.press(slider, "ArrowRight", draw.randrange(1, 6))
        check_numbers(viewer, viewer.cache)
        seen.add(viewer.cache)
    viewer.press(slider, "End")
    check_numbers(viewer, viewer.cache)
    assert len(seen | {viewer.cache}) == 10
    spoken = viewer.tab.get_attribute(slider, "aria-valuetext")
    assert parse_bytes(spoken) == viewer.cache


def test_both_sides_of_a_step(viewer: Viewer) -> None:
    steps = memsim.curve("densenet121", machine="textbook").steps.cache_bytes
    for edge in (int(steps[1]), int(steps[len(steps) // 2]), int(steps[-1])):
        for cache in (edge - 1, edge):
            viewer.enter(str(cache))
            check_numbers(viewer, cache)


def test_arrow_keys_in_the_field_go_from_step_to_step(viewer: Viewer) -> None:
    steps = np.unique(
        np.concatenate([memsim.curve(n, machine="textbook").steps.cache_bytes for n in NETWORKS])
    )
    place = int(np.searchsorted(steps, 2_000_000, side="right"))
    viewer.press("#cache-field", "ArrowUp")
    check_numbers(viewer, int(steps[place]))
    viewer.press("#cache-field", "ArrowUp", 2)
    assert viewer.cache == steps[place + 2]
    viewer.press("#cache-field", "ArrowDown", 3)
    assert viewer.cache == steps[place - 1]


def test_a_knee_is_a_button(viewer: Viewer) -> None:
    knee = memsim.curve("densenet121", machine="textbook").knees()[-1]
    button = viewer.tab.locator(f'button[data-cache="{knee.cache_bytes}"]')
    button.focus()
    viewer.tab.keyboard.press("Enter")
    check_numbers(viewer, knee.cache_bytes)
    assert button.get_attribute("aria-pressed") == "true"


def test_a_knee_of_the_curve_can_be_clicked(viewer: Viewer) -> None:
    knees = {
        knee.cache_bytes
        for name in NETWORKS
        for knee in memsim.curve(name, machine="textbook").knees()
    }
    viewer.tab.locator("#plot-curve").scroll_into_view_if_needed()
    viewer.settle()
    # Hollow marks of a network are drawn after its two lines; its solid one is the last.
    mark = viewer.tab.locator("#plot-curve .point").first
    box = mark.bounding_box()
    viewer.tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "a knee at" in viewer.text("#plot-curve .readout")
    viewer.tab.mouse.down()
    viewer.tab.mouse.up()
    assert viewer.cache in knees


@pytest.mark.parametrize("network", NETWORKS)
def test_every_layer_and_every_feature_map(viewer: Viewer, network: str) -> None:
    number = NETWORKS.index(network)
    for place in ("#plots-layers", "#plots-lives"):
        # By keyboard: a click can miss while charts above are still being drawn.
        viewer.unfold(place, number)
    for cache in (70_000, 1_500_000):
        viewer.enter(str(cache))
        expected = at(network, cache)
        rows, columns = viewer.rows("#plots-layers"), viewer.columns("#plots-layers")[1:]
        assert len(rows) == len(expected.layers) + 1
        for layer in expected.layers:
            split = {**layer.by_role, **layer.by_cause, "total": layer.dram_bytes}
            assert [whole(cell) for cell in rows[layer.name]] == [split[c] for c in columns]
        lives = viewer.rows("#plots-lives")
        spilled = sum(whole(cells[3]) for cells in lives.values())
        assert spilled == expected.by_cause["spill"]
        kernels = {kernel.output.name: kernel for kernel in expected.program.kernels}
        for name, (writer, _, nbytes, *_) in lives.items():
            if writer != "input":
                assert writer == kernels[name].name
                assert whole(nbytes) == kernels[name].output.nbytes


def test_a_large_network_is_folded_and_a_block_is_opened(viewer: Viewer) -> None:
    tab, name = viewer.tab, "densenet121"
    program = at(name, 2_000_000).program
    inside = [kernel.name for kernel in program.kernels if kernel.name.startswith("block3.")]
    graph = tab.locator(".graph").nth(NETWORKS.index(name))

    def shown() -> list[int]:
        """Kernels, blocks and links of the graph, as its label tells them."""
        graph.scroll_into_view_if_needed()
        viewer.settle()
        return [int(n) for n in re.findall(r"\d+", graph.get_attribute("aria-label"))[1:5]]

    kernels, links, folded, blocks = shown()
    assert (kernels, links > kernels, folded > 4) == (len(program.kernels), True, True)
    count = "paths => paths.map(path => path.getAttribute('d')).join('').split('M').length - 1"
    few = graph.locator(".arcs").evaluate_all(count)
    assert few < blocks * 3
    box = graph.locator("text.cell").nth(2)
    assert int(box.text_content().split()[0]) > 100  # links of block3
    box.scroll_into_view_if_needed()
    where = box.bounding_box()
    tab.mouse.click(where["x"] + where["width"] / 2, where["y"] + where["height"] / 2)
    viewer.settle()
    assert "open=" in tab.url
    said = tab.locator(".picked").nth(NETWORKS.index(name))
    assert f"block3: {len(inside)} kernels" in said.inner_text()
    assert shown() == [kernels, links, folded - 1, blocks]
    assert graph.locator(".arcs").evaluate_all(count) > few + 100
    # What is picked is marked in the other charts, and in the table, by keyboard as well.
    details = viewer.unfold("#plots-layers", NETWORKS.index(name))
    assert details.locator(".picked-row").count() == len(inside)
    address = tab.url
    first = details.locator(".picked-row th").first
    first.press("ArrowDown")
    tab.keyboard.press("Enter")
    assert f"{inside[1]} (" in said.inner_text()
    assert tab.evaluate("document.activeElement.textContent") == inside[1]
    assert details.locator(".picked-row").count() == 1
    # Another who opens the address sees the same.
    viewer.settle()
    assert tab.url != address
    viewer.open(address)
    assert f"block3: {len(inside)} kernels" in said.inner_text()
    assert shown()[2] == folded - 1
    said.get_by_text("fold it").click()
    assert shown()[2] == folded
    said.get_by_text("open all blocks").click()
    assert shown()[2] == 0
    # A knee names feature maps: one is picked there, too.
    tab.locator("#knees .name-of").first.press("Enter")
    assert tab.locator("#knees .picked-row").count() >= 1


# ---- time, on the grid


def test_latency_is_that_of_the_nearest_point_of_the_grid_and_says_so(viewer: Viewer) -> None:
    draw = random.Random(3)
    machine = memsim.load_machine("textbook")
    largest = max(
        int(memsim.curve(name, machine="textbook").steps.cache_bytes[-1]) for name in NETWORKS
    )
    grid = LatencyGrid.of(machine, largest)
    for _ in range(4):
        cache = int(10 ** draw.uniform(4.3, 6.8))
        viewer.enter(str(cache))
        viewer.press("#rate-slider", "Home")
        steps = draw.randrange(len(grid.bandwidths))
        viewer.press("#rate-slider", "ArrowRight", steps)
        rate = draw.randrange(len(grid.mac_rates))
        viewer.press("#macs-slider", "Home")
        viewer.press("#macs-slider", "ArrowRight", rate)
        near = min(grid.capacities[1:], key=lambda size: abs(np.log(size / cache)))
        note = viewer.text("#grid-note")
        assert f"the nearest is {near:,} B, whose times are shown" in note
        for network in NETWORKS:
            ran = memsim.run(
                network, cache=near, bandwidth=grid.bandwidths[steps], machine="textbook",
                macs=grid.mac_rates[rate],
            )  # fmt: skip
            time, shown = ran.time_ps, viewer.card(network, "latency")
            assert shown.startswith(f"{format_time(time)} (at ")
            assert parse_bytes(shown.partition(" (at ")[2].rstrip(")")) == near


def test_bandwidth_changes_no_traffic(viewer: Viewer) -> None:
    viewer.press("#rate-slider", "End")
    check_numbers(viewer, 2_000_000)


# ---- the field reads what the command line reads

TEXTS = [
    "2MB", "2MiB", "2 MiB", "512k", "512K", "64KiB", "64kiB", "1.5 kB", "1e6", "2.5e3 B", "0",
    ".5MB", " 7 ", "1GB", "1.5", "-1", "-0", "2 MX", "2mb", "", "abc", "1e31", "1.5B", "2MBit",
    "1e-3MB", "0x10",
]  # fmt: skip


def test_the_field_reads_sizes_as_the_command_line_does(viewer: Viewer) -> None:
    for text in TEXTS:
        viewer.enter("12345 B")
        assert viewer.text("#cache-error") == ""
        viewer.enter(text)
        try:
            expected = parse_bytes(text)
        except InputError:
            assert viewer.cache == 12345, text
            assert viewer.text("#cache-error") != "", text
            assert viewer.tab.get_attribute("#cache-field", "aria-invalid") == "true"
        else:
            assert viewer.cache == expected, text
            assert viewer.text("#cache-error") == "", text


# ---- for everybody


def test_the_summary_is_read_out_when_the_slider_rests(viewer: Viewer) -> None:
    viewer.enter("1MiB")
    assert viewer.tab.get_attribute("#summary", "aria-live") == "polite"
    viewer.settle()  # the sentence waits until the size has rested
    said = viewer.text("#summary")
    for network in NETWORKS:
        assert f"{network} moves {format_bytes(at(network, 2**20).dram_bytes)}" in said
    assert said.startswith("With a cache of 1 MiB and 25.6 GB/s")


def test_controls_are_labelled_and_reached_in_order(viewer: Viewer) -> None:
    tab = viewer.tab
    order = []
    for _ in range(6):
        tab.keyboard.press("Tab")
        order.append(
            tab.evaluate(
                "[document.activeElement.id || document.activeElement.className,"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
        )
    ids = [name for name, _ in order]
    assert ids == ["skip", "theme", "cache-slider", "cache-field", "cache-own", "rate-slider"]
    assert all(outline != "none" for _, outline in order)
    assert tab.get_by_role("slider", name="Cache").count() == 1
    assert tab.get_by_role("slider", name="Bandwidth").count() == 1
    assert tab.get_by_role("textbox", name="Cache size").count() == 1
    viewer.scroll_through()
    for plot in tab.locator(".plot").all():
        assert plot.get_attribute("role") == "img"
        assert len(plot.get_attribute("aria-label") or "") > 20


def test_dark_light_narrow_and_paper(viewer: Viewer, artefacts: Path) -> None:
    tab = viewer.tab

    def ground() -> str:
        found: str = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        return found

    light = ground()
    viewer.scroll_through()
    tab.screenshot(path=artefacts / "report-light.png", full_page=True)
    tab.click("#theme")
    assert ground() != light
    assert tab.get_attribute("#theme", "aria-pressed") == "true"
    viewer.scroll_through()
    tab.screenshot(path=artefacts / "report-dark.png", full_page=True)
    tab.pdf(path=artefacts / "report.pdf", format="A4", print_background=True)
    tab.click("#theme")
    assert ground() == light
    tab.set_viewport_size({"width": 400, "height": 850})
    viewer.scroll_through()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    tab.screenshot(path=artefacts / "report-narrow.png", full_page=True)
    assert {file.name for file in artefacts.iterdir()} >= {
        "report-light.png", "report-dark.png", "report-narrow.png", "report.pdf",
    }  # fmt: skip


def test_dark_where_the_system_is_dark(browser: Any, report: Path) -> None:
    with viewing(browser, report, color_scheme="dark") as viewer:
        assert viewer.tab.get_attribute("html", "data-theme") == "dark"


def test_names_from_files_stay_text(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "evil.html"
    assert run(["report", evil_network(tmp_path), "-o", str(file)]) == 0
    with viewing(browser, file) as viewer:
        tab = viewer.tab
        assert viewer.text("h1") == EVIL
        assert EVIL in viewer.text("#cards")
        viewer.scroll_through()
        assert tab.locator("script").count() == 2
        assert tab.locator("img").count() == 0
        viewer.unfold("#plots-layers")
        assert f"{EVIL_LAYER}.conv" in viewer.rows("#plots-layers")
        plot = tab.locator("#plots-layers .plot:not(.graph)")
        plot.scroll_into_view_if_needed()
        viewer.settle()
        box = plot.bounding_box()
        tab.mouse.move(box["x"] + 100, box["y"] + box["height"] - 40)
        assert EVIL_LAYER[:30] in plot.locator(".readout").inner_text()
        assert plot.locator("b b, img").count() == 0


# ---- parts of the traffic


@pytest.mark.parametrize(("value", "only"), [("maps", "feature-maps"), ("weights", "weights")])
def test_a_part_of_the_traffic_is_shown_to_the_byte(viewer: Viewer, value: str, only: str) -> None:
    viewer.tab.locator(f"input[name=part][value={value}]").check(force=True)
    for cache in (2_000_000, 300_000):
        viewer.enter(f"{cache} B")
        for number, network in enumerate(NETWORKS):
            part = memsim.run(network, machine="textbook", cache=cache, only=only)
            whole_run = at(network, cache)
            for fact, amount in (
                ("exact", part.dram_bytes),
                ("read", part.dram_read_bytes),
                ("write", part.dram_write_bytes),
                ("compulsory", part.compulsory_bytes),
                ("weights", whole_run.by_part["weights"]),
                ("maps", whole_run.by_part["feature-maps"]),
            ):
                assert whole(viewer.card(network, fact)) == amount, (network, cache, fact)
            rows = viewer.rows("#table-what", number)
            assert whole(rows["total"][-1]) == part.dram_bytes
    viewer.settle()  # the sentence waits until the size has rested
    assert f"of {only.replace('-', ' ')}" in viewer.text("#summary")
    viewer.tab.locator("input[name=part][value=all]").check(force=True)
    check_numbers(viewer, 300_000)
