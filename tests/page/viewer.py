"""A reader of the page: opens it, moves its controls, reads its numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STILL = Path(__file__).with_name("still.js").read_text(encoding="utf-8")
LATE = os.environ.get("MEMSIM_LATE_PAGES", "0")
"""How late, in milliseconds, a page's own frames, timers and events may come, to try the tests."""


class Viewer:
    """An open page, and what it complained about or asked the network for."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab
        self.faults: list[str] = []
        self.requests: list[str] = []
        tab.add_init_script(STILL.replace("LATE = 0", f"LATE = {int(LATE)}"))
        tab.on("console", self._heard)
        tab.on("pageerror", lambda error: self.faults.append(str(error)))
        tab.on("dialog", self._asked)
        tab.on("request", lambda request: self.requests.append(request.url))

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _asked(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, place: Path | str) -> None:
        """Go to a file or to an address, and wait until its program has begun."""
        self.tab.goto(place.as_uri() if isinstance(place, Path) else place)
        self.settle()

    def go(self, fragment: str) -> None:
        """Enter another fragment of the address; the page may load itself anew for it."""
        self.tab.evaluate("fragment => { location.hash = fragment; }", fragment)
        self.settle()

    def go_at_a_bad_moment(self, fragment: str) -> None:
        """Enter another fragment while the page is about to write its own into the address."""
        self.tab.evaluate(
            """fragment => {
                const before = location.href;
                location.hash = fragment;
                history.replaceState(null, "", before);
            }""",
            fragment,
        )
        self.settle()

    # ---- controls

    def enter(self, text: str) -> None:
        """Type a cache size and press Enter."""
        self.tab.fill("#cache-field", text)
        self.tab.press("#cache-field", "Enter")

    def press(self, place: str, key: str, times: int = 1) -> None:
        for _ in range(times):
            self.tab.press(place, key)

    def unfold(self, place: str, number: int = 0) -> Any:
        """Open the details of a place by keyboard, and wait for the table that they build."""
        details = self.tab.locator(f"{place} details").nth(number)
        details.locator("summary").press("Enter")
        self.settle()
        return details

    # ---- numbers

    def text(self, place: str) -> str:
        found: str = self.tab.inner_text(place)
        return found

    @property
    def cache(self) -> int:
        return whole(self.text("#cache-bytes"))

    def card(self, network: str, fact: str) -> str:
        return self.text(f'.card[data-network="{network}"] [data-fact={fact}]')

    def rows(self, place: str, number: int = 0) -> dict[str, list[str]]:
        """The rows of a table by their head."""
        table = self.tab.locator(f"{place} table").nth(number)
        found: list[list[str]] = table.evaluate(
            "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(c => c.innerText))"
        )
        return {head: cells for head, *cells in found}

    def columns(self, place: str, number: int = 0) -> list[str]:
        table = self.tab.locator(f"{place} table").nth(number)
        found: list[str] = table.evaluate(
            "table => [...table.tHead.rows[0].cells].map(cell => cell.innerText)"
        )
        return found

    def settle(self) -> None:
        """Wait until all that the page has begun is done: drawn, said, and in the address."""
        from playwright.sync_api import Error

        while True:
            self.tab.wait_for_selector("html[data-ready=yes]", timeout=60_000)
            try:
                waiting = self.tab.evaluate("standsStill(60_000)")
            except Error as error:  # it was left for another address meanwhile
                if "navigation" not in str(error) and "context" not in str(error):
                    raise
                continue
            assert waiting == [], "a page that never stands still"
            return

    def scroll_through(self) -> None:
        """Bring everything into view once."""
        height = self.tab.evaluate("document.documentElement.scrollHeight")
        for top in range(0, height, 600):
            self.tab.evaluate(f"window.scrollTo(0, {top})")
            self.settle()
        self.tab.evaluate("window.scrollTo(0, 0)")
        self.settle()


def whole(text: str) -> int:
    """``= 2,000,000 B`` -> 2000000; a dash is nothing."""
    digits = "".join(filter(str.isdigit, text))
    return int(digits) if digits else 0


@contextmanager
def viewing(browser: Any, file: Path, **options: Any) -> Iterator[Viewer]:
    """Open a page in a profile of its own; in the end nothing may have gone wrong."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, **options)
    try:
        viewer = Viewer(context.new_page())
        viewer.open(file)
        yield viewer
        assert viewer.faults == []
        assert [url for url in viewer.requests if not url.startswith(("file:", "data:"))] == []
    finally:
        context.close()
