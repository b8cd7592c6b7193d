"""The playground in a real browser: what is clicked, dragged and typed changes the block."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from tests.page.viewer import Viewer, viewing

NEEDS_BROWSER = pytest.mark.needs("playwright.sync_api")


def test_the_command_writes_a_page_that_needs_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "playground.html"
    assert run(["playground", "-o", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")
    assert len(text) < 100_000


def test_a_page_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: Any) -> None:
    assert run(["playground", "-o", str(tmp_path / "none" / "playground.html")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("playground") / "playground.html"
    assert run(["playground", "-o", str(found)]) == 0
    return found


@NEEDS_BROWSER
@pytest.mark.slow
def test_a_teacher_edits_a_block(
    browser: Any, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artefacts: Path
) -> None:
    tab = browser.new_page(viewport={"width": 1400, "height": 900})
    viewer = Viewer(tab)
    viewer.open(file)

    def card(number: int) -> int:
        return int(
            tab.locator("#cards dd").nth(number).get_attribute("data-exact").replace(",", "")
        )

    def reads(layer: int) -> str:
        told = tab.locator(f"[data-layer='{layer}']").get_attribute("aria-label")
        return told.partition("reads ")[2].partition(", leaves")[0]

    def same_in_memsim() -> None:
        monkeypatch.chdir(tmp_path)
        Path("playground.yaml").write_text(tab.locator("#yaml").text_content())
        command, curve = tab.locator("#command").text_content().splitlines()
        assert run([*shlex.split(command)[1:], "--format", "json", "-o", "out.json"]) == 0
        assert run([*shlex.split(curve)[1:], "--format", "csv", "-o", "out.csv"]) == 0
        words = shlex.split(command)
        options = dict(zip(words[3::2], words[4::2], strict=True))
        result = memsim.run(
            "playground.yaml", **{key.strip("-"): value for key, value in options.items()}
        )
        network = result.network
        assert card(0) == result.dram_bytes
        assert card(1) == result.program.compulsory_bytes
        assert card(2) == int(result.program.live_bytes.max())
        assert (card(3), card(4), card(5)) == (network.macs, network.params, network.cio)

    # As it opens it is a shipped block, and nothing lies beyond the screen.
    shipped = memsim.run("patterns/harmonic", machine="textbook", lowering="concat_free")
    assert card(0) == shipped.dram_bytes
    size = tab.evaluate("[document.documentElement.scrollWidth, innerHeight]")
    assert size == [1400, 900]
    assert tab.evaluate("document.documentElement.scrollHeight") <= 900
    tab.screenshot(path=artefacts / "playground.png")

    # A layer and another: the link is drawn, by the mouse, by dragging, by keys; and removed.
    assert reads(6) == "5, 4"
    tab.locator("[data-layer='6'] rect").click()
    tab.locator("[data-layer='1'] rect").click()
    assert reads(6) == "5, 4, 1"
    tab.locator("[data-layer='2'] rect").hover()
    tab.mouse.down()
    tab.locator("[data-layer='7'] rect").hover()
    tab.mouse.up()
    assert reads(7) == "6, 2"
    tab.keyboard.press("Tab")
    tab.locator("[data-layer='7']").focus()
    tab.keyboard.press("Enter")
    for _ in range(4):
        tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Enter")
    assert reads(7) == "6, 2, 3"
    tab.keyboard.press("o")  # layer 3 leaves no more
    assert "leaves" not in tab.locator("[data-layer='3']").get_attribute("aria-label")
    assert tab.locator("#status").text_content() == "layer 3 does not leave the block"
    same_in_memsim()

    # The only link of a layer stays.
    tab.locator("[data-layer='0'] rect").click()
    tab.locator("[data-layer='1'] rect").click()
    assert reads(1) == "the input"
    assert "has to read something" in tab.locator("#status").text_content()

    # The address is the block: another tab shows the same.
    tab.locator("#cache").fill("700")
    tab.locator("#keep").click()
    tab.locator("#tile button[value='whole']").click()
    same_in_memsim()
    shown = tab.locator("#yaml").text_content(), [card(number) for number in range(6)]
    tab.locator("#share").click()
    address = tab.evaluate("location.href")
    tab.goto("about:blank")
    viewer.open(address)
    assert (tab.locator("#yaml").text_content(), [card(number) for number in range(6)]) == shown
    assert tab.locator("#cards .kept").count() == 6
    kept = [card(number) for number in range(6)]
    tab.locator("#swap").click()
    assert [card(number) for number in range(6)] != kept
    tab.locator("#swap").click()
    assert [card(number) for number in range(6)] == kept

    # What is put back is the pattern's again.
    tab.locator("#undo").click()
    assert "pattern: harmonic" in tab.locator("#yaml").text_content()
    tab.locator("#theme").click()
    tab.locator("#pattern button[value='dense']").click()
    tab.locator("#layers").fill("32")
    tab.screenshot(path=artefacts / "playground_dark.png")
    # What would let the page stand still is refused, and the block before it stays.
    tab.locator("#blocks button").last.click()
    tab.locator("#growth").fill("96")
    widest = card(3)
    tab.locator("#multiplier").fill("4")
    assert "too many for a page" in tab.locator("#hand").text_content()
    assert card(3) == widest
    assert tab.locator("#multiplier").input_value() == "1.7"
    # An address that says nothing sensible is the first block.
    tab.goto("about:blank")
    viewer.open(f"{file.as_uri()}#p=none&n=-3&l=9_9&k=x&i=0x0&vs=%&c=y")
    assert reads(1) == "the input"
    viewer.go_at_a_bad_moment(address.partition("#")[2])
    assert (tab.locator("#yaml").text_content(), [card(number) for number in range(6)]) == shown
    assert viewer.faults == []
    assert {url.split(":")[0] for url in viewer.requests} <= {"file", "about"}
    tab.close()


@NEEDS_BROWSER
@pytest.mark.slow
def test_a_finger_draws_a_link(browser: Any, file: Path) -> None:
    phone = {"has_touch": True, "is_mobile": True}
    with viewing(browser, file, **phone) as viewer:
        tab = viewer.tab
        session = tab.context.new_cdp_session(tab)

        def middle(layer: int) -> tuple[float, float]:
            box = tab.locator(f"[data-layer='{layer}'] rect").bounding_box()
            return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

        def touch(kind: str, *points: tuple[float, float]) -> None:
            touched = [{"x": x, "y": y} for x, y in points]
            told = {"type": kind, "touchPoints": touched}
            session.send("Input.dispatchTouchEvent", told)

        tab.locator("[data-layer='2'] rect").scroll_into_view_if_needed()
        (left, height), (right, _) = middle(2), middle(7)
        touch("touchStart", (left, height))
        for step in range(1, 6):
            touch("touchMove", (left + (right - left) * step / 5, height))
        touch("touchEnd")
        tab.locator("[data-layer='7'][aria-label*='reads 6, 2']").wait_for()
