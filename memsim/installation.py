"""How memsim was installed, and so what installs more of it: the command in every such hint."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

__all__ = ["REPOSITORY", "install", "requirement"]

REPOSITORY = ""
"""The address of the public repository, such as ``https://host/owner/memsim``; empty while there is
none. ``.ci/repository.py`` writes it here and into the files that cannot import it."""


def install(extra: str) -> str:
    """The command that installs an extra, from where this memsim was installed.

    A checkout is installed as one that may be edited, an archive or a repository from there, and
    what an index had by its name.

    Parameters
    ----------
    extra : str
        Such as ``html``, or several: ``data,search``.

    Examples
    --------
    >>> install("onnx").startswith("pip install ")
    True
    """
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file():
        return f"pip install -e {shlex.quote(f'{_short(checkout)}[{extra}]')}"
    return f"pip install {shlex.quote(requirement(extra, _recorded()))}"


def requirement(extra: str, origin: str = "") -> str:
    """What is asked of pip: the extra of memsim from an origin.

    Parameters
    ----------
    extra : str
    origin : str
        A folder, or the address of an archive or of a repository (``git+https://...``). Empty:
        the index that pip asks, or :data:`REPOSITORY` where that is set.

    Examples
    --------
    >>> requirement("onnx", "git+https://example.org/memsim")
    'memsim[onnx] @ git+https://example.org/memsim'
    >>> requirement("onnx", "/home/me/memsim")
    '/home/me/memsim[onnx]'
    """
    if not origin and REPOSITORY:
        origin = f"git+{REPOSITORY}"
    if not origin:
        return f"memsim[{extra}]"
    return f"memsim[{extra}] @ {origin}" if "://" in origin else f"{origin}[{extra}]"


def _short(folder: Path) -> str:
    """A folder as a command may name it: ``.`` where that is meant."""
    try:
        return "." if folder.samefile(Path.cwd()) else os.fspath(folder)
    except OSError:  # the current directory is gone
        return os.fspath(folder)


def _recorded() -> str:
    """Where pip says that it took memsim from (PEP 610); empty for an index, or if it does not."""
    import json
    from importlib import metadata
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        text = metadata.distribution("memsim").read_text("direct_url.json")
        facts = json.loads(text) if text else {}
        url = str(facts.get("url", ""))
    except (metadata.PackageNotFoundError, OSError, ValueError, AttributeError):
        return ""
    url = re.sub("^file:///", "file://localhost/", url)  # pip takes no address without a host
    if "vcs_info" in facts:
        return f"{facts['vcs_info'].get('vcs', 'git')}+{url}"
    if "dir_info" in facts:
        return url2pathname(urlsplit(url).path)
    return url
