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
        By the name of the input or the kernel, in the order in which they run.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> readers = kernel_readers(program.network, program.kernels)
    >>> readers["input"], readers["maxpool1"]
    (['conv1.conv'], ['stage.1.1.conv1.conv', 'stage.1.1.conv2.conv'])
    """
    writer = {kernel.output.name: kernel.name for kernel in kernels}
    readers: dict[str, list[str]] = {layer.name: [] for layer in network if not layer.inputs}
    readers |= {kernel.name: [] for kernel in kernels}
    for kernel in kernels:
        segments = [part for operand in kernel.operands for part in operand.view.segments]
        for source in dict.fromkeys(writer.get(each.tensor, each.tensor) for each in segments):
            readers[source].append(kernel.name)
    return readers
