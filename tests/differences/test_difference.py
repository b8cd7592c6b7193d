"""Differences: rows add up, layers are found again, and what is wrong is told before any work."""

from __future__ import annotations

import json
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import memsim
from memsim.cli.main import run
from memsim.differences.alignment import LEAST, Element, _Table
from memsim.differences.side import Amounts
from memsim.network import Network, Node
from tests.golden import check_golden
from tests.strategies import networks

CHAIN = """\
name: chain
input: [3, 16, 16]
layers:
  - conv: {out: 8, kernel: 3, act: relu}
    name: stem
  - conv: {out: 8, kernel: 3, act: relu}
    name: middle
  - conv: {out: 16, kernel: 1}
    name: head
"""


MACHINE: dict[str, Any] = {"machine": "textbook", "cache": 999, "buffer": "64MB"}
"""Its buffers hold a tile of whatever is drawn."""


def attempt(network: Network, **options: Any) -> memsim.Result:
    """Its run; a network that computes nothing is not looked at."""
    try:
        return memsim.run(network, **options, **MACHINE)
    except memsim.SimulationError:
        reject()


def chain(**changes: str) -> Network:
    text = CHAIN
    for old, new in changes.items():
        text = text.replace(old, new)
    return memsim.loads(text)


def renamed(network: Network, start: str = "other") -> Network:
    """The same network, with other names for its layers."""
    names = {node.name: f"{start}{number}" for number, node in enumerate(network.nodes)}
    nodes = [
        Node(
            names[each.name],
            each.op,
            tuple(names[name] for name in each.inputs),
            weights=names.get(each.weights, ""),
            bias=names.get(each.bias, ""),
            learned=each.learned,
            types=each.types,
        )
        for each in network.nodes
    ]
    outputs = [names[name] for name in network.outputs]
    return Network(network.name, nodes, outputs, dtype=network.dtype, batch=network.batch)


# ---- laws


@settings(max_examples=15, deadline=None)
@given(networks(), networks(), st.sampled_from(["eager", "fused", "concat_free"]))
def test_rows_sum_to_the_difference_of_the_totals(a: Network, b: Network, lowering: str) -> None:
    runs = [attempt(each, lowering=lowering) for each in (a, b)]
    difference = memsim.diff(*runs)
    summed = Amounts.sum(row.difference for row in difference.layers)
    assert summed == difference.total
    first, second = runs
    assert summed.dram_bytes == second.dram_bytes - first.dram_bytes
    assert summed.dram_weight_bytes == second.by_part["weights"] - first.by_part["weights"]
    assert summed.time_ps == second.time_ps - first.time_ps
    assert summed.params == b.params - a.params
    for which, each in (("a", first), ("b", second)):
        items = [item for row in difference.layers for item in getattr(row, which)]
        kernels = [item for item in items if item.name in {layer.name for layer in each.layers}]
        assert sorted(item.name for item in kernels) == sorted(layer.name for layer in each.layers)
        assert len({item.name for item in items}) == len(items)


@settings(max_examples=15, deadline=None)
@given(networks())
def test_a_network_does_not_differ_from_itself(network: Network) -> None:
    result = attempt(network)
    same = memsim.diff(result, result)
    assert same.is_empty
    assert same.total == Amounts()
    assert {row.change for row in same.layers} == {"same"}
    other = memsim.diff(result, attempt(renamed(network)))
    assert other.total == Amounts()
    assert {row.change for row in other.layers} == {"renamed"}
    assert [len(row.a) + len(row.b) for row in other.layers] == [2] * len(same.layers)


ELEMENTS = st.lists(
    st.builds(
        Element,
        st.sampled_from("abc"),
        st.sampled_from(["conv", "relu"]),
        st.sampled_from([(4, 2), (8, 2)]),
        st.sampled_from([0, 9]),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(ELEMENTS, ELEMENTS)
def test_no_other_alignment_has_more_in_common(a: list[Element], b: list[Element]) -> None:
    table = _Table(a, b)

    def common(pairs: list[tuple[int, int]]) -> int:
        return sum(int(table.row(one, other, other + 1)[0]) for one, other in pairs)

    def best(one: int, other: int) -> int:
        if one == len(a) or other == len(b):
            return 0
        here = int(table.row(one, other, other + 1)[0])
        matched = here + best(one + 1, other + 1) if here else 0
        return max(best(one + 1, other), best(one, other + 1), matched)

    found = table.pairs(0, len(a), 0, len(b))
    assert common(found) == best(0, 0)
    assert all(int(table.row(one, other, other + 1)[0]) >= LEAST for one, other in found)
    assert all(x < y and p < q for (x, p), (y, q) in pairwise(found))


def test_an_alignment_that_is_halved_is_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    a = [Element(f"a{n}", "conv", (n % 3,), n % 5) for n in range(23)]
    b = [Element(f"b{n}", "conv", (n % 3,), n % 4) for n in range(17)]
    table = _Table(a, b)

    def common(pairs: list[tuple[int, int]]) -> int:
        return sum(int(table.row(one, other, other + 1)[0]) for one, other in pairs)

    whole = common(table.pairs(0, len(a), 0, len(b)))
    monkeypatch.setattr("memsim.differences.alignment.MOST_CELLS", 20)
    assert common(table.pairs(0, len(a), 0, len(b))) == whole > 0


# ---- layers are found again


def test_an_inserted_layer_is_the_one_that_is_new() -> None:
    tail = "[" + ", ".join(["conv: {out: 8, kernel: 3}", "relu", "conv: {out: 4, kernel: 1}"])
    a = memsim.loads(f"{{name: n, input: [16, 8, 8], layers: {tail}]}}")
    longer = tail.replace("[", "[conv: {out: 16, kernel: 5}, relu, ", 1)
    b = memsim.loads(f"{{name: n, input: [16, 8, 8], layers: {longer}]}}")
    difference = memsim.diff(a, b, machine="textbook", lowering="eager")
    assert [row.names for row in difference.layers] == [
        ("", "conv1"), ("", "relu1"), ("conv1", "conv2"), ("relu1", "relu2"), ("conv2", "conv3"),
    ]  # the names say otherwise, and what the layers are decides  # fmt: skip


def test_a_layer_with_another_width_is_the_same_layer() -> None:
    difference = memsim.diff(
        chain(), chain(**{"out: 8, kernel: 3, act: relu}\n    name: middle":
                          "out: 12, kernel: 3, act: relu}\n    name: middle"}),
        machine="textbook", cache=0, lowering="fused",
    )  # fmt: skip
    assert [(row.change, *row.names) for row in difference.layers] == [
        ("same", "stem.conv", "stem.conv"),
        ("changed", "middle.conv", "middle.conv"),
        ("changed", "head", "head"),
    ]
    middle = difference.layers[1].difference
    assert middle.params == 9 * 8 * 4  # four filters of 3x3 over 8 channels
    assert middle.macs == 9 * 8 * 4 * 16 * 16
    assert middle.dram_write_bytes == 4 * 16 * 16 * 4  # four maps of 16x16 in fp32, to DRAM


def test_kernels_of_the_same_layers_are_one_row() -> None:
    difference = memsim.diff(chain(), chain(), machine="textbook")
    assert difference.is_empty
    runs = [memsim.run(chain(), machine="textbook", lowering=each) for each in ("eager", "fused")]
    rows = memsim.diff(*runs).layers
    assert [([i.name for i in row.a], [i.name for i in row.b]) for row in rows] == [
        (["stem.conv", "stem.act"], ["stem.conv"]),
        (["middle.conv", "middle.act"], ["middle.conv"]),
        (["head"], ["head"]),
    ]


def test_a_concat_that_is_a_view_is_the_one_that_copied() -> None:
    difference = memsim.diff("patterns/dense#eager", "patterns/dense#concat_free", cache="1MB")
    assert difference.counts["only in A"] == difference.counts["only in B"] == 0
    concat = next(row for row in difference.layers if row.a[0].ops == ("concat",))
    assert concat.amounts[1] == Amounts()
    assert concat.difference.dram_bytes == -concat.amounts[0].dram_bytes < 0


@pytest.mark.parametrize(
    ("a", "b"), [("resnet50", "resnet50@v1.5"), ("hardnet68#eager", "hardnet68#concat_free")]
)
def test_it_turns_around(a: str, b: str) -> None:
    there, back = memsim.diff(a, b, cache="1MiB"), memsim.diff(b, a, cache="1MiB")
    assert there.total == Amounts() - back.total
    assert there.counts["changed"] == back.counts["changed"]
    assert there.counts["only in A"] == back.counts["only in B"]


# ---- results that were written


def test_a_written_result_is_as_good_as_a_run(tmp_path: Path) -> None:
    names = "densenet121", "hardnet68"
    live = [memsim.run(name, cache="1MiB", lowering="concat_free") for name in names]
    files = [tmp_path / f"{name}.json" for name in names]
    for result, file in zip(live, files, strict=True):
        result.save(file)
    wanted = memsim.diff(*live).rows()
    ways = product(*zip(live, files, strict=True))
    assert all(memsim.diff(a, b).rows() == wanted for a, b in ways)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda facts: facts.update(schema="memsim.curve/1"),
         "r.json: is 'memsim.curve/1', not 'memsim.result/2' "
         "(memsim run NETWORK --format json -o FILE writes one)"),
        (lambda facts: facts["layers"][2].update(macs=-1),
         "r.json: layers[2].macs: expected a whole number from 0 on"),
        (lambda facts: facts["layers"][0].update(ops=[]),
         "r.json: layers[0].ops: expected an operator for each of its layers"),
        (lambda facts: facts["layers"][0].update(time_s="1"),
         "r.json: layers[0].time_s: expected a number of seconds"),
        (lambda facts: facts.pop("without_kernel"),
         "r.json: without_kernel: expected a list of layers; "
         "memsim run NETWORK --format json -o FILE writes one"),
        (lambda facts: facts["config"].update(batch=0),
         "r.json: config.batch: expected a whole number from 1 on"),
        (lambda facts: facts["totals"].update(dram_bytes=7), "its totals tell 7 B"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_result_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    facts = memsim.run(chain(), machine="textbook").to_dict()
    change(facts)
    Path("r.json").write_text(json.dumps(facts))
    with pytest.raises(memsim.InputError) as caught:
        memsim.diff("r.json", chain())
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "[", "[]", "null", '{"schema": NaN}', "[" * 10**5, "\xff"])
def test_broken_text_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "r.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(memsim.InputError, match=r"r\.json(:1:\d)?: is no"):
        memsim.diff(file, chain())


# ---- the command


def test_what_people_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "resnet50", "resnet50@v1.5", "--cache", "1MiB", "--layers", "4"]) == 0
    first = capsys.readouterr().out
    assert run(["diff", "densenet121#eager", "densenet169#concat_free", "--layers", "6"]) == 0
    text = first + "\n" + capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    check_golden("diff.txt", text)


def test_every_format_tells_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for form in ("json", "csv", "md"):
        assert run(["diff", "resnet18", "resnet34", "--format", form]) == 0
        told[form] = capsys.readouterr().out
    facts = json.loads(told["json"])
    assert facts["schema"] == "memsim.difference/1"
    assert facts["changes"]["only in B"] == told["csv"].count("only in B,") == 56
    total = facts["difference"]["dram_bytes"]
    assert total == sum(layer["difference"]["dram_bytes"] for layer in facts["layers"]) > 0
    assert "from resnet18 \\(A\\)" in told["md"] or "from resnet18 (A)" in told["md"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("resnet18#eagre resnet18",
         "resnet18#eagre: unknown lowering 'eagre' (did you mean 'eager'?)"),
        ("resnet18#cach=1MB resnet18",
         "resnet18#cach=1MB: unknown option 'cach' (did you mean 'cache'?)"),
        ("resnet18#ways=all resnet18",
         "resnet18#ways=all: ways takes a whole number, not 'all'"),
        ("resnet18# resnet18",
         "resnet18#: nothing stands behind the # (such as #eager, or #cache=1MiB,batch=8)"),
        ("resnet18#eager,fused resnet18",
         "resnet18#eager,fused: lowering is given twice (once is enough)"),
        ("a.json#eager resnet18",
         "a.json#eager: a result has run, and no option changes it (a network may have options)"),
        ("no.json resnet18", "no.json: no such file"),
        ("resnet18#cache=1MB resnet18#cache=2MB --cache 3MB",
         "cache: changes neither side: each says its own (leave it out)"),
        ("a.json b.json --cache 3MB --dtype int8",
         "cache: changes neither side: both have run (leave it out)\n"
         "memsim: dtype: changes neither side: both have run (leave it out)"),
        ("resnet81 resnet18", "unknown network 'resnet81' (did you mean 'resnet18'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(capsys: pytest.CaptureFixture[str], line: str, message: str) -> None:
    assert run(["diff", *line.split()]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"memsim: {message}\n")


def test_parts_of_traffic_are_compared_with_the_same_part() -> None:
    result = memsim.run(chain(), machine="textbook", only="weights")
    with pytest.raises(memsim.InputError, match=r"only: A tells weights alone, and B all traffic"):
        memsim.diff(result, chain(), machine="textbook")
    assert memsim.diff(result, chain(), machine="textbook", only="weights").total == Amounts()
