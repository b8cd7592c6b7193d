"""Random traces: unequal blocks, deaths, dirty blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from memsim.engines.cache.trace import LAST, READ, WRITE, WRITE_THROUGH, Trace


@st.composite
def traces(draw: st.DrawFn, *, most_blocks: int = 8, most_size: int = 6) -> Trace:
    """Each block is written first or read first, then read some times, and may die at the end."""
    count = draw(st.integers(1, most_blocks))
    size = draw(st.lists(st.integers(1, most_size), min_size=count, max_size=count))
    block = draw(st.lists(st.integers(0, count - 1), max_size=40))
    begins = draw(
        st.lists(st.sampled_from([READ, WRITE, WRITE_THROUGH]), min_size=count, max_size=count)
    )
    dies = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    code = [READ] * len(block)
    for b in set(block):
        code[block.index(b)] = begins[b]
        if dies[b]:
            code[len(block) - 1 - block[::-1].index(b)] |= LAST
    cuts = draw(st.lists(st.integers(0, len(block)), max_size=5))
    return Trace(
        start=np.array(sorted({0, len(block), *cuts})),
        block=np.array(block, dtype=np.int32),
        code=np.array(code, dtype=np.uint8),
        size=np.array(size, dtype=np.int64),
    )
