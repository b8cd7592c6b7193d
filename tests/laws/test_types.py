"""Laws of data types: what counts is what each tensor is stored in, whoever says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import memsim
from memsim.network import Network
from memsim.network.types import Types
from tests.strategies import networks


def computes(network: Network) -> bool:
    """Whether there is a kernel in every lowering."""
    return any(layer.macs for layer in network if layer.name in network.needed)


def told_by_each(network: Network, dtype: str) -> Network:
    """The same network in fp32, all of whose layers say another data type."""
    types = Types(weight=dtype, bias=dtype)
    nodes = [
        replace(node, types=Types(output=dtype) if node.op.is_input else types)
        for node in network.nodes
    ]
    return Network(network.name, nodes, network.outputs, dtype="fp32", batch=network.batch)


@pytest.mark.parametrize("lowering", ["eager", "fused", "concat_free"])
@settings(max_examples=15)
@given(network=networks(), dtype=st.sampled_from(["fp16", "int8"]), cache=st.integers(0, 60_000))
def test_a_data_type_that_every_layer_says_is_that_of_the_network(
    lowering: str, network: Network, dtype: str, cache: int
) -> None:
    assume(all(layer.op.multiplies or not layer.weights for layer in network))
    assume(computes(network))
    runs = [
        memsim.run(each, cache=cache, lowering=lowering, machine="textbook")
        for each in (network.with_options(dtype=dtype), told_by_each(network, dtype))
    ]
    one, other = ([layer.to_dict() for layer in run.layers] for run in runs)
    assert one == other
    cio, same = (run.network.cio_bytes for run in runs)
    assert cio == same


@settings(max_examples=15)
@given(network=networks())
def test_what_every_layer_says_of_itself_changes_nothing(network: Network) -> None:
    """The data type of the network, said once more by each layer."""
    assume(computes(network))
    nodes = [replace(node, types=Types(*["network"] * 3)) for node in network.nodes]
    again = Network(network.name, nodes, network.outputs, dtype=network.dtype, batch=network.batch)
    assert again.dtypes == (network.dtype,)
    one, other = (memsim.run(each, cache=0, machine="textbook") for each in (network, again))
    assert one.dram_bytes == other.dram_bytes
