"""The folder of a gallery: replaced as a whole, and only where nothing else would be lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memsim.errors import InputError, Problem
from memsim.files import problems_of_writing
from memsim.halves import clear_halves, half_folder, put_folder

LIST = "gallery.json"
"""Lists what the gallery consists of, so that the next one replaces this and nothing else."""

SCHEMA = "memsim.gallery/1"


def check_folder(path: str | os.PathLike[str]) -> Path:
    """Find out before the work is done whether a gallery can be written there.

    Returns
    -------
    Path
        The folder, without links.

    Raises
    ------
    InputError
        If the folder above is not there or not writable, or if something is there that is neither
        an empty folder nor a gallery that holds nothing but its own files.
    """
    given = os.fspath(path)
    reason, hint = "", ""
    try:
        if "\0" in given:
            raise ValueError("a name has no null character")
        target = Path(given).resolve()
        if target == target.parent or target in [Path.cwd(), *Path.cwd().parents]:
            reason, hint = "it is the folder that you are in, or above it", "such as site"
        elif not target.parent.is_dir():
            reason = f"there is no directory {Path(given).parent}"
        elif not os.access(target.parent, os.W_OK):
            reason = "permission denied"
        elif target.exists() and not target.is_dir():
            reason, hint = "it is a file, and a gallery is a folder", "such as site"
        elif target.is_dir():
            reason, hint = _foreign(target)
    except (OSError, ValueError, RuntimeError) as error:  # no name, or links in a circle
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        raise InputError(Problem(f"cannot be written: {reason}", hint=hint, file=given))
    return target


def _foreign(folder: Path) -> tuple[str, str]:
    """Why a folder may not be replaced, and what to do; empty where it may."""
    held = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir()}
    if not any(folder.iterdir()):
        return "", ""
    own = _listed(folder)
    if not own:
        return "it is not empty, and no gallery", "choose another folder"
    others = sorted(held - own)
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        return f"it holds {others[0]}{more}, no part of the gallery", "choose another folder"
    return "", ""


def _listed(folder: Path) -> set[str]:
    """What a gallery consists of; nothing where the folder is none."""
    try:
        told: Any = json.loads((folder / LIST).read_text(encoding="utf-8"))
        return {LIST, *told["files"]} if told["schema"] == SCHEMA else set()
    except (OSError, ValueError, TypeError, KeyError):
        return set()


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new folder to write into, which takes the place of another when the block has ended.

    Where the block fails, nothing has changed and nothing is left.

    Raises
    ------
    InputError
        As :func:`check_folder`, and if a file cannot be written.
    """
    target = check_folder(path)
    with problems_of_writing(path):
        clear_halves(target)
        with half_folder(target) as new:
            yield new
            files = sorted(f.relative_to(new).as_posix() for f in new.rglob("*") if f.is_file())
            told = {"schema": SCHEMA, "files": files}
            (new / LIST).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
            mask = os.umask(0)
            os.umask(mask)
            new.chmod(0o777 & ~mask)
            check_folder(path)  # again: the work took its time
            put_folder(new, target)
