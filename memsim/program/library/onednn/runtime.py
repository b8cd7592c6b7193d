"""The runtime around the kernels: what a PyTorch process touches of memory that is its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from memsim.program.library.onednn.processor import Processor
from memsim.program.memory.in_place import InPlaceRule

LINE = 64
"""Bytes in which the sizes below were counted."""


@dataclass(frozen=True, slots=True)
class Floor:
    """Memory that a kind of call touches besides its tensors, in lines of 64 bytes.

    Attributes
    ----------
    read : int
        Lines that every call of the kind reads, the same ones for all of them.
    dirtied : int
        Those of them that are written, too.
    written : int
        Further lines, which are written before they are read.
    own : int
        Lines that the calls of ONE primitive read, that is one kernel for one shape: its
        descriptors and tables, which stay in the library's cache of primitives.
    """

    read: int = 0
    dirtied: int = 0
    written: int = 0
    own: int = 0

    def scaled(self, share: float) -> Floor:
        """So much of it.

        Examples
        --------
        >>> Floor(read=100, written=5).scaled(0.5)
        Floor(read=50, dirtied=0, written=2, own=0)
        """
        parts = (self.read, self.dirtied, self.written, self.own)
        return Floor(*(round(share * part) for part in parts))


EVERY = Floor(read=390, dirtied=110, written=20)
"""Every operator: the interpreter and its reference counts, the dispatcher, tensor headers."""

KINDS: Mapping[str, Floor] = MappingProxyType(
    {
        "conv": Floor(read=1250, dirtied=600, written=800, own=245),
        "conv.depthwise": Floor(read=700, dirtied=450, written=400, own=150),
        "conv.reordered": Floor(read=2700, dirtied=1570, written=1600, own=315),
        "conv.reordered.depthwise": Floor(read=640, dirtied=420, written=1225, own=315),
        "conv.product": Floor(read=800, dirtied=250, written=150),
        "batchnorm": Floor(read=620, dirtied=120, written=120),
        "activation": Floor(read=340, dirtied=120, written=20),
        "concat": Floor(read=100),
        "mul": Floor(read=150),
        "maxpool": Floor(read=580, written=75),
        "avgpool": Floor(read=380, written=40),
        "global_avgpool": Floor(read=400, written=80),
        "linear": Floor(read=650, dirtied=150),
        "linear.packed": Floor(read=1250, dirtied=150, written=450),
    }
)
"""What comes on top of that. ``conv`` is one primitive of oneDNN; a ``conv.reordered`` has four,
and each time the library looks for each of them it first describes it anew (it tries all block
sizes), which is what most of the memory is for. A depthwise convolution has none to try: its
kernel stands before those in the library's list."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a PyTorch process touches besides tensors, and how it runs.

    The floors are fitted constants. They were read off per-kernel counts of development runs (17
    runs of 11 networks): what a kernel's row has beyond the tensors, kind by kind, rounded.
    ``read`` and ``written`` are load and store misses at 256 KiB, and set so that the median of
    the larger rows is met about half way: beside small maps part of a floor survives from layer to
    layer, beside large ones nothing does. ``own`` and ``module`` are load misses at 32 MiB, where
    what layers share does survive; ``dirtied`` the dirty evictions of the first level beyond its
    store misses. They are the same for every network; ``benchmarks/pytorch_layers.py --floors``
    prints what those of the first runs came from.

    Attributes
    ----------
    processor : Processor
        What oneDNN blocks for.
    every : Floor
        Of every operator.
    kinds : mapping of str to Floor
        Of some kinds of operators, in addition.
    module : int
        Lines that every layer has for itself: its step with its code, its module and parameters.
    start : Floor
        Touched before the first layer, once per pass.
    in_place : InPlaceRule, optional
        Which operand's memory activations and residual additions write over; None where the mode
        says that.
    heap : str
        Where tensors lie: a key of :data:`.HEAPS`.
    past : int
        What the process did before, if that is the C library's heap: any number, each another
        past.
    """

    processor: Processor = field(default_factory=Processor)
    every: Floor = EVERY
    kinds: Mapping[str, Floor] = field(default_factory=lambda: KINDS)
    module: int = 14
    start: Floor = Floor(read=2083, written=526)
    in_place: InPlaceRule | None = None
    heap: str = "glibc"
    past: int = 0

    def scaled(self, share: float) -> Runtime:
        """The same with so much of what it touches besides tensors."""
        return replace(
            self,
            every=self.every.scaled(share),
            kinds={kind: floor.scaled(share) for kind, floor in self.kinds.items()},
            module=round(share * self.module),
            start=self.start.scaled(share),
        )


BARE = Runtime(every=Floor(), kinds=MappingProxyType({}), module=0, start=Floor(), heap="best_fit")
"""Tensors alone."""
