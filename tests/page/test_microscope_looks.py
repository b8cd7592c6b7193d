"""The microscope can be read: on a phone, in both themes, and in networks of many steps a layer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.page.microscope import microscope_page
from memsim.page.microscope.microscope_page import PACKAGE
from memsim.page.template import asset
from memsim.playground import playground
from tests.page.viewer import viewing

EAGER = """\
name: eager
input: [16, 16, 16]
layers:
  - block: {pattern: dense, layers: 6, growth: 8}
"""


def luminance(colour: str) -> float:
    """Of ``#rrggbb`` or ``#rgb``, as WCAG defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_what_is_written_on_a_colour_and_in_a_colour_can_be_read(theme: int) -> None:
    blocks = re.findall(r":root \{([^}]*)\}", asset(PACKAGE, "microscope.css"))
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", blocks[theme]))
    pairs = [("on-map", "map"), ("on-map", "gone"), ("map", "ground"), ("gone", "ground")]
    pairs += [("on-colour", each) for each in ("made", "reads", "weight")]
    pairs += [(each, "ground") for each in ("made-text", "quiet", "lru", "belady", "text")]
    poor = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


def test_pages_of_the_documentation_lead_to_one_another() -> None:
    seen = memsim.microscope("patterns/harmonic", cache="128KiB", machine="textbook")
    beside = {"All <networks>": "gallery/index.html"}
    link = '<a href="gallery/index.html">All &lt;networks&gt;</a>'
    for text, alone in (
        (microscope_page(seen, beside), microscope_page(seen)),
        (playground(beside), playground()),
    ):
        assert link in text
        assert "<nav" not in alone


@pytest.mark.needs("playwright.sync_api")
def test_on_a_phone_and_step_by_step(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    seen = memsim.microscope(
        memsim.loads(EAGER), cache="64KiB", machine="textbook", lowering="eager"
    )
    file.write_text(microscope_page(seen), encoding="utf-8")
    with viewing(browser, file) as viewer:
        tab = viewer.tab
        tab.set_viewport_size({"width": 390, "height": 844})
        viewer.go("step=12")
        tab.locator("html[data-step='12']").wait_for()
        # Nothing is drawn smaller than it is written, and nothing lies beside the screen.
        sizes = tab.evaluate(
            "[...document.querySelectorAll('#arcs text, .strip text')].map(text =>"
            " parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"
        )
        assert len(sizes) > 20
        assert min(sizes) >= 9
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        # What is made now is in view, and steps of a layer are told apart.
        node = tab.locator(".node", has=tab.locator("[fill='var(--made)']"))
        box = node.locator("text").bounding_box()
        assert 0 <= box["x"] < 390
        names = tab.locator(".node text").all_text_contents()
        assert names[:5] == ["input", "1", "bn", "act", "concat"]
        # A feature map leads to the task that makes it.
        kernel = next(
            number
            for number, each in enumerate(seen.program.kernels)
            if each.output.name == "block1.2.bn"
        )
        tab.locator("[data-tensor='block1.2.bn'] text").click()
        task = int((seen.program.task_kernel <= kernel).sum())
        tab.locator(f"html[data-step='{task}']").wait_for()
        assert seen.program.kernels[kernel].name in viewer.text("#moment")


@pytest.mark.needs("playwright.sync_api")
@pytest.mark.slow
def test_on_paper(browser: Any, tmp_path: Path) -> None:
    page, block = tmp_path / "page.html", tmp_path / "playground.html"
    seen = memsim.microscope("patterns/harmonic", cache="768KiB", machine="textbook", tile="whole")
    page.write_text(microscope_page(seen), encoding="utf-8")
    block.write_text(playground(), encoding="utf-8")
    with viewing(browser, page) as viewer:
        # A sheet holds it, and afterwards it is as wide as the screen again.
        wide = "document.querySelector('#arcs svg').width.baseVal.value"
        before = viewer.tab.evaluate(wide)
        assert viewer.tab.pdf(format="A4").count(b"/Type /Page\n") == 1
        assert viewer.tab.evaluate(wide) == before > 1000
        viewer.open(block)
        assert viewer.tab.pdf(format="A4").count(b"/Type /Page\n") == 2
        viewer.tab.set_viewport_size({"width": 718, "height": 1000})  # that of a sheet
        viewer.tab.emulate_media(media="print")
        viewer.settle()
        # No number lies over another, and nothing that only a screen can do is there.
        cards = viewer.tab.locator("#cards dd")
        fits = "cards => cards.every(card => card.scrollWidth <= card.clientWidth)"
        assert cards.evaluate_all(fits)
        assert not viewer.tab.locator("#share").is_visible()
