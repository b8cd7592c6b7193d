"""The entry point: commands, and how errors are told."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import click

from memsim.cli.boundary import (
    DEBUG,
    INTERRUPTED,
    TERMINATED,
    UNFORESEEN,
    end_at_once,
    end_when_told,
    leave_at_once,
    not_heeded,
    open_streams,
    told,
    wants_traceback,
    while_it_is_read,
)
from memsim.cli.progress import bar_of_stages
from memsim.errors import InputError, Problem, did_you_mean
from memsim.version import __version__

COMMANDS = {
    "run": ("simulation", "DRAM traffic and time of one inference."),
    "explain": ("simulation", "Why it moves what it moves, and what to change."),
    "curve": ("simulation", "DRAM traffic at every cache size at once."),
    "size": ("simulation", "The smallest cache, bandwidth or MAC rate for a goal."),
    "design": ("simulation", "The machines that reach a goal, none beaten by another."),
    "search": ("simulation", "Parameters of a file that make the most of a run's facts."),
    "bounds": ("simulation", "How far from optimal: policies beside lower bounds."),
    "memory": ("simulation", "The memory plan: peak bytes, offsets of feature maps."),
    "describe": ("simulation", "Static facts: shapes, parameters, MACs, CIO, MoC."),
    "compare": ("simulation", "Networks side by side on one machine."),
    "diff": ("simulation", "What changed from one run to another, layer by layer."),
    "sweep": ("simulation", "Any option as an axis: many points, one dataset."),
    "pytorch-traffic": ("simulation", "DRAM traffic of PyTorch on a CPU, by its real kernels."),
    "plot": ("drawing", "Draw a figure: curve, lifetimes, patterns, timeline, ..."),
    "microscope": ("drawing", "The cache task by task: who is evicted by whom."),
    "trace": ("drawing", "The run as a trace for Perfetto or a DRAM simulator."),
    "report": ("drawing", "Networks in the browser, at every cache size."),
    "playground": ("drawing", "A page to edit a block on: links, lives, traffic."),
    "paper": ("drawing", "The HarDNet paper's tables beside our numbers."),
    "import": ("networks", "A network of ONNX, PyTorch or SCALE-Sim as a file of ours."),
    "graph": ("drawing", "Draw the graph of layers, or export it."),
    "measure": ("reality", "Run a network in PyTorch; time it and every kernel."),
    "probe": ("reality", "Bandwidth and peak rate of this machine."),
    "calibrate": ("reality", "Fit a machine to measured times."),
    "fidelity": ("reality", "Every comparison with what was measured, in one report."),
    "rules": ("reality", "What rules the time of a machine: MACs, CIO or traffic."),
    "expand": ("networks", "Print a network flat, every layer on its line."),
    "check": ("networks", "Validate networks; keep them to budgets."),
    "schema": ("networks", "Print the JSON Schema of architecture files."),
    "list": ("networks", "What there is to choose from: networks, policies, ..."),
    "machines": ("reality", "List the machines that ship with memsim, or show one."),
}
"""Each command, in the order of ``memsim --help``: its room and its line of help.

The command ``name`` of a room lies in ``memsim/cli/<room>/<name>.py``, with ``_`` for ``-``.
"""


class Commands(click.Group):
    """Commands that are imported on use, so that ``memsim --help`` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        room, _ = COMMANDS[name]
        module = import_module(f"memsim.cli.{room}.{name.replace('-', '_')}")
        from memsim.cli.help import write_options

        command: click.Command = module.command
        command.format_options = partial(write_options, command)  # type: ignore[method-assign]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS)
            raise InputError(Problem(f"unknown command {args[0]!r}", hint=hint))
        return super().resolve_command(ctx, args)

    def make_context(self, *words: Any, **more: Any) -> click.Context:
        with while_it_is_read():  # the help of all
            return super().make_context(*words, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with while_it_is_read():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])


WIDEST = 120
"""Columns that help takes of a wide terminal."""

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": WIDEST}


@click.command(cls=Commands, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="memsim")
@click.option(DEBUG, is_flag=True, help="Let what was not foreseen end with its traceback.")
def cli(debug: bool) -> None:
    """How many bytes a convolutional network moves to and from DRAM, and how long it takes.

    \b
    memsim run hardnet68 --cache 2MB
    memsim describe densenet121
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 cannot be simulated, 2 wrong usage or input."""
    # A process of one command leaves hardly any cycles; to look for them took 5 to 10 % of its time
    # and more at its end, where what is frozen is not looked at.
    gc.set_threshold(1_000_000, 20, 20)
    # Models here need no plugins of pydantic, which it looks for in every installed distribution.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        open_streams()
        end_when_told()
        code = run(args, interrupted=leave_at_once)
        end_at_once()
    except KeyboardInterrupt as error:  # before the command has begun, or when it was done
        leave_at_once(told(error)[1])
    gc.freeze()
    sys.exit(code)


def run(
    args: Sequence[str] | None = None, interrupted: Callable[[int], object] = lambda code: None
) -> int:
    """Run the command line; return the exit code. Errors go to standard error.

    ``interrupted`` gets the exit code when Ctrl-C or SIGTERM has ended the command, whose memory is
    still held.
    """
    words = sys.argv[1:] if args is None else list(args)
    try:
        with bar_of_stages():
            result = cli.main(words, prog_name="memsim", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        if why := not_heeded(error):
            click.echo(f"memsim: {why}", err=True)
        else:
            error.show()
        return 2
    except (Exception, KeyboardInterrupt) as error:
        lines, code = told(error)
        if code == UNFORESEEN and wants_traceback(words):
            raise
        for line in lines:
            click.echo(f"memsim: {line}", err=True)
        if code in (INTERRUPTED, TERMINATED):
            interrupted(code)
        return code
