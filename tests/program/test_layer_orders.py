"""Orders of layers by hand and beside what was published."""

from __future__ import annotations

import json
import math
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import memsim
from memsim.network import Network
from memsim.program import build
from memsim.program.ordering import Steps
from memsim.program.ordering.depth import depth_first_order
from memsim.program.ordering.peak import Lives, least_peak_order
from memsim.program.ordering.steps import bits

PUBLISHED = YAML(typ="safe").load(Path(__file__).with_name("published_orders.yaml"))


def steps_of(network: Network, lowering: str = "fused") -> Steps:
    """The steps of a network whose maps live as wholes."""
    return Steps(build(network, buffer=1 << 30, tile="whole", lowering=lowering))


def level_by_level(steps: Steps) -> list[int]:
    """What has been ready longest runs first."""
    order, done, queue = [], 0, [*bits(steps.ready(0))]
    while queue:
        order.append(queue.pop(0))
        done |= 1 << order[-1]
        queue += [each for each in steps.after[order[-1]] if not steps.before[each] & ~done]
    return order


def darts_cell(facts: dict[str, Any]) -> Network:
    """A cell, from its two inputs to the first convolution that reads all of its nodes."""
    channels, side = facts["channels"], facts["side"]
    layers: list[dict[str, Any]] = []

    def add(name: str, source: str | list[str], **op: Any) -> str:
        layers.append({"name": name, **op, "from": source})
        return name

    nodes = ["s0", "s1"]
    for pairs in facts["normal"]:
        node, ends = f"n{len(nodes)}", []
        for number, (kind, source) in enumerate(pairs):
            end = nodes[source]
            for again in range({"sep_conv_3x3": 2, "dil_conv_3x3": 1, "skip_connect": 0}[kind]):
                name = f"{node}.{number}.{again}"
                end = add(f"{name}.relu", end, relu={})
                dilation = 2 if kind.startswith("dil") else 1
                depthwise = {"out": channels, "kernel": 3, "groups": channels}
                end = add(f"{name}.depthwise", end, conv={**depthwise, "dilation": dilation})
                end = add(f"{name}.pointwise", end, conv={"out": channels, "kernel": 1, "bn": True})
            ends.append(end)
        nodes.append(add(node, ends, add={}))
    add("cell", nodes[2:], concat={})
    add("relu", "cell", relu={})
    add("next", "relu", conv={"out": channels, "kernel": 1, "bn": True})
    shape = [channels, side, side]
    facts = {"name": "darts", "inputs": {"s0": shape, "s1": shape}, "layers": layers}
    return memsim.loads(json.dumps(facts))


def googlenet(facts: dict[str, Any]) -> Network:
    """GoogLeNet, each module branch by branch."""
    layers: list[dict[str, Any]] = []

    def add(source: str | list[str] | None, **op: Any) -> str:
        name = f"layer{len(layers)}"
        layers.append({"name": name, **op} | ({} if source is None else {"from": source}))
        return name

    def conv(source: str | None, out: int, kernel: int = 1, stride: int = 1) -> str:
        about = {"out": out, "kernel": kernel, "stride": stride, "bn": True, "act": "relu"}
        return add(source, conv=about)

    def pool(source: str, stride: int = 2) -> str:
        return add(source, maxpool={"kernel": 3, "stride": stride, "padding": 1})

    last = pool(conv(None, 64, 7, 2))
    last = pool(conv(conv(last, 64), 192, 3))
    for module in facts["modules"]:
        if module == "pool":
            last = pool(last)
            continue
        one, few, three, fewer, five, after = module
        parts = [conv(last, one), conv(conv(last, few), three, 3)]
        parts += [conv(conv(last, fewer), five, 5), conv(pool(last, 1), after)]
        last = add(parts, concat={})
    add(add(last, global_avgpool={}), linear=1000)
    facts = {"name": "googlenet", "input": [3, 224, 224], "layers": layers}
    return memsim.loads(json.dumps(facts), dtype="int8")


def test_serenity_was_copied_right() -> None:
    """The means of the cells are those of the abstract."""
    facts = PUBLISHED["serenity"]
    for column, kind in enumerate(("scheduled", "rewritten"), 1):
        ratios = [peaks[0] / peaks[column] for peaks in facts["peaks"].values()]
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        assert round(mean, 2) == facts["means"][kind]


def test_the_least_peak_of_the_darts_cell_is_the_published_one() -> None:
    """Six maps of 28x28x48 in fp32: the file's order has it, and level by level it is one more."""
    steps = steps_of(darts_cell(PUBLISHED["darts"]), "concat_free")
    one_map = 28 * 28 * 48 * 4
    lives, found = Lives(steps), least_peak_order(steps)
    assert (found.search, found.orders) == ("exact", ())
    least = lives.peak(range(len(steps)))
    assert least == 6 * one_map
    _, published, _ = PUBLISHED["serenity"]["peaks"]["darts imagenet normal cell"]
    assert round(least / 1000) == published
    levels = tuple(level_by_level(steps))
    assert lives.peak(levels) == 7 * one_map
    worse = Steps(build(steps.listed(levels), buffer=1 << 30, tile="whole", lowering="concat_free"))
    better = least_peak_order(worse)
    assert better.search == "exact"
    assert Lives(worse).peak(better.orders[0]) == 6 * one_map


def test_the_published_reordering_is_found() -> None:
    facts = PUBLISHED["reordering"]
    network = memsim.loads(facts["network"], dtype="int8")
    sizes = {f"t{at}": layer.output.nbytes for at, layer in enumerate(network)}
    assert sizes == facts["tensors"]
    steps = steps_of(network)
    lives, found = Lives(steps), least_peak_order(steps)
    assert [lives.peak(range(7)), lives.peak(found.orders[0])] == facts["peaks"]
    assert found.search == "exact"


BRANCHES = """
name: n
input: [4, 8, 8]
layers:
  - {name: a, conv: {out: 4}}
  - {name: b, conv: {out: 4}, from: a}
  - {name: c, conv: {out: 4}, from: a}
  - {name: d, conv: {out: 4}, from: b}
  - {name: e, conv: {out: 4}, from: c}
  - {name: f, concat: {}, from: [d, e]}
"""


def test_depth_first_ends_a_branch_before_the_next_begins() -> None:
    steps = steps_of(memsim.loads(BRANCHES))
    (order,) = depth_first_order(steps).orders
    assert "".join(steps.names[each] for each in order) == "abdcef"
    assert [layer.name for layer in steps.listed(order)] == ["input", *"abdcef"]


def test_what_is_written_over_waits_for_who_reads_it() -> None:
    """ReLU writes over ``a``, which ``b`` and ``c`` read: they come first in every order."""
    text = BRANCHES.replace(
        "{name: d, conv: {out: 4}, from: b}", "{name: d, relu: {inplace: true}, from: a}"
    ).replace("[d, e]", "[b, d, e]")
    network = memsim.loads(text)
    steps = steps_of(network, "eager")
    names = ["".join(steps.names[each] for each in order) for order in steps.all_orders()]
    assert names == ["abcdef", "abcedf", "acbdef", "acbedf", "acebdf"]
    for order in steps.all_orders():
        assert steps.listed(order).outputs == ("f",)


def test_a_long_network_has_orders_too() -> None:
    """More steps than Python nests calls."""
    layers = ["relu"] * 1200 + ["{name: b, relu: {}, from: input}"]
    steps = steps_of(
        memsim.loads(f"{{name: n, input: [1, 2, 2], layers: [{', '.join(layers)}]}}"), "eager"
    )
    first, second = islice(steps.all_orders(), 2)
    assert first == tuple(range(1201))
    assert second == (*range(1199), 1200, 1199)


def test_memory_that_is_held_stays_held() -> None:
    network = memsim.loads(BRANCHES)
    held = network.with_nodes(network.nodes, held={"b": "e"})
    steps = steps_of(held, "eager")
    for order in steps.all_orders():
        assert steps.listed(order).held == {"b": "e"}
        assert order.index(1) < order.index(4)


def test_views_stand_as_early_as_they_can() -> None:
    text = BRANCHES.replace(
        "{name: d, conv: {out: 4}, from: b}", "{name: d, identity: {}, from: b}"
    )
    steps = steps_of(memsim.loads(text))
    assert steps.names == ["a", "b", "c", "e", "f"]
    listed = [layer.name for layer in steps.listed((0, 2, 3, 1, 4))]
    assert listed == ["input", *"acebdf"]


def test_a_graph_of_one_order_is_not_searched() -> None:
    steps = Steps(memsim.build(memsim.load("hardnet68"), buffer=1 << 19))
    assert steps.forced
    assert next(steps.all_orders()) == tuple(range(len(steps)))
    assert least_peak_order(steps).orders == ()


# ---- as users ask


def test_the_program_of_an_order_knows_that_of_the_file() -> None:
    network = memsim.loads(BRANCHES)
    told: dict[str, Any] = {"machine": "textbook", "cache": "1KiB", "buffer": "8KiB"}
    file = memsim.run(network, **told)
    run = memsim.run(network, layer_order="dfs", **told)
    assert [layer.name for layer in run.layers] == [*"abdcef"]
    facts = run.to_dict()["layer_order"]
    assert facts["file_dram_bytes"] == file.dram_bytes
    assert facts["dram_bytes"] == run.dram_bytes
    assert facts["moved_kernels"] == 2
    assert facts["search"] == ""
    assert run.config["layer_order"] == "dfs"
    assert "layer_order" not in file.to_dict()
    assert memsim.run(network, layer_order="file", **told).to_dict() == file.to_dict()


SAID = [
    ("squeezenet1_0", "min_traffic", "min_traffic (exact): peak live 1.23 MB as in the file, "
     "traffic 9.44 MB, 9.77 MB by file"),
    ("squeezenet1_0", "min_peak", "min_peak: no order has a lower peak than the file's"),
    ("squeezenet1_0", "dfs", "dfs is the order of the file"),
    ("shufflenetv2", "min_traffic", "min_traffic: no order has less traffic than the file's"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "order", "said"), SAID)
def test_a_run_says_what_its_order_gains(network: str, order: str, said: str) -> None:
    run = memsim.run(network, machine="edge", cache="256KiB", layer_order=order)
    assert dict(run.sheet().more)["layer order"] == said
    assert f"layers by {order}" in dict(run.sheet().facts)["program"]


@pytest.mark.parametrize("options", [
    {"schedule": "depth_first", "groups": "per_block"},
    {"schedule": "depth_first", "group": ["conv1..maxpool1"], "strip": 4},
    {"frames": 2},
    {"management": "hardware"},
    {"policy": "belady"},
    {"lowering": "eager"},
    {"library": "onednn-avx2", "management": "hardware", "ways": 16},
    {"order": "best", "layer_order": "dfs"},
    {"schedule": "depth_first", "groups": "auto", "layer_order": "dfs"},
])  # fmt: skip
def test_an_order_goes_with_other_options(options: dict[str, Any]) -> None:
    told = {"layer_order": "min_traffic", "machine": "textbook", "cache": "256KiB", **options}
    network = memsim.loads(BRANCHES) if "management" in options else "squeezenet1_0"
    run = memsim.run(network, clock="recurrence", **told)
    facts = run.to_dict()["layer_order"]
    del told["layer_order"]
    file = memsim.run(network, clock="recurrence", **told)
    assert facts["file_dram_bytes"] == file.dram_bytes
    assert facts["name"] == "dfs" or run.dram_bytes <= file.dram_bytes


def test_groups_are_looked_for_in_several_orders() -> None:
    """Never above the best groups in the file's order, nor the best order layer by layer.

    With tiles the file's order moves less than all of these.
    """
    said: dict[str, Any] = {"machine": "edge", "cache": "64KiB", "clock": "recurrence"}
    ordered = memsim.run("squeezenet1_0", layer_order="min_traffic", **said)
    grouped = memsim.run("squeezenet1_0", schedule="auto", strip="rows", **said)
    both = memsim.run(
        "squeezenet1_0", schedule="auto", strip="rows", layer_order="min_traffic", **said
    )
    assert both.dram_bytes < min(ordered.dram_bytes, grouped.dram_bytes)
    facts = both.to_dict()["layer_order"]
    assert (facts["search"], facts["file_dram_bytes"]) == ("beam", grouped.dram_bytes)
    assert both.program.options["groups"] == "auto"
    dfs = memsim.run("squeezenet1_0", schedule="auto", strip="rows", layer_order="dfs", **said)
    assert dfs.dram_bytes >= both.dram_bytes
    # A chain has one order; where all moves once, no order moves less.
    layers = ", ".join("{conv: {out: 4, kernel: 3}}" for _ in range(3))
    chain = memsim.loads(f"{{name: n, dtype: int8, input: [4, 16, 16], layers: [{layers}]}}")
    for network, cache in ((chain, 1000), ("squeezenet1_0", "1MiB")):
        told = {**said, "cache": cache, "schedule": "auto", "layer_order": "min_traffic"}
        assert memsim.run(network, **told).to_dict()["layer_order"]["search"] == "exact"
    by_hand = {"schedule": "depth_first", "groups": "per_block", "overlap": "recompute"}
    anew = memsim.run("squeezenet1_0", layer_order="min_traffic", **by_hand, **said)
    assert anew.dram_bytes <= memsim.run("squeezenet1_0", **by_hand, **said).dram_bytes


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (
        "run",
        {"layer_order": "min_paek"},
        "unknown layer order 'min_paek' (did you mean 'min_peak'?)",
    ),
    ("curve", {}, "layer_order: is chosen for one cache size, and the answer is for every size"),
    ("run", {"order": "best"}, "order: best and the layer order are two searches"),
    (
        "run",
        {"layer_order": "min_peak", "schedule": "depth_first", "groups": "auto"},
        "groups: auto is of the least traffic, and the layer order is not",
    ),
]


@pytest.mark.parametrize(("verb", "options", "message"), WRONG)
def test_what_an_order_cannot_be_told(verb: str, options: dict[str, Any], message: str) -> None:
    told: dict[str, Any] = {"layer_order": "min_traffic", "machine": "textbook", **options}
    with pytest.raises(memsim.InputError) as error:
        getattr(memsim, verb)("squeezenet1_0", **told)
    assert message in str(error.value)


@pytest.mark.needs("xarray")
def test_a_sweep_takes_orders_that_depend_on_no_cache() -> None:
    told: dict[str, Any] = {"machine": "textbook", "cache": ["64KiB", "256KiB"]}
    with pytest.raises(memsim.InputError, match="min_traffic"):
        memsim.sweep("squeezenet1_0", layer_order="min_traffic", **told)
    swept = memsim.sweep("squeezenet1_0", layer_order=["file", "min_peak"], **told)
    assert swept["dram_bytes"].sizes["layer_order"] == 2


@pytest.mark.parametrize("name", [
    *(pytest.param(name, marks=pytest.mark.slow)
      for name in ("squeezenet1_0", "hardnet138s", "ssd512_hardnet68", "googlenet")),
    pytest.param("logdensenet103", marks=pytest.mark.release),
])  # fmt: skip
def test_the_table_of_the_documentation(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "design" / "orders.md"
    (row,) = (line for line in page.read_text("utf-8").splitlines() if f"| {name} |" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
    network = googlenet(PUBLISHED["googlenet"]) if name == "googlenet" else name
    for cell, (order, size, kind) in zip(
        cells,
        [
            ("min_peak", "1MiB", "peak_live"),
            *(("min_traffic", size, "dram") for size in ("256KiB", "1MiB", "4MiB")),
        ],
        strict=True,
    ):
        told: dict[str, Any] = {"machine": "edge", "cache": size, "clock": "recurrence"}
        gain = memsim.run(network, layer_order=order, **told).to_dict()["layer_order"]
        said = [f"{gain[f'{which}{kind}_bytes'] / 1e6:.2f}" for which in ("file_", "")]
        star = "" if gain["search"] == "exact" else " *"
        assert cell == f"{' → '.join(dict.fromkeys(said))} MB{star}"
