"""``memsim plot``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from inspect import cleandoc
from typing import Any, Unpack

import click

from memsim.cli.apart import load_all
from memsim.cli.completion import complete
from memsim.cli.formats import PICTURES, Kinds, send_picture
from memsim.cli.listing import SWEEP as OF_A_SWEEP
from memsim.cli.once import once
from memsim.cli.options import LOADING, Chosen, networks_options, only_option, options_of
from memsim.cli.output import is_given, output_option
from memsim.errors import InputError, Problem, did_you_mean
from memsim.progress import stage
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options

SWEEP, SWEEP_TOLD = OF_A_SWEEP
"""The figure of a file of ``memsim sweep``, in the place of networks."""

WRITTEN = Kinds("a figure", PICTURES, "figure.png")

LARGEST = 100
"""Inches."""


class _TellsKinds(click.Command):
    """A command whose help lists the kinds of figures, as their own files describe them."""

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        from memsim.plot import FIGURES

        width = max(map(len, FIGURES))
        lines = [f"{name:<{width}}  {kind.summary}" for name, kind in FIGURES.items()]
        lines.append(f"{SWEEP:<{width}}  {SWEEP_TOLD}")
        written = self.help
        try:
            self.help = cleandoc(written or "").replace("KINDS", "\n".join(lines))
            super().format_help_text(context, formatter)
        finally:
            self.help = written  # kinds may be added


@click.command("plot", cls=_TellsKinds)
@click.argument("kind", shell_complete=complete("figures"))
@networks_options(required=False)
@options_of("figure", hint="memsim plot curve draws every size, memsim run takes several")
@only_option
@once("--normalise", is_flag=True,
              help="Of a curve: traffic as a multiple of what is compulsory.")  # fmt: skip
@once("--log", is_flag=True, help="Of a curve: a logarithmic axis of traffic.")
@once("--bound", is_flag=True, help="Of a curve: what no program goes below either.")
@WRITTEN.option()
@output_option("The file: .png, .svg or .pdf.")
@once("--size", metavar="WxH", help="Inches, such as 8x5.")
@once("--dpi", type=click.IntRange(20, 1200), default=150, show_default=True,
              help="Dots per inch of a PNG.")  # fmt: skip
@once("--value", metavar="NAME", help="Of a sweep: what is drawn.  [default: dram_bytes]")
@once("--over", metavar="AXES", help="Of a sweep: one to three axes, such as cache,bandwidth.")
@click.option(
    "--at",
    "at_",
    multiple=True,
    metavar="AXIS=VALUE",
    help="Of a sweep: the value of another axis; may be given several times.",
)
@once("--front", metavar="X,Y", help="Of a sweep: the Pareto front of two numbers.")
@click.pass_context
def command(
    context: click.Context,
    /,
    kind: str,
    networks: list[Chosen],
    format_: str | None,
    output: str | None,
    size: str | None,
    dpi: int,
    only: str | None,
    normalise: bool,
    log: bool,
    bound: bool,
    value: str | None,
    over: str | None,
    at_: tuple[str, ...],
    front: str | None,
    **options: Unpack[Options],
) -> None:
    """Draw a figure of NETWORKS into a file.

    \b
    KINDS

    \b
    memsim plot curve hardnet68 densenet121 -o curve.svg
    memsim plot patterns --cache 1MB -o patterns.png
    memsim plot sweep a.nc --value time_s --over cache,bandwidth -o sweep.png
    """
    from memsim.plot import FIGURES

    if kind not in FIGURES and kind != SWEEP:
        hint = did_you_mean(kind, [*FIGURES, SWEEP])
        raise InputError(Problem(f"unknown figure {kind!r}", hint=hint))
    flags = ("normalise", normalise), ("log", log), ("bound", bound)
    drawn_as = {name: True for name, is_so in flags if is_so}
    if drawn_as and kind != "curve":
        problems = (Problem("is of figure curve", f"--{name}", "leave it out") for name in drawn_as)
        raise InputError(*problems)
    format_ = replace(WRITTEN, such=f"{kind}.png").chosen(format_, output)
    if format_ != "png" and is_given("dpi"):
        raise InputError(Problem("is of a PNG, and this file has no dots", path="--dpi"))
    how = {"value": value, "over": over, "at": at_ or None, "front": front}
    swept = {name: each for name, each in how.items() if each is not None}
    if kind == SWEEP:
        told: dict[str, Any] = {} if size is None else {"size": parse_size(size)}
        given = {**options, **({} if only is None else {"only": only})}
        send_picture(_of_sweep(networks, given, swept, told), output, format_, dpi)
        return
    if swept:
        problems = (Problem("is of a sweep", f"--{name}", "memsim plot sweep") for name in swept)
        raise InputError(*problems)
    figure = FIGURES[kind]
    said = {name: value for network in networks for name, value in network.said.items()}
    refuse(figure.verb, {**options, **said}, LOADING)
    told = {**options} if only is None else {**options, "only": only}
    told.update(drawn_as)
    if size is not None:
        told["size"] = parse_size(size)
    subjects: list[Any]
    if figure.published:
        _no_inputs(kind, context.params)
        subjects = [network.name for network in networks]
    else:
        subjects = load_all(networks)
    with stage(f"figure {kind}"):
        drawn = figure.draw(subjects, **told)
    send_picture(drawn, output, format_, dpi)


def _of_sweep(
    files: list[Chosen], options: Mapping[str, Any], swept: dict[str, Any], told: dict[str, Any]
) -> Any:
    """The figure of a sweep's file, which nothing is simulated for."""
    from memsim.plot import sweep

    said = {**options, **{name: each for file in files for name, each in file.said.items()}}
    if said:
        why = "is settled in a sweep's file"
        problems = (
            Problem(why, name.strip("_"), "--at chooses a value of an axis") for name in said
        )
        raise InputError(*problems)
    if len(files) != 1:
        message = f"the figure of a sweep is of one file, not of {len(files)}"
        raise InputError(Problem(message, hint="such as memsim plot sweep sweep.nc -o sweep.png"))
    at = {}
    for pair in swept.pop("at", ()):
        name, equals, text = pair.partition("=")
        if not equals:
            message = f"{pair!r} chooses nothing; expected AXIS=VALUE"
            raise InputError(Problem(message, path="--at", hint="such as cache=2MiB"))
        at[name] = text
    return sweep(files[0].name, at=at, **swept, **told)


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
