"""The page of the microscope: facts, style and program in one file, and no library."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from typing import Any

import numpy as np

from memsim.network.stages import stages
from memsim.page.template import PACKAGE as REPORT
from memsim.page.template import asset, joined, links, packed, policy, replaced
from memsim.page.varints import deltas, varints
from memsim.readable import format_bytes_exact
from memsim.results.moments.microscope import Microscope
from memsim.results.sheets.accuracy import accuracy
from memsim.results.sheets.configuration import configuration
from memsim.results.sheets.microscope import NAMES

PACKAGE = "memsim.page.microscope"

SCRIPTS = (
    *((REPORT, part) for part in ("unpack", "varints", "entered")),
    *((PACKAGE, part) for part in (
        "facts", "cache", "state", "arcs", "strips", "lives", "traffic", "main",
    )),
)  # fmt: skip
"""The parts of the program, in order; each may use what those before it define."""

MOST_STEPS = 2000
"""Programs of more tasks are shown kernel by kernel."""


def microscope_page(seen: Microscope, beside: Mapping[str, str] = MappingProxyType({})) -> str:
    """Make a page that plays what a cache holds, task by task.

    Parameters
    ----------
    seen : Microscope
    beside : mapping of str to str, optional
        Addresses of the pages that it has links to, by what they are called.

    Returns
    -------
    str
        HTML that needs no other file and no network. The same facts give the same text.

    Examples
    --------
    >>> import memsim
    >>> seen = memsim.microscope("patterns/harmonic", cache="128KiB", machine="textbook")
    >>> len(microscope_page(seen)) < 100_000
    True
    """
    program, machine = seen.program, seen.result.machine
    told = (
        ("machine", machine.name),
        *((label, text.replace(f", {machine.cache.policy}", ""))
          for label, text in configuration(program, machine)),
        ("accuracy", accuracy(seen.result.accuracy, machine.name)),
    )  # fmt: skip
    script = joined(SCRIPTS)
    parts = {
        "title": escape(f"{program.network.name} under the microscope"),
        "name": escape(program.network.name),
        "size": escape(format_bytes_exact(machine.cache_bytes)),
        "machine": escape(machine.name),
        "configuration": "".join(
            f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in told
        ),
        "beside": links(beside),
        "policy": policy(script),
        "style": asset(PACKAGE, "microscope.css"),
        "facts": packed(page_facts(seen)),
        "program": script,
    }
    return replaced(asset(PACKAGE, "microscope.html"), parts)


def page_facts(seen: Microscope, most_steps: int = MOST_STEPS) -> dict[str, Any]:
    """What the page's program reads: plain JSON values, columns as varints.

    Parameters
    ----------
    seen : Microscope
    most_steps : int
        Tasks up to which each is a step of its own.
    """
    program = seen.program
    by_kernel = program.tasks > most_steps
    kernel = program.task_kernel.astype(np.int64)
    step = kernel if by_kernel else np.arange(program.tasks)
    if by_kernel:  # kernels whose tasks alternate are one step each time that one runs
        step = np.concatenate([[0], np.cumsum(np.diff(kernel) != 0)])
    last = np.flatnonzero(np.diff(step, append=-1))
    kinds = list(dict.fromkeys(tensor.kind for tensor in program.tensors))
    return {
        "name": program.network.name,
        "capacity": seen.result.machine.cache_bytes,
        "by": "kernel" if by_kernel else "task",
        "kernels": [each.name for each in program.kernels],
        "stages": [list(stage) for stage in stages([each.name for each in program.kernels])],
        "step_kernel": varints(kernel[last]),
        "tensors": [tensor.name for tensor in program.tensors],
        "bytes": varints([tensor.nbytes for tensor in program.tensors]),
        "kinds": kinds,
        "kind": varints([kinds.index(tensor.kind) for tensor in program.tensors]),
        "writer": varints([writer + 1 for writer in seen.writer]),
        "readers": [list(readers) for readers in seen.readers],
        "policies": [
            {
                "name": policy,
                "label": NAMES[policy],
                "end": deltas(
                    np.maximum.accumulate(seen.results[policy].timeline.compute_end[last])
                ),
                "time": seen.results[policy].time_ps,
                "step": deltas(rows.task),
                "what": varints(rows.what),
                "tensor": varints(rows.tensor),
                "by": varints(rows.by + 1),
                "again": varints(rows.again + 1),
                "blocks": varints(rows.blocks),
                "bytes": varints(rows.nbytes),
            }
            for policy, found in seen.seen.items()
            for rows in [found.folded(step)]
        ],
    }
