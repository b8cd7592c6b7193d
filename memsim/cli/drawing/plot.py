"""``memsim plot``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any, Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import LOADING, Chosen, is_given, networks_options, only_option, options_of
from memsim.errors import InputError, Problem
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options

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
@networks_options(required=False)
@options_of("figure")
@only_option
@once("-o", "--output", metavar="FILE", help="The file: .png, .svg or .pdf.")
@once("--size", metavar="WxH", help="Inches, such as 8x5.")
@once("--dpi", type=click.IntRange(20, 1200), default=150, show_default=True,
              help="Dots per inch of a PNG.")  # fmt: skip
@click.pass_context
def command(
    context: click.Context,
    /,
    kind: str,
    networks: list[Chosen],
    output: str | None,
    size: str | None,
    dpi: int,
    only: str | None,
    **options: Unpack[Options],
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

    figure = FIGURES[kind]
    if output is None:
        problem = "a figure needs a file to be drawn into"
        raise InputError(Problem(problem, path="-o", hint=f"such as -o {kind}.png"))
    if image_format(output) != "png" and is_given("dpi"):
        raise InputError(Problem("is of a PNG, and this file has no dots", path="--dpi"))
    check_writable(output)
    said = {name: value for network in networks for name, value in network.said.items()}
    refuse(figure.verb, {**options, **said}, LOADING)
    told: dict[str, Any] = {**options} if only is None else {**options, "only": only}
    if size is not None:
        told["size"] = parse_size(size)
    subjects: list[Any]
    if figure.published:
        _no_inputs(kind, context.params)
        subjects = [network.name for network in networks]
    else:
        subjects = [network.load() for network in networks]
    save(figure.draw(subjects, **told), output, dpi=dpi)


def parse_size(text: str) -> tuple[float, float]:
    """``8x5`` -> (8.0, 5.0): inches.

    Raises
    ------
    InputError
        If it is not two numbers from 1 to 100.
    """
    match = re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,4})?)x([0-9]{1,4}(?:\.[0-9]{1,4})?)", text)
    width, height = (float(part) for part in match.groups()) if match else (0.0, 0.0)
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        message = f"{text!r} is no size; expected width x height in inches, 1 to {LARGEST}"
        raise InputError(Problem(message, path="--size", hint="such as 8x5"))
    return width, height


def _no_inputs(kind: str, values: Mapping[str, Any]) -> None:
    """The conditions of published times are the paper's."""
    for option in ("input_", "batch", "dtype", "submodule"):
        if values[option] not in (None, ()):
            message = f"figure {kind} is drawn under the conditions of the published times"
            path = f"--{option.removesuffix('_')}"
            raise InputError(Problem(message, path=path, hint="leave it out"))
