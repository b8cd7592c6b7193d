"""Recorded calls of malloc, and the model that makes them again."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import memsim
from memsim.errors import InputError, SimulationError
from memsim.measurement.placement import recorder
from memsim.measurement.placement.recorder import BUILT, PASS, record, record_passes
from memsim.measurement.placement.recording import FREE, MALLOC, MARK, Recording
from memsim.measurement.placement.replay import LARGE, replay

PLAIN = {"PYTHONHASHSEED": "0", "PYTHONMALLOC": "malloc"}
"""Python then asks malloc for every object."""

WORK = """
import ctypes, random
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.realloc.restype = libc.calloc.restype = ctypes.c_void_p
libc.aligned_alloc.restype = ctypes.c_void_p
draw, live = random.Random(1), []
size = lambda: int(2 ** draw.uniform(0, 20))
for _ in range(3000):
    what = draw.random()
    if what < 0.25:
        live.append(libc.malloc(ctypes.c_size_t(size())))
    elif what < 0.45:
        live.append(libc.aligned_alloc(ctypes.c_size_t(64), ctypes.c_size_t(size())))
    elif what < 0.5:
        live.append(libc.calloc(ctypes.c_size_t(1), ctypes.c_size_t(size())))
    elif live:
        old = live.pop(draw.randrange(len(live)))
        if what < 0.6:
            live.append(libc.realloc(ctypes.c_void_p(old), ctypes.c_size_t(size())))
        else:
            libc.free(ctypes.c_void_p(old))
"""
"""Blocks of all sizes that come and go."""


def recording(*calls: tuple[int, int, int, int]) -> Recording:
    kind, result, size, argument = (
        np.array(column, np.int64) for column in zip(*calls, strict=True)
    )
    return Recording(kind, np.ones_like(kind), result, size, argument)


@pytest.mark.needs(program="gcc")
@pytest.mark.parametrize("more", ["", "libc.mallopt(-3, 2**31 - 1); libc.mallopt(-1, 2**31 - 1)\n"])
def test_the_model_gives_every_block_of_a_process_the_address_that_it_had(more: str) -> None:
    lines = WORK.replace("draw, live", f"{more}draw, live")
    found = replay(record([sys.executable, "-c", lines], PLAIN))
    assert (found.elsewhere, found.large_elsewhere) == (0, 0)
    assert found.blocks > 20_000
    assert found.large > 500
    if more:
        assert found.heap.mmap_threshold == 2**31 - 1
    else:  # it has grown to the largest mapped block that was freed
        assert 1 << 17 < found.heap.mmap_threshold < 32 << 20


@pytest.mark.needs("torch", program="gcc")
@pytest.mark.parametrize("lowering", ["eager", "fused"])
def test_passes_make_the_same_blocks_and_some_at_the_same_addresses(lowering: str) -> None:
    network = memsim.load("squeezenet1_0").with_options(input_shape=(3, 64, 64))
    found = record_passes(network, lowering, 4)
    two, three = (found.between(PASS + at, PASS + at + 1) for at in (2, 3))
    assert two.moved(three, least=LARGE) < 1  # how many, and whether any, is the heap's luck
    assert len(found.between(BUILT, PASS)) < 10
    assert np.unique(found.thread).tolist() == [1]
    steps = (two.kind == MARK).sum()
    assert steps == len(memsim.build(network, lowering=lowering, buffer=1 << 20).kernels)


@pytest.mark.release
@pytest.mark.needs("torch", program="gcc")
@pytest.mark.parametrize("lowering", ["eager", "fused"])
def test_the_model_gives_every_block_of_pytorch_the_address_that_it_had(lowering: str) -> None:
    network = memsim.load("hardnet68").with_options(input_shape=(3, 112, 112))
    found = replay(record_passes(network, lowering, 2))
    assert (found.elsewhere, found.large_elsewhere) == (0, 0)
    assert found.large > 10_000


@pytest.mark.needs(program="gcc")
def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(SimulationError, match=r"failed \(exit code 7\): no network"):
        record([sys.executable, "-c", "import sys; print('no network', file=sys.stderr); exit(7)"])


@pytest.mark.needs(program="gcc")
def test_processes_that_a_process_starts_are_not_recorded() -> None:
    lines = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = 2'], check=True)"
    alone = record([sys.executable, "-c", "import subprocess, sys"], PLAIN)
    found = record([sys.executable, "-c", lines], PLAIN)
    assert len(found) < 1.5 * len(alone)
    assert replay(found).elsewhere == 0


def test_without_a_compiler_there_is_nothing_to_record_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(recorder.platform, "libc_ver", lambda: ("glibc", "2.36"))
    with pytest.raises(InputError, match="this needs a C compiler: there is no cc and no gcc"):
        record(["true"])


def test_another_c_library_cannot_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder.platform, "libc_ver", lambda: ("", ""))
    with pytest.raises(InputError, match="where the C library is glibc, not here"):
        record(["true"])


def test_a_file_without_records_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="recorded no call of malloc"):
        Recording.read(tmp_path / "none")


def test_what_moved_is_counted_in_bytes() -> None:
    one = recording((MALLOC, 0, 100, 0), (MALLOC, 112, 300, 0), (FREE, 0, 0, 112))
    two = recording((MALLOC, 0, 100, 0), (FREE, 0, 0, 0), (MALLOC, 500, 300, 0))
    assert one.moved(two) == 0.75
    assert one.moved(two, least=301) == 0
    assert one.moved(one) == 0
    with pytest.raises(ValueError, match="other blocks"):
        one.moved(recording((MALLOC, 0, 100, 0)))


def test_marks_cut_a_recording() -> None:
    found = recording((MARK, 0, 0, 1), (MALLOC, 16, 24, 0), (MARK, 0, 0, 2), (FREE, 0, 0, 16))
    assert found.between(1, 2).kind.tolist() == [MALLOC]
    with pytest.raises(ValueError, match="no marks 2 and 1"):
        found.between(2, 1)


def test_several_threads_are_not_modelled() -> None:
    one = recording((MALLOC, 16, 24, 0), (MALLOC, 48, 24, 0))
    both = Recording(one.kind, np.array([1, 2]), one.result, one.size, one.argument)
    with pytest.raises(ValueError, match="several threads"):
        replay(both)
