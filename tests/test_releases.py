"""What a release takes: one address in many files, a tag that agrees, documentation by version."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from ruamel.yaml import YAML

import memsim
from memsim.installation import REPOSITORY, requirement

ROOT = Path(__file__).parent.parent


def script(path: str) -> ModuleType:
    """A script that is in no package."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


repository, tag, versions = map(script, (".ci/repository.py", ".ci/tag.py", "docs/versions.py"))

ADDRESS = "https://example.org/owner/memsim"


# ---- the address of the repository


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that tell the address."""
    for path in repository.changed(ROOT, ""):
        there = tmp_path / path.relative_to(ROOT)
        there.parent.mkdir(exist_ok=True)
        shutil.copy(path, there)
    return tmp_path


def told(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for path in root.rglob("*")
        if path.is_file()
    }


def test_all_places_tell_the_same_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert repository.main(ROOT, ["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_an_address_is_written_everywhere_and_taken_back(copy: Path, capsys) -> None:
    assert repository.main(copy, [""]) == 0
    before = told(copy)
    assert repository.main(copy, [f"{ADDRESS}/"]) == 0
    after = told(copy)
    assert capsys.readouterr().out.splitlines() == list(before) or set(before) == set(after)
    assert all(text != before[name] for name, text in after.items())
    assert f'REPOSITORY = "{ADDRESS}"' in after["memsim/installation.py"]
    assert f'Repository = "{ADDRESS}"' in after["pyproject.toml"]
    cited = YAML(typ="safe").load(after["CITATION.cff"])
    assert cited["repository-code"] == ADDRESS
    lessons = [name for name in after if name.endswith(".ipynb")]
    assert len(lessons) >= 9
    for name in lessons:
        first = next(c for c in json.loads(after[name])["cells"] if c["cell_type"] == "code")
        (asked,) = re.findall(r"%pip install -q '(.*)'", "".join(first["source"]))
        extras = re.findall(r"\[(.*)\]", asked)[0]
        assert asked == requirement(extras, f"git+{ADDRESS}")
    assert repository.main(copy, ["--check"]) == 0
    (copy / "CITATION.cff").write_text(before["CITATION.cff"])
    assert repository.main(copy, ["--check"]) == 1
    assert repository.main(copy, [""]) == 0
    assert told(copy) == before


@pytest.mark.parametrize("words", [["no address"], ['https://a"b'], [], ["a", "b"]])
def test_what_is_no_address_is_written_nowhere(copy: Path, words: list[str], capsys) -> None:
    before = told(copy)
    assert repository.main(copy, words) == 2
    assert capsys.readouterr().err
    assert told(copy) == before


def test_no_other_file_names_a_place_of_memsim() -> None:
    if REPOSITORY:
        pytest.skip("there is one now")
    for path in (ROOT / ".github").rglob("*.yml"):
        assert "://" not in path.read_text("utf-8"), path.name


# ---- the tag


def test_the_tag_is_that_of_all_places(tmp_path: Path) -> None:
    for name in tag.PLACES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert tag.problems(tmp_path, f"v{memsim.__version__}") == [
        f"CHANGELOG.md tells no version, and the tag is v{memsim.__version__}"
    ]
    log = tmp_path / "CHANGELOG.md"
    log.write_text(f"## [Unreleased]\n\n## [{memsim.__version__}] - 2000-01-01\n")
    assert tag.problems(tmp_path, f"v{memsim.__version__}") == []
    assert len(tag.problems(tmp_path, "v99.0.0")) == 3


# ---- workflows


@pytest.mark.parametrize("name", ["release", "documentation"])
def test_a_workflow_waits_to_be_switched_on(name: str) -> None:
    path = ROOT / ".github" / "workflows" / f"{name}.yml"
    workflow = YAML(typ="safe").load(path)
    jobs = workflow["jobs"]
    assert workflow["permissions"] == {"contents": "read"}
    assert jobs["publish"]["if"].startswith("vars.PUBLISH")
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["permissions"]["id-token"] == "write"
    assert "permissions" not in jobs["build"]
    for job in jobs.values():
        for step in job["steps"]:
            for file in re.findall(r"(?:\.ci|docs)/\w+(?:\.py)?", step.get("run", "")):
                assert (ROOT / file).is_file(), file


# ---- documentation by version


ALONE = """<head><meta http-equiv="Content-Security-Policy" content="script-src 'none'"></head>"""


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    """A repository with two releases, and pages that say of which one they are."""
    root = tmp_path / "repository"
    (root / "docs").mkdir(parents=True)

    def git(*words: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)

    git("init")
    for version in ("1.0.0", "1.1.0rc1"):
        (root / "docs" / "index.md").write_text(version)
        if version != "1.0.0":
            (root / "docs" / "new.md").write_text("")
        git("add", ".")
        git("commit", "-m", version)
        git("tag", f"v{version}")
    git("tag", "draft")
    (root / "docs" / "index.md").write_text("not committed")
    return root


def made(checkout: Path, folder: Path) -> None:
    """A page for each, in place of Sphinx."""
    for page in (checkout / "docs").glob("*.md"):
        for there in (folder / page.stem, folder / "howto" / page.stem):
            there.parent.mkdir(parents=True, exist_ok=True)
            html = f"<html><head></head><body>{page.read_text()}</body></html>"
            there.with_suffix(".html").write_text(html)


@pytest.mark.needs(program="git")
def test_each_release_has_its_folder_and_the_switch(tagged: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    built = []

    def make(checkout: Path, folder: Path) -> None:
        built.append(folder.parent.name)
        made(checkout, folder)
        (folder.parent / "jupyter_execute").mkdir()
        (folder / "alone.html").write_text(ALONE)

    assert versions.build(tagged, site, make=make) == ["dev", "1.1.0rc1", "1.0.0"]
    for version, words in (("dev", "not committed"), ("1.1.0rc1", "1.1.0rc1"), ("1.0.0", "1.0.0")):
        page = (site / version / "index.html").read_text()
        assert words in page
        assert page.count('<script src="../versions.js" defer></script>') == 1
        assert 'src="../../versions.js"' in (site / version / "howto" / "index.html").read_text()
    assert "0; url=1.0.0/index.html" in (site / "index.html").read_text()
    assert sorted(path.name for path in site.iterdir()) == [
        "1.0.0", "1.1.0rc1", "dev", "index.html", "versions.js",
    ]  # fmt: skip
    (pages,) = re.findall(r"const PAGES = ({.*?});", (site / "versions.js").read_text(), re.DOTALL)
    assert list(json.loads(pages)) == ["dev", "1.1.0rc1", "1.0.0"]
    assert json.loads(pages)["1.0.0"] == ["alone.html", "howto/index.html", "index.html"]
    assert (site / "1.0.0" / "alone.html").read_text() == ALONE  # it runs no other script
    before = {path: path.read_bytes() for path in site.rglob("*.*") if path.is_file()}
    built.clear()
    versions.build(tagged, site, make=make)
    assert built == [".dev.half"]  # what is there stays, and this checkout is built anew
    assert {path: path.read_bytes() for path in site.rglob("*.*") if path.is_file()} == before


@pytest.mark.needs(program="git")
def test_a_build_that_fails_leaves_what_was_there(tagged: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    versions.build(tagged, site, make=made)
    before = {path.relative_to(site) for path in site.rglob("*")}

    def fail(checkout: Path, folder: Path) -> None:
        folder.mkdir()
        raise subprocess.CalledProcessError(1, "sphinx")

    with pytest.raises(subprocess.CalledProcessError):
        versions.build(tagged, site, again=True, make=fail)
    assert {path.relative_to(site) for path in site.rglob("*")} == before


def test_versions_in_order() -> None:
    tags = ["v0.9.0", "v0.10.0", "v1.0.0a2", "v1.0.0rc1", "v1.0.0a10", "v1.0", "1.0.0"]
    found = versions.releases(tags)
    assert found == ["1.0.0rc1", "1.0.0a10", "1.0.0a2", "0.10.0", "0.9.0"]
    assert versions.front_of(["dev", *found]) == "0.10.0"
    assert versions.front_of(["dev"]) == "dev"
