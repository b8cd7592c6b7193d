"""Sessions in pages: what a reader would type, and what is shown to come of it.

``MEMSIM_UPDATE_GOLDEN=1 pytest`` writes the shown output anew, as it does for golden files: look at
the difference before it is committed.
"""

from __future__ import annotations

import doctest
import io
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any


def updating() -> bool:
    """Whether shown output is to be written anew."""
    return os.environ.get("MEMSIM_UPDATE_GOLDEN") == "1"


def shown(page: Path, old: str, new: str) -> None:
    """What the page shows is what came out; or is made so.

    Parameters
    ----------
    page : Path
    old, new : str
        What stands in the page, whole lines; what came out.
    """
    if old != new and updating():
        text = page.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{page.name}: {old!r} stands there more than once"
        page.write_text(text.replace(old, new), encoding="utf-8")
    else:
        assert new == old, page.name


def python_session(page: Path, folder: Path) -> None:
    """Run the Python session of a page in a process of its own."""
    command = [sys.executable, "-m", "tests.sessions", str(page.resolve())]
    settings = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    root = str(Path(__file__).parent.parent)
    settings["PYTHONPATH"] = os.pathsep.join([root, settings.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class _Collecting(doctest.DocTestRunner):
    """Keeps what came out of each example that failed, and says no more of it."""

    def __init__(self) -> None:
        super().__init__()
        self.got: dict[int, str] = {}

    def report_failure(self, out: Any, test: Any, example: doctest.Example, got: str) -> None:
        self.got[example.lineno] = got


def _update(page: Path) -> int:
    """Write the outputs of a page's Python session anew; return how many still fail."""
    text = page.read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page.name, None, 0)
    runner = _Collecting()
    with redirect_stdout(io.StringIO()) as said:
        failed = runner.run(test, out=said.write, clear_globs=False).failed
    lines = text.splitlines(keepends=True)
    for example in reversed(test.examples):
        if example.lineno in runner.got:
            begin = example.lineno + example.source.count("\n")
            indent = " " * example.indent
            got = "".join(
                indent + line if line.strip() else line
                for line in runner.got[example.lineno].splitlines(keepends=True)
            )
            lines[begin : begin + example.want.count("\n")] = [got]
    page.write_text("".join(lines), encoding="utf-8")
    return failed - len(runner.got)


if __name__ == "__main__":
    if updating():
        sys.exit(_update(Path(sys.argv[1])))
    sys.exit(doctest.testfile(sys.argv[1], module_relative=False, encoding="utf-8").failed)
