"""The front page: all networks of a gallery at a cache size that the reader moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from memsim.page.gallery.exhibit import Exhibit, stops
from memsim.page.looks import looks
from memsim.page.network_facts import labels
from memsim.page.template import PACKAGE, asset, filled, links
from memsim.readable import format_bytes_exact
from memsim.results.curve import CurveResult
from memsim.results.sheets.configuration import configuration

GALLERY = "memsim.page.gallery"

PARTS = (
    *((PACKAGE, part) for part in ("unpack", "units", "search", "varints", "entered")),
    *((GALLERY, part) for part in ("data", "table", "main")),
)
"""The parts of the program, in order: first what the report has as well."""


def front_page(exhibits: Sequence[Exhibit], first: CurveResult, beside: Mapping[str, str]) -> str:
    """Build the page.

    Parameters
    ----------
    exhibits : sequence of Exhibit
    first : CurveResult
        That of the first of them, which tells the machine and the options of all.
    beside : mapping of str to str
        Addresses of the pages that it has links to, by what they are called.

    Returns
    -------
    str
        HTML that reads the curves beside it, where a size between the slider's is typed, and
        nothing else.
    """
    machine = first.machine
    sizes = list(first.sampled) or stops(exhibits, machine.cache_bytes)
    names = labels([each.name for each in exhibits])
    facts = {
        "machine": machine.name,
        "own": machine.cache_bytes,
        "sampled": list(first.sampled),
        "only": None if first.only is None else first.only.value,
        "stops": sizes,
        "networks": [
            {"label": label, "file": each.file, **each.facts, **each.at(sizes)}
            for label, each in zip(names, exhibits, strict=True)
        ],
    }
    told = (
        ("machine", machine.name),
        ("own cache", format_bytes_exact(machine.cache_bytes)),
        *configuration(first.program, machine, size=False),
    )
    exact = "exact at every size"
    if first.sampled:
        exact = "exact at powers of two; between two of them that of the smaller one is shown"
    count = f"{len(names)} network{'' if len(names) == 1 else 's'}"
    parts = {
        "title": escape(f"{count} on {machine.name}"),
        "heading": f"{count} on <span class='name'>{escape(machine.name)}</span>",
        "lead": "How many bytes each moves between DRAM and the chip in one inference, for "
        f"whatever cache you give it: {exact}. A name opens the network’s own page: layer by "
        "layer, by cause, with times.",
        "beside": links(beside),
        "configuration": "".join(
            f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in told
        ),
    }
    style = _colours() + asset(GALLERY, "gallery.css")
    template = asset(GALLERY, "gallery.html")
    return filled(template, parts, facts, PARTS, style=style, loads=True)


def _colours() -> str:
    """Those of weights and feature maps, as in every figure."""
    found = {look["name"]: look for look in looks([])["role"]}
    pair = {"weights": found["weight"], "maps": found["activation"]}
    return "".join(
        f"{root} {{ " + " ".join(f"--{name}: {look[on]};" for name, look in pair.items()) + " }\n"
        for root, on in ((":root", "light"), (':root[data-theme="dark"]', "dark"))
    )
