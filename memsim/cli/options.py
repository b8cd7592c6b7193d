"""Options that several commands share, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from memsim.cli.completion import complete, of_option
from memsim.cli.effort import force_option, told_before
from memsim.cli.once import once
from memsim.cli.sizes import TAKE_MANY, checked, command_name, one_size, several, sizes_in
from memsim.errors import InputError, Problem
from memsim.formats.foreign.allowance import may_hold_unknown, refuse_allowance
from memsim.simulate.heed import heeded
from memsim.simulate.options import RUN_OPTIONS, Option

if TYPE_CHECKING:
    from memsim.machine import Machine
    from memsim.network.graph import Network

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def together(*options: Decorator) -> Decorator:
    """Several options as one decorator, in the order given."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def parse_inputs(texts: tuple[str, ...]) -> str | dict[str, str] | None:
    """``("image=3x224x224",)`` -> ``{"image": "3x224x224"}``, ``("3x224x224",)`` -> the text.

    Raises
    ------
    InputError
        If one is no size, or it is not clear which input each is for.
    """
    from memsim.network.inputs import size_of

    sizes: dict[str, str] = {}
    for text in texts:
        name, _, size = text.rpartition("=")
        size_of(size, "--input")
        if name in sizes and name:
            message = f"{name} is given two sizes, {sizes[name]} and {size}"
            raise InputError(Problem(message, path="--input"))
        if "" in sizes or (sizes and not name):
            message = f"of several sizes each needs the name of its input, not {text!r} alone"
            raise InputError(Problem(message, path="--input", hint="such as image=3x224x224"))
        sizes[name] = size
    return sizes.get("", sizes) or None


def parse_layers(text: str) -> int | None:
    """``10`` -> 10, ``all`` -> None."""
    if text == "all":
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise InputError(Problem(f"{text!r} is neither a number nor 'all'", path="--layers"))
    return int(text)


def parse_sizes(text: str) -> list[str]:
    """``512KiB,2MiB`` -> the two sizes, which the verb reads.

    >>> parse_sizes("512KiB, 2MiB"), parse_sizes("")
    (['512KiB', ' 2MiB'], [])
    """
    return [size for size in text.split(",") if size.strip()]


def parse_parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """``("growth=14",)`` -> ``{"growth": 14}``; values are read as in a file."""
    from memsim.yaml.text import resolve

    values: dict[str, Any] = {}
    shown: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            message = f"{pair!r} sets nothing; expected NAME=VALUE"
            raise InputError(Problem(message, path="--set", hint="such as growth=14"))
        if name in values:
            message = f"{name} is set twice, to {shown[name]!r} and to {text!r}"
            raise InputError(Problem(message, path="--set"))
        shown[name] = text
        values[name] = resolve(text)
    return values


CACHES = "Cache, such as 2MB, 2MiB, 0; several as 1MiB,2MiB or 64KiB:8MiB:log2."

LOADING = ("input_", "batch", "dtype", "submodule", "variant", "settings", "edits")
"""What a command is told about how to load a network."""

ALLOW_UNKNOWN = "memsim.allow_unknown"


def _remember(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Keep --allow-unknown for :meth:`Chosen.load`: commands have no use for it."""
    context.meta[ALLOW_UNKNOWN] = value


def allows_unknown() -> bool:
    """Whether the command was given --allow-unknown."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(ALLOW_UNKNOWN))


def tell_notes(network: Network) -> None:
    """List on standard error what memsim does not know of a network, and what it leaves out."""
    if any(layer.op.kind == "opaque" for layer in network):
        from memsim.formats.foreign.unknown import unknown_operators

        for problem in unknown_operators(network):
            click.echo(f"memsim: note: {problem}", err=True)
    if network.left_out:
        from memsim.results.sheets.description import left_out_words

        click.echo(f"memsim: note: left out: {left_out_words(network.left_out)}", err=True)


def as_click(name: str, option: Option) -> Decorator:
    """An option of simulations as an option of a command; None where it is left out.

    What holds then is told as click tells it, but decided by the verb.
    """
    flag = f"--{name.replace('_', '-')}"
    default = f"  [default: {option.default}]" if option.default else ""
    if option.kind is bool:
        flag = f"{flag}/{flag.replace('--', '--no-')}"
        return once(flag, default=None, help=option.help + default)
    if option.kind is tuple:
        return click.option(flag, multiple=True, metavar=option.metavar, help=option.help)
    return once(
        flag,
        type=option.kind,
        metavar=option.metavar or None,
        help=option.help + default,
        shell_complete=of_option(name),
    )


def options_of(verb: str, many: bool = False, hint: str = TAKE_MANY) -> Decorator:
    """The options that a verb heeds; the command gets those that were given.

    Parameters
    ----------
    verb : str
        A line of :data:`memsim.simulate.heed.VERBS`.
    many : bool
        Whether it may be asked at several cache sizes: ``cache`` is then a list of them.
    hint : str
        Where it may not: what takes several.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(*positional: Any, force: bool, **values: Any) -> Any:
            chosen = {
                k: v for k, v in values.items() if k not in RUN_OPTIONS or v not in (None, ())
            }
            if "cache" in chosen and several(chosen["cache"]):
                if not many:
                    one_size(chosen["cache"], command_name(), hint)
                sizes = sizes_in(chosen["cache"])
                chosen["cache"] = sizes if len(sizes) > 1 else sizes[0]
                checked(chosen)
            with told_before(force):
                return function(*positional, **chosen)

        table = {name: RUN_OPTIONS[name] for name in heeded(verb)}
        if many:
            table["cache"] = replace(table["cache"], metavar="SIZE", help=CACHES)
        options = [as_click(name, option) for name, option in table.items()]
        return together(*options, force_option)(command)

    return decorate


input_options = together(
    click.option("--input", "input_", multiple=True, metavar="[NAME=]SIZE",
                 help="Input size without the batch, such as 3x1024x2048; of several inputs "
                      "NAME=SIZE for each."),
    once("--batch", type=int, help="Images per inference."),
    once("--dtype", help="fp32, fp16, bf16 or int8.", shell_complete=of_option("dtype")),
    once("--submodule", metavar="NAME",
         help="The part of a PyTorch module to look at, such as backbone."),
    once("--allow-unknown", is_flag=True, expose_value=False, callback=_remember,
                 help="Accept operators that memsim does not know; their MACs do not count."),
)  # fmt: skip

file_options = together(
    once("--variant", help="A variant that the file names, such as v1.5."),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                 help="A parameter of the file; may be given several times."),
    click.option("--edit", "edits", multiple=True, metavar="KIND=WHERE",
                 help="Another network: drop=LAYER..READER, halve=STAGE or weights=DTYPE."),
)  # fmt: skip


only_option = once(
    "--only",
    metavar="PART",
    help="feature-maps or weights: the traffic of these alone.",
    shell_complete=of_option("only"),
)
"""Of commands that tell traffic."""


def layers_option(default: str, told: str = "Rows.") -> Decorator:
    """How many rows a long table has; the command gets a number, or None for all."""
    return once(
        "--layers",
        default=default,
        show_default=True,
        metavar="N|all",
        help=told,
        callback=lambda context, option, text: parse_layers(text),
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """A network as a command line names it.

    A command loads it when all that can be wrong with its other options has been told.
    """

    name: str
    input_: tuple[str, ...] = ()
    batch: int | None = None
    dtype: str | None = None
    submodule: str | None = None
    variant: str | None = None
    settings: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()

    @property
    def said(self) -> dict[str, object]:
        """How it is to be loaded, as far as the command line says."""
        named = {name: getattr(self, name) for name in LOADING}
        return {name: value for name, value in named.items() if value not in (None, ())}

    @property
    def how(self) -> dict[str, Any]:
        """The same as :func:`memsim.load` takes it."""
        return {
            "input_shape": parse_inputs(self.input_),
            "batch": self.batch,
            "dtype": self.dtype,
            "submodule": self.submodule,
            "variant": self.variant,
            "parameters": parse_parameters(self.settings),
            "edits": self.edits,
            "allow_unknown": allows_unknown() and may_hold_unknown(self.name),
        }

    @property
    def how_said(self) -> dict[str, Any]:
        """What of it the command line says."""
        return {name: value for name, value in self.how.items() if value}

    def load(self) -> Network:
        """Read it, and list what of it memsim does not know."""
        from memsim.formats.library import is_module
        from memsim.network.inputs import told
        from memsim.simulate.source import load_on

        loaded = load_on(_machine_of_the_command(), self.name, **self.how)
        tell_notes(loaded)
        if is_module(self.name) and not self.input_:
            size = told(loaded[loaded.inputs[0]].output.image)
            click.echo(f"memsim: note: no --input is given, and {size} is assumed", err=True)
        return loaded


def _machine_of_the_command() -> Machine | None:
    """The machine on which the command runs networks; None where it has none."""
    context = click.get_current_context(silent=True)
    if context is None or "machine" not in context.params:
        return None
    from memsim.machine import DEFAULT_MACHINE
    from memsim.simulate.preparation import machine_of

    named = context.params["machine"]
    return machine_of(DEFAULT_MACHINE if named is None else named)


def network_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument NETWORK and its options; the command gets one ``network`` to load."""

    @wraps(function)
    def command(network: str, **values: Any) -> Any:
        (chosen,) = _choose([network], values)
        return function(network=chosen, **values)

    return together(
        click.argument("network", shell_complete=complete("networks")), input_options, file_options
    )(command)


def networks_options(
    *, required: bool = True, files: bool = False, all_with: str = ""
) -> Decorator:
    """The argument NETWORKS and the options that all share; the command gets a list to load.

    Parameters
    ----------
    required : bool
        Whether one at least is to be named.
    files : bool
        Whether options of architecture files are among them.
    all_with : str
        The command's flag with which all that ship are meant where none is named.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(*positional: Any, networks: tuple[str, ...], **values: Any) -> Any:
            if not networks and values.get(all_with):
                from memsim.formats.shipped import names

                networks = tuple(entry.name for entry in names())
            chosen = _choose(networks, values)
            return function(*positional, networks=chosen, **values)

        metavar = "NETWORK..." if required else "[NETWORK]..."
        argument = click.argument(
            "networks",
            nargs=-1,
            required=required,
            metavar=metavar,
            shell_complete=complete("networks"),
        )
        parts: list[Decorator] = [argument, input_options, *([file_options] if files else [])]
        return together(*parts)(command)

    return decorate


def _choose(names: Iterable[str], values: dict[str, Any]) -> list[Chosen]:
    """Networks with the options that say how to load them, which are taken out of the others."""
    names = list(names)
    if allows_unknown() and names and not any(map(may_hold_unknown, names)):
        refuse_allowance(names[0])
    how = {name: values.pop(name) for name in LOADING if name in values}
    return [Chosen(name, **how) for name in names]
