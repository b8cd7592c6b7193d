"""Mutants: the code with one small place changed."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOMS = {
    "network": "memsim/network",
    "program": "memsim/program",
    "engines": "memsim/engines",
    "foreign": "memsim/formats/foreign",
}
"""Where mutants are made."""

OWN_TESTS = {room: f"tests/{room}" for room in ROOMS} | {"foreign": "tests/formats"}
"""The tests of each room."""

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
