"""The microscope's page: small, whole, and in a browser it says what the engines say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memsim
from memsim.cli.main import run
from memsim.page.microscope import microscope_page
from memsim.page.microscope.microscope_page import page_facts
from memsim.results.moments.residency import EVICTED, What
from tests.page.packed import facts_of, numbers
from tests.page.test_page import EVIL, evil_network
from tests.page.viewer import viewing


def test_large_networks_give_small_pages() -> None:
    seen = memsim.microscope("densenet121", cache="512KiB")
    text = microscope_page(seen)
    assert len(text) < 400_000  # 20 percent above what it is: columns are varints
    assert microscope_page(seen) == text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")


def test_the_facts_of_the_page_sum_up_also_where_steps_are_kernels() -> None:
    seen = memsim.microscope("hardnet68", cache="256KiB", machine="textbook")
    for most, by in ((10_000, "task"), (10, "kernel")):
        facts = page_facts(seen, most)
        steps = len(numbers(facts["step_kernel"]))
        assert facts["by"] == by
        assert steps == (seen.program.tasks if by == "task" else len(seen.program.kernels))
        for policy, told in zip(seen.results, facts["policies"], strict=True):
            what, moved = np.array(numbers(told["what"])), np.array(numbers(told["bytes"]))
            result = seen.results[policy]
            assert moved[what == What.FETCHED].sum() == result.dram_read_bytes
            assert (
                moved[np.isin(what, (What.SPILLED, What.STORED))].sum() == result.dram_write_bytes
            )
            step = np.cumsum(numbers(told["step"]))
            assert step.max() == steps - 1
            evicted = np.isin(what, EVICTED)
            assert (np.array(numbers(told["by"]))[~evicted] == 0).all()
            assert sum(numbers(told["end"])) <= told["time"] == result.time_ps


def test_names_are_no_markup(tmp_path: Path) -> None:
    text = microscope_page(memsim.microscope(evil_network(tmp_path), cache="8KiB"))
    assert "<script>alert" not in text
    assert "<img" not in text
    assert text.count("<script") == text.count("</script>") == 2
    assert facts_of(text)["name"] == EVIL


@pytest.mark.needs("playwright.sync_api")
def test_it_is_played_and_scrubbed_in_a_browser(
    browser: Any, artefacts: Path, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    words = ["--cache", "512KiB", "--machine", "textbook", "--lowering", "concat_free"]
    words += ["--tile", "whole"]
    assert run(["microscope", "patterns/harmonic", *words, "-o", str(file)]) == 0
    seen = memsim.microscope(
        "patterns/harmonic", cache="512KiB", machine="textbook", lowering="concat_free",
        tile="whole",
    )  # fmt: skip

    with viewing(browser, file) as viewer:
        tab = viewer.tab

        def check(step: int) -> None:
            viewer.settle()
            assert tab.get_attribute("html", "data-step") == str(step)
            for policy, result in seen.results.items():
                told = tab.evaluate(
                    f"({{...document.querySelector('.side[data-policy={policy}]').dataset}})"
                )
                moved = seen.seen[policy]
                read = moved.per_task(What.FETCHED)[:step].sum()
                written = moved.per_task(What.SPILLED, What.STORED)[:step].sum()
                assert [int(told[name]) for name in ("read", "written", "held")] == [
                    read, written, result.traffic.occupancy[step - 1]
                ]  # fmt: skip

        check(1)
        for key, step in (("ArrowRight", 2), ("End", 16), ("ArrowLeft", 15), ("Home", 1)):
            tab.press("body", key)
            check(step)
        # At layer 2^n layers 1 to 2^n - 1 leave: it says so, and shows them dead.
        for power in (2, 4, 8):
            viewer.go(f"step={power}")
            check(power)
            dead = tab.evaluate(
                "[...document.querySelectorAll('[data-life=dead]')].map(n => n.dataset.tensor)"
            )
            assert dead == [f"block1.{layer}.act" for layer in range(1, power)]
            assert tab.inner_text("#sentence").startswith(f"When block1.{power}.conv is done, ")
        viewer.go_at_a_bad_moment("step=3")
        check(3)
        viewer.go("step=8")
        assert "So all maps made before it are dead" in tab.inner_text("#sentence")
        tab.screenshot(path=str(artefacts / "microscope.png"))
        # who was evicted by whom, in the words of the facts
        row = next(each for each in seen.rows() if each["policy"] == "lru" and each["task"] == 7
                   and each["what"] in ("spilled", "dropped"))  # fmt: skip
        whom = "itself" if row["by"] == row["tensor"] else row["by"]
        told = tab.text_content(".side[data-policy=lru] .list")
        assert f"{row['tensor']} by {whom}, " in told
        assert f"needed at {row['needed_at']}" in told
        # by time the slider is a clock: the first task that LRU has done after a quarter of it
        tab.select_option("#pace", "time")
        tab.evaluate(
            "() => { const slider = document.getElementById('scrub');"
            "slider.value = slider.max / 4; slider.dispatchEvent(new Event('input')); }"
        )
        line = seen.results["lru"].timeline
        check(1 + int(np.searchsorted(line.compute_end, line.end / 4)))
        tab.select_option("#pace", "step")
        # played to the end, the state is in the address
        tab.select_option("#speed", "64")
        tab.press("body", "Space")
        tab.wait_for_selector("html[data-step='16']")
        tab.wait_for_selector("#play[aria-label=Play]")  # it stops by itself
        check(16)
        assert tab.evaluate("location.hash") == "#step=16&speed=64&pace=step"
        for policy, result in seen.results.items():
            total = tab.evaluate(f"document.querySelector('[data-policy={policy}]').dataset.read")
            assert int(total) == result.dram_read_bytes
