"""Help: the options of a command in sections, by what they say something of."""

from __future__ import annotations

import click

from memsim.simulate.options import RUN_OPTIONS

__all__ = ["section_of", "write_options"]

NETWORK = (
    "input_", "batch", "dtype", "submodule", "allow_unknown", "variant", "settings", "edits",
)  # fmt: skip
MACHINE = (
    "machine", "cache", "bandwidth", "macs", "buffer", "management", "policy", "ways",
    "fetch_on_write", "layout", "allocator", "library", "heap",
)  # fmt: skip
OUTPUT = ("only", "by", "tensors", "layers", "format_", "output", "color", "colour", "size", "dpi")

SECTIONS = {
    "Network": NETWORK,
    "Machine": MACHINE,
    "Program": tuple(name for name in RUN_OPTIONS if name not in MACHINE),
    "Output": OUTPUT,
}


def section_of(parameter: click.Parameter) -> str:
    """The section of an option; what only its command has is in none, and comes first.

    Examples
    --------
    >>> section_of(click.Option(["--ways"])), section_of(click.Option(["--goal"]))
    ('Machine', 'Options')
    """
    named = (title for title, names in SECTIONS.items() if parameter.name in names)
    return next(named, "Options")


def write_options(
    command: click.Command, context: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write the options of a command, section by section, each in the order of the command."""
    told: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *SECTIONS)}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            told[section_of(parameter)].append(record)
    for title, records in told.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
