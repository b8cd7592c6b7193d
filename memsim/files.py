"""Files: written so that nothing half-written is ever left; tables read from CSV."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from memsim.errors import InputError, Problem
from memsim.halves import clear_halves, half_file


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; see :func:`write_chunks`."""
    write_chunks(path, [text.encode("utf-8")])


def write_bytes(path: str | os.PathLike[str], content: bytes, *, clear: bool = True) -> None:
    """Write a file, whole or not at all; see :func:`write_chunks`."""
    write_chunks(path, [content], clear=clear)


def write_chunks(
    path: str | os.PathLike[str], chunks: Iterable[bytes], *, clear: bool = True
) -> None:
    """Write a file from parts, whole or not at all; only one part is in memory at a time.

    The parts go to a hidden file in the same directory, which then takes the name. A link is
    followed. A special file such as ``/dev/stdout`` is written to directly.

    Parameters
    ----------
    path : path
    chunks : iterable of bytes
    clear : bool
        Remove first what killed processes have left of this file, for which the whole directory
        is looked through.

    Raises
    ------
    InputError
        If the path cannot be written.
    """
    check_writable(path)
    target = Path(path)
    with problems_of_writing(path):
        if (stream := _own_stream(target)) is not None:
            with os.fdopen(os.dup(stream), "wb") as file:
                file.writelines(chunks)
            return
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                file.writelines(chunks)
            return
        target = _followed(target)
        if clear:
            clear_halves(target)
        with half_file(target, _mode(target)) as file:
            file.writelines(chunks)


@contextmanager
def problems_of_writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Tell what the system refuses within a block as a problem of a file.

    Raises
    ------
    InputError
        The disk may be full.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(Problem(f"cannot be written: {reason}", file=os.fspath(path))) from None


def _written(target: Path) -> list[Path]:
    """What must be writable: a file that is replaced and its directory; a device alone."""
    if target.exists() and (not target.is_file() or _own_stream(target) is not None):
        return [target]
    real = _followed(target)
    return [real.parent, real] if real.exists() else [real.parent]


def _followed(target: Path) -> Path:
    """Where a link leads, and what is none as it is."""
    return target.resolve() if target.is_symlink() else target


def _own_stream(target: Path) -> int | None:
    """The standard stream that a path is, whatever it leads to: ``/dev/stdout > file`` too."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        with suppress(OSError):
            if os.path.samestat(os.fstat(number), target.stat()):
                stream = getattr(sys, name)
                if stream is not None:
                    stream.flush()
                return number
    return None


SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out before the work is done whether :func:`write_text` can write there.

    Raises
    ------
    InputError
        If the path is a directory or its directory is not there or not writable, or if its name is
        none that a file can have.
    """
    target = Path(path)
    reason = ""
    try:
        if "\0" in str(target):
            reason = "a name has no null character"
        elif target.is_dir():
            reason = "it is a directory"
        elif os.fspath(path).endswith(SEPARATORS):
            reason = "a name with a slash at its end is a directory's"
        elif not (folder := _followed(target).parent).is_dir():
            reason = f"there is no directory {folder}"
        elif not all(os.access(place, os.W_OK) for place in _written(target)):
            reason = "permission denied"
    except (OSError, ValueError) as error:  # a name that no file system takes
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        raise InputError(Problem(f"cannot be written: {reason}", file=str(target)))


def suffix_of(path: str | os.PathLike[str]) -> str:
    """What a name ends with, in lower case; a folder's slash is not part of it.

    Examples
    --------
    >>> suffix_of("a.b/net.YAML"), suffix_of("sweep.zarr/"), suffix_of("a.b/net")
    ('.yaml', '.zarr', '')
    """
    return os.path.splitext(os.fspath(path).rstrip("".join(SEPARATORS)))[1].lower()


def ending_of(
    path: str | os.PathLike[str],
    known: Iterable[str],
    why: str = "nothing is written with the ending",
) -> str:
    """The ending of a file's name, in lower case; empty where it has none.

    Raises
    ------
    InputError
        For one that is not known: such a file would hold something else than its name says.

    Examples
    --------
    >>> ending_of("a.b/net.YAML", [".yaml"]), ending_of("a.b/net", [".yaml"])
    ('.yaml', '')
    >>> ending_of("net.json", [".yaml", ".yml"])
    Traceback (most recent call last):
    memsim.errors.InputError: net.json: nothing is written with the ending '.json'
    (known: .yaml, .yml)
    """
    name = os.fspath(path)
    ending = suffix_of(name)
    endings = list(known)
    if ending and ending not in endings:
        near = get_close_matches(ending, endings, n=1, cutoff=0.8)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(endings)}"
        raise InputError(Problem(f"{why} {ending!r}", hint=hint, file=name))
    return ending


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Read a file of at most so many bytes.

    Raises
    ------
    InputError
        If there is no such file, it is a directory, cannot be read or is larger.

    Examples
    --------
    >>> read_bytes("no/such.yaml", 100)
    Traceback (most recent call last):
    memsim.errors.InputError: no/such.yaml: no such file
    """
    file = os.fspath(path)
    try:
        with open(file, "rb") as stream:
            raw = stream.read(most + 1)
    except FileNotFoundError:
        raise InputError(Problem("no such file", file=file)) from None
    except IsADirectoryError:
        raise InputError(Problem("is a directory, not a file", file=file)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(Problem(f"cannot be read: {reason}", file=file)) from None
    if len(raw) > most:
        raise InputError(Problem(f"is larger than {most:,} bytes", file=file))
    return raw


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


def cells(line: str, file: str, number: int) -> list[str]:
    """The cells of a line of a CSV file; none of them goes on in the next line.

    Raises
    ------
    InputError
        Where it is no row of a table, such as with a cell of over 131,072 characters.

    Examples
    --------
    >>> cells('1,"2,3"', "a.csv", 7)
    ['1', '2,3']
    """
    import csv

    try:
        return next(csv.reader([line]))
    except csv.Error as error:
        message = f"is no row of a table: {error}"
        raise InputError(Problem(message, "", "", file, number, 1)) from None


def records(
    lines: Iterable[tuple[int, str]], file: str
) -> tuple[list[str], Iterator[dict[str, str]]]:
    """The columns of a CSV file and its rows by column; a cell that is left out is empty.

    ``lines`` come with their numbers.

    Raises
    ------
    InputError
        As :func:`cells` does.

    Examples
    --------
    >>> columns, rows = records([(2, "a,b"), (3, "1,2"), (7, "3")], "a.csv")
    >>> columns, list(rows)
    (['a', 'b'], [{'a': '1', 'b': '2'}, {'a': '3', 'b': ''}])
    """
    rows = (cells(line, file, number) for number, line in lines)
    columns = next(rows, [])
    width = len(columns)
    padded = ((*row, *[""] * (width - len(row))) for row in rows)
    return columns, (dict(zip(columns, row, strict=False)) for row in padded)


FORMULAS = ("=", "+", "-", "@")


def shown_as_text(value: Any) -> Any:
    """A cell that a spreadsheet takes for what it is: a name like a formula gets a ``'`` in front.

    Examples
    --------
    >>> shown_as_text("=SUM(A1)"), shown_as_text("conv1"), shown_as_text(-3), shown_as_text("-")
    ("'=SUM(A1)", 'conv1', -3, '-')
    """
    if not isinstance(value, str):
        return value
    name = value.lstrip("'")
    return f"'{value}" if len(name) > 1 and name.startswith(FORMULAS) else value


def as_it_was(text: str) -> str:
    """The name that :func:`shown_as_text` wrote.

    Examples
    --------
    >>> as_it_was("'=a"), as_it_was("'a"), as_it_was("a")
    ('=a', "'a", 'a')
    """
    return text[1:] if text.startswith("'") and shown_as_text(text[1:]) == text else text


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, else those of a new file."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
