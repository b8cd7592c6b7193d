"""SCALE-Sim topologies: how a table becomes a chain."""

from __future__ import annotations

import pytest

import memsim
from memsim.errors import InputError
from memsim.formats.scalesim import COLUMNS, from_text

HEADER = ", ".join(COLUMNS) + ",\n"

ALEXNET = """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Conv1, 227, 227, 11, 11, 3, 96, 4,
Conv2, 31, 31, 5, 5, 96, 256, 1,
Conv3, 15, 15, 3, 3, 256, 384, 1,
Conv4, 15, 15, 3, 3, 384, 384, 1,
Conv5, 15, 15, 3, 3, 384, 256, 1,
FC6, 1, 1, 1, 1, 9216, 4096, 1,
FC7, 1, 1, 1, 1, 4096, 4096, 1,
FC8, 1, 1, 1, 1, 4096, 1000, 1,
"""


def test_alexnet_is_three_chains_since_its_pools_are_not_in_the_table():
    network = from_text(ALEXNET, "alexnet.csv")
    assert network.name == "alexnet"
    assert network.inputs == ("Conv1.ifmap", "Conv2.ifmap", "Conv3.ifmap", "FC6.ifmap")
    assert network.outputs == ("Conv1", "Conv2", "Conv5", "FC8")
    assert [network[f"Conv{i}"].output.shape[1:] for i in range(1, 6)] == [
        (96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13)
    ]  # fmt: skip
    # As SCALE-Sim counts: E * F * R * S * C * M of every row.
    assert network.macs == (
        55**2 * 11**2 * 3 * 96 + 27**2 * 25 * 96 * 256 + 13**2 * 9 * 256 * 384
        + 13**2 * 9 * 384 * 384 + 13**2 * 9 * 384 * 256 + 9216 * 4096 + 4096**2 + 4096 * 1000
    )  # fmt: skip


def test_padding_is_part_of_the_ifmap():
    network = from_text(HEADER + "a,9,9,3,3,3,8,1\nb,9,8,3,4,8,8,1\nc,7,5,1,1,8,8,2")
    assert network.inputs == ("a.ifmap",)
    assert network["b"].op.pads() == (1, 0, 1, 1)
    assert network["c"].op.pads() == (0, 0, 0, 0)
    assert network["c"].output.shape == (1, 8, 4, 3)


def test_a_classifier_flattens_what_is_above_it():
    network = from_text(HEADER + "a,8,8,3,3,3,4,1\nfc,1,1,1,1,144,10,1")
    assert [layer.name for layer in network] == ["a.ifmap", "a", "fc.flatten", "fc"]
    assert network["fc"].macs == 1440


def test_a_topology_runs(tmp_path):
    path = tmp_path / "alexnet.csv"
    path.write_text(ALEXNET)
    result = memsim.run(path, cache="1MB")
    assert result.network.source == "SCALE-Sim topology"
    assert memsim.load(path, batch=2, dtype="int8").macs == 2 * result.network.macs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "t.csv: is empty"),
        (",,,\n", "t.csv: is empty"),
        ("Layer, M, N, K,\n", "t.csv:1:1: expected the header 'Layer name, IFMAP Height, "),
        (HEADER, "t.csv: has no layers"),
        (HEADER + "a,1,1,1,1,1,1\n", "t.csv:2:1: a: has 7 columns, not 8"),
        (HEADER + "a,1,1,1,1,1,1,0\n",
         "t.csv:2:1: a: Strides must be a number of at least 1, not '0'"),
        (HEADER + "a,1,1,1,1,1,1e9,1\n",
         "t.csv:2:1: a: Num Filter must be a number of at least 1, not '1e9'"),
        (HEADER + "a,2,2,3,3,1,1,1\n",
         "t.csv:2:1: a: a kernel that reaches over 3 is larger than the padded height 2"),
        (HEADER + "a,2,2,1,1,1,1,1\na,2,2,1,1,1,1,1\n", "t.csv:3:1: a: the name 'a' is taken"),
        (HEADER + ",2,2,1,1,1,1,1\n", "t.csv:2:1: a name has from 1 to "),
        (HEADER + "a,2,2,1,1,1,1,1\nb,1,1,1,x,1,1,1\nc,0,1,1,1,1,1,1",
         "t.csv:3:1: b: Filter Width must be a number of at least 1, not 'x'\nt.csv:4:1: c: IFMAP"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text, expected):
    with pytest.raises(InputError) as caught:
        from_text(text, "t.csv")
    assert str(caught.value).startswith(expected)


def test_what_a_topology_has_not(tmp_path):
    path = tmp_path / "alexnet.csv"
    path.write_text(ALEXNET)
    with pytest.raises(InputError, match="a topology fixes the size of every layer"):
        memsim.load(path, input_shape=(3, 8, 8))
    with pytest.raises(InputError, match="neither variants nor parameters"):
        memsim.load(path, variant="v1")
