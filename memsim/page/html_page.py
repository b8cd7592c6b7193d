"""The HTML page: facts, style and program in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import Any

import numpy as np

from memsim.errors import InputError, Problem
from memsim.explanations.explanation import Explanation
from memsim.machine import Machine
from memsim.page.latency import latency
from memsim.page.looks import looks
from memsim.page.network_facts import labels, network_facts
from memsim.page.template import PACKAGE, asset, filled, links
from memsim.page.why import why
from memsim.program.kernel import Cause, Role
from memsim.program.tiling import ORDERS
from memsim.readable import format_bytes_exact
from memsim.results.curve import CurveResult
from memsim.results.sheets.accuracy import accuracies
from memsim.results.sheets.configuration import configuration

SCRIPTS = tuple(
    (PACKAGE, part)
    for part in (
        "unpack", "facts", "units", "search", "varints", "curve", "state", "page", "chart",
        "pointer", "download", "theme", "entered", "address", "variants", "controls", "numbers",
        "plots", "traffic", "blocks", "graph", "layers", "lives", "latency", "main",
    )
)  # fmt: skip
"""The parts of the program, in order; each may use what those before it define."""

COUNTED = (
    "One inference of the whole batch from a cold cache.",
    "A task reads each of its blocks once, streamed through buffers beside the cache.",
)
"""What the numbers are of."""

NOT_COUNTED = (
    "Not counted: instructions and the host; DRAM refresh, bank and row conflicts; padding and "
    "layout changes of real kernels."
)


def page(
    results: Sequence[CurveResult],
    explanations: Sequence[Explanation] = (),
    others: Sequence[Sequence[CurveResult]] = (),
    beside: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Build a page that answers for every cache size.

    Parameters
    ----------
    results : sequence of CurveResult
        Networks on one machine, in the order in which the page shows them.
    explanations : sequence of Explanation
        Of the same networks, where the page is to tell why, and what to change.
    others : sequence of sequences of CurveResult, optional
        The same networks in other lowerings and data types, between which the page switches.
    beside : mapping of str to str, optional
        Addresses of the pages that it has links to, by what they are called; the links keep the
        cache that is set.

    Returns
    -------
    str
        HTML that needs no other file and no network. The same results give the same text.

    Raises
    ------
    InputError
        If there is no network, if one comes in several task orders (``best`` picks one per
        cache size) or in several frames.

    Examples
    --------
    >>> import memsim
    >>> text = page([memsim.curve("resnet18")])  # doctest: +SKIP
    >>> text[:15]  # doctest: +SKIP
    '<!DOCTYPE html>'
    """
    if not results:
        raise InputError("there is no network to report on")
    everything = [result for each in (results, *others) for result in each]
    if any(len(result.programs) > 1 for result in everything):
        hint = f"choose one of {', '.join(ORDERS)}"
        raise InputError(Problem("a report shows programs of one task order", hint=hint))
    if any(result.program.frames > 1 for result in everything):
        raise InputError(
            Problem("a report is of one inference", path="frames", hint="leave it out")
        )
    machine = results[0].machine
    names = labels([result.program.network.name for result in results])
    parts = {
        "title": escape(f"{', '.join(names)} on {machine.name}"),
        "heading": heading(names),
        "beside": links(beside),
        "lead": _lead(names, machine, sampled=bool(results[0].sampled)),
        "configuration": "".join(
            f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>"
            for label, text in _configuration(results, names)
        ),
        "why": why(explanations, names),
        "notes": "".join(
            f"<li>{escape(note)}</li>"
            for note in (*COUNTED, _found(results[0].sampled), NOT_COUNTED)
        ),
    }
    facts = {
        **_facts(results, names, machine),
        "variants": [_variant(each) for each in (results, *others)],
    }
    more = [
        {**_facts(each, names, machine), "configuration": _configuration(each, names)}
        for each in others
    ]
    return filled(asset(PACKAGE, "page.html"), parts, facts, SCRIPTS, more)


def _variant(results: Sequence[CurveResult]) -> dict[str, str]:
    """What a variant is named by."""
    programs = [result.program for result in results]
    told = {
        "lowering": [str(program.options["lowering"]) for program in programs],
        "dtype": [program.network.dtype for program in programs],
    }
    return {name: " and ".join(dict.fromkeys(texts)) for name, texts in told.items()}


def _facts(results: Sequence[CurveResult], names: list[str], machine: Machine) -> dict[str, Any]:
    return {
        "networks": [network_facts(r, name) for r, name in zip(results, names, strict=True)],
        "latency": latency(results),
        "looks": looks(names),
        "roles": [role.name.lower() for role in Role],
        "causes": [cause.name.lower() for cause in Cause],
        "machine": {"name": machine.name, "cache": machine.cache_bytes},
        "only": None if results[0].only is None else results[0].only.value,
        "sampled": list(results[0].sampled),
        "slider": _slider(results, machine),
    }


def _slider(results: Sequence[CurveResult], machine: Machine) -> list[int]:
    """The smallest and the largest cache in bytes that the page's slider can be set to.

    It begins at a power of ten below the first size that saves a thousandth of what can be saved,
    and ends above the last step of all curves and the machine's own cache.
    """
    starts, ends = [], []
    for result in results:
        total, sizes = result.steps.dram_bytes, result.steps.cache_bytes
        fallen = np.flatnonzero(total[0] - total > (total[0] - total[-1]) // 1000)
        starts.append(int(sizes[fallen[0]]) if len(fallen) else 1000)
        ends.append(int(sizes[-1]))
    own = machine.cache_bytes
    low, high = min([*starts, own or starts[0]]), max([*ends, own, 1000]) * 6 // 5
    unit = 10 ** (len(str(high)) - 2)
    return [int(10 ** (len(str(max(low, 10))) - 1)), -(-high // unit) * unit]


def heading(names: list[str]) -> str:
    """Names as HTML: ``a, b and c``."""
    marked = [f"<span class='name'>{escape(name)}</span>" for name in names]
    return " <span class='versus'>and</span> ".join(
        [", ".join(marked[:-1]), marked[-1]] if len(marked) > 1 else marked
    )


def _found(sampled: Sequence[int]) -> str:
    """How the traffic of the page was found."""
    if not sampled:
        return (
            "Replacement is LRU. Its traffic is exact at every cache size: one pass over the "
            "program finds, for each block access, the smallest cache in which it hits."
        )
    first, last = format_bytes_exact(sampled[0]), format_bytes_exact(sampled[-1])
    return (
        f"Replacement is LRU in each set of the cache. Traffic was simulated at {len(sampled)} "
        f"sizes, {first} to {last}, and is exact there; at a size between two of them the page "
        "shows the numbers of the smaller one, and says so."
    )


def _lead(names: list[str], machine: Machine, *, sampled: bool) -> str:
    whose = "this network moves" if len(names) == 1 else "these networks move"
    exact = "exact at every cache size."
    if sampled:
        exact = "exact at powers of two; between two of them that of the smaller one is shown."
    return escape(
        f"How many bytes {whose} between DRAM and the chip in one inference on the machine "
        f"“{machine.name}”, for whatever cache you give it, and what for. Move the sliders: "
        f"every traffic number on this page is {exact}"
    )


def _configuration(results: Sequence[CurveResult], names: list[str]) -> list[tuple[str, str]]:
    result = results[0]
    own = format_bytes_exact(result.machine.cache_bytes)
    known = [
        (name, each.accuracy(each.machine.cache_bytes))
        for name, each in zip(names, results, strict=True)
    ]
    return [
        ("machine", result.machine.name),
        ("own cache", own),
        *configuration(result.program, result.machine, size=False),
        *accuracies(known, result.machine.name),
    ]
