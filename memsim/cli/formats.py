"""In which format an answer goes where: --format and the ending of -o, alike in every command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from memsim.cli.completion import complete_words
from memsim.cli.once import once
from memsim.cli.output import check_agreed, is_given
from memsim.errors import InputError, Problem, did_you_mean
from memsim.files import check_writable, ending_of, write_bytes

if TYPE_CHECKING:
    from memsim.plot.canvas import Drawn

__all__ = ["ARCHITECTURES", "DATASETS", "PAGES", "PICTURES", "Kinds", "send", "send_picture"]

BINARY = ("png", "pdf", "nc", "parquet")
"""Formats whose bytes are no text."""

PICTURES = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
"""As :data:`memsim.plot.ENDINGS`, which would be imported with all figures."""

PAGES = {".html": "html", ".htm": "html"}

DATASETS = {".zarr": "zarr", ".nc": "nc", ".parquet": "parquet", ".csv": "csv"}
"""As :data:`memsim.sweeps.files.FORMATS`, which would be imported with NumPy."""

ARCHITECTURES = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}


@dataclass(frozen=True, slots=True)
class Kinds:
    """The formats of what a command writes, and where it goes when nothing is said.

    Attributes
    ----------
    what : str
        What is written, for messages: ``a figure``.
    endings : mapping of str to str
        The format that each ending of a file stands for.
    such : str
        A file that would do.
    usual : str
        The format where neither ``--format`` nor an ending says one; empty where one has to.
    printed : bool
        Whether it is printed where neither a file nor a format is named.
    files : tuple of str
        Formats that are written to files alone.

    Examples
    --------
    >>> page = Kinds("a page", {".html": "html", ".htm": "html"}, "page.html", usual="html")
    >>> page.formats, page.chosen("html", None), page.chosen(None, "a.HTM")
    (['html'], 'html', 'html')
    >>> page.chosen(None, None)
    Traceback (most recent call last):
    memsim.errors.InputError: -o: a page needs a file to be written to
    (such as -o page.html; --format html prints it)
    """

    what: str
    endings: Mapping[str, str]
    such: str
    usual: str = ""
    printed: bool = False
    files: tuple[str, ...] = ()

    @property
    def formats(self) -> list[str]:
        """All formats, in the order of their endings."""
        return list(dict.fromkeys(self.endings.values()))

    def option(self) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """The option ``--format``."""
        *others, last = self.formats
        told = f"{', '.join(others)} or {last}" if others else f"{last}, the one there is"
        told += "" if self.printed else "; without -o it is printed"
        otherwise = f", or {self.usual}" if self.usual and others else ""
        told += f".  [default: as -o ends{otherwise}]" if others else "."
        known = complete_words(*self.formats)
        return once("--format", "format_", metavar="FORMAT", help=told, shell_complete=known)

    def chosen(self, format_: str | None, output: str | None) -> str:
        """As :meth:`named`; the file can be written.

        Raises
        ------
        InputError
            As :meth:`named`, and where the file cannot be written.
        """
        found = self.named(format_, output)
        if output is not None:
            check_writable(output)
        return found

    def named(self, format_: str | None, output: str | None) -> str:
        """The format of what is written to a file or, where none is named, printed.

        Raises
        ------
        InputError
            Where nothing says a format or a file and something has to, for a format or an ending
            that is not known, where the two differ, and for bytes that a terminal would be sent.
        """
        if format_ is not None and format_ not in self.formats:
            hint = did_you_mean(format_, self.formats)
            raise InputError(Problem(f"unknown format {format_!r}", path="--format", hint=hint))
        if output is None:
            return self._printed(format_)
        why = f"{self.what} is not written with the ending"
        ending = ending_of(output, self.endings, why) if format_ is None else ""
        if format_ is None and not ending and not self.usual:
            hint = f"known: {', '.join(self.endings)}"
            message = f"has no ending such as {next(iter(self.endings))}"
            raise InputError(Problem(message, hint=hint, file=output))
        check_agreed(format_, output, self.endings)
        return format_ or (self.endings[ending] if ending else self.usual)

    def _printed(self, format_: str | None) -> str:
        """The format of what goes to standard output."""
        asked = self.printed or is_given("output")  # by "-o -"
        found = format_ or (self.usual if asked else "")
        if not found and asked:
            known = ", ".join(name for name in self.formats if name not in self.files)
            message = f"standard output has no ending that says what {self.what} is written as"
            raise InputError(Problem(message, path="-o", hint=f"--format says it: {known}"))
        if not found:
            hint = f"such as -o {self.such}"
            hint += f"; --format {self.usual} prints it" if self.usual else ""
            message = f"{self.what} needs a file to be written to"
            raise InputError(Problem(message, path="-o", hint=hint))
        if found in self.files:
            message = f"{found} needs a file to be written to"
            ending = next(end for end, name in self.endings.items() if name == found)
            name = f"{os.path.splitext(self.such)[0]}{ending}"
            raise InputError(Problem(message, path="-o", hint=f"such as -o {name}"))
        if found in BINARY and sys.stdout.isatty():
            message = f"{found} is nothing that a terminal shows"
            raise InputError(Problem(message, path="--format", hint=f"-o {self.such}"))
        return found


def send(content: str | bytes, output: str | None) -> None:
    """Write what has its format to a file, or print it."""
    if output is None:
        click.echo(content, nl=False)
    else:
        write_bytes(output, content.encode() if isinstance(content, str) else content)


def send_picture(drawn: Drawn, output: str | None, format_: str, dpi: float | None = None) -> None:
    """Write a picture to its file, or print its bytes."""
    from memsim.plot.canvas import render

    send(render(drawn, format_) if dpi is None else render(drawn, format_, dpi), output)
