"""Processors as oneDNN sees them: instructions and caches that it chooses kernels for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from memsim.program.library.onednn.geometry import ITEM, round_up


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """Vector instructions, as far as the choice of kernels and blocks depends on them.

    Attributes
    ----------
    name : str
        As ``ONEDNN_VERBOSE`` writes it in the names of implementations.
    simd : int
        fp32 values of a vector register; channels of a block of a blocked map.
    registers : int
        Vector registers.
    expected_rows : mapping of int to int
        Output pixels that a register block is expected to hold, by output channels.
    other_rows : int
        The same for all other numbers of output channels.
    few : bool
        Registers are few: a block of four vectors of channels then loads one of them at a time.
    brgemm : bool
        Whether the library has brgemm kernels for fp32 on it.

    References
    ----------
    oneDNN 3.12, src/cpu/x64/cpu_isa_traits.hpp (``isa_num_vregs``, ``isa_max_vlen``) and
    jit_brgemm_conv_utils.cpp (``estimate_ur``).
    """

    name: str
    simd: int
    registers: int
    expected_rows: Mapping[int, int] = field(hash=False)
    other_rows: int
    few: bool
    brgemm: bool = True


_FEW = MappingProxyType({32: 3, 24: 4, 16: 6})

AVX = InstructionSet("avx", 8, 16, _FEW, 14, few=True, brgemm=False)
AVX2 = InstructionSet("avx2", 8, 16, _FEW, 14, few=True)
AVX512 = InstructionSet(
    "avx512_core", 16, 32, MappingProxyType({64: 6, 48: 9, 32: 14}), 28, few=False
)


@dataclass(frozen=True, slots=True)
class Processor:
    """What oneDNN blocks for.

    Attributes
    ----------
    first : int
        Bytes of the first level per core, as the processor says.
    second : int
        Bytes of the second level per core that the library blocks for. On AVX2 these are 2 MiB
        whatever the processor says, a constant in oneDNN 3.12 (``brg_blocking_t::L2`` is
        1,572,864, three quarters of it, also where CPUID says 256 KiB or 512 KiB); on AVX-512
        they are what the processor says.
    vectors : InstructionSet
    """

    first: int = 32 * 1024
    second: int = 2048 * 1024
    vectors: InstructionSet = field(default=AVX2)


COMMON = Processor()
"""AVX2 with the usual first level."""


def register_block(
    pixels: int, channels: int, depth: int, padding: int, processor: Processor
) -> tuple[int, int] | None:
    """Output pixels and channel vectors of the register block of a small matrix product.

    Parameters
    ----------
    pixels, channels, depth : int
        The matrices: pixels x depth times depth x channels.
    padding : int
        Columns of virtual padding, which one register block must cover.
    processor : Processor

    Returns
    -------
    tuple of int, or None
        None where no register block covers the padding.

    References
    ----------
    oneDNN 3.12, src/cpu/x64/brgemm/brgemm_utils.cpp (``brgemm_blocking_vmm``,
    ``calculate_max_bcast_block``).

    Examples
    --------
    >>> register_block(56, 32, 32, 1, Processor()), register_block(14, 24, 296, 1, Processor())
    ((3, 4), (4, 3))
    >>> register_block(56, 64, 64, 1, Processor(vectors=AVX512))
    (6, 4)
    """
    isa = processor.vectors
    vectors = channels // isa.simd
    for most in (4, 3, 2, 1):
        wide = max(1, most if vectors >= most else vectors)
        tight = isa.few and wide == 4
        loads = 1 if tight else wide
        largest = (isa.registers - loads - (not tight)) // (wide + tight)
        largest = min(largest, isa.registers // wide)
        smallest = pixels % largest or largest
        if smallest >= padding:
            break
    else:
        return None
    best, block = 0.0, largest
    for rows in range(largest, max(1, padding) - 1, -1):
        fill = pixels / round_up(pixels, rows)
        worth = fill * wide * rows / ((wide + rows) * largest)
        if ITEM * rows * depth <= processor.first and worth > best:
            best, block = worth, rows
    return block, wide
