"""Options that several commands share, and how they are read."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from memsim.errors import InputError, Problem

if TYPE_CHECKING:
    from memsim.network.graph import Network

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def together(*options: Decorator) -> Decorator:
    """Several options as one decorator, in the order given."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def parse_shape(text: str) -> tuple[int, int, int]:
    """``3x224x224`` -> ``(3, 224, 224)``.

    Raises
    ------
    InputError
        If it is not three positive numbers.
    """
    found = re.fullmatch(r"([0-9]{1,8})[x,]([0-9]{1,8})[x,]([0-9]{1,8})", text.strip())
    if not found or "0" in {part.lstrip("0") or "0" for part in found.groups()}:
        message = f"{text!r} is no input size; expected channels x height x width"
        raise InputError(Problem(message, path="--input", hint="such as 3x224x224"))
    channels, height, width = (int(part) for part in found.groups())
    return channels, height, width


def parse_layers(text: str) -> int | None:
    """``10`` -> 10, ``all`` -> None."""
    if text == "all":
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise InputError(Problem(f"{text!r} is neither a number nor 'all'", path="--layers"))
    return int(text)


def parse_parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """``("growth=14",)`` -> ``{"growth": 14}``; values are read as in a file."""
    from memsim.yaml.text import resolve

    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            message = f"{pair!r} sets nothing; expected NAME=VALUE"
            raise InputError(Problem(message, path="--set", hint="such as growth=14"))
        values[name] = resolve(text)
    return values


ALLOW_UNKNOWN = "memsim.allow_unknown"


def _remember(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Keep --allow-unknown for :func:`load_network`: commands have no use for it."""
    context.meta[ALLOW_UNKNOWN] = value


def allows_unknown() -> bool:
    """Whether the command was given --allow-unknown."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(ALLOW_UNKNOWN))


def tell_unknown(network: Network) -> None:
    """List on standard error what a network holds that memsim does not know."""
    from memsim.formats.foreign.unknown import unknown_operators

    for problem in unknown_operators(network):
        click.echo(f"memsim: note: {problem}", err=True)


input_options = together(
    click.option("--input", "input_", metavar="CxHxW", help="Input size, such as 3x1024x2048."),
    click.option("--batch", type=int, help="Images per inference."),
    click.option("--dtype", help="fp32, fp16, bf16 or int8."),
    click.option("--allow-unknown", is_flag=True, expose_value=False, callback=_remember,
                 help="Accept operators that memsim does not know; their MACs do not count."),
)  # fmt: skip


def network_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument NETWORK and its options; the command gets one ``network`` to load.

    A command loads it when all that can be wrong with its other options has been told.
    """

    @wraps(function)
    def command(
        network: str,
        input_: str | None,
        batch: int | None,
        dtype: str | None,
        variant: str | None,
        settings: tuple[str, ...],
        **others: Any,
    ) -> Any:
        chosen = Chosen(network, input_, batch, dtype, variant, settings)
        return function(network=chosen, **others)

    return _network_arguments(command)


_network_arguments = together(
    click.argument("network"),
    input_options,
    click.option("--variant", help="A variant that the file names, such as v1.5."),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                 help="A parameter of the file; may be given several times."),
)  # fmt: skip

machine_options = together(
    click.option("--machine", default="edge", show_default=True,
                 help="A preset or a machine file."),
    click.option("--bandwidth", metavar="RATE", help="Peak DRAM bandwidth, such as 25.6GB/s."),
    click.option("--macs", metavar="RATE", help="Compute rate, such as 0.5TMAC/s."),
    click.option("--buffer", metavar="SIZE", help="Streaming buffers beside the cache."),
    click.option("--lowering", default="fused", show_default=True,
                 help="eager, fused or concat_free: how layers become kernels."),
    click.option("--schedule", default="layer_by_layer", show_default=True,
                 help="Order of tasks."),
    click.option("--order", default="rows_outer", show_default=True,
                 help="Order inside a kernel: rows_outer, weights_outer, or best of both."),
    click.option("--tile", default="auto", show_default=True,
                 help="auto, or whole for one task per kernel."),
    click.option("--policy", help="Replacement policy of the cache."),
    click.option("--management", help="scratchpad, or hardware: lines that know no lifetimes."),
    click.option("--ways", type=int, help="Lines of a set of a hardware cache; 0: all."),
    click.option("--fetch-on-write/--no-fetch-on-write", default=None,
                 help="Whether a write that misses a hardware cache fetches its line."),
    click.option("--layout", default="nchw", show_default=True,
                 help="nchw or nhwc: feature maps in memory, as a hardware cache sees them."),
    click.option("--allocator", default="caching", show_default=True,
                 help="caching, arena or fresh: who gives feature maps their addresses."),
)  # fmt: skip

simulation_options = together(
    click.option("--cache", metavar="SIZE", help="Cache, such as 2MB, 2MiB, 0."),
    machine_options,
    click.option("--clock", default="replay", show_default=True,
                 help="replay (event by event) or recurrence (the same in closed form)."),
)  # fmt: skip

report_options = together(
    click.option("--format", "format_", metavar="FORMAT", help="table, json, csv or md."),
    click.option("-o", "--output", metavar="FILE", help="Write to a file, not to the terminal."),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A network as a command line names it."""

    name: str
    input_: str | None
    batch: int | None
    dtype: str | None
    variant: str | None
    settings: tuple[str, ...]

    def load(self) -> Network:
        """Read it, and list what of it memsim does not know."""
        return load_network(
            self.name, self.input_, self.batch, self.dtype, self.variant, self.settings
        )


def load_network(
    network: str,
    input_: str | None,
    batch: int | None,
    dtype: str | None,
    variant: str | None,
    settings: tuple[str, ...],
) -> Network:
    """Load one of several networks that share the options."""
    from memsim.formats import load

    loaded = load(
        network,
        input_shape=parse_shape(input_) if input_ is not None else None,
        batch=batch,
        dtype=dtype,
        variant=variant,
        parameters=parse_parameters(settings),
        allow_unknown=allows_unknown(),
    )
    tell_unknown(loaded)
    return loaded


class Delivery:
    """Where a report goes and how it looks; whatever is wrong with that is told at once."""

    def __init__(self, format_: str | None, output: str | None) -> None:
        from memsim.files import check_writable
        from memsim.sheets.formats import FORMATS, format_of

        self.output = output
        self.format = format_ or ("table" if output is None else format_of(output))
        FORMATS[self.format]
        if output is not None:
            check_writable(output)

    def send(self, facts: Any, layers: int | None) -> None:
        """Write the file, or print: on a terminal with colours and its width."""
        from memsim.files import write_text
        from memsim.sheets.formats import render

        if self.output is not None:
            write_text(self.output, render(facts, self.format, layers))
        elif self.format != "table" or not sys.stdout.isatty():
            click.echo(render(facts, self.format, layers), nl=False)
        else:
            from rich.console import Console

            from memsim.sheets.text import print_sheet

            console = Console(highlight=False)
            console.width = min(console.width, 120)
            print_sheet(facts.sheet(layers), console)
