"""Law 10: what may be done to a network's description without any number changing.

Views are inserted, and branches that nothing reads are added. That layers may be listed in another
order is in ``test_listing``.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from memsim.engines.cache.cachepass import cache_pass
from memsim.network import Network, Node
from memsim.network.ops.arrange import Flatten, Slice
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.shape import Dropout, Identity
from memsim.program import LOWERINGS, Program
from tests.laws.test_program import all_bytes, buffers, few, lowerings, program_of
from tests.strategies import networks

PRUNING = sorted(name for name, rule in LOWERINGS.items() if rule.rules.prunes)

Facts = dict[str, object]


def facts(program: Program) -> Facts:
    """Every number that does not name a layer, at five cache sizes, and the time at one."""
    everything = all_bytes(program)
    found: Facts = {
        "macs": program.macs,
        "compulsory": (program.compulsory_read_bytes, program.compulsory_write_bytes),
        "weights": program.weight_bytes,
        "kernels": [(kernel.op.kind, kernel.macs, kernel.output.shape, kernel.stored)
                    for kernel in program.kernels],
        "live": program.live_bytes.tolist(),
        "tasks": (program.task_macs.tolist(), program.task_work.tolist()),
    }  # fmt: skip
    for size in (0, everything // 9, everything // 3, everything // 2, everything):
        found[f"cache {size}"] = cache_pass(program, size).traffic.tolist()
    return found


def with_view(network: Network, at: str, view: Node, share: float) -> Network:
    """The network with a view of a layer; some of the layer's readers read the view."""
    nodes: list[Node] = []
    readers = [node.name for node in network.nodes if at in node.inputs]
    moved = readers[int(len(readers) * share) :]
    for node in network.nodes:
        if node.name in moved:
            inputs = tuple(view.name if name == at else name for name in node.inputs)
            node = replace(node, inputs=inputs)
        nodes.append(node)
        if node.name == at:
            nodes.append(view)
    outputs = [view.name if name == at and not share else name for name in network.outputs]
    return Network(network.name, nodes, outputs, dtype=network.dtype, batch=network.batch)


views = st.sampled_from([Identity(), Dropout(rate=0.5), Slice(start=0)])


@few
@given(networks(), lowerings, buffers, views, st.sampled_from([0.0, 0.5]), st.data())
def test_a_view_changes_no_number(
    network: Network, lowering: str, buffer: int, op: Identity, share: float, data: st.DataObject
) -> None:
    plain = program_of(network, buffer, lowering=lowering)
    at = data.draw(st.sampled_from([node.name for node in network.nodes]))
    viewed = with_view(network, at, Node("view", op, (at,)), share)
    assert facts(program_of(viewed, buffer, lowering=lowering)) == facts(plain)


@few
@given(networks(), lowerings, buffers, st.data())
def test_a_flatten_of_one_pixel_changes_no_number(
    network: Network, lowering: str, buffer: int, data: st.DataObject
) -> None:
    pixels = [layer.name for layer in network if layer.output.image[1:] == (1, 1)]
    assume(pixels)
    plain = program_of(network, buffer, lowering=lowering)
    at = data.draw(st.sampled_from(pixels))
    viewed = with_view(network, at, Node("view", Flatten(), (at,)), 0.0)
    assert facts(program_of(viewed, buffer, lowering=lowering)) == facts(plain)


@few
@given(networks(), st.sampled_from(PRUNING), buffers, st.data())
def test_a_branch_that_nothing_reads_changes_no_number(
    network: Network, lowering: str, buffer: int, data: st.DataObject
) -> None:
    plain = program_of(network, buffer, lowering=lowering)
    at = data.draw(st.sampled_from([node.name for node in network.nodes]))
    dead = [
        Node("dead.conv", Conv(out=3, kernel=1), (at,)),
        Node("dead.act", Relu(), ("dead.conv",)),
        Node("dead.view", Identity(), (at,)),
    ]
    place = data.draw(st.integers(0, len(network.nodes)))
    nodes = [*network.nodes[:place], *dead, *network.nodes[place:]]
    branched = Network(
        network.name, nodes, network.outputs, dtype=network.dtype, batch=network.batch
    )
    program = program_of(branched, buffer, lowering=lowering)
    assert facts(program) == facts(plain)
    assert {"dead.conv", "dead.act"} <= {layer.name for layer in program.left_out}
    eager = program_of(branched, buffer, lowering="eager")
    assert "dead.conv" in {kernel.name for kernel in eager.kernels}
    assert eager.left_out == ()
