"""Every kind of result prints, shows in a notebook, becomes a table and a file in the same way."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

import memsim
from memsim.cli.main import run
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.pool import GlobalAvgPool
from memsim.network.ops.shape import Input
from memsim.sheets.facts import Facts
from memsim.sheets.formats import FORMATS, render
from memsim.validation import Check, CheckRow, Fidelity


def one() -> Network:
    """One convolution."""
    nodes = [Node("x", Input(shape=(3, 16, 16))), Node("c", Conv(out=4, kernel=3), ("x",))]
    return Network("one", nodes)


def pooled() -> Network:
    """No convolution at all."""
    nodes = [Node("x", Input(shape=(3, 16, 16))), Node("p", GlobalAvgPool(), ("x",))]
    return Network("pooled", nodes)


def one_check() -> Check:
    return Check("x", "X", "ms", "unseen", (), (CheckRow("a", 1.0, 1.1),))


RESULTS: dict[str, Callable[[], Facts]] = {
    "run": lambda: memsim.run(one()),
    "curve": lambda: memsim.curve(one(), sizes=["1KiB"]),
    "size": lambda: memsim.size(one(), within="10%"),
    "compare": lambda: memsim.compare(one()),
    "bounds": lambda: memsim.bounds(one()),
    "bounds without convolutions": lambda: memsim.bounds(pooled()),
    "memory": lambda: memsim.memory(one()),
    "microscope": lambda: memsim.microscope(one(), cache="1KiB"),
    "describe": lambda: memsim.describe(one()),
    "pytorch_traffic": lambda: memsim.pytorch_traffic(one(), sizes=["64KiB"]),
    "paper": lambda: memsim.paper_table("camvid"),
    "fidelity": lambda: Fidelity((one_check(),)),
}

NEEDS = {"bounds": "scipy", "bounds without convolutions": "scipy"}


def result_of(name: str, needs: Callable[[str], object]) -> Facts:
    if name in NEEDS:
        needs(NEEDS[name])
    return RESULTS[name]()


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", RESULTS)
def test_every_result_is_told_in_every_format(name: str, format_: str, needs) -> None:
    text = render(result_of(name, needs), format_)
    assert text.strip()
    if format_ == "json":
        assert json.loads(text)["schema"].startswith("memsim.")
    if format_ == "table":
        assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", RESULTS)
def test_the_columns_are_those_of_the_rows(name: str, needs) -> None:
    result = result_of(name, needs)
    for row in result.rows():
        assert list(row) == result.columns
        assert not any(isinstance(value, dict | list | tuple) for value in row.values())
    header, *lines = csv.reader(io.StringIO(render(result, "csv")))
    assert header == result.columns
    assert len(lines) == len(result.rows())


def test_a_table_without_rows_has_its_columns(needs) -> None:
    bounds = result_of("bounds", needs)
    without = result_of("bounds without convolutions", needs)
    assert without.rows() == []
    assert without.columns == bounds.columns == list(bounds.rows()[0])
    assert "0 heaviest" not in str(without)


@pytest.mark.needs("pandas")
def test_a_data_frame_without_rows_has_its_columns(needs) -> None:
    without = result_of("bounds without convolutions", needs)
    assert list(without.to_dataframe().columns) == without.columns


@pytest.mark.needs("scipy")
@pytest.mark.parametrize("format_", FORMATS)
def test_bounds_without_convolutions_on_the_command_line(
    tmp_path: Path, format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pooled.yaml"
    file.write_text("{name: pooled, input: [3, 16, 16], layers: [global_avgpool]}")
    assert run(["bounds", str(file), "--format", format_]) == 0
    assert capsys.readouterr().out


@dataclass(frozen=True)
class Named(memsim.Result):
    """A result with a name of its own."""


def test_a_subclass_looks_like_its_parent() -> None:
    result = memsim.run(one())
    mine = Named(result.program, result.machine, result.traffic, result.steps, result.timeline)
    for format_ in FORMATS:
        assert render(mine, format_) == render(result, format_)


def test_a_subclass_may_be_laid_out_in_its_own_way() -> None:
    class Short(memsim.SmallestCache):
        laid_out_by = f"{__name__}:short_sheet"

    size = memsim.size(one(), within="10%")
    assert str(Short(**asdict(size))) == "one!\n"
    assert str(size) != "one!\n"


def short_sheet(facts: memsim.SmallestCache, layers: int | None) -> object:
    from memsim.sheets.sheet import Sheet

    return Sheet(f"{facts.network}!")


@pytest.mark.parametrize("ending", ["json", "csv", "md", "html", "txt"])
def test_every_result_is_saved_by_its_files_ending(tmp_path: Path, ending: str) -> None:
    traffic = memsim.pytorch_traffic(one(), sizes=["64KiB"])
    file = tmp_path / f"traffic.{ending}"
    traffic.save(file)
    format_ = "table" if ending == "txt" else ending
    assert file.read_text("utf-8") == render(traffic, format_)


def test_the_traffic_of_pytorch_in_json() -> None:
    traffic = memsim.pytorch_traffic(one(), sizes=["64KiB", "1MiB"], ways=8)
    facts = traffic.to_dict()
    assert facts["schema"] == "memsim.pytorch_traffic/1"
    assert (facts["network"], facts["mode"], facts["ways"]) == ("one", "fused", 8)
    assert [row["cache_bytes"] for row in facts["caches"]] == [65536, 1 << 20]
    for number, row in enumerate(facts["caches"]):
        assert row["load_bytes"] + row["write_allocate_bytes"] == traffic.read_bytes[number]
        assert row["writeback_bytes"] == traffic.write_bytes[number]
    json.dumps(facts)


def test_bounds_are_for_what_knows_what_is_still_needed() -> None:
    with pytest.raises(memsim.InputError, match="bounds are for a scratchpad"):
        memsim.bounds(one(), management="hardware")


def test_a_size_that_no_cache_reaches_is_told() -> None:
    least = memsim.run(one()).program.compulsory_bytes
    assert memsim.size(one(), traffic=least).dram_bytes == least
    with pytest.raises(memsim.SimulationError, match=f"at {least - 1:,} B"):
        memsim.size(one(), traffic=least - 1)


@pytest.mark.needs("scipy")
@pytest.mark.parametrize("name", ["hardnet68", "resnet18", "mobilenetv2", "patterns/log"])
@pytest.mark.parametrize("lowering", ["eager", "fused", "concat_free"])
def test_a_convolution_that_moves_less_than_alone_says_why(name: str, lowering: str) -> None:
    found = memsim.bounds(name, machine="textbook", cache="500kB", lowering=lowering)
    less = [row for row in found.rows() if row["dram_bytes"] < row["communication_bytes"]]
    assert less
    assert all(row["kept_on_chip"] for row in less)
    nothing = memsim.bounds(name, machine="textbook", cache=0, lowering=lowering)
    assert not any("input" in row["kept_on_chip"] for row in nothing.rows())
