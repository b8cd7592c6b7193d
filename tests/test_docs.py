"""What the documentation shows is what memsim does: every session is run."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_sessions(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text, {}, name(page), str(page), 0)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_console_sessions(page: Path) -> None:
    for session in CONSOLE.findall(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            memsim, *pipe = command.split(" | ")
            words = shlex.split(memsim)
            assert words[0] == "memsim"
            line = shlex.join([sys.executable, "-m", *words])
            done = subprocess.run(
                " | ".join([line, *pipe]), shell=True, capture_output=True, text=True, check=True
            )
            assert done.stdout == expected, command
