"""``memsim trace``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.completion import complete
from memsim.cli.once import once
from memsim.cli.options import Chosen, network_options, options_of
from memsim.cli.output import check_agreed, output_option
from memsim.errors import InputError, Problem
from memsim.simulate.heed import refuse
from memsim.simulate.options import RunOptions


@click.command("trace")
@network_options
@options_of("trace")
@once(
    "-f",
    "--format",
    "format_",
    help="perfetto, ramulator2, dramsim3 or csv.  [default: as -o ends, or perfetto]",
    shell_complete=complete("traces"),
)
@output_option()
@once("--cycle", metavar="TIME",
              help="A cycle, in dramsim3 (a quarter of a burst) and csv (1ns).")  # fmt: skip
@once("--limit", type=click.IntRange(1), metavar="N",
              help="Most requests in ramulator2 and dramsim3 (20000000).")  # fmt: skip
def command(
    network: Chosen,
    format_: str | None,
    output: str | None,
    cycle: str | None,
    limit: int | None,
    **options: Unpack[RunOptions],
) -> None:
    """Write the run of NETWORK as a trace.

    \b
    perfetto    events for ui.perfetto.dev: DRAM, DMA, compute, memory, flows
    ramulator2  DRAM requests for Ramulator 2's LoadStoreTrace
    dramsim3    DRAM requests with cycles for DRAMsim3
    csv         a row per layer with SCALE-Sim's columns

    \b
    memsim trace hardnet68 --cache 2MB -o t.json
    memsim trace hardnet68 -f dramsim3 --cycle 0.625ns -o t.trace
    """
    from memsim.files import check_writable
    from memsim.traces import FORMATS, HEEDS, OF_REQUESTS, TraceOptions, refuse_idle, write_trace
    from memsim.traces.trace_options import MOST_REQUESTS

    named, format_ = format_, _of_ending(output) if format_ is None else format_
    write = FORMATS[format_]
    if output is not None:
        both = {".trace": format_ if format_ in OF_REQUESTS else "requests"}
        check_agreed(named, output, {**ENDINGS, **both})
        check_writable(output)
    form = TraceOptions(_cycle(cycle), MOST_REQUESTS if limit is None else limit)
    refuse_idle(format_, HEEDS[format_], form)
    refuse(verb := _verb(format_), options)
    loaded = network.load()
    from memsim.simulate.verbs import run_as

    result = run_as(verb, loaded, **options)
    if output is not None:
        write_trace(result, output, format_, form)
        return
    for chunk in write(result, form):
        click.echo(chunk, nl=False)


def _verb(format_: str) -> str:
    """The line of :data:`memsim.simulate.heed.VERBS` for a format."""
    from memsim.traces import OF_REQUESTS, TIMELESS

    requests = " of requests" if format_ in OF_REQUESTS else ""
    return f"trace{requests}{' without times' if format_ in TIMELESS else ''}"


ENDINGS = {".json": "perfetto", ".csv": "csv", ".trace": ""}
"""The format that an ending stands for; of requests there are two, and both have one ending."""


def _of_ending(output: str | None) -> str:
    from memsim.files import ending_of

    ending = ending_of(output or "", ENDINGS, "no trace has the ending")
    if ending and not ENDINGS[ending]:
        message = f"a {ending} file holds requests for one DRAM simulator or another"
        hint = "-f ramulator2 or -f dramsim3"
        raise InputError(Problem(message, file=output or "", hint=hint))
    return ENDINGS[ending] if ending else "perfetto"


def _cycle(text: str | None) -> int | None:
    """A cycle's picoseconds."""
    from memsim.units import parse_duration

    if text is None:
        return None
    picoseconds = parse_duration(text)
    if not picoseconds:
        raise InputError(Problem("a cycle takes some time", path="--cycle", hint="such as 0.625ns"))
    return picoseconds
