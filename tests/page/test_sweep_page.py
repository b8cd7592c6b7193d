"""The page of a sweep: it shows the sweep's numbers, along any of its axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from memsim.errors import InputError
from memsim.page import sweep_page
from memsim.page.sweep_facts import sweep_facts
from memsim.readable import format_bytes, format_time
from tests.page.packed import facts_of
from tests.page.test_page import EVIL, evil_network
from tests.page.viewer import viewing, whole

pytestmark = pytest.mark.needs("xarray")


@pytest.fixture(scope="module", name="ds")
def _ds() -> Any:
    return memsim.sweep(
        {"one": "resnet18", "two": "hardnet39ds"}, input="3x32x32", cache="16KiB:256KiB:log2",
        bandwidth="1GB/s,4GB/s", batch=[1, 2], by="role", machine="textbook", workers=1,
    )  # fmt: skip


def test_the_facts_are_the_numbers_of_the_sweep(ds: Any) -> None:
    facts = sweep_facts(ds)
    axes = {axis["name"]: axis for axis in facts["axes"]}
    assert list(axes) == ["network", "batch", "cache", "bandwidth", "role"]
    assert axes["cache"]["texts"] == ["16 KiB", "32 KiB", "64 KiB", "128 KiB", "256 KiB"]
    assert (axes["cache"]["values"], axes["cache"]["log"]) == (ds.cache.values.tolist(), False)
    assert (axes["network"]["values"], axes["network"]["texts"]) == (None, ["one", "two"])
    told = {variable["name"]: variable for variable in facts["variables"]}
    assert not {"time_s", "stall_s"} & {*told}  # their picoseconds are there
    for name, variable in told.items():
        assert variable["numbers"] == ds[name].squeeze().values.ravel().tolist(), name
        assert variable["dims"] == [*ds[name].dims]
    assert told["dram_bytes_by_role"]["label"] == "DRAM traffic by role"


def test_what_failed_is_told_and_left_empty(tmp_path: Path) -> None:
    bad = memsim.sweep("resnet18", input="3x32x32", machine="edge", dtype=["int8", "bf16"],
                       cache="64KiB,1MiB", workers=1)  # fmt: skip
    facts = sweep_facts(bad)
    (moved,) = (each for each in facts["variables"] if each["name"] == "dram_bytes")
    assert facts["failed"] == 2
    assert moved["numbers"][2:] == [None, None]
    assert "2: dtype: edge computes in int8, not in bf16" in sweep_page(bad)


def test_a_sweep_that_is_no_page_says_why(ds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="single point"):
        sweep_facts(memsim.sweep("resnet18", input="3x32x32", machine="textbook"))
    monkeypatch.setattr("memsim.page.sweep_facts.MOST_NUMBERS", 100)
    with pytest.raises(InputError, match="numbers, and a page holds at most 100"):
        sweep_facts(ds)


def test_what_is_the_same_at_all_points_is_told(ds: Any) -> None:
    text = sweep_page(ds)
    for name, value in (("machine", "textbook"), ("lowering", "fused"), ("buffer_bytes", "524288")):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in text
    assert "<dt>batch</dt>" not in text


def test_names_are_text(tmp_path: Path) -> None:
    text = sweep_page(memsim.sweep({EVIL: evil_network(tmp_path)}, cache=[0, 1000], workers=1))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert len(facts_of(text)["axes"]) == 1


@pytest.mark.parametrize("ending", ["nc", "csv"])
def test_a_report_takes_the_file_of_a_sweep(ds: Any, tmp_path: Path, ending: str) -> None:
    if ending == "nc":
        pytest.importorskip("netCDF4")
    from memsim.sweeps.files import write

    file, out = tmp_path / f"sweep.{ending}", tmp_path / "page.html"
    write(ds, file, tmp_path / f"half.{ending}")
    assert run(["report", str(file), "-o", str(out)]) == 0
    assert facts_of(out.read_text(encoding="utf-8")) == sweep_facts(ds)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("a.nc --cache 1MB", "cache: is settled in a sweep's file"),
        ("a.nc --only weights --batch 2", "only: is settled in a sweep's file"),
        ("a.nc resnet18", "a page is of networks or of one sweep, not of 2 files"),
        ("no_such.zarr", "no_such.zarr: no such file"),
    ],
)
def test_what_a_sweep_has_settled_is_refused(
    words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert run(["report", *words.split(), "-o", str(out)]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.needs("playwright.sync_api")
def test_in_a_browser(browser: Any, ds: Any, tmp_path: Path, artefacts: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(sweep_page(ds), encoding="utf-8")
    with viewing(browser, file, accept_downloads=True) as viewer:
        tab = viewer.tab

        def shown(place: str) -> list[str]:
            found: list[str] = tab.locator(place).evaluate(
                "select => [...select.options].map(each => each.textContent)"
            )
            return found

        # It opens with traffic along the cache, a line for each network, batch 1.
        assert viewer.text("h2") == "DRAM traffic along cache and network"
        moved = ds.dram_bytes.sel(batch=1)
        texts = next(axis["texts"] for axis in sweep_facts(ds)["axes"] if axis["name"] == "cache")
        rows = viewer.rows("#table-sweep")
        assert list(rows) == texts
        for text, cache in zip(texts, ds.cache.values, strict=True):
            wanted = [int(moved.sel(network=name, cache=cache)) for name in ("one", "two")]
            assert [whole(cell) for cell in rows[text]] == wanted
        low, high = (format_bytes(int(each)) for each in (moved.min(), moved.max()))
        assert viewer.text("#said") == (
            f"DRAM traffic along cache and network at batch 1: from {low} to {high}."
        )
        viewer.settle()
        assert tab.locator("#plot-sweep .point").count() == 2 * len(texts)
        assert [viewer.text(f"#legend li:nth-child({n})") for n in (1, 2)] == ["one", "two"]

        # Another number has the bandwidth, too; another value of the batch; a map.
        tab.select_option("#pick-value", "time_ps")
        assert shown("#pick-x") == ["network", "batch", "cache", "peak DRAM bandwidth"]
        tab.select_option("#pick-y", "bandwidth")
        tab.select_option("#at-network", index=1)
        tab.select_option("#at-batch", index=1)
        tab.check("input[name=kind][value=map]", force=True)
        time = ds.time_ps.sel(network="two", batch=2)
        rows = viewer.rows("#table-sweep")
        assert viewer.columns("#table-sweep") == ["cache", "1 GB/s", "4 GB/s"]
        for text, cache in zip(texts, ds.cache.values, strict=True):
            wanted = [format_time(int(each)) for each in time.sel(cache=cache).values]
            assert rows[text] == wanted
        viewer.settle()
        cells = tab.locator("#plot-sweep .cell").all_text_contents()
        assert sorted(cells) == sorted(format_time(int(each)) for each in time.values.ravel())
        tab.screenshot(path=artefacts / "sweep-map.png", full_page=True)

        # Along a name, and nothing else; what was chosen for x gives way.
        tab.select_option("#pick-x", "bandwidth")
        assert tab.input_value("#pick-y") == "cache"
        tab.select_option("#pick-y", "")
        assert not tab.is_checked("input[value=map]")
        wanted = [format_time(int(each)) for each in time.sel(cache=ds.cache[0]).values]
        assert [cells[0] for cells in viewer.rows("#table-sweep").values()] == wanted

        # Its file has numbers, not how they are written; between names no line is drawn whole.
        with tab.expect_download() as begun:
            tab.locator("#plot-sweep + .tools button", has_text="CSV").click()
        lines = Path(begun.value.path()).read_text(encoding="utf-8").splitlines()
        assert lines[0].split(",")[0] == "bandwidth [B/s]"
        assert [line.split(",")[0] for line in lines[1:]] == ["1000000000", "4000000000"]
        tab.select_option("#pick-x", "network")
        viewer.settle()
        assert tab.locator("#plot-sweep path[stroke-dasharray='2 4']").count() == 1
        tab.select_option("#pick-x", "bandwidth")
        tab.select_option("#pick-y", "")

        # For everybody: by keyboard, dark, and narrow.
        for name in ("Number", "along", "and", "network", "batch", "cache"):
            assert tab.get_by_role("combobox", name=name, exact=True).count() == 1, name
        assert len(tab.get_attribute("#plot-sweep", "aria-label")) > 20
        tab.click("#theme")
        assert tab.get_attribute("html", "data-theme") == "dark"
        tab.set_viewport_size({"width": 400, "height": 850})
        viewer.scroll_through()
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.slow
@pytest.mark.needs("playwright.sync_api")
def test_more_values_than_lines_are_a_map(browser: Any, tmp_path: Path) -> None:
    ds = memsim.sweep("resnet18", input="3x32x32", cache="16KiB:256KiB:12@log",
                      bandwidth="1GB/s:9GB/s:1GB/s", machine="textbook", workers=1)  # fmt: skip
    file = tmp_path / "page.html"
    file.write_text(sweep_page(ds), encoding="utf-8")
    with viewing(browser, file) as viewer:
        tab = viewer.tab
        tab.select_option("#pick-value", "time_ps")
        tab.select_option("#pick-y", "bandwidth")
        assert tab.is_checked("input[value=map]")
        tab.check("input[name=kind][value=lines]", force=True)  # 9 could not be told apart
        assert tab.input_value("#pick-y") == ""
        wanted = [format_time(int(each)) for each in ds.time_ps.isel(network=0, bandwidth=0).values]
        assert [cells[0] for cells in viewer.rows("#table-sweep").values()] == wanted
