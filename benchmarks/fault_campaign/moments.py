"""Commands that are ended at random moments: what they write is then as it was, or whole."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fault_campaign.commands import COMMANDS, Command, Content, content, is_whole
from benchmarks.fault_campaign.process import Ended, Log, left_running, line, run, start, wait

OLD = "what was there before\n"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
CODES = {
    signal.SIGTERM: (143, -signal.SIGTERM),
    signal.SIGINT: (130, -signal.SIGINT),
    signal.SIGKILL: (-signal.SIGKILL,),
}
"""How a process may end of a signal: told, or at once where memsim has not begun or is done."""


@dataclass(frozen=True)
class Undisturbed:
    """What a command writes when it is left alone, and how long it takes."""

    content: Content
    seconds: float


def undisturbed(command: Command, folder: Path) -> Undisturbed:
    clear(folder)
    ended = run(command.words, folder)
    assert ended.code == 0, (command.words, ended.told)
    found = content(folder / command.name)
    assert found, command.words
    extra = [name for name in os.listdir(folder) if name != command.name]
    assert not extra, (command.words, extra)
    return Undisturbed(found, ended.seconds)


def clear(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def put_old(command: Command, folder: Path, whole: Undisturbed) -> Content | None:
    """Put something in the place of the output, where the command may write over it."""
    clear(folder)
    target = folder / command.name
    if command.is_sweep:
        return None
    if not command.is_folder:
        target.write_text(OLD)
        return content(target)
    for name, held in whole.content.items():  # another gallery; nothing else would be replaced
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(held + b"\n" if name != "gallery.json" else held)
    return content(target)


def killed(
    command: Command, folder: Path, whole: Undisturbed, how: signal.Signals,
    moment: Callable[[Path], None], group: bool,
) -> tuple[str, Ended, str]:  # fmt: skip
    """What is wrong after a command is ended at a moment; how it ended; what is worth a note."""
    old = put_old(command, folder, whole)
    before = time.monotonic()
    process = start(line(command.words), folder)
    moment(folder)
    if group:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    ended = wait(process, before)
    wrong, note = [], ""
    if left_running(process.pid):
        wrong.append("processes are left running")
    if ended.is_unforeseen:
        if how is signal.SIGINT and is_before_memsim(ended):
            note = "SIGINT before Python had come to memsim: Python's own traceback"
        else:
            wrong.append("it tells a traceback or the like")
    elif ended.code not in (0, *CODES[how]):
        wrong.append(f"exit code {ended.code}")
    found = content(folder / command.name)
    is_new = found is not None and is_whole(found, whole.content, command.varies)
    if ended.code == 0 and not is_new:
        wrong.append(f"exit code 0, and {command.name} is not the new one")
    elif not is_new and found != old:
        sizes = None if found is None else {name: len(held) for name, held in found.items()}
        wrong.append(f"{command.name} is neither the old nor the new one: {sizes}")
    beside = sorted(set(os.listdir(folder)) - {command.name})
    kept = [name for name in beside if command.is_sweep and name.endswith(".chunks")]
    if beside and beside != kept and how is not signal.SIGKILL:
        wrong.append(f"left behind: {beside}")
    elif beside:
        note = "the same command went on, or cleared what was left"
        wrong += again(command, folder, whole, beside)
    return "; ".join(wrong), ended, note


def is_before_memsim(ended: Ended) -> bool:
    """Whether Python itself was interrupted, before it had come to memsim."""
    return (
        ended.code == -signal.SIGINT
        and b"/memsim/" not in ended.err
        and b"Exception ignored" not in ended.err
    )


def again(command: Command, folder: Path, whole: Undisturbed, beside: list[str]) -> list[str]:
    """The same command once more: it must not mind what is left, and clear it."""
    ended = run(command.words, folder)
    found = content(folder / command.name)
    wrong = []
    if ended.code or found is None or not is_whole(found, whole.content, command.varies):
        told = ended.told.strip().splitlines()[-1:]
        wrong.append(f"beside {beside} the same command does not go on: {ended.code} {told}")
    left = sorted(set(os.listdir(folder)) - {command.name})
    if left:
        wrong.append(f"left behind even by the next run: {left}")
    return wrong


def when_it_writes(patience: float, late: float) -> Callable[[Path], None]:
    """A moment soon after a new name appears in the folder, or after all patience."""

    def moment(folder: Path) -> None:
        before, until = set(os.listdir(folder)), time.monotonic() + patience
        while time.monotonic() < until:
            if set(os.listdir(folder)) - before:
                break
            time.sleep(0.0003)
        time.sleep(late)

    return moment


def after(seconds: float) -> Callable[[Path], None]:
    return lambda folder: time.sleep(seconds)


@dataclass(frozen=True)
class Moment:
    """A command, a signal, and when it is sent."""

    command: Command
    how: signal.Signals
    aimed: bool
    part: float
    late: float
    group: bool


def draw(number: int, seed: int, commands: tuple[Command, ...] = COMMANDS) -> Moment:
    """The moment of a number: each can be had again without those before it.

    Three of four lie anywhere in the command's time, the others right where it begins to write.
    """
    by = random.Random(f"{seed}:{number}")
    how = by.choice(SIGNALS)
    return Moment(
        commands[number % len(commands)], how, by.random() < 0.25, by.uniform(0.02, 1.1),
        by.choice((0.0, by.uniform(0, 0.005))), how is signal.SIGINT and by.random() < 0.5,
    )  # fmt: skip


def try_moment(number: int, seed: int, folder: Path, known: dict[str, Undisturbed], log: Log,
               commands: tuple[Command, ...]) -> None:  # fmt: skip
    """End one command at its moment, and enter how that went."""
    drawn = draw(number, seed, commands)
    command = drawn.command
    if command.words not in known:
        known[command.words] = undisturbed(command, folder)
    whole = known[command.words]
    seconds = drawn.part * whole.seconds
    moment = when_it_writes(2 * whole.seconds, drawn.late) if drawn.aimed else after(seconds)
    wrong, ended, note = killed(command, folder, whole, drawn.how, moment, drawn.group)
    when = f"{drawn.late * 1e3:.1f} ms after it begins to write" if drawn.aimed else (
        f"after {seconds:.2f} of {whole.seconds:.2f} s")  # fmt: skip
    to = " to the group" if drawn.group else ""
    what = f"{number} of seed {seed}: {command.words}, {drawn.how.name}{to} {when}"
    log.enter(f"{drawn.how.name} at a moment", what, wrong, ended.told, note)
