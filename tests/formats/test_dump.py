"""The flat form reads back to an equal network (law 11), and reads well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.errors import InputError
from memsim.formats import dump
from memsim.formats.architecture.file import from_text
from memsim.network import Network, Node
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.shape import Input
from tests.strategies import networks


@given(networks(shuffle=True))
def test_a_random_network_reads_back_to_an_equal_one(network):
    text = dump(network)
    again = from_text(text)
    assert again == network
    assert dump(again) == text


@given(networks())
def test_the_flat_form_has_one_line_for_each_layer(network):
    lines = dump(network).splitlines()
    body = lines[lines.index("layers:") + 1 :]
    items = [line for line in body if line.startswith("  - {name: ")]
    heads = 0 if "inputs" not in lines[1] else lines[1].count("[")
    heads = 1 if lines[1].startswith("input:") else heads
    assert len(items) + heads == len(network)


NAMES = st.text(min_size=1, max_size=12)


@given(st.lists(NAMES, min_size=2, max_size=4, unique=True), NAMES, st.text(max_size=12))
def test_any_printable_name_survives(layers, name, source):
    first, *others = layers
    nodes = [Node(first, Input(shape=(1, 2, 3)))]
    nodes += [Node(other, Relu(), (nodes[-1].name,)) for other in others]
    network = Network(name, nodes, source=source)
    try:
        text = dump(network)
    except InputError:
        assert any(not n.isprintable() or n.strip() != n or n[0] in "$" for n in layers)
        return
    if text.encode(errors="replace").decode() == text:  # a lone surrogate is no text
        assert from_text(text) == network


@pytest.mark.parametrize(
    "name", ["true", "null", "1", "1e3", "on", "a b", "a: b", "#a", "é", "[", ""]
)
def test_names_are_quoted_where_yaml_would_misread_them(name):
    network = Network(name or "x", [Node("i", Input(shape=(1, 2, 3))), Node("r", Relu(), ("i",))])
    assert from_text(dump(network)) == network


def test_names_that_a_file_cannot_hold_are_refused_all_at_once():
    nodes = [Node("previous", Input(shape=(1, 2, 3))), Node("$r", Relu(), ("previous",))]
    with pytest.raises(InputError) as error:
        dump(Network("t", nodes))
    assert len(error.value.problems) == 2


def test_what_is_the_default_is_left_out():
    network = from_text(
        "name: t\ninput: [3, 8, 8]\ndtype: fp16\nbatch: 2\nsource: arXiv:1\n"
        "layers:\n  - conv: {out: 4, kernel: [3, 1], padding: [0, 0, 1, 1]}\n  - maxpool: 2\n"
        "outputs: [conv1, maxpool1]\n"
    )
    assert dump(network) == (
        "name: t\nsource: arXiv:1\ninput: [3, 8, 8]\ndtype: fp16\nbatch: 2\nlayers:\n"
        "  - {name: conv1, conv: {out: 4, kernel: [3, 1], padding: [0, 0, 1, 1]}, from: input}\n"
        "  - {name: maxpool1, maxpool: {kernel: 2}, from: conv1}\n"
        "outputs: [conv1, maxpool1]\n"
    )


def test_a_network_of_inputs_alone_is_written_too():
    network = Network("t", [Node("input", Input(shape=(1, 2, 3)))])
    assert from_text(dump(network)) == network
