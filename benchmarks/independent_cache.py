"""Hardware management against an independent cache simulator, on the same trace of lines.

Run it as ``python benchmarks/independent_cache.py [file]``; what it prints is also kept in the
file. memsim turns a network into accesses to 64 B lines; the trace goes to pycachesim, a separate
program in an environment of its own, and to memsim's set-associative cache and, at the smallest
size, its fully associative one. Both fetch on write, write back and replace the least recently
used line. Lines fetched and lines written back must be equal, exactly; it ends with an error at the
first difference.

What is dirty when the trace ends is compared apart: pycachesim is told to flush, memsim's
count is the lines written since they were last written back. memsim's totals hold only
those of them that are network outputs, as nobody reads the others any more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from peers.environments import python_of
from peers.traces import write_trace

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.compiled_order import compiled_order
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.sets import compiled_sets
from memsim.engines.cache.trace import DIRTIES, KIND, Events, Trace
from memsim.machine.cache import Cache

PEER = Path(__file__).parent / "peers" / "peer_pycachesim.py"
LINE = 64
INPUT = (3, 64, 64)
BUFFER = 1 << 16
NETWORKS = ("resnet18", "hardnet39ds")
LOWERINGS = ("eager", "fused")
SIZES = (1 << 14, 1 << 18, 1 << 20)
WAYS = (4, 16)


def independent(python: Path, trace: Path, cache: int, ways: int, *mode: str) -> tuple[int, ...]:
    """Lines that pycachesim fetches, writes back and flushes at the end."""
    command = [str(python), str(PEER), "run", str(trace), str(cache), str(ways), *mode]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    return found["fetched"], found["written_back"], found["flushed"]


def left_dirty(trace: Trace, events: Events) -> np.ndarray:
    """The last write to each line that is dirty after the trace."""
    written = np.full(len(trace.size), -1)
    cleaned = np.full(len(trace.size), -1)
    writes = np.flatnonzero(DIRTIES[trace.code & KIND])
    np.maximum.at(written, trace.block[writes], writes)
    np.maximum.at(cleaned, events.spilled, events.spilled_at)
    return written[written > cleaned]


def compare(name: str, lowering: str, python: Path, folder: Path) -> list[str]:
    """One line of text per cache."""
    network = memsim.load(name, input_shape=INPUT)
    program = memsim.build(network, buffer=BUFFER, lowering=lowering)
    trace = MANAGEMENTS["hardware"].trace(program, Cache(size=0, management="hardware"))
    path = folder / f"{name}-{lowering}"
    write_trace(trace, path, LINE)
    rows = []
    caches = [(size, ways) for size in SIZES for ways in WAYS]
    for size, ways in [(SIZES[0], SIZES[0] // LINE), *caches]:
        whole = ways * LINE == size
        cache = Cache(size=size, management="hardware", ways=None if whole else ways)
        events = (
            compiled_order(trace, size, refresh=True)
            if whole
            else compiled_sets(trace, size, ways=ways)
        )
        left = left_dirty(trace, events)
        ours = (int(events.missed.sum()), len(events.spilled), len(left))
        theirs = independent(python, path, size, ways)
        if ours != theirs:
            raise SystemExit(f"{name} {lowering} {size} B {ways} ways: {ours} is not {theirs}")
        moved = cache_pass(program, cache)
        outputs = int(program.cell_is_output[program.touch_cell[trace.touch[left]]].sum())
        totals = (LINE * theirs[0], LINE * (theirs[1] + outputs))
        if (moved.read_bytes, moved.write_bytes) != totals:
            raise SystemExit(f"{name} {lowering} {size} B {ways} ways: totals differ")
        rows.append(
            f"{name:12} {lowering:6} {len(trace.block):10,} {size // 1024:6} KiB "
            f"{'all' if whole else ways:>4}  {ours[0]:10,} {ours[1]:10,} {ours[2]:7,}  equal"
        )
    return rows


def renewal(python: Path, folder: Path) -> str:
    """What pycachesim finds where a write is fed as a store alone."""
    path = folder / f"{NETWORKS[-1]}-{LOWERINGS[0]}"
    fed = independent(python, path, SIZES[1], WAYS[1])
    alone = independent(python, path, SIZES[1], WAYS[1], "stores=alone")
    return (
        f"A store that hits does not renew a line in pycachesim, so a write is fed as a load and a "
        f"store.\nFed as stores alone, {NETWORKS[-1]} {LOWERINGS[0]} at {SIZES[1] // 1024} KiB, "
        f"{WAYS[1]} ways: {alone[0]:,} fetched and {alone[1]:,} written\n"
        f"back, not {fed[0]:,} and {fed[1]:,}."
    )


def main(keep: Path | None) -> None:
    python = python_of("pycachesim")
    version = subprocess.run(
        [str(python), "-m", "pip", "show", "pycachesim"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[1]
    shape = "x".join(map(str, INPUT))
    text = [
        f"memsim and pycachesim ({version.lower()}), {LINE} B lines, fetch on write, write-back, "
        f"LRU;\ninput {shape}, fp32, buffer {BUFFER // 1024} KiB. Lines:\n",
        f"{'network':12} {'':6} {'accesses':>10} {'cache':>10} {'ways':>4}  {'fetched':>10} "
        f"{'written':>10} {'left':>7}",
    ]
    print(*text, sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            for lowering in LOWERINGS:
                rows = compare(name, lowering, python, Path(folder))
                print(*rows, sep="\n", flush=True)
                text += rows
        last = ["", renewal(python, Path(folder))]
    print(*last, sep="\n")
    if keep is not None:
        keep.parent.mkdir(parents=True, exist_ok=True)
        keep.write_text("\n".join(text + last) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
