"""Edits: a network with a link less, a stage at half the resolution, other weights."""

from __future__ import annotations

from pathlib import Path

import pytest

import memsim
from memsim.cli.main import run
from memsim.network.edits import edited
from memsim.network.graph import Network

TEXT = """
name: net
input: [4, 8, 8]
layers:
  - {conv: {out: 4, kernel: 1}, name: s.a}
  - {conv: {out: 4, kernel: 1}, name: s.b}
  - {conv: {out: 4, kernel: 1}, name: t.c}
  - {concat: [s.a, s.b], name: t.cat}
  - {conv: {out: 4, kernel: 1}, name: t.d}
  - {add: s.a, name: u.sum}
  - {conv: {out: 2, kernel: 1}, name: u.e}
"""


@pytest.fixture
def network() -> Network:
    return memsim.loads(TEXT)


def test_a_concat_that_loses_a_link_has_fewer_channels(network: Network) -> None:
    without = edited(network, ["drop=s.a..t.cat"])
    assert without["t.cat"].output.shape == (1, 8, 8, 8)
    assert network.macs - without.macs == 64 * 4 * 4  # t.d reads four channels less
    assert network.params - without.params == 4 * 4
    assert without.outputs == network.outputs


def test_what_reads_one_tensor_hands_it_on(network: Network) -> None:
    without = edited(network, ["drop=s.a..u.sum"])
    assert without["u.sum"].op.kind == "identity"
    assert without.macs == network.macs
    with pytest.raises(memsim.InputError, match=r"u\.sum does not read s\.a"):
        edited(without, ["drop=s.a..u.sum"])
    only = edited(network, ["drop=s.a..t.cat", "drop=s.b..t.cat"])
    assert only["t.cat"].output.shape == (1, 4, 8, 8)


def test_layers_that_only_led_to_the_lost_link_go(network: Network) -> None:
    without = edited(network, ["drop=t.c..t.cat"])
    assert "t.c" not in without
    assert "s.b" in without


def test_a_stage_runs_at_half_the_resolution(network: Network) -> None:
    halved = edited(network, ["halve=t"])
    assert halved["t.c"].output.shape == halved["t.d"].output.shape == (1, 4, 4, 4)
    assert halved["t.d.restored"].output.shape == (1, 4, 8, 8)
    assert halved["u.sum"].node.inputs == ("t.d.restored", "s.a")
    # t.c and t.d do a quarter of their 64 * (4*4 + 12*4) MACs; all other layers as before.
    assert network.macs - halved.macs == 48 * (4 * 4 + 12 * 4)
    assert set(halved.inputs) == {"input"}


def test_a_map_with_an_odd_edge_comes_back_at_its_size() -> None:
    network = memsim.loads(TEXT.replace("[4, 8, 8]", "[4, 7, 9]"))
    halved = edited(network, ["halve=t"])
    assert halved["t.d"].output.shape == (1, 4, 3, 4)
    assert halved["t.d.restored"].output.shape == (1, 4, 7, 9)


def test_weights_alone_are_stored_in_fewer_bytes(network: Network) -> None:
    stored = edited(network, ["weights=int8"])
    one, other = (memsim.run(each, machine="textbook") for each in (network, stored))
    assert other.totals["dram_weight_bytes"] * 4 == one.totals["dram_weight_bytes"]
    maps = "dram_feature_map_bytes"
    assert other.totals[maps] == one.totals[maps]
    assert other.totals["compute_s"] == one.totals["compute_s"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("drop", "'drop' edits nothing; expected KIND=WHERE (such as drop=conv1..add1)"),
        ("drop=s.a", "'s.a' is no link (such as drop=conv1..add1)"),
        ("drop=s.x..t.cat", "net has no layer 's.x' (did you mean 's.b'?)"),
        ("drop=s.a..t.d", "t.d does not read s.a (it reads t.cat)"),
        ("drop=t.cat..t.d",
         "t.d cannot lose an input: only a concat or a sum of several layers can"),
        ("halve=w", "net has no stage 'w' (known: s, t, u)"),
        ("halve=u", "u.e of the stage u is an output of the network"),
        ("weights=int7", "unknown data type 'int7' (did you mean 'int8'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_edit_is_said(network: Network, edit: str, message: str) -> None:
    with pytest.raises(memsim.InputError) as caught:
        edited(network, [edit])
    assert str(caught.value) == f"--edit: {message}"


def test_an_unknown_kind_is_no_edit(network: Network) -> None:
    with pytest.raises(memsim.InputError, match=r"unknown edit 'dorp' \(did you mean 'drop'\?\)"):
        edited(network, ["dorp=s.a..t.cat"])


def test_an_edited_network_is_written_and_read_again(
    tmp_path: Path, network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "n.yaml").write_text(TEXT)
    edits = ["--edit", "halve=t", "--edit", "weights=int8", "--edit", "drop=s.b..t.cat"]
    assert run(["expand", str(tmp_path / "n.yaml"), *edits]) == 0
    text = capsys.readouterr().out
    assert memsim.loads(text) == edited(network, [edits[1], edits[3], edits[5]])
