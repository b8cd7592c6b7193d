"""Where an answer goes and how it looks: --format, -o and --color, alike in every command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from memsim.cli.completion import complete_words
from memsim.cli.once import once
from memsim.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from memsim.sheets.facts import Facts

__all__ = ["Delivery", "check_agreed", "is_given", "report_options", "text_file", "with_colours"]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

NAMES = ("table", "json", "csv", "md", "html")
"""The formats of answers; of a sheet all there are."""

WHEN = ("auto", "always", "never")

WIDEST = 120
"""Columns that a table takes of a wide terminal."""


def is_given(parameter: str) -> bool:
    """Whether the command line says a parameter of the command, rather than its default."""
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source(parameter) if context is not None else None
    return source is click.core.ParameterSource.COMMANDLINE


format_option = once(
    "--format",
    "format_",
    metavar="FORMAT",
    help="table, json, csv, md or html.  [default: as -o ends]",
    shell_complete=complete_words(*NAMES),
)
color_option = once(
    "--color",
    metavar="WHEN",
    help="auto, always or never: colours of a printed table.",
    shell_complete=complete_words(*WHEN),
)


STANDARD_OUTPUT = "-"
"""What names it in the place of a file."""


def _place(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """Where an answer goes; None is standard output."""
    return None if text == STANDARD_OUTPUT else text


def output_option(told: str = "Write to a file, not to the terminal.") -> Decorator:
    """The option ``-o``; the command gets None for ``-``, as where it is left out."""
    return once("-o", "--output", metavar="FILE", help=told, callback=_place)


def report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Where a report goes and how it looks; the command gets one ``delivery``."""

    @wraps(function)
    def command(
        *positional: Any, format_: str | None, output: str | None, color: str | None, **values: Any
    ) -> Any:
        return function(*positional, delivery=Delivery(format_, output, color), **values)

    with_color = color_option(command)
    return format_option(output_option()(with_color))


def with_colours(when: str | None) -> bool:
    """Whether what is printed on standard output has colours.

    Where nothing is said, on a terminal: unless the environment sets ``NO_COLOR``, and elsewhere
    too where it sets ``FORCE_COLOR``.

    Raises
    ------
    InputError
        For another word than ``auto``, ``always`` and ``never``.

    Examples
    --------
    >>> with_colours("always"), with_colours("never")
    (True, False)
    """
    if when is not None and when not in WHEN:
        hint = did_you_mean(when, WHEN)
        raise InputError(
            Problem(f"{when!r} does not say when there are colours", path="--color", hint=hint)
        )
    if when in ("always", "never"):
        return when == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def text_file(output: str | None, *endings: str) -> None:
    """Find out before the work is done whether a text can be written to a file.

    Raises
    ------
    InputError
        For an ending that says that the file holds something else, and as
        :func:`memsim.files.check_writable`.
    """
    from memsim.files import check_writable, ending_of

    if output is not None:
        ending_of(output, endings)
        check_writable(output)


def check_agreed(format_: str | None, output: str, endings: Mapping[str, str]) -> None:
    """Refuse a format where the ending of the file says another; in a ``.txt`` any may lie.

    Examples
    --------
    >>> check_agreed("svg", "a.dat", {".svg": "svg", ".png": "png"})
    >>> check_agreed("svg", "a.png", {".svg": "svg", ".png": "png"})
    Traceback (most recent call last):
    memsim.errors.InputError: a.png: its ending says png, and --format says svg (leave one out)
    """
    from memsim.files import suffix_of

    ending = suffix_of(output)
    said = endings.get(ending, format_)
    if format_ is not None and said != format_ and ending != ".txt":
        message = f"its ending says {said}, and --format says {format_}"
        raise InputError(Problem(message, file=output, hint="leave one out"))


class Delivery:
    """Where a report goes and how it looks; whatever is wrong with that is told at once."""

    def __init__(self, format_: str | None, output: str | None, color: str | None = None) -> None:
        from memsim.files import check_writable
        from memsim.sheets.formats import ENDINGS, FORMATS, WHOLE, format_of

        self.output = output
        self.format = format_ or ("table" if output is None else format_of(output))
        FORMATS[self.format]
        if output is not None:
            check_agreed(format_, output, ENDINGS)
        self.colours = with_colours(color)
        if color is not None and (output is not None or self.format != "table"):
            where = self.format if output is None else f"the file {output}"
            message = f"is of a table that is printed, and {where} has no colours"
            raise InputError(Problem(message, path="--color", hint="leave it out"))
        if self.format in WHOLE and is_given("layers"):
            message = f"{self.format} holds all rows"
            raise InputError(Problem(message, path="--layers", hint="leave it out"))
        if output is not None:
            check_writable(output)

    def in_json(self, asked: bool) -> Delivery:
        """This one, or in JSON where ``--json`` asks for it.

        Raises
        ------
        InputError
            Where ``--format`` asks for something else.
        """
        if not asked:
            return self
        if is_given("format_") and self.format != "json":
            message = f"and --format {self.format} are two formats"
            raise InputError(Problem(message, path="--json", hint="name one"))
        return Delivery("json", self.output)

    @property
    def is_printed_table(self) -> bool:
        """Whether somebody reads it as a table on standard output."""
        return self.output is None and self.format == "table"

    def send(self, facts: Facts, layers: int | None = None) -> None:
        """Write the file, or print: on a terminal with its width."""
        if not self.is_printed_table or not (self.colours or sys.stdout.isatty()):
            from memsim.sheets.formats import render

            self.send_text(render(facts, self.format, layers))
        else:
            from memsim.sheets.text import print_sheet, terminal

            print_sheet(facts.sheet(layers), terminal(sys.stdout, WIDEST, self.colours))

    def send_text(self, text: str) -> None:
        """Write a text that ends in a newline, or print it."""
        from memsim.files import write_text

        if self.output is None:
            click.echo(text, nl=False)
        else:
            write_text(self.output, text)

    def say(self, lines: Iterable[tuple[str, str]]) -> None:
        """Print lines, each a name and what is said of it; with colours the name has one."""
        for name, told in lines:
            shown = click.style(name, fg="cyan") if self.colours else name
            click.echo(f"{shown}{told}", color=self.colours)
