"""The graph of a program's kernels: which kernel reads which, with views followed."""

from __future__ import annotations

from collections.abc import Sequence

from memsim.network.graph import Network
from memsim.program.kernel import Kernel


def kernel_readers(network: Network, kernels: Sequence[Kernel]) -> dict[str, list[str]]:
    """For every network input and every kernel the kernels that read it.

    A view is nobody's: who reads it reads what it is a view of.

    Parameters
    ----------
    network : Network
    kernels : sequence of Kernel
        Of some lowering of the network.

    Returns
    -------
    dict of str to list of str
        By the name of the input or the kernel, in an order in which the kernels can be executed;
        a kernel with a fused sum comes after both of its operands.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> readers = kernel_readers(program.network, program.kernels)
    >>> readers["input"], readers["maxpool1"]
    (['conv1.conv'], ['stage.1.1.conv1.conv', 'stage.1.1.conv2.conv'])
    """
    owner = {layer: kernel.name for kernel in kernels for layer in kernel.layers}
    writers: dict[str, tuple[str, ...]] = {}  # by layer: whose output its output is
    readers: dict[str, list[str]] = {}
    for layer in network:
        sources = dict.fromkeys(
            writer for tensor in layer.inputs for writer in writers.get(tensor.name, ())
        )
        if layer.op.is_input:
            readers[layer.name] = []
            writers[layer.name] = (layer.name,)
        elif layer.name in owner:
            kernel = owner[layer.name]
            readers.setdefault(kernel, [])
            writers[layer.name] = (kernel,)
            for source in sources:
                if source != kernel and kernel not in readers[source]:
                    readers[source].append(kernel)
        else:
            writers[layer.name] = tuple(sources)
    return _executable(readers)


def _executable(readers: dict[str, list[str]]) -> dict[str, list[str]]:
    """In an order in which the kernels can be executed: a sum runs with its later operand."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(readers)
    graph.add_edges_from((source, target) for source in readers for target in readers[source])
    position = {name: i for i, name in enumerate(readers)}
    order = nx.lexicographical_topological_sort(graph, key=position.__getitem__)
    return {name: readers[name] for name in order}
