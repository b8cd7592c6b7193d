"""Halves: what is being written, beside the place that it takes when it is whole.

A half is hidden, and held by who writes it: by a lock of the system's, which ends with the process
however that ends. So the next one that writes there tells what a killed process has left, which it
removes, from what another process is writing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

ENDING = ".half"


def half_of(target: Path) -> Path:
    """A name for a half that no other has.

    It is as long as file systems take for any name that they take for the target.

    Examples
    --------
    >>> half = half_of(Path("site/index.html"))
    >>> half.parent, half.name.startswith(".index.html."), half.suffix
    (PosixPath('site'), True, '.half')
    """
    return target.with_name(f"{_beginning(target)}{os.urandom(4).hex()}{ENDING}")


def _beginning(target: Path) -> str:
    return f".{target.name[:50]}."


@contextmanager
def half_file(target: Path, mode: int) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of another when the block has ended.

    Where the block fails, nothing has changed and nothing is left.

    Parameters
    ----------
    target : Path
    mode : int
        Permissions of the file.
    """
    half = half_of(target)
    try:
        with open(half, "xb", opener=_private) as file, _held(os.dup(file.fileno())):
            yield file
            file.close()  # a disk that is full may tell so only now
            os.chmod(half, mode)
            os.replace(half, target)
    except BaseException:
        remove(half)
        raise


@contextmanager
def half_folder(target: Path) -> Iterator[Path]:
    """A folder to write into, beside the target; it is gone when the block has ended."""
    half = half_of(target)
    try:
        half.mkdir(mode=0o700)
        with _held(os.open(half, os.O_RDONLY)):
            yield half
    finally:
        remove(half)


def put_folder(new: Path, target: Path) -> None:
    """Put a folder where another one may be: at one stroke where the system has such.

    What was there is where the new one was.
    """
    if not target.exists():
        new.rename(target)
    elif not _exchange(new, target):
        aside = half_of(target)
        target.rename(aside)
        try:
            new.rename(target)
        except OSError:
            aside.rename(target)
            raise
        aside.rename(new)


def clear_halves(target: Path) -> None:
    """Remove what killed processes have left of a target, and nothing that is still written."""
    _clear(target.parent, _beginning(target))


def clear_all_halves(folder: Path) -> None:
    """The same of all that a folder holds."""
    _clear(folder, ".")


def _clear(folder: Path, beginning: str) -> None:
    names = []
    with suppress(OSError), os.scandir(folder) as found:  # a folder may hide what it holds
        names = [
            each.path for each in found
            if each.name.startswith(beginning) and each.name.endswith(ENDING)
        ]  # fmt: skip
    for name in names:
        if _is_left(name):
            remove(Path(name))


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there; also where Ctrl-C comes in the middle of it."""
    try:
        _remove(path)
    except KeyboardInterrupt:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


@contextmanager
def _held(handle: int) -> Iterator[None]:
    """Hold what a handle is of, which is closed when the block has ended."""
    try:
        hold(handle)
        yield
    finally:
        os.close(handle)


def hold(handle: int, *, forked: bool = True) -> bool | None:
    """Lock a file or folder for as long as the handle is open; None where nothing can be locked.

    False where another process holds it. What is ``forked`` may hold it too, when the process that
    asked has ended.
    """
    try:
        import fcntl

        lock = fcntl.flock if forked else fcntl.lockf
        lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except (ImportError, OSError):
        return None
    return True


def _is_left(name: str) -> bool:
    """Whether nobody writes a half any more."""
    try:
        how = os.O_RDONLY if os.path.isdir(name) else os.O_RDWR
        handle = os.open(name, how | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        return hold(handle) is True
    finally:
        os.close(handle)


def _exchange(one: Path, other: Path) -> bool:
    """Let two names change places at one stroke, if the system and the disk can do it."""
    import ctypes

    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)
