"""A probed machine as a file: the limits that ``memsim calibrate`` begins with."""

from __future__ import annotations

import json
from collections.abc import Mapping

from memsim.errors import Problem, SimulationError
from memsim.measurement.probe.probe import FAR, Probe, beyond
from memsim.readable import format_bytes_exact, format_time

COMMENT = 32
"""Column at which comments begin, where the value leaves room."""


def check_possible(caches: Mapping[str, int], largest: int) -> None:
    """Find out before anything is timed whether a machine's file will have all numbers.

    Parameters
    ----------
    caches : mapping of str to int
        As in a :class:`Probe`.
    largest : int
        Bytes of the largest footprint.

    Raises
    ------
    SimulationError
        If the sizes of the caches are not known, or no footprint is beyond them.
    """
    least = beyond(caches)
    if least is None:
        hint = "copy memsim/machine/presets/textbook.yaml and write what its data sheet says"
        problem = "this system does not tell the sizes of its caches"
        raise SimulationError(Problem(problem, "--machine-file", hint))
    if largest < least:
        message = f"footprints up to {largest:,} B do not reach beyond the caches"
        hint = f"--max of at least {FAR} x {format_bytes_exact(max(caches.values()))}"
        raise SimulationError(Problem(message, "--machine-file", hint))


def machine_text(probe: Probe, name: str) -> str:
    """The file of a machine whose limits are what a probe has reached.

    Parameters
    ----------
    probe : Probe
    name : str
        The machine's name.

    Returns
    -------
    str
        YAML that :func:`memsim.load_machine` reads. Beside every number stands where it is from.

    Raises
    ------
    SimulationError
        See :func:`check_possible`.
    """
    check_possible(probe.caches, max(each.footprint_bytes for each in probe.bandwidths))
    dram, peak = probe.dram, probe.peak
    assert dram is not None  # that is what was checked
    level, size = list(probe.caches.items())[-1]
    threads = f"{probe.threads} thread{'s' if probe.threads > 1 else ''}"
    cpu = f"{probe.facts.get('cpu', 'this processor')}, {threads}"
    measured = f"measured by memsim probe on {cpu}"
    rate, macs = _rate(dram.high, "B"), _rate(peak.high, "MAC")
    operations = _rate(peak.high, "op")
    overhead = format_time(round(1e12 * probe.call.median_s))
    lines = [
        f"# {cpu}: limits for memsim calibrate --machine.",
        "# Written by memsim probe --machine-file.",
        f"name: {_quoted(name)}",
        f"description: {_quoted(f'{cpu}, fp32')}",
        f"source: {_quoted(_source(probe))}",
        "",
        "cache:",
        _entry(1, "size", str(size), f"{level}, {format_bytes_exact(size)}, as the system says"),
        *_through(probe, measured),
        "",
        _entry(0, "buffer", "512KiB", "assumed, as in every preset of a product"),
        "",
        "dram:",
        _entry(1, "bandwidth", rate, measured),
        *_notes(
            f"{dram.loop} over {format_bytes_exact(dram.footprint_bytes)}, the fastest block,",
            "without the lines that are fetched before they are stored to",
        ),
        _entry(1, "efficiency", "1.0", "the limit: all of what was measured"),
        _entry(1, "latency", "0s", "part of the kernel overhead: times of networks cannot tell"),
        _entry(1, "burst", "64", "bytes, a line; assumed"),
        "",
        "compute:",
        "  macs_per_s:",
        _entry(2, "conv", macs, measured),
        *_notes(f"{peak.size}x{peak.size} matrices, {peak.library}"),
        _entry(2, "depthwise", macs, "the same: no kernel is faster"),
        _entry(2, "linear", macs, "the same"),
        _entry(1, "elementwise_per_s", operations, "assumed: one operation where a MAC could be"),
        _entry(1, "pooling_per_s", operations, "assumed: one element where a MAC could be"),
        _entry(1, "kernel_overhead", "0s", f"the limit; {probe.call.what} took {overhead}"),
        _entry(1, "kernels", "onednn", "PyTorch's on processors"),
        _entry(1, "overlap", "none", "chosen: what a core waits for, it does not hide"),
        *_lanes(probe),
    ]
    return "\n".join(lines) + "\n"


LANES = {"avx": 8, "avx2": 8, "avx512f": 16, "amx_tile": 16, "asimd": 4}
"""fp32 numbers in a vector, by the instructions that a probe names."""


def _through(probe: Probe, measured: str) -> list[str]:
    """What goes through the caches at most: as fast as the first is."""
    first, size = next(iter(probe.caches.items()))
    inside = [each for each in probe.bandwidths if each.footprint_bytes <= size]
    if not inside:
        return []
    fastest = max(inside, key=lambda each: each.high)
    note = f"the limit, {fastest.loop} in {first}, the fastest block"
    return [_entry(1, "bandwidth", _rate(fastest.high, "B"), measured), *_notes(note)]


def _lanes(probe: Probe) -> list[str]:
    lanes = LANES.get(probe.facts.get("vectors", ""))
    if lanes is None:
        return []
    note = "lanes of a vector: output channels are computed in whole vectors"
    return [_entry(1, "channel_tile", str(lanes), note)]


def _source(probe: Probe) -> str:
    date = probe.facts.get("date", "")
    return f"memsim probe{f', {date}' if date else ''}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _entry(depth: int, key: str, value: str, note: str) -> str:
    return f"{'  ' * depth + f'{key}: {value}':<{COMMENT}}  # {note}"


def _notes(*notes: str) -> list[str]:
    """Lines that go on with the comment above."""
    return [f"{'':<{COMMENT}}  # {note}" for note in notes]


def _rate(rate: float, unit: str) -> str:
    """A rate with four digits, rounded up: it is a limit."""
    digits = 10 ** (len(str(int(rate))) - 4)
    return f"{-(-int(rate) // digits) * digits / 1e9:.6g}G{unit}/s"
