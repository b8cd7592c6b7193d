"""Files: written so that nothing half-written is ever left; tables read from CSV."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from memsim.errors import InputError, Problem


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; see :func:`write_chunks`."""
    write_chunks(path, [text.encode("utf-8")])


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, whole or not at all; see :func:`write_chunks`."""
    write_chunks(path, [content])


def write_chunks(path: str | os.PathLike[str], chunks: Iterable[bytes]) -> None:
    """Write a file from parts, whole or not at all; only one part is in memory at a time.

    The parts go to a temporary file in the same directory, which then takes the name. A
    special file such as ``/dev/stdout`` is written to directly.

    Raises
    ------
    InputError
        If the path cannot be written.
    """
    check_writable(path)
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                file.writelines(chunks)
            return
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(chunks)
            os.chmod(name, _mode(target))
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(Problem(f"cannot be written: {reason}", file=str(target))) from None


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out before the work is done whether :func:`write_text` can write there.

    Raises
    ------
    InputError
        If the path is a directory or its directory is not there or not writable.
    """
    target = Path(path)
    reason = ""
    if target.is_dir():
        reason = "it is a directory"
    elif not target.parent.is_dir():
        reason = f"there is no directory {target.parent}"
    elif not os.access(target if target.exists() else target.parent, os.W_OK):
        reason = "permission denied"
    if reason:
        raise InputError(Problem(f"cannot be written: {reason}", file=str(target)))


def read_table(package: str, name: str) -> list[dict[str, str]]:
    """Read a table that lies in the ``data`` folder of a package.

    Parameters
    ----------
    package : str
        Such as ``memsim.paper``.
    name : str
        The file below ``data``, without ``.csv``. Its lines that begin with ``#`` say where the
        table comes from.

    Returns
    -------
    list of dict
        The rows in order; every value is the text of its cell.

    Examples
    --------
    >>> read_table("memsim.paper", "imagenet")[0]["network"]
    'hardnet39ds'
    """
    import csv
    from importlib import resources

    text = resources.files(package).joinpath("data", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, else those of a new file."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
