"""The lessons: pairs that agree, no stored outputs, and a hidden solution for every exercise.

That they run is another step: ``pytest --nbmake notebooks/*.ipynb``.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
TEXTS = sorted(FOLDER.glob("[0-9]*.md"))

EXERCISE = re.compile(r"^#+ Exercise (\d+)", re.MULTILINE)
HEADING = re.compile(r"^#", re.MULTILINE)
SOLUTION = "# @title Solution"

INSTALL = re.compile(
    r"""import importlib\.util

if importlib\.util\.find_spec\("memsim"\) is None:
    %pip install -q (?:'\.\.\[[a-z,]+\]'|'memsim\[[a-z,]+\] @ git\+\S+')"""
)
"""From the checkout around it, or the public repository: ``.ci/repository.py`` writes which."""


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def notebook(lesson: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(lesson.read_text(encoding="utf-8"))
    return read


@pytest.fixture
def cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = notebook["cells"]
    return found


def test_lessons_are_numbered_from_1_and_each_is_a_pair() -> None:
    numbers = [int(path.stem.partition("_")[0]) for path in LESSONS]
    assert numbers == list(range(1, len(LESSONS) + 1))
    assert [path.stem for path in LESSONS] == [path.stem for path in TEXTS]


def test_the_readme_links_every_lesson() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\((\w+\.ipynb)\)", readme)) == {path.name for path in LESSONS}


def test_links_to_other_files_lead_somewhere(cells: list[dict[str, Any]]) -> None:
    text = "\n".join(source(cell) for cell in cells if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            assert (FOLDER / target.partition("#")[0]).exists(), target


@pytest.mark.needs("jupytext")
def test_text_and_notebook_agree(lesson: Path) -> None:
    import jupytext
    from jupytext.config import load_jupytext_config

    config = load_jupytext_config(str(lesson))
    regenerated = jupytext.writes(jupytext.read(lesson, config=config), "md:myst", config=config)
    text = lesson.with_suffix(".md").read_text(encoding="utf-8")
    assert regenerated == text, (
        f"jupytext --sync notebooks/{lesson.stem}.md brings text and notebook together"
    )


def test_nothing_of_a_run_is_stored(notebook: dict[str, Any], cells: list[dict[str, Any]]) -> None:
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in notebook["metadata"]
    for cell in cells:
        assert not cell.get("outputs"), source(cell)
        assert cell.get("execution_count") is None, source(cell)
        assert "execution" not in cell["metadata"], source(cell)


def test_the_first_code_cell_installs_memsim_where_it_is_missing(
    cells: list[dict[str, Any]],
) -> None:
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    assert INSTALL.fullmatch(source(first)), source(first)


def test_every_exercise_has_a_hidden_solution(cells: list[dict[str, Any]]) -> None:
    solutions: dict[str, list[dict[str, Any]]] = {}
    exercise = ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for line in source(cell).splitlines():
                if found := EXERCISE.match(line):
                    exercise = found[1]
                    assert exercise not in solutions, f"a second exercise {exercise}"
                    solutions[exercise] = []
                elif HEADING.match(line):
                    exercise = ""
        elif source(cell).startswith(SOLUTION):
            assert exercise, f"the solution of no exercise: {source(cell)}"
            solutions[exercise].append(cell)
    assert list(solutions) == [str(number + 1) for number in range(len(solutions))]
    assert len(solutions) >= 3
    for number, found_cells in solutions.items():
        assert len(found_cells) == 1, f"exercise {number} has {len(found_cells)} solutions"
        metadata = found_cells[0]["metadata"]
        assert "hide-cell" in metadata.get("tags", []), f"exercise {number}: myst-nb shows it"
        assert metadata.get("jupyter", {}).get("source_hidden"), f"exercise {number}: Jupyter does"
        assert metadata.get("cellView") == "form", f"exercise {number}: Colab does"
        assert "assert " in source(found_cells[0]), f"exercise {number} asserts nothing"


def test_what_only_checks_is_out_of_sight(cells: list[dict[str, Any]]) -> None:
    """Cells of asserts alone, unless the text before announces them, and nothing else."""
    before = ""
    for cell in cells:
        text = source(cell)
        if cell["cell_type"] == "code" and not text.startswith(SOLUTION) and "%pip" not in text:
            hidden = "remove-cell" in cell["metadata"].get("tags", [])
            found = ast.parse(text).body
            checks = bool(found) and all(isinstance(each, ast.Assert) for each in found)
            assert hidden or not checks or before.endswith(":"), text
            assert not hidden or "assert " in text, text
            assert hidden == bool(cell["metadata"].get("jupyter", {}).get("source_hidden")), text
        before = text.rstrip()


@pytest.mark.needs("nbconvert")
def test_slides_begin_at_sections_and_show_no_solution_and_no_check() -> None:
    from nbconvert.exporters import SlidesExporter
    from traitlets.config import PyFileConfigLoader

    path = FOLDER / "5_the_papers_tables.ipynb"
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    config = PyFileConfigLoader("slides.py", path=str(FOLDER)).load_config()
    page, _ = SlidesExporter(config=config).from_filename(str(path))
    assert page.count("<section>") >= len(re.findall(r"^##? ", text, re.MULTILINE))
    for hidden in (SOLUTION, "assert ", "find_spec"):
        assert hidden in text
        assert hidden not in re.sub(r"<[^>]+>", "", page.partition("<body")[2]), hidden
    assert "The claims, one by one" in page


@pytest.mark.needs("ruff")
def test_code_is_formatted(lesson: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "-q"], ["format", "--check", "-q"]):
        done = subprocess.run([*ruff, *command, lesson], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


DRAWS = re.compile(r"^(?:\w+ = )?memsim\.plot\.\w+\(", re.MULTILINE)


def test_a_figure_that_is_drawn_is_shown(cells: list[dict[str, Any]]) -> None:
    """What draws, or its axes, is the last expression of a cell: else a student sees nothing.

    The figures are not those of pyplot, which shows all that are left when a cell ends.
    """
    for cell in cells:
        if cell["cell_type"] != "code" or not DRAWS.search(source(cell)):
            continue
        text = source(cell).rstrip()
        last = ast.parse(text).body[-1]
        assert isinstance(last, ast.Expr), text
        assert not text.endswith(";"), text
        drawn = ast.unparse(last)
        assert DRAWS.match(drawn) or drawn == "axes", text
