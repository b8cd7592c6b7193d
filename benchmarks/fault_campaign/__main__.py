"""Faults: commands that are killed, starved or misled must lose nothing and write nothing half.

    python -m benchmarks.fault_campaign                      all of it: an hour or so on two cores
    python -m benchmarks.fault_campaign moments --number 30  30 random moments
    python -m benchmarks.fault_campaign moments --from 17 --number 1 --times 20
    python -m benchmarks.fault_campaign disks --only "graph resnet18"

Every command that writes a file or a folder is ended at random moments by SIGTERM, SIGINT and
SIGKILL; what it writes must then be as it was, or whole. Then the same commands meet disks that are
full or read-only, streams that are closed or full, other locales and settings, Python's -O and
-W error, damaged and contended caches of compiled code, and each other. Nothing may end in a
traceback, and no exit code may be 0 where the answer was not delivered.

Each failure is printed as it comes, with what repeats it; at the end stands a table. The exit code
is 1 where there was any. Disks need the rights of root, and are left out without them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.fault_campaign import conditions, together
from benchmarks.fault_campaign.commands import COMMANDS, Command, prepare
from benchmarks.fault_campaign.moments import Undisturbed, try_moment, undisturbed
from benchmarks.fault_campaign.process import Log

KINDS = ("moments", "surroundings", "disks", "streams", "compiled", "together")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "fault_campaign", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; all if none")
    parser.add_argument("--number", type=int, default=200, help="of moments")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first moment")
    parser.add_argument("--times", type=int, default=1, help="how often each moment is tried")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="commands with these words, but of moments")
    parser.add_argument("--jobs", type=int, default=1, help="commands at once")
    told = parser.parse_args(arguments)
    kinds = told.kinds or KINDS
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"no kind of fault: {', '.join(sorted(unknown))}")
    commands = tuple(each for each in COMMANDS if told.only in each.words)
    log = Log()
    with tempfile.TemporaryDirectory() as place:
        campaign(Path(place), kinds, told, commands, log)
    print(f"{len(commands)} commands, seed {told.seed}: {', '.join(kinds)}\n")
    print("\n".join(log.lines()))
    return int(any(log.failed.values()))


def campaign(
    place: Path, kinds: tuple[str, ...], told: argparse.Namespace,
    commands: tuple[Command, ...], log: Log,
) -> None:  # fmt: skip
    """Try all faults of these kinds."""
    prepare(place)
    known: dict[str, Undisturbed] = {}

    def with_whole(task: Callable[[Command, Path, Undisturbed, Log], None]) -> None:
        each_in_its_folder(
            lambda command, folder: task(command, folder, whole(command, folder), log)
        )

    def whole(command: Command, folder: Path) -> Undisturbed:
        if command.words not in known:
            known[command.words] = undisturbed(command, folder)
        return known[command.words]

    def each_in_its_folder(task: Callable[[Command, Path], None]) -> None:
        with ThreadPoolExecutor(told.jobs) as pool:
            list(pool.map(
                lambda pair: task(pair[1], new_folder(place, pair[0])), enumerate(commands)
            ))  # fmt: skip

    if "moments" in kinds:
        numbers = [
            n for n in range(told.first, told.first + told.number) for _ in range(told.times)
        ]

        def moment(job: tuple[int, int]) -> None:
            try_moment(job[1], told.seed, new_folder(place, job[0]), known, log, COMMANDS)

        with ThreadPoolExecutor(told.jobs) as pool:
            list(pool.map(moment, enumerate(numbers)))
    if "surroundings" in kinds:
        with_whole(conditions.surroundings)
    if "disks" in kinds:
        if conditions.can_mount():
            with_whole(conditions.disks)
        else:
            print("left out: disks, which only root can make", flush=True)
    if "streams" in kinds:
        printing = [each for each in commands if each.printed]
        with ThreadPoolExecutor(told.jobs) as pool:
            list(pool.map(
                lambda pair: conditions.output_streams(pair[1], new_folder(place, pair[0]), log),
                enumerate(printing),
            ))  # fmt: skip
    if "compiled" in kinds:
        conditions.compiled_code(new_folder(place, 0), log)
        together.cold_cache(new_folder(place, 0), 2, log)
        together.cold_cache(new_folder(place, 0), 4, log)
        together.killed_while_compiling(new_folder(place, 0), 30, told.seed, log)
    if "together" in kinds:
        with_whole(together.same_output)
        together.resumed(new_folder(place, 0), 5, told.seed, log)


def new_folder(place: Path, number: int) -> Path:
    """A folder for one task; inputs stand in the folder above."""
    folder = place / f"task{number}"
    folder.mkdir(exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
