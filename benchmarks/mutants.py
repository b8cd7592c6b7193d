"""Do the tests bite? Changes the code in one small place at a time and sees which test notices.

    python benchmarks/mutants.py                          100 mutants of each of the four rooms
    python benchmarks/mutants.py --room program -n 200    more, of one room
    python benchmarks/mutants.py --lived                  those that lived last time, again

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
import ast
import builtins
import copy
import gc
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "mutants.json"
ROOMS = {
    "network": "memsim/network",
    "program": "memsim/program",
    "engines": "memsim/engines",
    "foreign": "memsim/formats/foreign",
}
OWN_TESTS = {room: f"tests/{room}" for room in ROOMS} | {"foreign": "tests/formats"}
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

FLAGS = ["-s", "-pno:terminal", "-pno:cacheprovider", "-pno:xdist", "-pno:faulthandler"]

COMPARISONS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
OPPOSITES = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all",
    "all": "any", "argmin": "argmax", "argmax": "argmin",
}  # fmt: skip
MESSAGES = {"Problem", "InputError", "SimulationError", "ShapeError", "did_you_mean", "problem"}
GUARDS = {"strict", "description", "stacklevel"}
"""Keywords whose values say nothing about numbers."""


@dataclass(frozen=True)
class Place:
    """One node of a file and what may stand there instead."""

    line: int
    scope: str
    """The function around it, as in ``co_qualname``; empty where a new process must import it."""
    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST

    @property
    def old(self) -> Any:
        value = getattr(self.parent, self.field)
        return value if self.index is None else value[self.index]

    @property
    def change(self) -> str:
        """``before -> after``, shortened."""
        if isinstance(self.old, ast.If):
            head = copy.copy(self.old), copy.copy(self.new)
            texts = [f"if {ast.unparse(each.test)}" for each in head]  # type: ignore[attr-defined]
        else:
            texts = [ast.unparse(each) for each in (self.old, self.new)]
        return " -> ".join(" ".join(text.split())[:90] for text in texts)

    def apply(self) -> None:
        if self.index is None:
            setattr(self.parent, self.field, self.new)
        else:
            getattr(self.parent, self.field)[self.index] = self.new


class Places(ast.NodeVisitor):
    """Collects the places of a file in order."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[Place] = []
        self.scope: list[str] = []
        self.depth = 0
        self.frozen = False
        """Whether the code around is compiled by numba."""
        self.walk(tree)

    def walk(self, parent: ast.AST, *left_out: str) -> None:
        for name, value in ast.iter_fields(parent):
            if name in left_out:
                continue
            for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST):
                    self.look(parent, name, index, node)

    def look(self, parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
        def offer(new: ast.AST) -> None:
            inside = "" if self.frozen or not self.depth else ".".join(self.scope)
            new = ast.copy_location(new, node)
            self.found.append(Place(node.lineno, inside, parent, field, index, new))  # type: ignore[attr-defined]

        if _left_alone(node):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self.walk(node.args, "args", "posonlyargs", "kwonlyargs", "vararg", "kwarg")
            self.enter(node)
            return
        if isinstance(node, ast.ClassDef):
            self.scope.append(node.name)
            self.walk(node, "decorator_list", "bases", "keywords")
            self.scope.pop()
            return
        for new in _instead(node):
            offer(new)
        self.walk(node, "annotation")

    def enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        frozen = self.frozen
        self.frozen |= any("compiled" in ast.unparse(each) for each in node.decorator_list)
        self.scope += ["<locals>", node.name] if self.depth else [node.name]
        self.depth += 1
        self.walk(node, "args", "decorator_list", "returns")
        self.depth -= 1
        del self.scope[-2 if self.depth else -1 :]
        self.frozen = frozen


def _left_alone(node: ast.AST) -> bool:
    """Whether nothing in a node is changed."""
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "__hash__"):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # documentation
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).split(".")[-1] in (*MESSAGES, "isinstance")
    if isinstance(node, ast.keyword):
        return node.arg in GUARDS
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _instead(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of a node."""

    def with_(**fields: Any) -> ast.AST:
        new = copy.copy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    match node:
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                yield with_(ops=[*ops[:at], COMPARISONS[type(op)](), *ops[at + 1 :]])
        case ast.BinOp(op=op, left=left, right=right) if type(op) in ARITHMETIC:
            texts = [
                isinstance(side, ast.JoinedStr | ast.List | ast.Tuple)
                or (isinstance(side, ast.Constant) and isinstance(side.value, str))
                for side in (left, right)
            ]
            if not any(texts):
                yield with_(op=ARITHMETIC[type(op)]())
        case ast.AugAssign(op=op):
            if type(op) in ARITHMETIC:
                yield with_(op=ARITHMETIC[type(op)]())
            yield ast.Pass()
        case ast.BoolOp(op=op):
            yield with_(op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
            if value > 0:
                yield ast.Constant(value - 1)
        case ast.Call(func=func, args=args):
            if isinstance(func, ast.Name) and func.id in OPPOSITES:
                yield with_(func=ast.Name(OPPOSITES[func.id], ast.Load()))
            if isinstance(func, ast.Attribute) and func.attr in OPPOSITES:
                yield with_(func=ast.Attribute(func.value, OPPOSITES[func.attr], ast.Load()))
            plain = len(args) > 1 and not any(isinstance(arg, ast.Starred) for arg in args[:2])
            if plain and ast.unparse(func) not in ("min", "max", "np.minimum", "np.maximum"):
                yield with_(args=[args[1], args[0], *args[2:]])
        case ast.If() | ast.IfExp():
            yield with_(test=ast.Constant(True))
            yield with_(test=ast.Constant(False))
        case ast.Expr() | ast.Continue() | ast.Break():
            if not isinstance(getattr(node, "value", None), ast.Yield | ast.YieldFrom):
                yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()


@dataclass
class Mutant:
    """A place by number, and what became of it."""

    room: str
    file: str
    line: int
    scope: str
    code: str
    """The line."""
    change: str
    nth: int
    """Which of those that look alike."""
    number: int
    killed_by: str = ""
    reason: str = ""
    """Why no test can notice it; written by hand."""
    done: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """What stays when other lines of the file change."""
        return self.file, self.scope, self.code, self.change, self.nth

    def tree(self, root: Path) -> ast.Module:
        tree = ast.parse((root / self.file).read_text())
        Places(tree).found[self.number].apply()
        return ast.fix_missing_locations(tree)


def all_mutants(root: Path, room: str) -> list[Mutant]:
    drawn = []
    for path in sorted((root / ROOMS[room]).rglob("*.py")):
        file, text = str(path.relative_to(root)), path.read_text()
        lines, alike = text.splitlines(), Counter[tuple[str, str, str]]()
        for number, place in enumerate(Places(ast.parse(text)).found):
            looks = place.scope, lines[place.line - 1].strip(), place.change
            drawn.append(Mutant(room, file, place.line, *looks, alike[looks], number))
            alike[looks] += 1
    return drawn


# ---- the warm process: memsim imported, tests collected


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
                    self.functions.setdefault(_where(code), []).append(each)
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
                _quiet()
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
                _Notes(str(path.relative_to(self.work))).visit(tree)
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
                    _quiet()
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
        old = _codes(compile(file.read_text(), str(file), "exec"))
        new = _codes(compile(tree, str(file), "exec"))
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


def nursery() -> int:
    """Start a process that has imported everything but memsim; return where to write jobs to."""
    read, write = os.pipe()
    if os.fork():
        os.close(read)
        return write
    os.close(write)
    for name in ("hypothesis", "networkx", "numba", "numpy", "pydantic", "ruamel.yaml", "simpy"):
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with os.fdopen(read) as jobs:
        for line in jobs:
            if not os.fork():
                _run_anew(**json.loads(line))
    os._exit(0)


def _run_anew(folder: str, nodeids: list[str], machine_code: str, seconds: int) -> None:
    import numba

    class Failures:
        first = ""

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                self.first = self.first or report.nodeid

    failures = Failures()
    _quiet()
    (Path(folder) / "begun").write_text(str(os.getpid()))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 20 * seconds)
    resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30))
    numba.config.CACHE_DIR = machine_code  # what is kept on disk knows its own file alone
    os.chdir(folder)
    sys.path[:] = [folder, *(each for each in sys.path if each != str(ROOT))]
    code = int(pytest.main([*FLAGS, "-x", f"--basetemp={folder}.temporary", *nodeids], [failures]))
    (Path(folder) / "ended.part").write_text(f"{code}\n{failures.first}")
    (Path(folder) / "ended.part").rename(Path(folder) / "ended")
    os._exit(0)


class _Notes(ast.NodeTransformer):
    """Puts a note at the beginning of each function of a file; see ``Server.note_calls``."""

    def __init__(self, file: str) -> None:
        self.file, self.scope = file, [""]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.scope.append(f"{self.scope[-1]}{node.name}.")
        self.generic_visit(node)
        self.scope.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        name = f"{self.file}:{self.scope[-1]}{node.name}"
        if not any("compiled" in ast.unparse(each) for each in node.decorator_list):
            note = ast.parse(f"noted_calls.add({name!r})").body[0]
            node.body.insert(0, ast.copy_location(note, node.body[0]))
        return node


def _where(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> dict[tuple[str, str, int], CodeType]:
    inner = {_where(code): code}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner |= _codes(constant)
    return inner


def _quiet() -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


# ---- files


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
    lines = ["# Mutants", "", "What `python benchmarks/mutants.py` found; see there.", ""]
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
