"""What of a program may run in another order: its steps, and which of them come before which."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from memsim.network.graph import Network
from memsim.network.storage import places
from memsim.program.program import Program


@dataclass(frozen=True, slots=True)
class Found:
    """What a search for an order of steps came to.

    Attributes
    ----------
    orders : tuple of tuple of int
        Orders to choose from by what they cost as they run; none where the file's is kept.
    search : str
        ``exact`` where no order of the network is better, ``beam`` where some were looked at;
        empty where nothing was searched.
    """

    orders: tuple[tuple[int, ...], ...]
    search: str = ""


class Steps:
    """The steps of a program: layers, each with the kernels that run for it.

    Kernels do not depend on the listing, so a network listed in the order of some permutation of
    steps has the same kernels in that order. What a permutation has to heed is the listing of the
    network: layers come after what they read, and what is written over comes after who reads it.

    Parameters
    ----------
    program : Program
        One inference, kernel after kernel.

    Attributes
    ----------
    kernels : list of list of int
        The kernels of each step, in the order of the file.
    before : list of int
        For each step the set of steps that come before it, as bits.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.loads('''{name: n, input: [4, 8, 8], layers: [
    ...   {name: a, conv: {out: 4}}, {name: b, conv: {out: 4}, from: input}, {add: [a]}]}''')
    >>> steps = Steps(memsim.build(network, buffer=65536))
    >>> steps.names, steps.before
    (['b', 'a'], [0, 1])
    >>> eager = Steps(memsim.build(network, buffer=65536, lowering="eager"))
    >>> eager.names, eager.before, list(eager.all_orders())
    (['a', 'b', 'add1'], [0, 0, 3], [(0, 1, 2), (1, 0, 2)])
    >>> [layer.name for layer in eager.listed((1, 0, 2))]
    ['input', 'b', 'a', 'add1']
    """

    def __init__(self, program: Program) -> None:
        self.program, self.network = program, program.network
        numbers: dict[str, int] = {}
        self.kernels: list[list[int]] = []
        self._step: dict[str, tuple[int, int]] = {}
        for at, kernel in enumerate(program.kernels):
            number = numbers.setdefault(kernel.layers[0], len(numbers))
            if number == len(self.kernels):
                self.kernels.append([])
            self.kernels[number].append(at)
            for layer in kernel.layers:
                self._step.setdefault(layer, (number, len(self._step)))
        self.names = list(numbers)
        self._earlier = _earlier(self.network)
        self.before = self._before()

    def __len__(self) -> int:
        return len(self.kernels)

    @property
    def everything(self) -> int:
        """All steps, as bits."""
        return (1 << len(self)) - 1

    def _before(self) -> list[int]:
        """For each step its direct predecessors; layers that are in no kernel are seen through."""
        seen: dict[str, int] = {}
        before = [0] * len(self)
        for layer in self.network:
            found = 0
            for name in self._earlier[layer.name]:
                found |= 1 << self._step[name][0] if name in self._step else seen[name]
            seen[layer.name] = found
            if layer.name in self._step:
                number = self._step[layer.name][0]
                before[number] |= found & ~(1 << number)
        return before

    def ready(self, done: int) -> int:
        """The steps, as bits, that can run after some, given as bits."""
        return sum(
            1 << number
            for number, before in enumerate(self.before)
            if not (done >> number & 1 or before & ~done)
        )

    @cached_property
    def after(self) -> list[list[int]]:
        """For each step those that it is a direct predecessor of, as the file lists them."""
        after: list[list[int]] = [[] for _ in self.before]
        for number, before in enumerate(self.before):
            for each in bits(before):
                after[each].append(number)
        return after

    def next_ready(self, ready: int, done: int, step: int) -> int:
        """The steps that can run after one of those that could: ``done`` holds it already."""
        ready &= ~(1 << step)
        for number in self.after[step]:
            if not self.before[number] & ~done:
                ready |= 1 << number
        return ready

    @cached_property
    def forced(self) -> bool:
        """Whether there is one order only: that of the numbers, each step right after the last."""
        return all(
            not before >> number and (number == 0 or before >> number - 1)
            for number, before in enumerate(self.before)
        )

    def all_orders(self) -> Iterator[tuple[int, ...]]:
        """Every order of the steps; the file's comes first."""
        order: list[int] = []
        ready, done = [self.ready(0)], [0]
        choices = [bits(ready[0])]
        while choices:
            step = next(choices[-1], None)
            if step is None:  # all that can follow here has been
                for stack in (choices, ready, done, order):
                    if stack:
                        stack.pop()
                continue
            order.append(step)
            done.append(done[-1] | 1 << step)
            ready.append(self.next_ready(ready[-1], done[-1], step))
            choices.append(bits(ready[-1]))
            if not ready[-1]:
                yield tuple(order)

    def listed(self, order: Sequence[int]) -> Network:
        """The network with its layers in an order of steps.

        Layers that are in no kernel, such as inputs and views, stand as early as they can.
        """
        rank = {step: at for at, step in enumerate(order)}
        position = {layer.name: at for at, layer in enumerate(self.network)}
        waits = {name: set(earlier) for name, earlier in self._earlier.items()}
        readers: dict[str, list[str]] = {name: [] for name in waits}
        for name, earlier in self._earlier.items():
            for each in earlier:
                readers[each].append(name)

        def key(name: str) -> tuple[int, int, str]:
            if name not in self._step:
                return -1, position[name], name
            step, at = self._step[name]
            return rank[step], at, name

        heap = [key(name) for name, earlier in waits.items() if not earlier]
        heapq.heapify(heap)
        nodes = []
        while heap:
            name = heapq.heappop(heap)[2]
            nodes.append(self.network[name].node)
            for reader in readers[name]:
                waits[reader].discard(name)
                if not waits[reader]:
                    heapq.heappush(heap, key(reader))
        return self.network.with_nodes(nodes)


def bits(chosen: int) -> Iterator[int]:
    """The numbers in a set that is given as bits, the least first.

    Examples
    --------
    >>> list(bits(0b1101))
    [0, 2, 3]
    """
    while chosen:
        least = chosen & -chosen
        yield least.bit_length() - 1
        chosen ^= least


def _earlier(network: Network) -> dict[str, list[str]]:
    """For each layer those that are listed before it in every order."""
    earlier = {
        layer.name: list(dict.fromkeys(tensor.name for tensor in layer.inputs)) for layer in network
    }
    over = [layer for layer in network if layer.op.overwrites]
    if over:
        position = {layer.name: at for at, layer in enumerate(network)}
        lies = places(network)
        for writer in over:
            for layer in network:
                if position[layer.name] >= position[writer.name]:
                    break
                if any(lies[tensor.name].meets(lies[writer.name]) for tensor in layer.inputs):
                    earlier[writer.name].append(layer.name)
    for name, until in network.held.items():
        earlier[until].append(name)
    return {name: list(dict.fromkeys(found)) for name, found in earlier.items()}
