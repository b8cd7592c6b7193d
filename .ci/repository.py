"""Write the address of the public repository wherever it is told.

    python .ci/repository.py https://host/owner/memsim    that is where memsim is from now on
    python .ci/repository.py ''                           there is no such place (any more)
    python .ci/repository.py --check                      whether all places say the same

The one that counts is ``REPOSITORY`` in ``memsim/installation.py``; the others are files that
cannot import it: the first cell of each lesson, which installs memsim in a hosted service, and the
links of ``pyproject.toml`` and ``CITATION.cff``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent

CONSTANT = re.compile(r'^REPOSITORY = "(.*)"$', re.MULTILINE)
CELL = re.compile(r"^( *\"? *)%pip install -q (.*?)'(.*?)\[([a-z,]+)\](.*?)'", re.MULTILINE)
URLS = re.compile(r'^Repository = ".*"\n', re.MULTILINE)
CITED = re.compile(r'^repository-code: ".*"\n', re.MULTILINE)


def cell(extras: str, address: str) -> str:
    """What the first cell of a lesson asks of pip; without an address the checkout around it.

    >>> cell("data", ""), cell("data", "https://example.org/memsim")
    ("'..[data]'", "'memsim[data] @ git+https://example.org/memsim'")
    """
    return f"'memsim[{extras}] @ git+{address}'" if address else f"'..[{extras}]'"


def changed(root: Path, address: str) -> dict[Path, str]:
    """Every file that tells the address, with the text that it is to have."""
    texts = {}

    def put(name: str, pattern: re.Pattern[str], line: str, after: str) -> None:
        text = pattern.sub("", (root / name).read_text("utf-8"))
        texts[root / name] = text.replace(after, after + line, 1) if address else text

    path = root / "memsim" / "installation.py"
    texts[path] = CONSTANT.sub(f'REPOSITORY = "{address}"', path.read_text("utf-8"))
    put("pyproject.toml", URLS, f'Repository = "{address}"\n', "[project.urls]\n")
    put("CITATION.cff", CITED, f'repository-code: "{address}"\n', "license: Apache-2.0\n")
    for lesson in sorted((root / "notebooks").glob("[0-9]*")):
        if lesson.suffix in (".md", ".ipynb"):
            texts[lesson] = CELL.sub(
                lambda found: f"{found[1]}%pip install -q {cell(found[4], address)}",
                lesson.read_text("utf-8"),
            )
    return texts


def main(root: Path, words: list[str]) -> int:
    """Write the files, or say which of them differ; the exit code."""
    if len(words) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    checks = words == ["--check"]
    (told,) = CONSTANT.findall((root / "memsim" / "installation.py").read_text("utf-8"))
    address = told if checks else words[0].rstrip("/")
    parts = urlsplit(address)
    if address and (not parts.scheme or re.search(r"[\s\"'\\]", address)):
        sys.stderr.write(f"{address!r} is no address, such as https://host/owner/memsim\n")
        return 2
    different = {
        path: text
        for path, text in changed(root, address).items()
        if path.read_text("utf-8") != text
    }
    for path, text in different.items():
        sys.stdout.write(f"{path.relative_to(root)}\n")
        if not checks:
            path.write_text(text, "utf-8")
    return 1 if checks and different else 0


if __name__ == "__main__":
    sys.exit(main(ROOT, sys.argv[1:]))
