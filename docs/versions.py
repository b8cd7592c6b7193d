"""Build the documentation of every release, each in a folder of its own, and a switch between them.

    python docs/versions.py build/site            what is not there yet, and this checkout as dev
    python docs/versions.py build/site --again    all of it anew

Releases are the local tags, ``v1.2.0``; nothing is fetched. Each is built from its own files by the
Sphinx of this environment. The site needs no server: it works from a folder, too. Its front page
leads to the newest release that is none to try out, or to ``dev`` where there is none.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

DEV = "dev"
"""The folder of this checkout."""

TAG = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?")

SCRIPT = '<script src="{up}versions.js" defer></script>\n</head>'

POLICY = "Content-Security-Policy"
"""What a page holds that runs its own script and no other: the playground, those of the gallery."""

FRONT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>memsim</title>
<meta http-equiv="refresh" content="0; url={first}/index.html">
<a href="{first}/index.html">The documentation of memsim</a>
</html>
"""

Build = Callable[[Path, Path], None]
"""(checkout, folder) -> its documentation is in the folder."""


def releases(tags: Iterable[str]) -> list[str]:
    """The versions that tags name, the newest first; other tags are left out.

    >>> releases(["v0.9.0", "v0.10.0", "v0.10.0rc2", "draft"])
    ['0.10.0', '0.10.0rc2', '0.9.0']
    """
    found = [match for tag in tags if (match := TAG.fullmatch(tag))]

    def age(match: re.Match[str]) -> tuple[object, ...]:
        numbers = tuple(int(each) for each in match.group(1, 2, 3))
        return (*numbers, match[4] is None, match[4] or "", int(match[5] or 0))

    return [match[0].removeprefix("v") for match in sorted(found, key=age, reverse=True)]


def front_of(versions: list[str]) -> str:
    """Where the front page leads: the newest release that is none to try out.

    >>> front_of(["dev", "1.1.0rc1", "1.0.0"]), front_of(["dev", "1.1.0rc1"])
    ('1.0.0', 'dev')
    """
    return next((each for each in versions if re.fullmatch(r"[\d.]+", each)), DEV)


def sphinx(checkout: Path, folder: Path) -> None:
    """Build with Sphinx, with the memsim of the checkout."""
    path = os.pathsep.join([str(checkout), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "docs", str(folder)]
    subprocess.run(command, cwd=checkout, env={**os.environ, "PYTHONPATH": path}, check=True)
    shutil.rmtree(folder / ".doctrees", ignore_errors=True)


def build(root: Path, site: Path, again: bool = False, make: Build = sphinx) -> list[str]:
    """Build what is not there yet; return the versions in the order of the switch."""
    site = site.resolve()
    site.mkdir(parents=True, exist_ok=True)
    tags = subprocess.run(
        ["git", "tag", "--list"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.split()
    for version in releases(tags):
        if again or not (site / version).is_dir():
            with tempfile.TemporaryDirectory() as folder:
                _check_out(root, f"v{version}", Path(folder))
                _put(Path(folder), site / version, make)
    _put(root, site / DEV, make)
    versions = [DEV, *releases(tags)]
    _switch(site, versions)
    return versions


def _check_out(root: Path, tag: str, folder: Path) -> None:
    archive = subprocess.run(
        ["git", "archive", "--format=tar", tag], cwd=root, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _put(checkout: Path, target: Path, make: Build) -> None:
    """Build beside a folder, which then takes the place of what was there.

    In a folder of its own: what runs the lessons leaves theirs beside what is built.
    """
    half = target.with_name(f".{target.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    try:
        make(checkout, half / "html")
        shutil.rmtree(target, ignore_errors=True)
        (half / "html").rename(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _switch(site: Path, versions: list[str]) -> None:
    """Write the front page and the switch, and put the switch on every page."""
    pages = {version: _pages(site / version) for version in versions}
    for version, names in pages.items():
        for name in names:
            page = site / version / name
            text = page.read_text("utf-8")
            script = SCRIPT.format(up="../" * (1 + name.count("/")))
            if script not in text and POLICY not in text:
                page.write_text(text.replace("</head>", script, 1), "utf-8")
    script = (Path(__file__).parent / "static" / "versions.js").read_text("utf-8")
    told = json.dumps(pages, indent=1)
    (site / "versions.js").write_text(script.replace("/* VERSIONS */ {}", told), "utf-8")
    (site / "index.html").write_text(FRONT.format(first=front_of(versions)), "utf-8")


def _pages(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.html")
        if "_static" not in path.parts
    )


def main(words: list[str]) -> int:
    """Build the site; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--again", action="store_true", help="build what is there already, too")
    asked = parser.parse_args(words)
    versions = build(ROOT, asked.site, asked.again)
    sys.stdout.write(f"{asked.site}: {', '.join(versions)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
