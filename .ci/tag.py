"""Whether a tag may become a release: ``python .ci/tag.py v1.2.0``.

The version is told in ``memsim/version.py``, ``CITATION.cff`` and a heading of ``CHANGELOG.md``:
the three and the tag are to say the same.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PLACES = {
    "memsim/version.py": r'^__version__ = "(.+)"$',
    "CITATION.cff": r"^version: (\S+)",
    "CHANGELOG.md": r"^## \[(\d\S*)\]",
}
"""Where a version is told; the first of several counts."""


def problems(root: Path, tag: str) -> list[str]:
    """What a tag does not agree with."""
    found = []
    for name, pattern in PLACES.items():
        told = re.search(pattern, (root / name).read_text("utf-8"), re.MULTILINE)
        version = told[1] if told else "no version"
        if f"v{version}" != tag:
            found.append(f"{name} tells {version}, and the tag is {tag}")
    return found


if __name__ == "__main__":
    wrong = problems(ROOT, sys.argv[1] if len(sys.argv) == 2 else "")
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))
