"""Proves that a change left the numbers alone: two revisions print the same JSON.

    python benchmarks/same_numbers.py REVISION           that revision against the working tree
    python benchmarks/same_numbers.py REVISION --only hardnet68 --only resnet18

Asked are ``run``, ``curve``, ``bounds`` and ``memory`` of every shipped network under three
lowerings, ``compare`` of all networks under each lowering, and ``describe`` of each network,
through the command line, so that nothing inside memsim has to stand still. What may differ is named
in ``FREE``; everything else must be equal byte for byte.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOWERINGS = ("eager", "fused", "concat_free")
VERBS = ("run", "curve", "bounds", "memory")

FREE = {
    "assumed": "what was assumed is a text",
    "peak_occupancy_bytes": "the pass over cells told it up to 1.3 % too low",
    "images": "how a batch is taken was not told before",
    "accuracy": "what stands behind a machine's times was not told before",
}
"""Keys that may differ, and why."""


def questions(network: str) -> list[list[str]]:
    """The command lines that ask for all of one network's numbers."""
    asked = [[verb, network, "--lowering", low] for verb in VERBS for low in LOWERINGS]
    return [*asked, ["describe", network]]


def main() -> int:
    """Ask both revisions and compare; return 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision", help="a revision of git to compare the working tree with")
    parser.add_argument("--only", action="append", help="a network; may be given several times")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="keep the answers of the revision here, and "
                        "take them from here where they exist")  # fmt: skip
    chosen = parser.parse_args()
    networks = chosen.only or ask(ROOT, [["list"]])[0].split("\n")
    names = [line.split()[0] for line in networks if line.strip()]
    groups = [questions(name) for name in names]
    groups += [[["compare", *names, "--lowering", low]] for low in LOWERINGS]
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        git("worktree", "add", "--detach", str(before), chosen.revision)
        try:
            with ThreadPoolExecutor(chosen.jobs) as pool:
                one = [pool.submit(kept, before, group, chosen.keep) for group in groups]
                two = [pool.submit(ask, ROOT, group) for group in groups]
                return report(groups, [each.result() for each in one], [e.result() for e in two])
        finally:
            git("worktree", "remove", "--force", str(before))


def git(*words: str) -> None:
    """Run git in this repository."""
    subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True)


def kept(tree: Path, group: list[list[str]], folder: Path | None) -> list[str]:
    """As :func:`ask`, once for each group where a folder keeps the answers."""
    if folder is None:
        return ask(tree, group)
    name = hashlib.sha256(json.dumps(group).encode()).hexdigest()[:24]
    file = folder / f"{name}.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(ask(tree, group)))
    answers: list[str] = json.loads(file.read_text())
    return answers


def ask(tree: Path, group: list[list[str]]) -> list[str]:
    """What one tree's command line answers to several questions, in one process."""
    done = subprocess.run(
        [sys.executable, __file__, "--answer"],
        input=json.dumps(group),
        env={**os.environ, "PYTHONPATH": str(tree)},
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{tree}: {done.stderr}")
    answers: list[str] = json.loads(done.stdout)
    return answers


def answer() -> None:
    """Answer the questions on standard input: the process that :func:`ask` starts."""
    from memsim.cli.main import cli

    answers = []
    for words in json.load(sys.stdin):
        out = io.StringIO()
        options = [] if words[0] == "list" else ["--format", "json"]
        with contextlib.redirect_stdout(out):
            try:
                cli.main([*words, *options], prog_name="memsim", standalone_mode=False)
            except Exception as error:  # what cannot be simulated is an answer as well
                out.write(f"{type(error).__name__}: {error}")
        answers.append(out.getvalue())
    print(json.dumps(answers))


def strip(value: Any) -> Any:
    """The answer without what may differ."""
    if isinstance(value, dict):
        return {key: strip(inner) for key, inner in value.items() if key not in FREE}
    return [strip(inner) for inner in value] if isinstance(value, list) else value


def plain(text: str) -> str:
    """An answer as comparable text."""
    try:
        return json.dumps(strip(json.loads(text)), indent=1)
    except ValueError:
        return text


def report(groups: list[list[list[str]]], before: list[list[str]], after: list[list[str]]) -> int:
    """Tell how many answers are equal, and where the first others differ."""
    equal, different = 0, []
    for group, ones, others in zip(groups, before, after, strict=True):
        for words, one, other in zip(group, ones, others, strict=True):
            if plain(one) == plain(other):
                equal += 1
            else:
                different.append((words, plain(one), plain(other)))
    for words, one, other in different[:5]:
        print("differs: memsim", *words[:4], "..." if len(words) > 4 else "")
        lines = difflib.unified_diff(one.split("\n"), other.split("\n"), lineterm="", n=2)
        for _, line in zip(range(20), lines, strict=False):
            print("   ", line[:150])
    print(f"{equal} answers equal, {len(different)} differ; not compared: {', '.join(FREE)}")
    return 1 if different else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--answer"]:
        answer()
    else:
        sys.exit(main())
