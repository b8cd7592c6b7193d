"""Request traces: the DRAM request stream as Ramulator 2 and DRAMsim3 read it."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.errors import Problem, SimulationError
from memsim.results.run import Result
from memsim.traces.request_stream import Requests
from memsim.traces.trace_options import TraceOptions, dram_cycle_ps


def ramulator2(result: Result, options: TraceOptions) -> Iterator[bytes]:
    """Ramulator 2's ``LoadStoreTrace``: ``LD 0x40`` or ``ST 0x40``, one burst a line.

    It has no times: that front end sends a request as soon as the memory takes it. Its other
    front end, ``ReadWriteTrace``, reads channel, rank, bank and row instead of addresses; which
    of them an address is, is for Ramulator's own mapper to say.

    Notes
    -----
    Format as in Ramulator 2's ``src/frontend/impl/memory_trace/loadstore_trace.cpp``. Some of
    its versions swap the two (issue 10 of CMU-SAFARI/ramulator2): compare the numbers of reads
    and writes that it reports with :attr:`Result.dram_read_bytes`.
    """
    requests = _bounded(result, options)
    word = {False: "LD", True: "ST"}
    for _, writes, addresses in requests:
        rows = zip(writes.tolist(), addresses.tolist(), strict=True)
        yield "".join([f"{word[write]} 0x{address:x}\n" for write, address in rows]).encode()


def dramsim3(result: Result, options: TraceOptions) -> Iterator[bytes]:
    """DRAMsim3's trace: ``0x40 READ 17``, address, kind and cycle, one burst a line.

    Times are those of the replay, rounded down to cycles; ``cycle_ps`` should be the ``tCK`` of
    DRAMsim3's configuration.

    Notes
    -----
    Format as ``Transaction`` is read in DRAMsim3's ``src/common.cc``.
    """
    requests = _bounded(result, options)
    cycle = options.cycle_ps or dram_cycle_ps(result)
    word = {False: "READ", True: "WRITE"}
    for times, writes, addresses in requests:
        rows = zip(addresses.tolist(), writes.tolist(), (times // cycle).tolist(), strict=True)
        lines = [f"0x{address:x} {word[write]} {count}\n" for address, write, count in rows]
        yield "".join(lines).encode()


def _bounded(result: Result, options: TraceOptions) -> Requests:
    """The requests, if they are not too many.

    A request carries one burst at most, so that of very many it is known before they are listed.
    """
    least = result.dram_bytes // result.machine.dram.burst
    if least > options.most_requests:
        raise _too_many(result, f"at least {least:,}", options)
    requests = Requests.of(result)
    if requests.total > options.most_requests:
        raise _too_many(result, f"{requests.total:,}", options)
    return requests


def _too_many(result: Result, made: str, options: TraceOptions) -> SimulationError:
    message = f"{result.network.name} makes {made} requests, more than {options.most_requests:,}"
    hint = "a larger --limit or cache, a smaller input or batch"
    return SimulationError(Problem(message, hint=hint))
