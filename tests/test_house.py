"""The house: which room may import which, and how large a room may be.

The design says that data flows one way, formats -> network -> program -> engine -> result -> sheet
or figure. Here it is checked on every import statement of the package, those inside functions and
those for annotations too.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

import memsim

PACKAGE = Path(memsim.__file__).parent

GROUND = (
    "errors", "limits", "registry", "units", "readable", "files", "halves", "installation",
    "progress", "version",
)  # fmt: skip
"""Modules at the top that every room may stand on."""

FLOORS = (
    ("ground",),
    ("yaml", "sheets"),
    ("network",),
    ("machine", "formats"),
    ("program",),
    ("engines",),
    ("results",),
    ("simulate",),
    ("paper", "calibration", "measurement", "sweeps", "differences", "budgets", "explanations"),
    ("validation", "searches"),
    ("plot", "traces"),
    ("page",),
    ("playground",),
    ("cli",),
)
"""Rooms from the ground up. A room may import from floors below its own, and from itself."""

LEVEL = {room: level for level, floor in enumerate(FLOORS) for room in floor}

MOST_LINES = 400
MOST_MODULES = 15


def _modules() -> dict[str, Path]:
    """Every module of the package, by its name below ``memsim``; the package itself is ''."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _room(module: str) -> str:
    first = module.split(".")[0]
    return "ground" if first in GROUND else first


def _imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of each import of memsim in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are written in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name == "memsim" or name.startswith("memsim."):
                below = name.removeprefix("memsim").removeprefix(".")
                yield node.lineno, below if below in MODULES else below.rpartition(".")[0]


IMPORTS = [
    (module, target, f"memsim/{path.relative_to(PACKAGE)}:{line}")
    for module, path in sorted(MODULES.items())
    for line, target in _imported(path)
]


def test_every_room_has_a_floor() -> None:
    rooms = {_room(module) for module in MODULES} - {"", "__main__"}
    assert rooms == set(LEVEL), "name the new room's floor in FLOORS, and say in the README why"


@pytest.mark.parametrize("room", LEVEL)
def test_nothing_imports_upwards(room: str) -> None:
    up = [
        f"{place} imports memsim.{target}: {room} stands below {_room(target) or 'the package'}, "
        "and data flows one way; hand it what it needs, or move what both need down"
        for module, target, place in IMPORTS
        if _room(module) == room and _room(target) != room
        if LEVEL.get(_room(target), len(FLOORS)) >= LEVEL[room]
    ]
    assert not up, "\n".join(up)


@pytest.mark.parametrize("room", ["plot", "page", "traces"])
def test_what_draws_a_result_computes_none(room: str) -> None:
    engines = [
        f"{place} imports memsim.{target}: a figure, a page or a trace shows the facts of a "
        "result; let memsim.results find them"
        for module, target, place in IMPORTS
        if _room(module) == room and _room(target) == "engines"
    ]
    assert not engines, "\n".join(engines)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = nx.DiGraph((module, target) for module, target, _ in IMPORTS if module != target)
    packages = {module for module, path in MODULES.items() if path.name == "__init__.py"}
    graph.remove_nodes_from(packages & {""})
    circles = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    assert not circles, f"modules that need each other are one noun, or hide a third: {circles}"


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = {
        module: lines
        for module, path in MODULES.items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long, f"more than {MOST_LINES} lines: {long}; each module is one noun"


def test_no_room_is_larger_than_a_screen() -> None:
    sizes = Counter(
        path.parent.relative_to(PACKAGE).as_posix()
        for path in MODULES.values()
        if path.name != "__init__.py"
    )
    large = {room: size for room, size in sizes.items() if size > MOST_MODULES}
    assert not large, f"more than {MOST_MODULES} modules: {large}; give the room sub-rooms"
