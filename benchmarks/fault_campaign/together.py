"""Several commands at once: on one output, on one cold cache of compiled code; and sweeps anew."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from benchmarks.fault_campaign.commands import Command, content, is_whole
from benchmarks.fault_campaign.conditions import COMPILES, judge
from benchmarks.fault_campaign.moments import Undisturbed, clear, put_old, undisturbed
from benchmarks.fault_campaign.process import Log, left_running, line, run, start, wait


def same_output(
    command: Command, folder: Path, whole: Undisturbed, log: Log, count: int = 2
) -> None:
    """Commands that write one output at once: it is whole, and nothing lies beside it.

    One of several sweeps may be told that another one is at it.
    """
    old = put_old(command, folder, whole)
    began = time.monotonic()
    processes = [start(line(command.words), folder) for _ in range(count)]
    ends = [wait(process, began) for process in processes]
    wrong = []
    codes = sorted(ended.code for ended in ends)
    if codes[0] != 0 or (codes[-1] != 0 and not command.is_sweep) or codes[-1] not in (0, 2):
        wrong.append(f"exit codes {codes}")
    wrong += ["it tells a traceback or the like" for ended in ends if ended.is_unforeseen][:1]
    found = content(folder / command.name)
    if found is None or not is_whole(found, whole.content, command.varies):
        wrong.append(f"{command.name} is not whole")
    beside = sorted(set(os.listdir(folder)) - {command.name})
    if beside:
        wrong.append(f"left behind: {beside}")
    err = "\n".join(ended.told for ended in ends)
    assert old is None or old
    log.enter(f"{count} on one output", command.words, "; ".join(wrong), err)


def cold_cache(folder: Path, count: int, log: Log) -> None:
    """Several processes that compile the same at once."""
    cache = folder.parent / f"{folder.name}-cold"
    clear(cache)
    clear(folder)
    words = line(COMPILES.words.replace("out.json", "out{}.json"))
    began = time.monotonic()
    processes = [
        start([each.format(number) for each in words], folder, NUMBA_CACHE_DIR=str(cache))
        for number in range(count)
    ]
    ends = [wait(process, began) for process in processes]
    wrong = [f"exit code {ended.code}" for ended in ends if ended.code or ended.is_unforeseen]
    if len({(folder / f"out{number}.json").read_bytes() for number in range(count)}) != 1:
        wrong.append("their answers differ")
    log.enter("several on a cold cache of compiled code", f"{count} at once", "; ".join(wrong),
              "\n".join(ended.told for ended in ends))  # fmt: skip


def killed_while_compiling(folder: Path, times: int, seed: int, log: Log) -> None:
    """Commands that are killed while their loops are compiled and kept; the next one goes on."""
    cache = folder.parent / f"{folder.name}-killed"
    clear(cache)
    whole = undisturbed(COMPILES, folder)
    by = random.Random(seed)
    for number in range(times):
        clear(folder)
        began = time.monotonic()
        process = start(line(COMPILES.words), folder, NUMBA_CACHE_DIR=str(cache))
        moment = by.uniform(0.3, 1.5) * whole.seconds
        time.sleep(moment)
        process.send_signal(by.choice((signal.SIGKILL, signal.SIGTERM)))
        wait(process, began)
        clear(folder)
        if number % 3 == 2:
            kept = [file.name for file in cache.rglob("*") if file.is_file()]
            ended = run(COMPILES.words, folder, NUMBA_CACHE_DIR=str(cache))
            wrong = judge(COMPILES, folder, whole, None, ended, (0,))
            halves = [file.name for file in cache.rglob("*.half")]
            wrong += f"; left in the cache: {halves}" if halves else ""
            log.enter("killed while it compiles", f"after {moment:.2f} s, {len(kept)} files kept",
                      wrong, ended.told)  # fmt: skip
            clear(cache)


LONG = Command(
    "sweep patterns/dense patterns/harmonic --machine textbook --cache 64KiB:1MiB:log2 "
    "--policy lru,fifo,belady --lowering fused,eager,concat_free --workers 2 -o out.nc"
)
"""A sweep of some chunks."""


def resumed(folder: Path, times: int, seed: int, log: Log) -> None:
    """A sweep that is killed over and over, and goes on: its file is that of one undisturbed."""
    whole = undisturbed(LONG, folder)
    by = random.Random(seed)
    for number in range(times):
        clear(folder)
        wrong, err, kills = [], "", 0
        for _ in range(40):
            began = time.monotonic()
            process = start(line(LONG.words), folder)
            time.sleep(by.uniform(0.2, 0.9) * whole.seconds)
            how = by.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
            process.send_signal(how)
            ended = wait(process, began)
            err += ended.told
            if left_running(process.pid):
                wrong.append("processes are left running")
            wrong += ["it tells a traceback or the like"] if ended.is_unforeseen else []
            if ended.code == 0:
                break
            kills += 1
        else:
            ended = run(LONG.words, folder)
        found = content(folder / LONG.name)
        if found is None or not is_whole(found, whole.content, LONG.varies):
            wrong.append(f"after {kills} ends the file is not that of one undisturbed")
        beside = sorted(set(os.listdir(folder)) - {LONG.name})
        if beside:
            wrong.append(f"left behind: {beside}")
        log.enter("a sweep that is ended and goes on", f"{kills} ends, number {number} of "
                  f"seed {seed}", "; ".join(wrong), err)  # fmt: skip
