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
from memsim.errors import InputError
from memsim.machine.cache import Cache
from memsim.network import Network
from memsim.program import Program, build
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
    found = {way: auto_program(net, cache, way, buffer=1 << 20) for way in (None, "keep")}
    assert found[None].options["strip_overlap"] == "recompute"
    assert sum(found[None].recomputed_macs) > 0 == sum(found["keep"].recomputed_macs)
    assert {way: moved(each, cache) for way, each in found.items()} == {None: 33144, "keep": 39960}


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
    said: dict[str, Any] = {"machine": "edge", "cache": "64KiB", "clock": "recurrence"}
    named = memsim.run("squeezenet1_0", schedule="depth_first", groups="auto", **said)
    auto = memsim.run("squeezenet1_0", schedule="auto", **said)
    assert auto.to_dict() == named.to_dict()
    for other in ({"groups": "per_block"}, {"group": ["conv1..maxpool1"]}):
        with pytest.raises(InputError, match="are found where the schedule is auto"):
            memsim.run("squeezenet1_0", schedule="auto", **said, **other)
