"""A real browser for the tests of the page: headless Chromium, never downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str:
    """Chromium's path, from ``MEMSIM_CHROMIUM`` or the PATH; skip, or fail, without one."""
    given = os.environ.get("MEMSIM_CHROMIUM")
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    if os.environ.get("MEMSIM_REQUIRE_ALL") == "1":
        pytest.fail("MEMSIM_REQUIRE_ALL=1, but there is no Chromium on the PATH")
    pytest.skip("there is no Chromium on the PATH (or in MEMSIM_CHROMIUM)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests, with a profile of its own that is thrown away."""
    from playwright.sync_api import sync_playwright

    path = executable()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept: ``MEMSIM_ARTEFACTS``, or pytest's own folder."""
    given = os.environ.get("MEMSIM_ARTEFACTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
