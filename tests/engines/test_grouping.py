"""Groups ``auto``: never above layer by layer, and what is said where nothing is gained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.grouping import auto_program
from memsim.errors import InputError, SimulationError
from memsim.machine.cache import Cache
from memsim.network import Network
from memsim.program import Program, build
from memsim.simulate.verbs import run_as
from memsim.traces import FORMATS, TraceOptions
from tests.laws.test_program import few, lowerings, program_of
from tests.strategies import networks


def moved(program: Program, cache: Cache) -> int:
    traffic = cache_pass(program, cache)
    return traffic.read_bytes + traffic.write_bytes


@settings(few, max_examples=25)
@given(networks(), lowerings, st.integers(0, 4000), st.sampled_from([None, "recompute", "keep"]))
def test_auto_never_moves_more_than_layer_by_layer(
    network: Network, lowering: str, size: int, overlap: str | None
) -> None:
    plain = program_of(network, 1000, lowering=lowering)
    cache = Cache(size=size)
    chosen = auto_program(network, cache, overlap, buffer=1000, lowering=lowering)
    assert chosen.compulsory_bytes <= moved(chosen, cache) <= moved(plain, cache)
    gains = moved(chosen, cache) < moved(plain, cache)
    assert (chosen.options["schedule"] == "depth_first") == gains
    assert str(chosen.options["groups"]).startswith("auto")
    assert overlap in (None, chosen.options.get("strip_overlap", overlap))
    rows = auto_program(network, cache, overlap, "why", buffer=1000, lowering=lowering)
    assert moved(chosen, cache) <= moved(rows, cache)
    assert "x" not in str(rows.options.get("strip"))
    if overlap is None:
        kept = auto_program(network, cache, "keep", buffer=1000, lowering=lowering)
        assert moved(chosen, cache) <= moved(kept, cache)


def test_auto_finds_the_group_of_two_convolutions() -> None:
    """At 240 B a map of 256 B moves once only if its rows are read soon after they are made.

    By hand 232 B hold the rows and weights; see the same chain among the tests of programs.
    """
    conv = "{{name: {}, conv: {{out: 1, kernel: 3, bias: false}}}}"
    layers = ", ".join(conv.format(name) for name in "ab")
    net = memsim.loads(f"{{name: n, input: [1, 8, 8], layers: [{layers}]}}")
    chosen = auto_program(net, Cache(size=240), buffer=1 << 20)
    assert chosen.options["group"] == "a..b"
    assert moved(chosen, Cache(size=240)) == chosen.compulsory_bytes == 584
    assert moved(build(net, buffer=1 << 20), Cache(size=240)) == 584 + 512
    whole = auto_program(net, Cache(size=1 << 20), buffer=1 << 20)
    assert whole.options["groups"] == "auto: all moves once already"
    assert whole.options["schedule"] == "layer_by_layer"


def test_the_curve_of_auto_is_the_least_of_all_groupings_at_every_size() -> None:
    """At the sizes whose cuts are tried it is not above what a run finds; at all, exact."""
    said: dict[str, Any] = {"machine": "edge", "schedule": "depth_first", "groups": "auto"}
    network = memsim.load("resnet18", dtype="int8", input_shape="3x64x64")
    result = memsim.curve(network, **said)
    assert next(iter(result.programs)) == "layer_by_layer"
    assert "per_block" in result.programs
    winners = set()
    for size in (16 << 10, 20_001, 32 << 10, 50_000, 64 << 10, 100_000, 1 << 20):
        least = min(moved(each, Cache(size=size)) for each in result.programs.values())
        assert result.dram_bytes(size) == least
        winners.add(result.envelope.winner(size))
        if size in (16 << 10, 64 << 10):
            found = memsim.run(network, cache=size, clock="recurrence", **said)
            assert least <= found.dram_bytes
    assert len(winners) > 1
    groupings = result.to_dict()["groupings"]
    assert {each["groups"] for each in groupings} >= winners
    sheet = str(result.sheet())
    assert result.sheet().grids[0].title == f"the least of {len(result.programs)} groupings"
    assert "fused, depth_first, groups auto" in sheet


def test_a_grouping_of_one_program_has_one_curve() -> None:
    network = memsim.load("mobilenetv2", dtype="int8", input_shape="3x64x64")
    said: dict[str, Any] = {"machine": "edge", "schedule": "depth_first", "groups": "depthwise"}
    result = memsim.curve(network, **said)
    assert not result.grouped
    for size in (0, 10_000, 64 << 10, 1 << 20):
        run = memsim.run(network, cache=size, clock="recurrence", **said)
        assert result.dram_bytes(size) == run.dram_bytes


def test_auto_computes_anew_what_strips_share_where_that_moves_less() -> None:
    """Rows that are kept age while the weights of the widest map stream past, and are evicted."""
    layers = ", ".join(f"{{conv: {{out: {out}, kernel: 3, bias: false}}}}" for out in (2, 2, 8))
    net = memsim.loads(f"{{name: n, input: [1, 24, 24], layers: [{layers}]}}")
    cache = Cache(size=1120)
    found = {way: auto_program(net, cache, way, "no", buffer=1 << 20) for way in (None, "keep")}
    assert found[None].options["strip_overlap"] == "recompute"
    assert sum(found[None].recomputed_macs) > 0 == sum(found["keep"].recomputed_macs)
    assert {way: moved(each, cache) for way, each in found.items()} == {None: 33144, "keep": 39960}


WIDE = """\
name: wide
dtype: int8
input: [1, 16, 64]
layers: [{conv: {out: 1, kernel: 3, bias: false}}, {conv: {out: 1, kernel: 3, bias: false}}]
"""


@pytest.mark.parametrize(("size", "strip", "bytes_moved"), [(140, "1x8", 2066), (340, 1, 2066)])
def test_auto_finds_tiles_where_whole_rows_do_not_fit(
    size: int, strip: int | str, bytes_moved: int
) -> None:
    """Maps of 16 rows of 64 B, and weights of 9 B: all moves once in 2 x 1,024 + 18 B.

    Strips of one row take five rows of 64 B beside 18 B of weights, which fit into 340 B and not
    into 140 B: layer by layer the map between moves twice. Of tiles of 8 columns it takes five
    times 8 B, and beside them two columns of each of two maps for the next.
    """
    net, cache = memsim.loads(WIDE), Cache(size=size)
    found = auto_program(net, cache, buffer=1 << 20)
    assert found.options["strip"] == strip
    assert found.options["groups_tried"] == "strips and tiles"
    assert moved(found, cache) == bytes_moved == found.compulsory_bytes
    rows = auto_program(net, cache, None, "why not", buffer=1 << 20)
    assert moved(rows, cache) == (bytes_moved if strip == 1 else bytes_moved + 2 * 1024)
    assert rows.options["groups_tried"] == "strips, no tiles: why not"


NO_TILES: list[tuple[dict[str, Any], str]] = [
    ({"strip": "rows"}, "strips of whole rows were asked for"),
    ({"management": "hardware", "cache": 256}, "the lines of a hardware cache need addresses"),
    ({"register_tile": "4x24"}, "kernels are cut for registers"),
]


@pytest.mark.parametrize(("options", "why"), NO_TILES)
def test_tiles_are_left_out_where_they_cannot_run_and_the_result_says_why(
    options: dict[str, Any], why: str
) -> None:
    said: dict[str, Any] = {"machine": "edge", "cache": 140, "schedule": "auto", **options}
    result = memsim.run(memsim.loads(WIDE), **said)
    assert result.to_dict()["config"]["groups_tried"] == f"strips, no tiles: {why}"
    assert "x" not in str(result.program.options.get("strip"))
    assert f"no tiles tried ({why})" in " ".join(str(result.sheet()).split())


def test_a_trace_of_requests_is_of_strips_of_whole_rows() -> None:
    """The command knows before it runs; of a run that has tiles there is no such trace."""
    net = memsim.loads(WIDE)
    said: dict[str, Any] = {"machine": "edge", "cache": 140, "schedule": "auto"}
    tiled = memsim.run(net, **said)
    assert tiled.program.options["strip"] == "1x8"
    with pytest.raises(SimulationError, match="with groups auto --strip rows"):
        b"".join(FORMATS["dramsim3"](tiled, TraceOptions()))
    assert run_as("trace", net, **said).dram_bytes == tiled.dram_bytes
    of_rows = run_as("trace of requests", net, **said)
    assert of_rows.dram_bytes == memsim.run(net, strip="rows", **said).dram_bytes
    assert b"".join(FORMATS["dramsim3"](of_rows, TraceOptions()))


@pytest.mark.slow
def test_the_table_of_the_documentation() -> None:
    """The row of mobilenetv2; its maps in 256 KiB fall to a tenth and less, not by half alone."""
    page = Path(__file__).parents[2] / "docs" / "design" / "schedules.md"
    (row,) = (line for line in page.read_text("utf-8").splitlines() if "| mobilenetv2 |" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
    for size, cell in zip(("256KiB", "1MiB", "2MiB", "4MiB"), cells, strict=True):
        said: dict[str, Any] = {"machine": "edge", "cache": size, "clock": "recurrence"}
        plain = memsim.run("mobilenetv2", **said)
        fused = memsim.run("mobilenetv2", schedule="depth_first", groups="auto", **said)
        told = [f"{each.dram_bytes / 1e6:.2f}" for each in (plain, fused)]
        assert cell == f"{' → '.join(dict.fromkeys(told))} MB"


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("curve", {"only": "weights"}, "only: the best groups are those of all traffic, not of a part"),
    (
        "size",
        {"within": "10%"},
        "groups: is chosen for one cache size, and the answer is for every",
    ),
    ("run", {"schedule": None}, "groups: is of groups that run depth first"),
    ("run", {"strip": 2}, "strip: is chosen where groups are auto"),
    ("run", {"group": ["conv1..maxpool1"]}, "group: is chosen where groups are auto"),
    ("run", {"order": "best"}, "order: best and groups auto are two searches"),
]


@pytest.mark.parametrize(("verb", "options", "message"), WRONG)
def test_what_auto_cannot_be_told(verb: str, options: dict[str, Any], message: str) -> None:
    said: dict[str, Any] = {"schedule": "depth_first", "groups": "auto", "machine": "edge"}
    with pytest.raises(InputError) as error:
        getattr(memsim, verb)("resnet18", **{**said, **options})
    assert message in str(error.value)


def test_the_schedule_auto_is_depth_first_in_the_groups_that_move_least() -> None:
    said: dict[str, Any] = {"machine": "edge", "cache": 140, "clock": "recurrence"}
    wide = memsim.loads(WIDE)
    named = memsim.run(wide, schedule="depth_first", groups="auto", **said)
    auto = memsim.run(wide, schedule="auto", **said)
    assert auto.to_dict() == named.to_dict()
    for other in ({"groups": "per_block"}, {"group": ["conv1..maxpool1"]}):
        with pytest.raises(InputError, match="are found where the schedule is auto"):
            memsim.run("squeezenet1_0", schedule="auto", **said, **other)
