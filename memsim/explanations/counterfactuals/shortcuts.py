"""A shortcut less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.network.edits.dropped import can_lose_one
from memsim.network.graph import Network
from memsim.results.run import Result

TRIED = 3
"""How many links are tried."""


def shortcut_less(question: Question, result: Result) -> Iterator[Change]:
    """Links of a concat or a sum whose tensors wait for it longest, in bytes times kernels.

    A link is a shortcut where another layer has read the tensor before. What computes the others
    then computes less, and the network has to be trained again.
    """
    links = shortcuts_of(result.network)
    ran = {name: n for n, kernel in enumerate(result.program.kernels) for name in kernel.layers}
    position = _positions(result.network, ran)
    waits: dict[tuple[str, str], int] = defaultdict(int)
    for source, first, join in links:
        size = result.network[source].output.nbytes
        waits[source, join] = size * max(position[join] - position[first], 0)
    longest = sorted(waits, key=lambda link: -waits[link])
    for source, join in longest[:TRIED]:
        if waits[source, join]:
            text = f"drop={source}..{join}"
            yield Change(f"drop {source} of {join}", how={"edits": (text,)})


def shortcuts_of(network: Network) -> list[tuple[str, str, str]]:
    """Each shortcut: the layer whose tensor it is, its first reader, and the later one.

    Examples
    --------
    >>> import memsim
    >>> shortcuts_of(memsim.load("resnet18"))[0]
    ('maxpool1', 'stage.1.1.conv1.conv', 'stage.1.1.add')
    """
    found = []
    for layer in network:
        readers = list(dict.fromkeys(network.readers[layer.name]))
        found += [
            (layer.name, readers[0], reader)
            for reader in readers[1:]
            if can_lose_one(network[reader]) and reader in network.needed
        ]
    return found


def _positions(network: Network, ran: dict[str, int]) -> dict[str, int]:
    """Per layer the kernel that runs it; of one that is no kernel, the next one."""
    position: dict[str, int] = {}
    coming = max(ran.values(), default=0)
    for layer in reversed(list(network)):
        coming = ran.get(layer.name, coming)
        position[layer.name] = coming
    return position
