"""Chrome trace events: the run as Perfetto (ui.perfetto.dev) and chrome://tracing show it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from memsim.results.run import Result
from memsim.traces.trace_options import TraceOptions
from memsim.units import PICOSECONDS
from memsim.version import __version__

TRACKS = {
    "kernels": 1, "compute": 2, "DRAM": 3, "DMA load 0": 4, "DMA load 1": 5, "DMA store": 6
}  # fmt: skip
"""Thread number of each track. Two input buffers load in turn, so two tracks."""

PROCESS = 1

PIECE = 2000
"""Events written at a time."""

Event = dict[str, Any]


def perfetto(result: Result, options: TraceOptions) -> Iterator[bytes]:
    """Trace events in the JSON object format, times in microseconds.

    Tracks: kernels; compute, with its stalls; DRAM, the channel; DMA, loads from the start on
    the channel until the data are there, and stores. Counters: bytes held in the cache, live
    feature maps, DRAM bandwidth. A flow leads from the task that writes a tensor to the first
    task of each kernel that reads it.

    Notes
    -----
    Google's "Trace Event Format"; Perfetto reads it, with flows bound to enclosing slices.
    """
    events = chain(
        _names(result), _kernels(result), _compute(result), _channel(result), _dma(result),
        _counters(result), _flows(result),
    )  # fmt: skip
    head = {
        "displayTimeUnit": "ns",
        "otherData": {
            "memsim": __version__,
            "network": result.network.name,
            "dram_bytes": result.dram_bytes,
            "time_ps": result.time_ps,
            "config": result.config,
            "accuracy": result.accuracy.to_dict(),
        },
    }
    yield json.dumps(head)[:-1].encode() + b', "traceEvents": [\n'
    first, piece = True, []
    for event in events:
        piece.append(json.dumps(event))
        if len(piece) == PIECE:
            yield (b"" if first else b",\n") + ",\n".join(piece).encode()
            first, piece = False, []
    if piece:
        yield (b"" if first else b",\n") + ",\n".join(piece).encode()
    yield b"\n]}\n"


def _us(picoseconds: int) -> float:
    return int(picoseconds) / 10**6


def _slice(track: str, name: str, start: int, end: int, **args: Any) -> Event:
    return {
        "ph": "X", "pid": PROCESS, "tid": TRACKS[track], "name": name, "cat": track,
        "ts": _us(start), "dur": _us(end - start), "args": args,
    }  # fmt: skip


def _names(result: Result) -> Iterator[Event]:
    name = f"{result.network.name} on {result.machine.name}"
    yield {"ph": "M", "pid": PROCESS, "name": "process_name", "args": {"name": name}}
    for track, number in TRACKS.items():
        head = {"ph": "M", "pid": PROCESS, "tid": number}
        yield {**head, "name": "thread_name", "args": {"name": track}}
        yield {**head, "name": "thread_sort_index", "args": {"sort_index": number}}


def _kernels(result: Result) -> Iterator[Event]:
    """A slice for each run of tasks of one kernel; of several frames, with what each moves."""
    program, line = result.program, result.timeline
    kernel, several = program.task_kernel, program.frames > 1
    run = program.task_frame * len(program.kernels) + kernel
    edges = np.flatnonzero(np.diff(run, prepend=-1, append=-1))
    layers = result.layers
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        number, frame = int(kernel[low]), int(program.task_frame[low])
        layer = layers[number]
        read, written = layer.dram_read_bytes, layer.dram_write_bytes
        if several:
            read, written = result.frames.layer(frame, number)
        yield _slice(
            "kernels", layer.name, line.compute_start[low], line.compute_end[high - 1],
            op=layer.op, layers=list(layer.layers), tasks=high - low,
            macs=layer.macs // program.frames, dram_read_bytes=read, dram_write_bytes=written,
            bound=layer.bound, **({"frame": frame} if several else {}),
        )  # fmt: skip


def _compute(result: Result) -> Iterator[Event]:
    program, line = result.program, result.timeline
    before = 0
    for task in range(program.tasks):
        start, end = int(line.compute_start[task]), int(line.compute_end[task])
        if start > before:
            yield _slice("compute", "stall", before, start, before_task=task)
        yield _slice(
            "compute", _kernel(result, task), start, end, task=task,
            macs=int(program.task_macs[task]), work=int(program.task_work[task]),
        )  # fmt: skip
        before = end
    if result.time_ps > before:
        yield _slice("compute", "stall", before, result.time_ps)


def _channel(result: Result) -> Iterator[Event]:
    """What the DRAM channel serves: the bytes of all slices are the run's traffic."""
    for start, end, way, task, nbytes in _transfers(result):
        kernel = _kernel(result, task)
        yield _slice("DRAM", f"{way} {kernel}", start, end, task=task, kernel=kernel, bytes=nbytes)


def _dma(result: Result) -> Iterator[Event]:
    for start, end, way, task, nbytes in _transfers(result):
        kernel = _kernel(result, task)
        if way == "load":
            end += result.steps.latency[task]
        track = f"DMA load {task % 2}" if way == "load" else "DMA store"
        yield _slice(track, kernel, start, end, task=task, kernel=kernel, bytes=nbytes)


def _transfers(result: Result) -> Iterator[tuple[int, int, str, int, int]]:
    """Start, end, direction, task and bytes of each transfer, task by task."""
    line, moved = result.timeline, result.traffic
    for task in range(result.program.tasks):
        for way, start, end, nbytes in (
            ("load", line.load_start, line.load_end, moved.load_bytes),
            ("store", line.store_start, line.store_end, moved.store_bytes),
        ):
            if nbytes[task]:
                yield int(start[task]), int(end[task]), way, task, int(nbytes[task])


def _kernel(result: Result, task: int) -> str:
    return result.program.kernels[int(result.program.task_kernel[task])].name


def _counters(result: Result) -> Iterator[Event]:
    line, live = result.timeline, result.program.live_bytes
    for task, held in enumerate(result.traffic.occupancy.tolist()):
        yield _counter("live feature maps", line.compute_start[task], bytes=int(live[task]))
        yield _counter("held in cache", line.compute_end[task], bytes=held)
    previous = -1
    for start, end, _, _, nbytes in sorted(_transfers(result)):
        if previous >= 0 and start > previous:
            yield _counter("DRAM bandwidth", previous, bytes_per_s=0)
        rate = nbytes * PICOSECONDS // (end - start)
        yield _counter("DRAM bandwidth", start, bytes_per_s=rate)
        previous = end
    if previous >= 0:
        yield _counter("DRAM bandwidth", previous, bytes_per_s=0)


def _counter(name: str, time: int, **values: int) -> Event:
    return {"ph": "C", "pid": PROCESS, "name": name, "ts": _us(time), "args": values}


def _flows(result: Result) -> Iterator[Event]:
    """For each tensor that is written and read, in each frame: start, steps, end of one flow."""
    program, line = result.program, result.timeline
    tensors = len(program.tensors)
    tensor = (program.cell_tensor + tensors * program.cell_frame)[program.touch_cell]
    task = program.touch_task
    writes, reads = np.flatnonzero(program.touch_write), np.flatnonzero(~program.touch_write)
    wrote = np.full(tensors * program.frames, -1, np.int64)
    np.maximum.at(wrote, tensor[writes], task[writes])
    kernels = len(program.kernels)
    key = tensor[reads].astype(np.int64) * kernels + program.task_kernel[task[reads]]
    pairs, first = np.unique(key, return_index=True)
    readers: dict[int, list[int]] = {}
    for pair, at in zip(pairs.tolist(), task[reads[first]].tolist(), strict=True):
        if wrote[pair // kernels] >= 0:
            readers.setdefault(pair // kernels, []).append(at)
    for number, tasks in readers.items():
        stored = program.tensors[number % tensors]
        head: Event = {
            "pid": PROCESS, "tid": TRACKS["compute"], "name": stored.name, "cat": "tensor",
            "id": number,
        }  # fmt: skip
        args = {"tensor": stored.name, "bytes": stored.nbytes}
        writer = int(wrote[number])
        yield {**head, "ph": "s", "ts": _us(line.compute_start[writer]), "args": args}
        for reader in sorted(tasks)[:-1]:
            yield {**head, "ph": "t", "ts": _us(line.compute_start[reader])}
        last = max(tasks)
        yield {**head, "ph": "f", "bp": "e", "ts": _us(line.compute_start[last])}
