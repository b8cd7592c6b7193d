"""The process that has the tests collected, and forks for each mutant."""

from __future__ import annotations

import argparse
import ast
import builtins
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from anew import quiet
from functions import Notes, codes, where
from mutant import OWN_TESTS, ROOMS, Mutant


class Server:
    """A plugin of pytest that runs mutants in place of the tests."""

    def __init__(self, work: Path, mutants: list[Mutant], options: argparse.Namespace) -> None:
        self.work, self.mutants, self.options = work, mutants, options
        self.kills: Counter[tuple[str, str]] = Counter()
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, set[str]] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        for folder in ROOMS.values():
            for path in sorted((self.work / folder).rglob("*.py")):
                name = str(path.relative_to(self.work).with_suffix("")).replace("/", ".")
                importlib.import_module(name.removesuffix(".__init__"))
        import numba  # noqa: F401  # a child would need a second for it

        self.functions: dict[tuple[str, str, int], list[FunctionType]] = {}
        for each in gc.get_objects():
            if isinstance(each, FunctionType):
                code = each.__code__
                if code.co_filename.startswith(str(self.work / "memsim")):
                    self.functions.setdefault(where(code), []).append(each)
        self.measure(self.options.coverage)
        gc.collect()
        gc.freeze()
        self.run_all()
        return True

    def measure(self, kept: Path | None) -> None:
        """Run every test once: how long it takes, and which functions it calls."""
        known: dict[str, Any] = json.loads(kept.read_text()) if kept and kept.exists() else {}
        new = [nodeid for nodeid in self.items if nodeid not in known]
        print(f"{len(self.items)} tests, {len(new)} to be measured", flush=True)
        children = []
        for number in range(self.options.jobs):
            answer = self.work / f"measured{number}.json"
            child = os.fork()
            if not child:
                quiet()
                self.note_calls()
                with answer.open("w", buffering=1) as told:
                    for nodeid in new[number :: self.options.jobs]:
                        told.write(json.dumps([nodeid, self.noted(nodeid)]) + "\n")
                os._exit(0)
            children.append((child, answer))
        for child, answer in children:
            os.waitpid(child, 0)
            known.update(json.loads(line) for line in answer.read_text().splitlines())
        if kept:
            kept.write_text(json.dumps(known))
        for nodeid, (passed, seconds, called) in known.items():
            if passed and nodeid in self.items:
                self.seconds[nodeid] = seconds
                for each in called:
                    self.calls.setdefault(each, set()).add(nodeid)

    def note_calls(self) -> None:
        """Let every function of the rooms begin with a note that it was called."""
        builtins.noted_calls = set()  # type: ignore[attr-defined]
        for folder in ROOMS.values():
            for path in sorted((self.work / folder).rglob("*.py")):
                tree = ast.parse(path.read_text())
                Notes(str(path.relative_to(self.work))).visit(tree)
                self.replace(path, ast.fix_missing_locations(tree))

    def noted(self, nodeid: str) -> tuple[bool, float, list[str]]:
        noted: set[str] = builtins.noted_calls  # type: ignore[attr-defined]
        noted.clear()
        begin = time.process_time()
        passed = self.run_test(nodeid)
        return passed, time.process_time() - begin, sorted(noted)

    def run_test(self, nodeid: str) -> bool:
        item = self.items[nodeid]
        before = item.session.testsfailed
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return bool(item.session.testsfailed == before)

    def chosen(self, mutant: Mutant) -> list[str]:
        """The tests that may notice, in order, as many as the budget allows."""
        own = OWN_TESTS[mutant.room]
        callers = self.calls.get(f"{mutant.file}:{mutant.scope.split('.<locals>')[0]}", set())
        neighbours = set(callers)
        for function, nodeids in self.calls.items():
            if function.startswith(f"{mutant.file}:"):
                neighbours |= nodeids
        if not neighbours:  # compiled, all of it
            neighbours = {each for each in self.seconds if each.startswith((own, "tests/laws"))}

        def rank(nodeid: str) -> tuple[int, bool, bool, float]:
            kills, elsewhere = self.kills[mutant.file, nodeid], not nodeid.startswith(own)
            return -kills, nodeid not in callers, elsewhere, self.seconds[nodeid]

        taken, budget = [], float(self.options.budget)
        for nodeid in sorted(neighbours, key=rank):
            if self.seconds[nodeid] <= budget:
                budget -= self.seconds[nodeid]
                taken.append(nodeid)
        return taken

    def run_all(self) -> None:
        waiting, running = list(self.mutants), {}
        free = list(range(self.options.jobs))
        while waiting or running:
            while waiting and free:
                mutant, slot = waiting.pop(0), free.pop()
                answer = self.work / f"answer{slot}"
                child = os.fork()
                if not child:
                    quiet()
                    self.run_mutant(mutant, slot, answer)
                    os._exit(0)
                running[child] = mutant, slot, answer
            child, status = os.wait()
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM:
                return  # somebody stops us: what was not finished says nothing
            mutant, slot, answer = running.pop(child)
            free.append(slot)
            *_, last = answer.read_text().splitlines() or ["?"]
            outcome, _, nodeid = last.partition(" ")
            mutant.killed_by = "" if outcome == "lived" else nodeid or outcome
            if outcome == "running":  # the child was ended by a timer
                mutant.killed_by = f"{nodeid} (took too long)"
            mutant.done = True
            self.kills[mutant.file, nodeid] += outcome != "lived"
            verdict = mutant.killed_by or "LIVED"
            print(f"{mutant.file}:{mutant.line}  {mutant.change}  {verdict}", flush=True)
            self.options.keep(mutant)

    def run_mutant(self, mutant: Mutant, slot: int, answer: Path) -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30))
        tree, nodeids = mutant.tree(self.work), self.chosen(mutant)
        answer.write_text("lived\n")
        try:
            called = f"{mutant.file}:{mutant.scope.split('.<locals>')[0]}" in self.calls
            warm = called and self.replace(self.work / mutant.file, tree)
        except ValueError:  # other variables are shared with an inner function
            warm = False
        if not warm:
            answer.write_text(self.anew(mutant, tree, nodeids, slot))
            return
        with answer.open("a", buffering=1) as told:
            for nodeid in nodeids:
                told.write(f"running {nodeid}\n")
                limit = 5 + 10 * self.seconds[nodeid]
                signal.setitimer(signal.ITIMER_PROF, limit)
                signal.setitimer(signal.ITIMER_REAL, 10 * limit)
                if not self.run_test(nodeid):
                    told.write(f"killed {nodeid}\n")
                    return
            told.write("lived\n")

    def replace(self, file: Path, tree: ast.Module) -> bool:
        """Put changed code into every function made from it; False where there is none."""
        old = codes(compile(file.read_text(), str(file), "exec"))
        new = codes(compile(tree, str(file), "exec"))
        changed = [key for key in new if key in old and new[key] != old[key]]
        functions = [(key, each) for key in changed for each in self.functions.get(key, [])]
        for key, each in functions:
            each.__code__ = new[key]
        return bool(functions)

    def anew(self, mutant: Mutant, tree: ast.Module, nodeids: list[str], slot: int) -> str:
        """Run the tests in a new process, on a copy of the tree with the changed file."""
        copied = self.work.parent / f"copy{slot}"
        shutil.copytree(self.work, copied, dirs_exist_ok=True)
        changed = copied / mutant.file
        changed.write_text(ast.unparse(tree))
        name = mutant.file.removesuffix(".py").replace("/", ".")
        texts = (path.read_text() for path in (self.work / "memsim").rglob("*.py"))
        into_machine_code = any("@compiled(" in text and f"{name} import" in text for text in texts)
        job = {
            "folder": str(copied),
            "nodeids": nodeids,
            "machine_code": tempfile.mkdtemp(dir=copied) if into_machine_code else "",
            "seconds": 60 + int(5 * sum(self.seconds[nodeid] for nodeid in nodeids)),
        }
        begun, ended = copied / "begun", copied / "ended"
        begun.unlink(missing_ok=True)
        ended.unlink(missing_ok=True)
        os.write(self.options.nursery, json.dumps(job).encode() + b"\n")
        while not begun.exists() or not begun.read_text():
            time.sleep(0.1)
        while not ended.exists() and Path(f"/proc/{begun.read_text()}").exists():
            time.sleep(0.1)
        shutil.copy2(self.work / mutant.file, changed)
        if not ended.exists():
            return "killed (took too long)\n"
        code, *failed = ended.read_text().split("\n")
        return "lived\n" if code == "0" else f"killed {failed[0] or 'by the import'}\n"
