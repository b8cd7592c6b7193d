"""Do the tests bite? Changes the code in one small place at a time and sees which test notices.

    python benchmarks/mutants                          100 mutants of each of the four rooms
    python benchmarks/mutants --room program -n 200    more, of one room
    python benchmarks/mutants --lived                  those that lived last time, again

Mutants are drawn by a seed, so that everybody sees the same ones: a comparison at its boundary, a
plus for a minus, an integer one larger, a statement left out, a condition that always holds. Not
changed are documentation, messages of errors, ``__repr__``, annotations and decorators.

The tree is copied. One process imports memsim and collects the tests there; for each mutant it
forks, and the child puts the changed code into the functions and runs the tests that call the
changed function, those of its own room first, fastest first, until one fails. What stands outside
of functions, and what numba compiles, is changed in a copied file that a new process imports. A
test that takes ten times longer than before has noticed. Tests beyond ``--budget`` seconds are not
run for a mutant: it then counts as one that lived, though a slower test might have noticed it.

Results go to ``benchmarks/results/mutants.json``, from where a run goes on, and ``mutants.md``;
why a survivor cannot be noticed is written into the former by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from anew import FLAGS, ROOT, nursery
from hypothesis import Phase, settings
from mutant import OWN_TESTS, ROOMS, Mutant, all_mutants
from server import Server

RESULTS = ROOT / "benchmarks" / "results" / "mutants.json"
ASKED = [
    "tests/network",
    "tests/program",
    "tests/engines",
    "tests/laws",
    "tests/results",
    "tests/test_registry.py",
    "tests/test_readme.py",
]
"""Tests of other rooms that may notice a mutant; what only further ones notice counts as alive."""
LEFT_OUT = ["tests/laws/test_shipped.py"]
"""Takes too long for each mutant."""


def copied_tree() -> Path:
    work = Path(tempfile.mkdtemp(prefix="mutants")) / "tree"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True, check=True,
        capture_output=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        if (ROOT / name).is_file():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, work / name)
    return work


def table(mutants: list[Mutant]) -> str:
    lines = ["# Mutants", "", "What `python benchmarks/mutants` found; see there.", ""]
    lines += [
        "| room | mutants | killed | cannot be noticed | lived |",
        "| :-- " + "| --: " * 4 + "|",
    ]
    for room in (*ROOMS, "all"):
        those = [each for each in mutants if room in (each.room, "all")]
        killed = sum(bool(each.killed_by) for each in those)
        alike = sum(bool(each.reason) and not each.killed_by for each in those)
        lines.append(
            f"| {room} | {len(those)} | {killed} | {alike} | {len(those) - killed - alike} |"
        )
    lines += ["", "| place | line | change | killed by | or why not |", "| :-- " * 5 + "|"]
    for each in sorted(mutants, key=lambda each: (bool(each.killed_by), each.file, each.line)):
        code, change = (text.replace("|", "\\|") for text in (each.code, each.change))
        place = f"{each.file.removeprefix('memsim/')}:{each.line}"
        lines.append(f"| {place} | `{code}` | `{change}` | {each.killed_by} | {each.reason} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Draw, run, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--room", action="append", choices=ROOMS, help="may be given several times")
    parser.add_argument("-n", "--number", type=int, default=100, help="mutants per room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=int, default=40, help="seconds of tests per mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--lived", action="store_true", help="only those that lived, again")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to go on from")
    parser.add_argument("--coverage", type=Path, help="keep here what tests call, and take it from "
                        "here where it exists")  # fmt: skip
    options = parser.parse_args()
    work = copied_tree()
    before = json.loads(options.results.read_text()) if options.results.exists() else []
    results = {mutant.key: mutant for mutant in (Mutant(**each) for each in before)}
    everything = {room: all_mutants(work, room) for room in ROOMS}
    there = {mutant.key for mutants in everything.values() for mutant in mutants}
    results = {key: mutant for key, mutant in results.items() if key in there}
    mutants: list[Mutant] = []
    for room in options.room or ROOMS:
        possible = everything[room]
        random.Random(options.seed).shuffle(possible)
        for mutant in possible if options.lived else possible[: options.number]:
            known = results.get(mutant.key)
            lived = known is not None and not known.killed_by and not known.reason
            if lived if options.lived else known is None:
                mutants.append(mutant)
    random.Random(options.seed).shuffle(mutants)  # of all rooms, should somebody stop it
    print(f"{len(mutants)} mutants to run, {len(results)} known", flush=True)

    def keep(mutant: Mutant) -> None:
        results[mutant.key] = mutant
        texts = [json.dumps(each.__dict__) for each in results.values()]
        options.results.write_text("[\n" + ",\n".join(texts) + "\n]\n")

    options.keep = keep
    settings.register_profile(
        "unshrunk",
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        report_multiple_bugs=False,
    )
    os.environ["HYPOTHESIS_PROFILE"] = "unshrunk"
    os.environ["MPLBACKEND"] = "Agg"
    options.nursery = nursery()
    os.chdir(work)
    sys.path.insert(0, str(work))
    rooms = options.room or list(ROOMS)
    asked = [OWN_TESTS[room] for room in rooms] + [ROOMS[room] for room in rooms]
    if rooms != ["foreign"]:
        asked += ASKED
    ignored = [f"--ignore={each}" for each in LEFT_OUT]
    pytest.main(
        [*FLAGS, f"--basetemp={work.parent / 'temporary'}", *ignored, *dict.fromkeys(asked)],
        plugins=[Server(work, mutants, options)],
    )
    os.chdir(ROOT)
    (options.results.with_suffix(".md")).write_text(table(list(results.values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
