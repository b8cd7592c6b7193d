"""Commands under conditions that are not theirs to choose.

Either the answer is delivered whole and the exit code is 0, or the code is another one, a line says
why, and what was there before is as it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.fault_campaign.commands import Command, content, is_whole
from benchmarks.fault_campaign.moments import Undisturbed, clear, put_old, undisturbed
from benchmarks.fault_campaign.process import Ended, Log, line, run

NOBODY = 65534
MISSING = "/dev/null/folder"
ELSEWHERE = {"HOME": MISSING, "TMPDIR": MISSING, "MPLCONFIGDIR": None, "XDG_CACHE_HOME": None}
SURROUNDINGS: dict[str, tuple[tuple[str, ...], str, dict[str, str | None]]] = {
    "LANG=C, 40 columns, stdin closed, python -O": (
        ("-O",), "{} <&-",
        {
            "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
            "COLUMNS": "40",
        },
    ),
    "no HOME, no TMPDIR, all streams closed, python -OO": (
        ("-OO",), "{} <&- >&- 2>&-", {**ELSEWHERE},
    ),
    "python -W error": (("-W", "error"), "{}", {}),
}  # fmt: skip
"""Flags of Python, redirections and settings that a command must not mind."""


def shell(words: str) -> list[str]:
    return ["bash", "-c", words]


def as_shell(words: str, *flags: str) -> str:
    return " ".join(f"'{each}'" for each in line(words, *flags))


def judge(
    command: Command, folder: Path, whole: Undisturbed | None, old: object, ended: Ended,
    must: tuple[int, ...] | None = None, silent: bool = False,
) -> str:  # fmt: skip
    """What is wrong with how a command ended: delivered, or refused and nothing changed."""
    wrong = []
    if ended.is_unforeseen:
        wrong.append("it tells a traceback or the like")
    if must is not None and ended.code not in must:
        wrong.append(f"exit code {ended.code}, not {must}")
    found = content(folder / command.name)
    if ended.code == 0:
        if found is None or (
            whole is not None and not is_whole(found, whole.content, command.varies)
        ):
            wrong.append(f"exit code 0, and {command.name} is not what it writes undisturbed")
    else:
        if found != old:
            wrong.append(f"{command.name} is not as it was")
        if not ended.told.strip() and not silent:
            wrong.append(f"exit code {ended.code}, and nothing says why")
    beside = sorted(set(os.listdir(folder)) - {command.name, "filler"})
    kept = [name for name in beside if command.is_sweep and name.endswith(".chunks")]
    if beside != kept or (ended.code == 0 and beside):
        wrong.append(f"left behind: {beside}")
    return "; ".join(wrong)


def surroundings(command: Command, folder: Path, whole: Undisturbed, log: Log) -> None:
    """A command among other flags, streams and settings: it delivers all the same."""
    for what, (flags, words, settings) in SURROUNDINGS.items():
        clear(folder)
        if " - " in command.words and "<&-" in words:
            continue  # which reads standard input
        ended = run(shell(words.format(as_shell(command.words, *flags))), folder, **settings)
        varies = command.varies or "-OO" in flags  # which leaves out docstrings, which some print
        this = replace(command, varies=varies)
        wrong = judge(this, folder, whole, None, ended, (0,), silent=True)
        log.enter(what, command.words, wrong, ended.told)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory; it needs the rights of root."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, leave: int) -> None:
    """Fill a disk up to so many bytes."""
    space = os.statvfs(folder)
    with open(folder / "filler", "wb") as file:
        file.write(b"x" * max(0, space.f_bavail * space.f_frsize - leave))


def disks(command: Command, place: Path, whole: Undisturbed, log: Log) -> None:
    """A disk that is full, nearly full or read-only, and a folder that is another's."""
    inputs = [each for each in place.parent.iterdir() if each.is_file()]
    for what, leave, must in (
        ("a full disk", 0, (1, 2)), ("a disk with 4 KiB left", 4096, None),
        ("a disk with room for half", max(4096, sum(map(len, whole.content.values())) // 2), None),
        ("a read-only disk", 1 << 20, (1, 2)), ("a folder of somebody else", 1 << 20, (1, 2)),
    ):  # fmt: skip
        with mounted(place / "disk", "size=8m,mode=755") as disk:
            for each in inputs:
                shutil.copy(each, disk)
            folder = disk / "here"
            folder.mkdir()
            old = put_old(command, folder, whole)
            words = line(command.words)
            if "disk" in what and "read" not in what:
                fill(disk, leave)
            elif "read" in what:
                subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            else:
                id_ = f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"
                words = ["setpriv", *id_, *words]
            ended = run(words, folder)
            log.enter(what, command.words, judge(command, folder, whole, old, ended, must),
                      ended.told)  # fmt: skip


def output_streams(command: Command, folder: Path, log: Log) -> None:
    """A command that prints, where standard output takes nothing or not all."""
    clear(folder)
    plain = as_shell(command.printed)
    for what, words, codes, silent in (
        ("stdout is a full device", "{} > /dev/full", (1, 2), False),
        ("stdout is closed", "{} >&-", (1, 2), False),
        ("| head -n 1", "{} | head -n 1 > /dev/null; exit ${{PIPESTATUS[0]}}", (0,), True),
        ("a reader that has gone", "{} | exec true; exit ${{PIPESTATUS[0]}}", (0,), True),
    ):
        ended = run(shell(words.format(plain)), folder)
        wrong = []
        if ended.is_unforeseen:
            wrong.append("it tells a traceback or the like")
        if ended.code not in codes:
            wrong.append(f"exit code {ended.code}, not {codes}")
        elif ended.code and "memsim: " not in ended.told:
            wrong.append("nothing says why")
        if (
            silent
            and [each for each in ended.told.splitlines() if "note" not in each]
            and ("fidelity" not in command.words)
        ):
            wrong.append("it complains")
        if list(folder.iterdir()):
            wrong.append(f"left behind: {os.listdir(folder)}")
        log.enter(what, command.printed, "; ".join(wrong), ended.told)


COMPILES = Command("curve fc_densenet103 --input 3x256x256 -o out.json")
"""A command of which the loops are compiled."""

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut in half": lambda held: held[: len(held) // 2],
    "empty": lambda held: b"",
    "overwritten with zeros": lambda held: bytes(len(held)),
    "one byte changed": lambda held: held[:-9] + bytes([held[-9] ^ 1]) + held[-8:],
    "overwritten with text": lambda held: b"corrupt\n" * (len(held) // 8),
}


def compiled_code(folder: Path, log: Log) -> None:
    """Caches of compiled code that are damaged, full, read-only, missing."""
    cache = folder.parent / f"{folder.name}-cache"
    settings = {"NUMBA_CACHE_DIR": str(cache)}
    whole = undisturbed(COMPILES, folder)
    clear(cache)
    run(COMPILES.words, folder, **settings)
    sound = {file: file.read_bytes() for file in cache.rglob("*") if file.is_file()}
    assert sound, "nothing was kept"
    for what, damage in DAMAGE.items():
        for file, held in sound.items():
            file.write_bytes(damage(held))
        for time_ in ("", ", and once more"):
            clear(folder)
            ended = run(COMPILES.words, folder, **settings)
            wrong = judge(COMPILES, folder, whole, None, ended, (0,))
            log.enter("a corrupt cache of compiled code", f"{what}{time_}", wrong, ended.told)
        if {file for file in cache.rglob("*") if file.is_file()} != sound.keys():
            log.enter("a corrupt cache of compiled code", what, "it holds other files than before")
    clear(folder)
    clear(cache)
    with mounted(cache, "size=64k,mode=755"):
        ended = run(COMPILES.words, folder, **settings)
        wrong = judge(COMPILES, folder, whole, None, ended, (0,))
        log.enter("no cache of compiled code", "its disk is full", wrong, ended.told)
        subprocess.run(["mount", "-o", "remount,ro", cache], check=True)
        clear(folder)
        ended = run(COMPILES.words, folder, **settings)
        wrong = judge(COMPILES, folder, whole, None, ended, (0,))
        log.enter("no cache of compiled code", "its disk is read-only", wrong, ended.told)
    for what, place in (("its folder cannot be made", "/dev/null/cache"),
                        ("its place is a file", __file__)):  # fmt: skip
        clear(folder)
        ended = run(COMPILES.words, folder, NUMBA_CACHE_DIR=f"{place}")
        wrong = judge(COMPILES, folder, whole, None, ended, (0,))
        log.enter("no cache of compiled code", what, wrong, ended.told)
    shutil.rmtree(cache)


def can_mount() -> bool:
    """Whether disks can be made here: as root, on Linux."""
    return sys.platform == "linux" and os.geteuid() == 0 and bool(shutil.which("setpriv"))
