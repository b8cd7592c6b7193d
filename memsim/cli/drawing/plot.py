"""``memsim plot``."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

import click
from click.core import ParameterSource

from memsim.cli.options import input_options, load_network, simulation_options
from memsim.errors import InputError, Problem

LARGEST = 100
"""Inches."""


class _TellsKinds(click.Command):
    """A command whose help lists the kinds of figures, as their own files describe them."""

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        from memsim.plot import FIGURES

        width = max(map(len, FIGURES))
        lines = (f"{name:<{width}}  {kind.summary}" for name, kind in FIGURES.items())
        self.help = cleandoc(self.help or "").replace("KINDS", "\n".join(lines))
        super().format_help_text(context, formatter)


@click.command("plot", cls=_TellsKinds)
@click.argument("kind")
@click.argument("networks", nargs=-1, metavar="[NETWORK]...")
@input_options
@simulation_options
@click.option("-o", "--output", metavar="FILE", help="The file: .png, .svg or .pdf.")
@click.option("--size", metavar="WxH", help="Inches, such as 8x5.")
@click.option("--dpi", type=click.IntRange(20, 1200), default=150, show_default=True,
              help="Dots per inch of a PNG.")  # fmt: skip
@click.pass_context
def command(
    context: click.Context,
    /,
    kind: str,
    networks: tuple[str, ...],
    input_: str | None,
    batch: int | None,
    dtype: str | None,
    output: str | None,
    size: str | None,
    dpi: int,
    **options: Any,
) -> None:
    """Draw a figure of NETWORKS into a file.

    \b
    KINDS

    \b
    memsim plot curve hardnet68 densenet121 -o curve.svg
    memsim plot patterns --cache 1MB -o patterns.png
    """
    from memsim.files import check_writable
    from memsim.plot import FIGURES, image_format, save
    from memsim.simulate import CLOCKS

    figure = FIGURES[kind]
    if output is None:
        problem = "a figure needs a file to be drawn into"
        raise InputError(Problem(problem, path="-o", hint=f"such as -o {kind}.png"))
    image_format(output)
    check_writable(output)
    CLOCKS[options.pop("clock")]  # both tell the same: figures have no use for a choice
    given = {
        name: value
        for name, value in options.items()
        if figure.simulates and context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    if size is not None:
        given["size"] = parse_size(size)
    subjects: list[Any]
    if figure.published:
        _no_inputs(kind, {"--input": input_, "--batch": batch, "--dtype": dtype})
        subjects = list(networks)
    else:
        subjects = [load_network(each, input_, batch, dtype, None, ()) for each in networks]
    save(figure.draw(subjects, **given), output, dpi=dpi)


def parse_size(text: str) -> tuple[float, float]:
    """``8x5`` -> (8.0, 5.0): inches.

    Raises
    ------
    InputError
        If it is not two numbers from 1 to 100.
    """
    found = re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,4})?)x([0-9]{1,4}(?:\.[0-9]{1,4})?)", text)
    width, height = (float(part) for part in found.groups()) if found else (0.0, 0.0)
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        message = f"{text!r} is no size; expected width x height in inches, 1 to {LARGEST}"
        raise InputError(Problem(message, path="--size", hint="such as 8x5"))
    return width, height


def _no_inputs(kind: str, given: dict[str, Any]) -> None:
    """The conditions of published times are the paper's."""
    for option, value in given.items():
        if value is not None:
            message = f"figure {kind} is drawn under the conditions of the published times"
            raise InputError(Problem(message, path=option, hint="leave it out"))
