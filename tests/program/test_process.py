"""The memory of a PyTorch process: what calls make beside tensors, and what becomes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.errors import InputError
from memsim.files import read_table
from memsim.measurement.placement.recorder import PASS, STEP, record_passes
from memsim.measurement.placement.recording import ALLOCATES, MARK
from memsim.program.library.onednn import FORWARDS
from memsim.program.library.onednn.process import Process, memory_of, words
from memsim.program.library.onednn.runtime import Runtime
from memsim.program.memory.heaps.glibc import Glibc
from memsim.program.memory.heaps.heap import HEAPS

CALLS = [
    (row["mode"], row["kind"], row["first"] == "1", words(row["calls"]))
    for row in read_table("memsim.program.library.onednn", "calls")
]
MODES = sorted({mode for mode, *_ in CALLS})
STEADY = {mode: [kind for m, kind, first, _ in CALLS if m == mode and not first] for mode in MODES}
BUILDING = ("norm", "weights", "packed", "packed.alone")


def in_use(process: Process) -> int:
    """Bytes in chunks that belong to somebody, those in malloc's caches left out."""
    heap = process.heap
    idle = [chunk for pile in (*heap._cache, *heap._fast) for chunk in pile]
    return sum(heap._used.values()) - sum(heap._used[chunk] for chunk in idle)


@pytest.mark.parametrize(("mode", "kind", "first", "script"), CALLS)
def test_what_is_freed_was_made_before_and_once(mode, kind, first, script) -> None:
    live = set()
    for at, (letter, number, _) in enumerate(script):
        if letter in "ft":
            live.remove(at - number)
        else:
            live.add(at)
    tensors = sum(word.letter == "T" for word in script)
    assert tensors >= (kind not in ("norm", "weights"))
    if not first and kind not in BUILDING:  # the storage, memory and header of one tensor stay
        assert sorted(script[at][:2] for at in live) == [("T", 0), ("m", 96), ("m", 176)]


@pytest.mark.parametrize("mode", MODES)
@given(data=st.data())
def test_a_call_leaves_nothing_behind_but_its_tensor(mode: str, data: st.DataObject) -> None:
    process = Process(Glibc(keep=True), mode)
    kinds = [kind for kind in STEADY[mode] if kind not in BUILDING] + ["concat", "softmax"]
    before = in_use(process)
    live: list[int] = []
    for kind in data.draw(st.lists(st.sampled_from(kinds), max_size=8)):
        process.call(kind, operands=data.draw(st.integers(1, 9)))
        blocks = [process.allocate(data.draw(st.integers(1, 1 << 20))) for _ in range(2)]
        process.free(blocks.pop(data.draw(st.integers(0, 1))))
        live += blocks
        if data.draw(st.booleans()):
            process.free(live.pop(0))
    for block in live:
        process.free(block)
    process.finish()
    assert in_use(process) == before


def test_a_first_call_leaves_the_primitive() -> None:
    process = Process(Glibc(keep=True), "fused")
    before = in_use(process)
    process.call("conv", first=True)
    process.free(process.allocate(1 << 20))
    process.finish()
    assert 20_000 < in_use(process) - before < 200_000
    once = in_use(process)
    process.call("conv")
    process.free(process.allocate(1 << 20))
    process.finish()
    assert in_use(process) == once


def test_weights_stay_and_their_copies_do_not() -> None:
    process = Process(Glibc(keep=True), "fused")
    before = in_use(process)
    process.call("weights", weights=1 << 24, first=True)
    process.call("packed", weights=1 << 24, first=True)
    process.allocate(3 << 23)
    process.finish()
    kept = in_use(process) - before
    assert (1 << 24) + (3 << 23) < kept < (1 << 24) + (3 << 23) + 200_000


def test_the_past_decides_where_tensors_lie_and_nothing_else_does() -> None:
    network = memsim.load("squeezenet1_0").with_options(input_shape=(3, 64, 64))
    starts = [
        FORWARDS["eager"](network, Runtime(past=past)).steady.start.tolist() for past in (0, 0, 1)
    ]
    assert starts[0] == starts[1]
    assert starts[0] != starts[2]
    assert len(starts[0]) == len(starts[2])


@pytest.mark.parametrize("mode", ["eager", "fused"])
def test_passes_use_no_more_memory_than_those_before(mode: str) -> None:
    network = memsim.load("squeezenet1_0").with_options(input_shape=(3, 64, 64))
    forward = FORWARDS[mode](network, Runtime())
    assert isinstance(forward.heap, Process)
    used, end = in_use(forward.heap), forward.heap.heap.end
    for _ in range(3):
        forward._pass()
        assert in_use(forward.heap) == used
    assert forward.heap.heap.end < end + (1 << 20)


def test_other_heaps_hold_tensors_alone() -> None:
    for name in HEAPS:
        memory = memory_of(name, "eager", 1 << 30)
        assert isinstance(memory, Process) == (name == "glibc")
        memory.call("add", operands=2)
        block = memory.allocate(100)
        assert block >= 1 << 30
        memory.free(block)
        memory.finish()
    with pytest.raises(InputError, match=r"unknown heap 'glibcc' \(did you mean 'glibc'\?\)"):
        memory_of("glibcc", "eager", 0)


@pytest.mark.release
@pytest.mark.needs("torch", program="gcc")
@pytest.mark.parametrize("mode", MODES)
def test_other_networks_calls_ask_malloc_for_the_same(mode: str) -> None:
    """Read off hardnet68 and resnet18, found again in hardnet39ds."""
    network = memsim.load("hardnet39ds").with_options(input_shape=(3, 64, 64))
    kernels = memsim.build(network, lowering=mode, buffer=1 << 20).kernels
    found = record_passes(network, mode, 4).between(PASS + 3, PASS + 4)
    marks = [-1, *((found.kind == MARK) & (found.argument == STEP)).nonzero()[0].tolist()]
    names = {"relu6": "activation"}
    same = 0
    for kernel, begin, end in zip(kernels, marks, marks[1:], strict=False):
        kind = names.get(kernel.op.kind, kernel.op.kind)
        made = [int(found.size[at]) for at in range(begin + 1, end) if found.kind[at] in ALLOCATES]
        wanted = [script for m, k, first, script in CALLS if (m, k, first) == (mode, kind, False)]
        for script in wanted:
            known = [word for word in script if word.letter not in "ft"]
            if len(known) == len(made):
                pairs = zip(known, made, strict=True)
                alike = sum(word.letter == "T" or word.number == size for word, size in pairs)
                same += alike >= 0.99 * len(made)  # a few sizes are those of texts
    assert same > 15
