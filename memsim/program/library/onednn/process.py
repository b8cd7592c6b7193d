"""A PyTorch process's memory: tensors, and the small objects that every call makes beside them.

Where a tensor lies depends on what else lives on the C library's heap. An operator makes and frees
tens to hundreds of small objects (the headers of tensors, descriptions of operands, attributes);
pieces of them stay behind, in malloc's cache and its fast bins, and keep freed tensors from
merging. They are the same for every call of a kind, whatever the tensors are, and are read off
recorded runs (``data/calls.csv``, written by ``benchmarks/malloc_calls.py``); so are those of the
making of weights and of their packing, which leave holes of the weights' sizes.

What a process did before that is not the network's, and another in each run. So the heap has a
*past*, which is drawn. Two pasts differ as two runs of one network do: what it moves is a number
with a spread, and several pasts show how wide it is.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, Protocol

from memsim.files import read_table
from memsim.program.memory.heaps.glibc import Glibc
from memsim.program.memory.heaps.heap import HEAPS, Heap

HOLES = 1820
"""Pieces that importing modules leaves free between those that stay: 1,538 and 1,539 holes, and 276
and 280 pieces in malloc's cache, were counted in two processes before the first weights..."""

SMALLEST, LARGEST = 24, 420
"""...of which the holes had 0.36 MB in all; these are the least and most bytes that are drawn."""


class Word(NamedTuple):
    """One call of malloc, of those that an operator makes.

    Attributes
    ----------
    letter : str
        ``m``, ``c``, ``a``: malloc, calloc and posix_memalign to 64 bytes; ``w``: memory of the
        size of the weights; ``v``: of one number for each channel, and ``n`` such memory by
        malloc; ``T``: a tensor's memory; ``f``, ``t``: of these, one is freed.
    number : int
        Bytes; for ``f`` and ``t`` how many words ago it was made.
    held : bool
        Whether the next call of the kind frees it.
    """

    letter: str
    number: int
    held: bool

    @classmethod
    def read(cls, text: str) -> Word:
        """One word of the data file.

        Examples
        --------
        >>> Word.read("m96h")
        Word(letter='m', number=96, held=True)
        """
        return cls(text[0], int(text[1:].rstrip("h") or 0), text.endswith("h"))


Words = tuple[Word, ...]


def words(texts: str) -> Words:
    """Words of a text."""
    return tuple(Word.read(text) for text in texts.split())


TENSOR = words("m96 T m176")
"""A tensor: its storage, its memory, its header."""


class Memory(Protocol):
    """What a forward pass asks for memory."""

    def call(self, kind: str, *, operands: int = 1, weights: int = 0, first: bool = False) -> None:
        """An operator is called: what is asked for from now on belongs to the call.

        Parameters
        ----------
        kind : str
            Of operator; ``norm``, ``weights`` and ``packed`` are the making of a batch norm, that
            of a layer's weights, and their packing.
        operands : int
            How many tensors it reads.
        weights : int
            Bytes of the weights that are made or packed; of what reads maps, of one number for
            each channel of its output.
        first : bool
            Whether it makes what stays, such as a primitive of the library.
        """

    def allocate(self, nbytes: int) -> int:
        """The address of a tensor's memory."""

    def free(self, address: int) -> None:
        """Give it back."""

    def finish(self) -> None:
        """All calls of a pass, or of the building, are over."""


def memory_of(heap: str, mode: str, base: int, past: int = 0) -> Memory:
    """The memory of a process.

    Parameters
    ----------
    heap : str
        A key of :data:`.HEAPS`.
    mode : str
        ``eager`` or ``fused``.
    base : int
        Where it begins.
    past : int
        Which past the process has, if the heap is the C library's.

    Raises
    ------
    InputError
        For an unknown heap.
    """
    made = HEAPS[heap](base)
    return Process(made, mode, past) if isinstance(made, Glibc) else TensorsAlone(made)


class TensorsAlone:
    """A heap on which nothing lies but tensors.

    Parameters
    ----------
    heap : Heap
    """

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def call(self, kind: str, *, operands: int = 1, weights: int = 0, first: bool = False) -> None:
        pass

    def allocate(self, nbytes: int) -> int:
        return self._heap.allocate(nbytes)

    def free(self, address: int) -> None:
        self._heap.free(address)

    def finish(self) -> None:
        pass


@dataclass(slots=True)
class _Call:
    """A call that is being made.

    Attributes
    ----------
    words : tuple of Word
        Its calls of malloc.
    kind : str
    first : bool
        Whether what it makes stays.
    weights : int
        Bytes of the weights that it is about, or of one number for each channel.
    at : int
        The next word.
    objects : dict of int to int
        Position of a word -> address of what it made.
    tensors : dict of int to int
        Address of a tensor's memory -> position of the word that made it.
    """

    words: Words = ()
    kind: str = ""
    first: bool = False
    weights: int = 0
    at: int = 0
    objects: dict[int, int] = field(default_factory=dict)
    tensors: dict[int, int] = field(default_factory=dict)


class Process:
    """The C library's heap in a PyTorch process.

    Parameters
    ----------
    heap : Glibc
    mode : str
        ``eager`` or ``fused``.
    past : int
        Seed of what happened before.

    Examples
    --------
    An aligned block is cut from one with 96 bytes more, so the memory of a tensor that was freed
    is taken by one of its size only if a piece beside it is free, too:

    >>> process = Process(Glibc(keep=True), "eager")
    >>> def tensor(nbytes):
    ...     process.call("activation")
    ...     return process.allocate(nbytes)
    >>> first, second = tensor(100_000), tensor(100_000)
    >>> process.free(first)
    >>> tensor(100_000) > second, tensor(99_900) == first
    (True, True)
    """

    def __init__(self, heap: Glibc, mode: str, past: int = 0) -> None:
        self.heap = heap
        self._mode = mode
        self._scripts = _scripts(mode)
        self._call = _Call()
        self._beside: dict[int, list[int]] = {}  # a tensor's memory -> objects that go with it
        self._held: dict[str, list[int]] = {}  # kind -> what its next call frees
        self._live_through(random.Random(past))

    def _live_through(self, draw: random.Random) -> None:
        """Leave holes between pieces that stay."""
        heap, gone = self.heap, []
        for _ in range(HOLES):
            gone.append(heap.malloc(draw.randrange(SMALLEST, LARGEST)))
            heap.malloc(draw.randrange(SMALLEST, LARGEST))
        draw.shuffle(gone)
        for hole in gone:
            heap.free(hole)

    def call(self, kind: str, *, operands: int = 1, weights: int = 0, first: bool = False) -> None:
        self._end()
        if kind == "concat":
            found: Words | None = _concat(operands, self._mode)
        else:
            found = self._scripts.get((kind, first)) or self._scripts.get((kind, False))
        self._call = _Call(TENSOR if found is None else found, kind, first, weights)

    def allocate(self, nbytes: int) -> int:
        """The address of a tensor's memory, after what the call makes before it."""
        at = self._next("T", range(self._call.at, len(self._call.words)))
        if at is None:  # one more than the call was seen to make
            self._end()
            self._call = _Call(TENSOR)
            at = 1
        self._play(at)
        address = self.heap.memalign(64, nbytes)
        self._call.tensors[address] = at
        self._call.at = at + 1
        return address

    def free(self, address: int) -> None:
        """Give it back, and the objects that go with it."""
        call = self._call
        if address in call.tensors:
            made = call.tensors.pop(address)
            rest = range(call.at, len(call.words))
            at = self._next("t", (at for at in rest if call.words[at].number == at - made))
            if at is not None:
                self._play(at)
        else:
            self._end()
        self.heap.free(address)
        for beside in self._beside.pop(address, ()):
            self.heap.free(beside)

    def finish(self) -> None:
        """End the last call; free what its next one would."""
        self._end()
        for kind in list(self._held):
            self._free_held(kind)

    def _free_held(self, kind: str) -> None:
        for held in self._held.pop(kind, ()):
            self.heap.free(held)

    def _end(self) -> None:
        """Make the rest of a call; what it leaves belongs to the tensor that it made last."""
        call = self._call
        self._play(len(call.words))
        self._free_held(call.kind)
        held = [at for at in call.objects if call.words[at].held]
        self._held[call.kind] = [call.objects.pop(at) for at in held]
        left = [
            address
            for at, address in call.objects.items()
            if call.words[at] in TENSOR or not call.first
        ]
        if call.tensors:
            self._beside[next(reversed(call.tensors))] = left
        elif not call.first:
            for each in left:
                self.heap.free(each)
        self._call = _Call()

    def _next(self, letter: str, places: Iterable[int]) -> int | None:
        """The first of some places at which there is a letter."""
        return next((at for at in places if self._call.words[at].letter == letter), None)

    def _play(self, end: int) -> None:
        """Make the calls of malloc up to a word; tensors are asked for, and given back, by
        others."""
        call, heap = self._call, self.heap
        for at in range(call.at, end):
            letter, number, _ = call.words[at]
            if letter == "f":
                heap.free(call.objects.pop(at - number))
                continue
            if letter == "m":
                made = heap.malloc(number)
            elif letter == "c":
                made = heap.calloc(number)
            elif letter == "a":
                made = heap.memalign(64, number)
            elif letter in "vw":
                made = heap.memalign(64, call.weights)
            elif letter == "n":
                made = heap.malloc(call.weights)
            else:
                continue
            call.objects[at] = made
        call.at = max(call.at, end)


@cache
def _scripts(mode: str) -> Mapping[tuple[str, bool], Words]:
    """What each kind of call asks of malloc, the first time and later."""
    rows = read_table("memsim.program.library.onednn", "calls")
    return {
        (row["kind"], row["first"] == "1"): words(row["calls"])
        for row in rows
        if row["mode"] == mode
    }


@cache
def _concat(operands: int, mode: str) -> Words:
    """A concat keeps lists of its operands: 8 bytes for each, thrice, and 16 of them once."""
    one, both = f"m{8 * operands}", f"m{16 * operands}"
    if mode == "eager":
        return words(f"{one} {one} m32 f1 m96 T m176 f6 {one} {both} f1 f3 f12")
    return words(f"{one} {one} m32 f1 m96 T m176 m32 f1 f8 {one} {both} f1 f3 f14")
