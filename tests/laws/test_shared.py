"""What shared weights change, and what they do not, on random networks."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.errors import SimulationError
from memsim.formats import dump
from memsim.network import Network
from memsim.program import Program
from memsim.program.kernel import Cause, Role
from memsim.program.lowering import LOWERINGS
from tests.strategies import networks

UNFUSED = [name for name in sorted(LOWERINGS) if not LOWERINGS[name].rules.fuses]
buffers = st.sampled_from([400, 4000])


def apart(network: Network) -> Network:
    """The same layers, each with parameters of its own."""
    nodes = [replace(node, weights="", bias="") for node in network.nodes]
    return Network(network.name, nodes, network.outputs, dtype=network.dtype, batch=network.batch)


def built(network: Network, lowering: str, buffer: int) -> Program | None:
    try:
        return memsim.build(network, buffer=buffer, lowering=lowering)
    except SimulationError:  # nothing to run, or buffers too small
        return None


@given(networks())
def test_parameters_count_with_their_owners_and_nowhere_else(network: Network) -> None:
    alone = apart(network)
    for layer in network:
        owns = layer.weights_of in (layer.name, ""), layer.bias_of in (layer.name, "")
        if all(owns):
            assert layer.params == alone[layer.name].params
        elif not any(owns) or not layer.op.biased:
            assert layer.params == 0
        else:
            assert 0 < layer.params < alone[layer.name].params
    assert network.params <= alone.params
    assert network.macs == alone.macs


@given(networks())
def test_a_file_keeps_who_shares_with_whom(network: Network) -> None:
    again = memsim.loads(dump(network))
    assert again == network == memsim.loads(dump(network, "json"))
    assert [layer.weights for layer in again] == [layer.weights for layer in network]


@given(networks(), st.sampled_from(UNFUSED), buffers)
def test_without_a_cache_sharing_moves_the_same(
    network: Network, lowering: str, buffer: int
) -> None:
    shared, alone = (built(each, lowering, buffer) for each in (network, apart(network)))
    if shared is None or alone is None:
        assert shared is alone is None
        return
    moved = [cache_pass(each, 0).traffic.sum(axis=(0, 2)).tolist() for each in (shared, alone)]
    assert moved[0] == moved[1]


@given(networks(), st.sampled_from(sorted(LOWERINGS)), buffers)
def test_with_room_for_all_each_tensor_of_parameters_moves_once(
    network: Network, lowering: str, buffer: int
) -> None:
    program = built(network, lowering, buffer)
    if program is None:
        return
    traffic = cache_pass(program, 1 << 40).traffic[:, Role.WEIGHT].sum(axis=0)
    stored = sum(each.nbytes for each in program.tensors if each.kind == "weight")
    assert traffic.tolist() == [stored if cause is Cause.COMPULSORY else 0 for cause in Cause]
    assert len({each.name for each in program.tensors}) == len(program.tensors)
    for kernel in program.kernels:
        assert sum(each.stored for each in kernel.weights if not each.sizes) == kernel.stored
