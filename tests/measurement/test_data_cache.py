"""The Valgrind tool: what it counts on programs that are small enough to count by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from memsim.measurement.counters.data_cache import REGISTERS, build_tool, read_marks
from memsim.measurement.counters.simulated_run import MARK

SWEEPS = f"""\
#include <unistd.h>
#include <fcntl.h>
static char room[1 << 20] __attribute__((aligned(4096)));
int main(void) {{
   volatile char *at = room;
   int file = open("/dev/null", O_RDONLY);
   lseek(file, {MARK}, SEEK_SET);
   for (int n = 0; n < 1 << 20; n += 64) at[n] = 1;
   lseek(file, {MARK} + 1, SEEK_SET);
   for (int n = 0; n < 1 << 20; n += 64) (void)at[n];
   lseek(file, {MARK} + 2, SEEK_SET);
   for (int n = 60; n < 1 << 12; n += 64) (void)*(volatile long *)(at + n);
   lseek(file, {MARK} + 3, SEEK_SET);
   return 0;
}}
"""
"""Stores to every line of 1 MiB, loads of every line, loads of 8 bytes across 64 borders."""

LINES = 1 << 14
"""Of 1 MiB."""

SCRIPT = f"""\
import os
file = os.open(os.devnull, os.O_RDONLY)
os.lseek(file, {MARK}, 0)
texts = [bytes(100 * n) for n in range(150)]
whole = b"".join(texts)
numbers = {{str(n): n for n in range(2000)}}
os.lseek(file, {MARK + 1}, 0)
os._exit(0)
"""


def run(folder: Path, program: list[str], *options: str) -> list[list[int]]:
    """Run a program under the tool; the counts from mark to mark."""
    valgrind = shutil.which("valgrind")
    assert valgrind is not None
    lib = build_tool(Path(valgrind))
    assert lib is not None, "gcc or Valgrind's headers and archives are missing"
    subprocess.run(
        ["valgrind", "-q", "--tool=data_cache", f"--out={folder / 'out'}", *options, *program],
        env={**os.environ, "VALGRIND_LIB": str(lib)},
        check=True,
    )
    marks = read_marks((folder / "out").read_text())
    return np.diff(np.array(marks), axis=0).tolist()


@pytest.mark.needs(program="valgrind")
@pytest.mark.needs(program="gcc")
def test_sweeps_are_counted_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "sweeps.c").write_text(SWEEPS)
    program = str(tmp_path / "sweeps")
    subprocess.run(["gcc", "-O1", "-o", program, f"{program}.c"], check=True)
    sizes = [f"--cache={1 << bits}" for bits in (18, 21)]
    stored, loaded, crossing = run(tmp_path, [program], *sizes)
    few = 40  # the calls of lseek touch the stack and the linker's tables

    loads, stores, *first = stored
    small, large = first[3:6], first[6:9]
    assert stores == pytest.approx(LINES, abs=few)
    assert loads < few
    assert first[1] == pytest.approx(LINES, abs=few)  # every store misses,
    assert small[1] == pytest.approx(LINES, abs=few)  # is fetched,
    assert large[1] == pytest.approx(LINES, abs=few)
    assert small[2] == pytest.approx(LINES - (1 << 12), abs=few)  # and written when it leaves:
    assert large[2] == 0  # 256 KiB keep 4,096 lines, 2 MiB all of them

    loads, _, *first = loaded
    small, large = first[3:6], first[6:9]
    assert loads == pytest.approx(LINES, abs=few)
    assert small[0] == pytest.approx(LINES, abs=few)
    assert large == [0, 0, 0]
    assert small[2] == pytest.approx(1 << 12, abs=few)  # which were still dirty

    loads, _, *first = crossing
    assert loads == pytest.approx(2 * 64, abs=few)  # both sides of a border
    assert first[0] == pytest.approx(65, abs=few)


@pytest.mark.needs(program="valgrind")
@pytest.mark.needs(program="gcc")
def test_counts_equal_those_of_a_plain_cache_on_the_same_accesses(tmp_path: Path) -> None:
    trace, sizes = tmp_path / "trace", (1 << 14, 3 << 14, 1 << 18)
    options = [f"--trace={trace}", "--first=4096", "--first-ways=4", "--ways=4"]
    options += [f"--cache={size}" for size in sizes]
    ((loads, stores, *rest),) = run(tmp_path, [sys.executable, "-S", "-c", SCRIPT], *options)
    accesses = np.fromfile(trace, np.int64).reshape(-1, 3)
    touched = _lines(accesses, loads + stores)
    assert sum(write for _, write in touched) == stores
    expected: list[int] = []
    first, asked = _first_level(touched, 4096 // 64 // 4, 4)
    expected += first
    for size in sizes:
        expected += _last_level(asked, size // 64 // 4, 4)
    assert rest == expected


def _lines(accesses: np.ndarray, most: int) -> list[tuple[int, bool]]:
    """Each access as the lines that it touches; the trace goes on after the last mark."""
    touched: list[tuple[int, bool]] = []
    for address, size, write in accesses.tolist():
        if len(touched) >= most:
            break
        touched += [
            (line, bool(write)) for line in range(address >> 6, ((address + size - 1) >> 6) + 1)
        ]
    assert len(touched) == most
    return touched


def _first_level(
    touched: list[tuple[int, bool]], sets: int, ways: int
) -> tuple[list[int], list[tuple[int, int]]]:
    """Its counts, and what it asks for: lines; 0 for a load, 1 for a store, 2 for a write-back."""
    held: list[OrderedDict[int, bool]] = [OrderedDict() for _ in range(sets)]
    counts, asked = [0, 0, 0], []
    for line, write in touched:
        own = held[line % sets]
        if line not in own:
            counts[write] += 1
            asked.append((line, int(write)))
            if len(own) == ways:
                victim, dirty = own.popitem(last=False)
                if dirty:
                    counts[2] += 1
                    asked.append((victim, 2))
        own[line] = own.get(line, False) or write
        own.move_to_end(line)
    return counts, asked


def _last_level(asked: list[tuple[int, int]], sets: int, ways: int) -> list[int]:
    held: list[OrderedDict[int, bool]] = [OrderedDict() for _ in range(sets)]
    counts = [0, 0, 0]
    for line, kind in asked:
        own = held[line % sets]
        if line not in own:
            if kind < 2:
                counts[kind] += 1
            if len(own) == ways:
                _, dirty = own.popitem(last=False)
                counts[2] += dirty
        own[line] = own.get(line, False) or kind == 2
        own.move_to_end(line)
    return counts


@pytest.mark.needs(program="valgrind")
@pytest.mark.needs(program="gcc")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cache=1000"], "--cache"),
        (["--cache=65536"] * 17, "at most 16 sizes"),
        (["--first=3072"], "--first"),
        (["--fma=slow"], "fast or exact"),
    ],
)
def test_the_tool_refuses_what_is_no_cache(
    tmp_path: Path, options: list[str], message: str
) -> None:
    lib = build_tool(Path(shutil.which("valgrind") or ""))
    done = subprocess.run(
        ["valgrind", "--tool=data_cache", f"--out={tmp_path / 'out'}", *options, "true"],
        env={**os.environ, "VALGRIND_LIB": str(lib)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert message in done.stderr


def test_without_headers_there_is_no_tool(tmp_path: Path) -> None:
    assert build_tool(tmp_path / "bin" / "valgrind") is None


FMA = """\
#include <immintrin.h>
#include <stdio.h>
float a[64], b[64];
int main(int count, char **words) {
   for (int n = 0; n < 64; n++) { a[n] = n * 0.37f; b[n] = 1.0f / (n + 3); }
   __m256 x = _mm256_loadu_ps(a + 3), y = _mm256_loadu_ps(b + 5), z = x, w = y;
   __m128 s = _mm_loadu_ps(a + 7);
   for (int n = 0; n < 9 * count; n++) {
      z = _mm256_fmadd_ps(x, _mm256_broadcast_ss(b + n), z);
      w = _mm256_fmsub_ps(w, z, x);
      z = _mm256_fnmadd_ps(w, y, z);
      w = _mm256_fmadd_ps(z, _mm256_loadu_ps(a + n), w);
      s = _mm_fmadd_ps(s, s, _mm256_castps256_ps128(z));
      s = _mm_mul_ps(s, _mm_set1_ps(0.1f));
      w = _mm256_mul_ps(w, _mm256_set1_ps(0.01f));
   }
   float out[20];
   _mm256_storeu_ps(out, z); _mm256_storeu_ps(out + 8, w); _mm_storeu_ps(out + 16, s);
   for (int n = 0; n < 20; n++) printf("%.4g ", out[n]);
   return 0;
}
"""
"""Chains of multiply-adds in registers, from memory, of 4 and of 8 lanes."""


@pytest.mark.needs(program="valgrind")
@pytest.mark.needs(program="gcc")
@pytest.mark.parametrize("options", [[], [REGISTERS]])
def test_multiply_adds_have_the_values_of_the_processors(
    tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "fma.c").write_text(FMA)
    program = str(tmp_path / "fma")
    subprocess.run(["gcc", "-O2", "-mavx2", "-mfma", "-o", program, f"{program}.c"], check=True)
    lib = build_tool(Path(shutil.which("valgrind") or ""))
    said = [
        subprocess.run(
            ["valgrind", "-q", "--tool=data_cache", f"--out={tmp_path / 'out'}", fma, *options,
             program],
            env={**os.environ, "VALGRIND_LIB": str(lib)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for fma in ("--fma=fast", "--fma=exact")
    ]  # fmt: skip
    assert said[0] == said[1] != ""
