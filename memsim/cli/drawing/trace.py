"""``memsim trace``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, network_options, options_of
from memsim.errors import InputError, Problem
from memsim.simulate.heed import refuse
from memsim.simulate.options import RunOptions


@click.command("trace")
@network_options
@options_of("trace")
@once("-f", "--format", "format_", default="perfetto", show_default=True,
              help="perfetto, ramulator2, dramsim3 or csv.")  # fmt: skip
@once("-o", "--output", metavar="FILE", help="Write to a file, not to the terminal.")
@once("--cycle", metavar="TIME",
              help="A cycle, in dramsim3 (a quarter of a burst) and csv (1ns).")  # fmt: skip
@once("--limit", type=click.IntRange(1), metavar="N",
              help="Most requests in ramulator2 and dramsim3 (20000000).")  # fmt: skip
def command(
    network: Chosen,
    format_: str,
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
    from memsim.traces import FORMATS, HEEDS, TIMELESS, TraceOptions, refuse_idle, write_trace
    from memsim.traces.trace_options import MOST_REQUESTS

    write = FORMATS[format_]
    if output is not None:
        check_writable(output)
    form = TraceOptions(_cycle(cycle), MOST_REQUESTS if limit is None else limit)
    refuse_idle(format_, HEEDS[format_], form)
    if format_ in TIMELESS:
        refuse("trace without times", options)
    loaded = network.load()
    from memsim.simulate import run

    result = run(loaded, **options)
    if output is not None:
        write_trace(result, output, format_, form)
        return
    for chunk in write(result, form):
        click.echo(chunk, nl=False)


def _cycle(text: str | None) -> int | None:
    """A cycle's picoseconds."""
    from memsim.units import parse_duration

    if text is None:
        return None
    picoseconds = parse_duration(text)
    if not picoseconds:
        raise InputError(Problem("a cycle takes some time", path="--cycle", hint="such as 0.625ns"))
    return picoseconds
