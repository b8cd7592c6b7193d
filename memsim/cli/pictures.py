"""Where a picture goes: a file, whose ending says its format, or standard output in a format."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from memsim.cli.completion import complete_words
from memsim.cli.once import once
from memsim.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from memsim.plot.canvas import Drawn

__all__ = ["picture_format", "picture_format_option", "send_picture"]


def picture_format_option(*formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option ``--format`` of a command that draws."""
    *others, last = formats
    told = f"{', '.join(others)} or {last}; without -o it is printed.  [default: as -o ends]"
    known = complete_words(*formats)
    return once("--format", "format_", metavar="FORMAT", help=told, shell_complete=known)


def picture_format(
    format_: str | None, output: str | None, endings: Mapping[str, str], what: str, such: str
) -> str:
    """The format of a picture that is written to a file or, where none is named, printed.

    Parameters
    ----------
    format_, output : str or None
        As the command line says.
    endings : mapping of str to str
        The format of each ending.
    what : str
        What is drawn, for messages: ``a figure``.
    such : str
        A file that would do.

    Raises
    ------
    InputError
        Where neither is named, for a format or an ending that is not known, where the two
        differ, where the file cannot be written, and for bytes that a terminal would be sent.
    """
    from memsim.files import check_writable, ending_of

    formats = list(dict.fromkeys(endings.values()))
    if format_ is not None and format_ not in formats:
        hint = did_you_mean(format_, formats)
        raise InputError(Problem(f"unknown format {format_!r}", path="--format", hint=hint))
    if output is None:
        if format_ is None:
            message = f"{what} needs a file to be drawn into"
            raise InputError(Problem(message, path="-o", hint=f"such as -o {such}"))
        if format_ in ("png", "pdf") and sys.stdout.isatty():
            message = f"{format_} is nothing that a terminal shows"
            raise InputError(Problem(message, path="--format", hint=f"-o {such}"))
        return format_
    ending = os.path.splitext(output)[1].lower()
    if format_ is None and not ending_of(output, endings, f"{what} is not written with the ending"):
        hint = f"known: {', '.join(endings)}"
        raise InputError(Problem("has no ending such as .svg", hint=hint, file=output))
    if format_ is not None and endings.get(ending, format_) != format_:
        message = f"is a {endings[ending]} by its ending, and --format {format_} is another"
        raise InputError(Problem(message, file=output, hint="leave one out"))
    check_writable(output)
    return format_ or endings[ending]


def send_picture(drawn: Drawn, output: str | None, format_: str, dpi: float | None = None) -> None:
    """Write a picture to its file, or print its bytes."""
    from memsim.files import write_bytes
    from memsim.plot.canvas import render

    content = render(drawn, format_) if dpi is None else render(drawn, format_, dpi)
    if output is None:
        click.echo(content, nl=False)
    else:
        write_bytes(output, content)
