"""Comparisons: the facts are those of the single runs, side by side."""

from __future__ import annotations

import pytest

import memsim
from memsim.sheets.formats import render


@pytest.fixture(scope="module")
def comparison() -> memsim.Comparison:
    return memsim.compare(["patterns/dense", "patterns/harmonic", "resnet18"], cache="500kB")


def test_it_has_the_numbers_of_single_runs(comparison: memsim.Comparison) -> None:
    for contender in comparison.contenders:
        alone = memsim.run(contender.name, cache="500kB")
        facts = contender.to_dict()
        assert facts["dram_bytes"] == alone.dram_bytes == sum(facts["by_role"].values())
        assert facts["by_cause"] == alone.by_cause
        assert facts["time_s"] == alone.time_s
        assert facts["params"] == alone.network.params


def test_shares_are_shares(comparison: memsim.Comparison) -> None:
    for facts in comparison.to_dict()["networks"]:
        found = facts["shortcuts"]
        assert found["dram_bytes"] == found["dram_read_bytes"] + found["dram_write_bytes"]
        assert found["share"] == found["dram_bytes"] / facts["dram_feature_map_bytes"]
        assert 0 < found["share"] < 1


def test_what_all_have_in_common_is_told_once(comparison: memsim.Comparison) -> None:
    facts = comparison.to_dict()
    assert facts["schema"] == "memsim.comparison/3"
    assert facts["config"]["cache_bytes"] == 500_000
    assert "input_shapes" not in facts["config"]
    assert facts["networks"][0]["input_shapes"] == [[1, 64, 56, 56]]


def test_rows_are_flat(comparison: memsim.Comparison) -> None:
    rows = comparison.rows()
    assert [row["name"] for row in rows] == ["patterns/dense", "patterns/harmonic", "resnet18"]
    assert rows[0]["input_shapes"] == "1x64x56x56"
    assert rows[0]["shortcuts.share"] == comparison.contenders[0].shortcut_share
    assert not any(isinstance(value, dict | list) for value in rows[0].values())


def test_names_lose_their_folders_where_they_stay_different(comparison: memsim.Comparison) -> None:
    assert any("dense" in line.split() for line in render(comparison).splitlines())
    net = memsim.load("patterns/dense")
    other = memsim.Network("other/dense", net.nodes)
    assert "other/dense" in render(memsim.compare([net, other]))


def test_what_does_not_fit_on_a_line_goes_below() -> None:
    net = memsim.load("patterns/dense")
    many = [memsim.Network(f"network_with_a_long_name_{i}", net.nodes) for i in range(3)]
    text = render(memsim.compare(many))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert text.count("DRAM traffic by role") == 2


def test_nothing_cannot_be_compared() -> None:
    with pytest.raises(memsim.InputError, match="no network to compare"):
        memsim.compare([])


def test_what_is_said_of_programs_holds_for_all_of_them():
    """Groups are found for each network and size anew; those of one are not told of another."""
    options = {"machine": "edge", "cache": "128KiB"}
    told = str(memsim.compare(["resnet18", "squeezenet1_0"], **options, schedule="auto"))
    said = " ".join(told.partition("program")[2].partition("accuracy")[0].split())
    assert said.startswith("fused, depth_first,")
    assert said.endswith("int8, groups auto, and what memsim run says of each")
    assert "strips" not in said
    same = str(memsim.compare(["resnet18", "squeezenet1_0"], **options))
    assert "fused, layer_by_layer, rows_outer, int8\n" in same
