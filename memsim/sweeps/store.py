"""The store: finished chunks in a folder, each under the digest of what it is made of."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memsim.errors import InputError, Problem
from memsim.files import write_bytes
from memsim.halves import clear_all_halves, hold
from memsim.sweeps.chunk import Outcome

__all__ = ["Store"]

ENDING = ".chunk"


class Store:
    """A folder of finished chunks.

    A chunk takes its name when it is whole. A file that is damaged is as if it were not there.

    Parameters
    ----------
    folder : Path
        It is made when the first chunk is kept.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(Path(folder) / "chunks")
    ...     store.keep("ab12", Outcome({}, config={"tile": "auto"}))
    ...     store.find("ab12").config, store.find("cd34")
    ({'tile': 'auto'}, None)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Make the folder, before any work is done.

        Raises
        ------
        InputError
            If it cannot be made or written to.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            clear_all_halves(self.folder)
            probe = self.folder / f".probe{ENDING}"
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)  # two sweeps may share a store
        except OSError as error:
            raise self._refused(error) from None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder: another process that would, too, is refused.

        Raises
        ------
        InputError
            Where another one holds it, and as :meth:`open`.
        """
        self.open()
        path = self.folder / f".held{ENDING}"
        try:
            file = open(path, "wb")  # noqa: SIM115
        except OSError as error:
            raise self._refused(error) from None
        with file:
            if hold(file.fileno(), forked=False) is False:
                message = "another process computes this sweep, and keeps here what is finished"
                hint = "wait for it: the same command then goes on from there"
                raise InputError(Problem(message, hint=hint, file=str(self.folder)))
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def find(self, key: str) -> Outcome | None:
        """A finished chunk; None where there is none that is whole."""
        try:
            return Outcome.from_bytes((self.folder / f"{key}{ENDING}").read_bytes())
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def keep(self, key: str, outcome: Outcome) -> None:
        """Write a finished chunk, whole or not at all.

        Raises
        ------
        InputError
            If it cannot be written: the disk may be full.
        """
        self.folder.mkdir(exist_ok=True)
        write_bytes(self.folder / f"{key}{ENDING}", outcome.to_bytes(), clear=False)

    def _refused(self, error: OSError) -> InputError:
        message = f"cannot keep what is finished: {error.strerror or error}"
        return InputError(Problem(message, file=str(self.folder)))

    def clear(self) -> None:
        """Remove what is kept, and what a stop has left; the folder too, if that was all."""
        if not self.folder.is_dir():
            return
        for file in self.folder.iterdir():
            if ENDING in file.name:
                if file.is_dir():
                    shutil.rmtree(file, ignore_errors=True)
                else:
                    file.unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()
