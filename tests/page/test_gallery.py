"""The gallery: a folder that is whole or not there, whose front page is exact at every size."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memsim
from memsim.cli.main import run
from memsim.errors import InputError
from memsim.formats.shipped import Entry
from memsim.page.gallery import write_gallery
from memsim.page.gallery.folder import replacing
from memsim.readable import format_bytes, format_count
from tests.page.packed import facts_of, numbers, unpacked
from tests.page.test_page import EVIL, evil_network
from tests.page.viewer import viewing, whole

TINY = """\
name: tiny
input: [3, 40, 24]
layers:
  - conv: {out: 16, kernel: 3, bn: true, act: relu}
  - conv: {out: 24, kernel: 3}
  - global_avgpool
  - linear: 10
"""

MACHINE = {"machine": "textbook", "buffer": "8KiB"}
WORDS = ["--machine", "textbook", "--buffer", "8KiB"]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two networks; the names of one are markup."""
    folder = tmp_path_factory.mktemp("networks")
    (folder / "tiny.yaml").write_text(TINY)
    return [str(folder / "tiny.yaml"), evil_network(folder)]


@pytest.fixture(scope="module")
def results(networks: list[str]) -> list[Any]:
    return [memsim.curve(network, **MACHINE) for network in networks]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, networks: list[str]) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "site"
    assert run(["report", *networks, "--gallery", *WORDS, "-o", str(folder)]) == 0
    return folder


def files_in(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def fallen(text: str) -> list[int]:
    first, *drops = numbers(text)
    return [first, *(first - np.cumsum(drops)).tolist()]


def test_a_page_and_a_curve_of_each_and_a_front_page(site: Path) -> None:
    files = files_in(site)
    evil = "script-alert-1-script"
    assert files == {
        "gallery.json", "index.html", "curves/tiny.js", f"curves/{evil}.js",
        "networks/tiny.html", f"networks/{evil}.html",
    }  # fmt: skip
    assert set(json.loads((site / "gallery.json").read_text())["files"]) == files - {"gallery.json"}
    assert os.listdir(site.parent) == ["site"]
    front = (site / "index.html").read_text(encoding="utf-8")
    assert "http" not in front.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert len(re.findall(r"<script\b", front)) == len(re.findall(r"</script>", front)) == 2
    assert "<nav" not in front
    text = (site / "networks" / "tiny.html").read_text(encoding="utf-8")
    assert '<a href="../index.html">All networks</a></nav>' in text
    page = facts_of(text)
    assert [network["label"] for network in page["networks"]] == ["tiny"]


def test_the_packed_numbers_are_those_of_the_curve(site: Path, results: list[Any]) -> None:
    facts = facts_of((site / "index.html").read_text(encoding="utf-8"))
    stops = facts["stops"]
    assert stops == sorted(set(stops))
    assert {0, 4096, 1 << 20, 3 << 19, results[0].machine.cache_bytes} <= set(stops)
    for result, told in zip(results, facts["networks"], strict=True):
        network, steps = result.program.network, result.steps
        assert (told["macs"], told["params"]) == (network.macs, network.params)
        assert (told["cio"], told["compulsory"]) == (network.cio, result.compulsory_bytes)
        assert stops[-1] >= steps.cache_bytes[-1]
        weights, maps = fallen(told["weights"]), fallen(told["maps"])
        for size, moved in zip(stops, zip(weights, maps, strict=True), strict=True):
            place = steps.index(size)
            assert moved == (steps.weight_bytes[place], steps.map_bytes[place])
        script = (site / "curves" / f"{told['file']}.js").read_text()
        name, text = json.loads(script[script.index("push(") + 5 : script.rindex(")")])
        packed = unpacked(text)
        assert name == told["file"]
        assert np.cumsum(numbers(packed["sizes"])).tolist() == steps.cache_bytes.tolist()
        assert fallen(packed["weights"]) == steps.weight_bytes.tolist()
        assert fallen(packed["maps"]) == steps.map_bytes.tolist()


@pytest.mark.slow
@pytest.mark.needs("playwright.sync_api")
def test_in_a_browser_every_number_is_that_of_a_run(
    browser: Any, site: Path, results: list[Any], artefacts: Path
) -> None:
    by_name = {result.program.network.name: result for result in results}

    with viewing(browser, site / "index.html") as viewer:
        tab = viewer.tab

        def table() -> dict[str, dict[str, list[str]]]:
            """Text and title of each cell, by network and fact."""
            found: dict[str, dict[str, list[str]]] = tab.evaluate(
                """Object.fromEntries([...document.querySelectorAll("#networks tbody tr")].map(
                    row => [row.dataset.network, Object.fromEntries([...row.cells].map(
                        cell => [cell.dataset.fact, [cell.textContent, cell.title]]))]))"""
            )
            return found

        def names() -> list[str]:
            return list(table())

        def check(cache: int) -> None:
            tab.wait_for_selector(f"html[data-cache='{cache}']")
            shown = table()
            for name, result in by_name.items():
                steps, least = result.steps, result.compulsory_bytes
                place = steps.index(cache)
                for fact, expected in (
                    ("traffic", steps.dram_bytes[place]),
                    ("weights", steps.weight_bytes[place]),
                    ("maps", steps.map_bytes[place]),
                ):
                    text, title = shown[name][fact]
                    assert whole(title) == expected, (name, cache, fact)
                    assert text == format_bytes(int(expected))
                ratio = f"{steps.dram_bytes[place] / least:.2f}"
                assert shown[name]["times"][0].split()[0] == ratio

        assert names() == [EVIL, "tiny"]
        check(2_000_000)
        for name, result in by_name.items():
            assert table()[name]["macs"][0] == format_count(result.program.network.macs)
        assert viewer.requests == [(site / "index.html").as_uri()]  # the curves wait

        draw = random.Random(1)
        steps = {int(size) for result in results for size in result.steps.cache_bytes}
        below = [size - 1 for size in draw.sample(sorted(steps - {0}), 2)]
        sizes = [0, *draw.sample(sorted(steps), 3), *below, draw.randrange(50_000), 99_999_999]
        for size in sizes:
            viewer.enter(f"{size} B")
            check(size)
        viewer.press("#cache-slider", "Home")
        check(0)
        viewer.press("#cache-slider", "ArrowRight", 5)
        check(6144)

        # Sorted, filtered, addressed; the link keeps the cache.
        tab.click("#networks thead button:text-is('Traffic')")
        order = sorted(by_name, key=lambda name: by_name[name].dram_bytes(6144))
        assert names() == order
        tab.click("#networks thead button:text-is('Traffic')")
        assert names() == order[::-1]
        tab.select_option("#per", "least")
        tab.fill("#find", "TIN")
        assert names() == ["tiny"]
        viewer.settle()
        told = "cache=6+KiB&sort=traffic&down=yes&per=least&find=TIN"
        assert tab.url.partition("#")[2] == told
        tab.screenshot(path=artefacts / "gallery.png")
        with tab.expect_navigation():
            tab.click("#networks tbody a")
        viewer.settle()
        assert viewer.cache == 6144
        viewer.enter("7 KiB")
        with tab.expect_navigation():
            tab.get_by_role("link", name="All networks").click()  # it keeps the cache
        check(7168)
        assert names() == [EVIL, "tiny"]
        tab.go_back()
        tab.go_back()
        viewer.settle()
        assert names() == ["tiny"]
        viewer.go("cache=6+KiB")
        assert len(names()) == 2
        viewer.go_at_a_bad_moment("find=tin")
        assert names() == ["tiny"]

        # What is typed wrongly is told, and changes nothing.
        viewer.enter("12 parsecs")
        assert "unknown unit" in tab.inner_text("#cache-error")


# ---- the folder


def test_a_gallery_takes_the_place_of_another(tmp_path: Path, results: list[Any]) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    write_gallery(folder, results, {"A & B": "../a.html"})
    assert '<a href="../a.html">A &amp; B</a></nav>' in (folder / "index.html").read_text()
    before = files_in(folder)
    write_gallery(folder, results[:1])
    assert files_in(folder) < before
    assert os.listdir(tmp_path) == ["site"]


def test_what_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path, results: list[Any]) -> None:
    folder = tmp_path / "site"
    write_gallery(folder, results[:1])
    before = {name: (folder / name).read_bytes() for name in files_in(folder)}

    def fails() -> Any:
        yield results[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_gallery(folder, fails())
    with pytest.raises(InputError, match="no network"):
        write_gallery(folder, [])
    assert {name: (folder / name).read_bytes() for name in files_in(folder)} == before
    assert os.listdir(tmp_path) == ["site"]


def test_a_folder_that_others_write_into_meanwhile_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "site"

    def write() -> None:
        with replacing(folder) as new:
            (new / "index.html").write_text("new")
            folder.mkdir()
            (folder / "mine.txt").write_text("mine")

    with pytest.raises(InputError, match="no gallery"):
        write()
    assert (folder / "mine.txt").read_text() == "mine"
    assert os.listdir(tmp_path) == ["site"]


def test_what_is_wrong_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, results: list[Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    Path("file").write_text("")
    write_gallery("site", results[:1])
    Path("site/CNAME").write_text("mine")
    Path("sweep.nc").write_bytes(b"CDF")
    expected = {
        "no-such-network --gallery -o full": "full: cannot be written: it is not empty, and no "
        "gallery (choose another folder)",
        "no-such-network --gallery -o site": "site: cannot be written: it holds CNAME, no part of "
        "the gallery (choose another folder)",
        "no-such-network --gallery -o file": "file: cannot be written: it is a file, and a gallery "
        "is a folder (such as site)",
        "no-such-network --gallery -o no/site": "no/site: cannot be written: there is no directory "
        "no",
        "no-such-network --gallery -o .": ".: cannot be written: it is the folder that you are in, "
        "or above it (such as site)",
        "sweep.nc --gallery -o new": "sweep.nc: is a sweep, and a gallery is of networks",
        "hardnet68 --gallery --explain -o new": "--explain: tells of one network at one size, and "
        "a gallery of many (ask it of a report)",
        "-o new.html": "there is no network to report on (name one, such as hardnet68; --gallery "
        "shows all that ship with memsim)",
    }
    for line, told in expected.items():
        assert run(["report", *line.split()]) == 2, line
        assert capsys.readouterr().err == f"memsim: {told}\n"
    assert sorted(os.listdir()) == ["file", "full", "site", "sweep.nc"]


def test_without_names_it_shows_all_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, int]] = []

    def look(folder: str, results: Any) -> None:
        networks = [each.program.network for each in results]
        shown.extend((each.name, each[each.inputs[0]].output.shape[0]) for each in networks)

    two = (Entry("vgg16", "", ""), Entry("resnet18", "", ""))
    monkeypatch.setattr("memsim.formats.shipped.names", lambda: two)
    monkeypatch.setattr("memsim.page.gallery.write_gallery", look)
    words = ["report", "--gallery", "--batch", "2", "-o", str(tmp_path / "site")]
    assert run(words) == 0
    assert shown == [("vgg16", 2), ("resnet18", 2)]
