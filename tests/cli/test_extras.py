"""What needs which extra: the README's table, and the command that installs it."""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from importlib import import_module, metadata
from pathlib import Path

import pytest

import memsim
from memsim import installation
from memsim.cli.main import COMMANDS, run
from memsim.installation import install, requirement

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
TABLE = README.split("## What to install")[1].split("\n## ")[0]
ROWS = [
    (words.removeprefix("memsim "), extras.split(","))
    for words, extras in re.findall(r"^\| `(memsim .+?)` \| `([a-z,]+)` \|", TABLE, re.MULTILINE)
]

OPTIONAL = (
    "torch", "torchvision", "onnx", "netCDF4", "pandas", "pyarrow", "xarray", "zarr",
    "scipy", "distributed", "dask", "optuna",
)  # fmt: skip

PLAIN = (
    "run n.yaml", "run n.yaml --policy pinned", "run n.yaml --machine zen3", "curve n.yaml",
    "size n.yaml --within 10%", "design n.yaml --fps 30", "memory n.yaml", "describe n.yaml",
    "compare n.yaml", "diff n.yaml n.yaml", "sweep n.yaml --dry-run", "import n.yaml",
    "pytorch-traffic n.yaml --cache 1MiB", "trace n.yaml -o t.json",
    "graph n.yaml -o g.svg", "microscope n.yaml", "playground -o p.html",
    "report n.yaml -o r.html", "expand n.yaml", "check n.yaml", "schema", "list", "machines",
)  # fmt: skip
"""What needs nothing."""

SLOW = (
    "paper imagenet", "plot layers n.yaml -o a.svg", "explain n.yaml", "rules textbook",
    "design n.yaml --fps 30 -o a.svg", "paper traffic",
)  # fmt: skip

OF_MEASUREMENTS = {"probe", "fidelity", "calibrate", "measure", "bounds", "search"}
"""Commands that need something, or read what was measured with it."""

NETWORK = """\
name: two
input: [3, 16, 16]
layers:
  - conv: {out: 16, kernel: 3}
  - global_avgpool
  - linear: 10
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without extras, in a folder with a network and a model."""
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text(NETWORK)
    Path("model.onnx").write_bytes(b"\x08\x07\x3a\x00")
    Path("sweep.nc").write_bytes(b"CDF")
    # What other tests have fitted in this process would need nothing.
    monkeypatch.setattr(import_module("memsim.calibration.calibration"), "_DONE", {})
    for module in [*OPTIONAL, *(name for name in sys.modules if name.split(".")[0] in OPTIONAL)]:
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize(("line", "extras"), ROWS)
def test_what_the_readme_says_is_needed(bare: None, memsim, line: str, extras: list[str]) -> None:
    code, out, err = memsim(*re.findall(r"\S+", line))
    assert (code, out) == (2, "")
    assert any(f"({install(extra)})" in err for extra in extras), err
    assert sorted(os.listdir()) == ["model.onnx", "n.yaml", "sweep.nc"]


@pytest.mark.parametrize("line", [*PLAIN, *(pytest.param(x, marks=pytest.mark.slow) for x in SLOW)])
def test_all_else_needs_nothing(bare: None, line: str, capsys) -> None:
    assert run(line.split()) == 0, capsys.readouterr().err


def test_every_command_is_in_one_of_the_two() -> None:
    asked = {line.split()[0] for line, _ in ROWS} | {line.split()[0] for line in (*PLAIN, *SLOW)}
    assert set(COMMANDS) - asked <= OF_MEASUREMENTS


def test_every_extra_of_the_table_is_one_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {extra for _, extras in ROWS for extra in extras}
    assert named <= set(project["optional-dependencies"])
    for_users = set(project["optional-dependencies"]) - {
        "browser", "notebook", "test", "docs", "dev",
    }  # fmt: skip
    assert for_users == named


# ---- the command in a hint


def test_a_checkout_is_installed_as_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = Path(memsim.__file__).parent.parent
    monkeypatch.chdir(root)
    assert install("onnx") == "pip install -e '.[onnx]'"
    monkeypatch.chdir(tmp_path)
    assert install("data,onnx") == f"pip install -e '{root}[data,onnx]'"


@pytest.mark.parametrize(
    ("recorded", "repository", "command"),
    [
        (None, "", "pip install 'memsim[onnx]'"),  # of an index
        (None, "https://example.org/memsim",
         "pip install 'memsim[onnx] @ git+https://example.org/memsim'"),
        ({"url": "https://example.org/m.whl", "archive_info": {}}, "",
         "pip install 'memsim[onnx] @ https://example.org/m.whl'"),
        ({"url": "https://example.org/m", "vcs_info": {"vcs": "git", "commit_id": "1"}}, "",
         "pip install 'memsim[onnx] @ git+https://example.org/m'"),
        ({"url": "file:///a/m", "vcs_info": {"vcs": "git", "commit_id": "1"}}, "",
         "pip install 'memsim[onnx] @ git+file://localhost/a/m'"),
        ({"url": "file:///a%20b/m", "dir_info": {}}, "", "pip install '/a b/m[onnx]'"),
    ],
)  # fmt: skip
def test_what_was_installed_is_asked_for_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    recorded: dict[str, object] | None,
    repository: str,
    command: str,
) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return None if recorded is None else json.dumps(recorded)

    monkeypatch.setattr(metadata, "distribution", lambda name: Distribution())
    monkeypatch.setattr(installation, "__file__", str(tmp_path / "memsim" / "installation.py"))
    monkeypatch.setattr(installation, "REPOSITORY", repository)
    assert install("onnx") == command


def test_what_is_not_installed_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def distribution(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    monkeypatch.setattr(installation, "__file__", str(tmp_path / "memsim" / "installation.py"))
    assert install("onnx") == f"pip install '{requirement('onnx')}'"
