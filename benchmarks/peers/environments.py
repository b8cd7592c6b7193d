"""Virtual environments for the peers, one each, outside the repository, with pinned packages."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent


def home() -> Path:
    """The folder that holds the environments: ``memsim-peers`` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "memsim-peers"


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made where it is missing.

    Parameters
    ----------
    peer : str
        Packages are those of ``requirements-<peer>.txt``, whose content the environment's name
        depends on.

    Raises
    ------
    subprocess.CalledProcessError
        If a package cannot be installed; its output tells why.
    """
    requirements = HERE / f"requirements-{peer}.txt"
    told = requirements.read_bytes() + sys.version.encode()
    folder = home() / f"{peer}-{hashlib.sha256(told).hexdigest()[:8]}"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {peer} ...", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        done.touch()
    return python
