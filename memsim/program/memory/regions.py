"""Regions: whose memory an address is, while a process allocates and frees."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """What a piece of memory is for.

    Attributes
    ----------
    name : str
        As :class:`~memsim.program.program.Stored` names tensors.
    kind : str
        ``weight``, ``input``, ``activation``, ``output``, or ``scratch`` for what is no tensor of
        the network.
    """

    name: str
    kind: str


class Regions:
    """Ranges of addresses, each with its owner.

    Attributes
    ----------
    owners : list of Owner
        By their numbers.

    Examples
    --------
    >>> regions = Regions()
    >>> regions.add(4096, 64, regions.owner("conv1", "activation"))
    >>> regions.owners[regions.at(4100)].name
    'conv1'
    >>> regions.holds(4096, 64), regions.holds(4096, 65)
    (True, False)
    """

    def __init__(self) -> None:
        self.owners: list[Owner] = []
        self._numbers: dict[str, int] = {}
        self._starts: list[int] = []
        self._held: dict[int, tuple[int, int]] = {}  # start -> bytes, owner

    def owner(self, name: str, kind: str) -> int:
        """The number of an owner, who is registered when first asked for."""
        if name not in self._numbers:
            self._numbers[name] = len(self.owners)
            self.owners.append(Owner(name, kind))
        return self._numbers[name]

    def leaves(self, number: int) -> None:
        """Note that what an owner holds is a network output."""
        if self.owners[number].kind == "activation":
            self.owners[number] = Owner(self.owners[number].name, "output")

    def add(self, address: int, nbytes: int, owner: int) -> None:
        """Add a region."""
        if address not in self._held:
            insort(self._starts, address)
        self._held[address] = (nbytes, owner)

    def give(self, address: int, owner: int) -> None:
        """Give a region to another owner."""
        nbytes, _ = self._held[address]
        self._held[address] = (nbytes, owner)

    def remove(self, address: int) -> None:
        """Take away the region that begins at an address."""
        del self._held[address]
        del self._starts[bisect_right(self._starts, address) - 1]

    def at(self, address: int) -> int:
        """The owner of an address: of the region that begins there or before it.

        Raises
        ------
        LookupError
            If there is none.
        """
        place = bisect_right(self._starts, address) - 1
        if place < 0:
            raise LookupError(f"nobody owns address {address}")
        return self._held[self._starts[place]][1]

    def holds(self, address: int, nbytes: int) -> bool:
        """Whether a range of addresses lies in one region."""
        place = bisect_right(self._starts, address) - 1
        if place < 0:
            return False
        start = self._starts[place]
        return address + nbytes <= start + self._held[start][0]
