"""DOT and GraphML: every layer and every tensor, whatever their names."""

from __future__ import annotations

import re

import networkx as nx
import pytest
from hypothesis import given, settings

import memsim
from memsim.formats.graphs import to_dot, to_graphml
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from tests.strategies import networks


@given(networks())
@settings(max_examples=30)
def test_graphml_read_back_has_the_same_layers_and_operands(network):
    graph = nx.parse_graphml(to_graphml(network), force_multigraph=True)
    assert list(graph.nodes) == [layer.name for layer in network]
    found = sorted((s, t, facts["operand"]) for s, t, facts in graph.edges(data=True))
    assert found == sorted(network.graph.edges(keys=True))
    for layer in network:
        assert graph.nodes[layer.name]["macs"] == layer.macs
        assert graph.nodes[layer.name]["bytes"] == layer.output.nbytes


@given(networks())
@settings(max_examples=30)
def test_dot_has_a_line_for_every_layer_and_operand(network):
    lines = to_dot(network).splitlines()
    assert sum(" -> " in line for line in lines) == network.graph.number_of_edges()
    assert sum("label=" in line for line in lines) == len(network)


def test_names_that_need_quotes():
    name = 'a "b" \\ <c> & d'
    network = Network(name, [Node(name, Input(shape=(1, 2, 2))), Node("c", Conv(out=1), (name,))])
    assert '"a \\"b\\" \\\\ <c> & d" -> "c"' in to_dot(network)
    assert name in nx.parse_graphml(to_graphml(network), force_multigraph=True).nodes


def test_colours_and_more_facts():
    network = memsim.load("resnet18")
    dot = to_dot(network, {"conv1.conv": "#000080"})
    assert re.search(r'"conv1\.conv" .*fillcolor="#000080", fontcolor=white', dot)
    text = to_graphml(network, {"conv1.conv": {"dram_bytes": 5}})
    graph = nx.parse_graphml(text, force_multigraph=True)
    assert graph.nodes["conv1.conv"]["dram_bytes"] == 5
    assert graph.nodes["conv1.conv"]["moc"] == pytest.approx(network["conv1.conv"].macs / 953344)
