"""Write pip constraints that pin dependencies to the lowest versions that pyproject.toml allows.

``python .ci/lowest.py EXTRA...``: those of the core and of the extras. What has no lower bound is
left out, so that pip picks it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^]]*\])?>=([\d.]+)")


def lowest(extras: list[str]) -> list[str]:
    """The constraints, one per dependency with a lower bound."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    requirements = sum((optional[extra] for extra in extras), project["dependencies"])
    matches = filter(None, map(REQUIREMENT.fullmatch, requirements))
    return [f"{match[1]}=={match[2]}" for match in matches]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest(sys.argv[1:])) + "\n")
