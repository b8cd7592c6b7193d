"""The files around the package say the same as the package."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

from ruamel.yaml import YAML

import memsim
from tests.test_house import FLOORS, MODULES, PACKAGE

ROOT = Path(__file__).parent.parent
CITATION = YAML(typ="safe").load(ROOT / "CITATION.cff")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
STABILITY = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
TABLE_OF_ROOMS = re.findall(r"^\| `(\w+)` \| \S.* \|$", CONTRIBUTING, re.MULTILINE)


def test_the_citation_is_of_this_version() -> None:
    assert CITATION["version"] == memsim.__version__


def test_the_citation_names_title_licence_authors_and_the_paper() -> None:
    assert CITATION["title"].startswith("memsim")
    assert CITATION["license"] == "Apache-2.0"
    assert CITATION["authors"] == [{"name": "The memsim authors"}]
    (paper,) = CITATION["references"]
    assert paper["title"] == "HarDNet: A Low Memory Traffic Network"
    assert paper["url"].endswith("1909.00948")


def test_the_table_of_rooms_has_every_room_once_from_the_ground_up() -> None:
    rooms = [room for floor in FLOORS for room in floor if room != "ground"]
    assert rooms == TABLE_OF_ROOMS


def test_the_way_through_the_house_names_rooms_that_exist() -> None:
    way = README.split("## The way through the house")[1].split("\n## ")[0]
    rooms = set(re.findall(r"`memsim/(\w+)[/`]", way))
    assert rooms
    assert rooms <= {module.split(".")[0] for module in MODULES}


def test_the_stability_page_has_every_schema_once() -> None:
    schema = re.compile(r"\bmemsim\.[a-z_]+/\d+\b")
    written = {name for path in PACKAGE.rglob("*.py") for name in schema.findall(path.read_text())}
    listed = re.findall(r"^\| `(memsim\.\S+)` \|", STABILITY, re.MULTILINE)
    assert Counter(listed) == Counter(written)


def test_every_dependency_of_the_core_has_a_lowest_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = subprocess.run(
        [sys.executable, ROOT / ".ci" / "lowest.py"], capture_output=True, text=True, check=True
    ).stdout.split()
    bounds = [line.replace(">=", "==") for line in project["dependencies"]]
    assert pinned == bounds
