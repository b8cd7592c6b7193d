"""Blocks are what their definition says, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

import memsim
from memsim.program import Program


def plainly(program: Program, largest: int) -> Iterator[int]:
    """Bytes of each block: whole channels while they fit, else equal pieces of one channel."""
    for box, size in zip(program.cell_box.tolist(), program.cell_bytes.tolist(), strict=True):
        _, _, _, left, right = box
        channel = size // (right - left)
        if channel <= largest:
            step = largest // channel
            for begin in range(left, right, step):
                yield channel * (min(begin + step, right) - begin)
        else:
            pieces = -(-channel // largest)
            for _ in range(left, right):
                ends = [channel * number // pieces for number in range(pieces + 1)]
                yield from (end - begin for begin, end in pairwise(ends))


@pytest.mark.parametrize("largest", [100, 1000, 16384])
def test_blocks_are_cut_as_they_are_defined(largest: int) -> None:
    network = memsim.load("hardnet39ds", input_shape=(3, 32, 32))
    program = memsim.build(network, buffer=40_000, block=largest)
    assert program.block_bytes.tolist() == list(plainly(program, largest))
