"""Golden files: outputs that people read, kept as text and reviewed as a diff.

``MEMSIM_UPDATE_GOLDEN=1 pytest`` writes them anew.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check_golden(name: str, text: str) -> None:
    """Compare a text with ``tests/golden/<name>``."""
    path = FOLDER / name
    if os.environ.get("MEMSIM_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != expected:
        lines = difflib.unified_diff(
            expected.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm=""
        )
        raise AssertionError("\n".join(["differs from the golden file:", *lines]))
