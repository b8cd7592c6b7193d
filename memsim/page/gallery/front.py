"""The front page: all networks of a gallery at a cache size that the reader moves."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files

from memsim.page.gallery.exhibit import Exhibit, stops
from memsim.page.looks import looks
from memsim.page.network_facts import labels
from memsim.readable import format_bytes_exact
from memsim.results.curve import CurveResult
from memsim.results.sheets.configuration import configuration

SCRIPTS = ("data", "table", "main")
"""The parts of the program, in order, after the report's units."""


def front_page(exhibits: Sequence[Exhibit], first: CurveResult) -> str:
    """Build the page.

    Parameters
    ----------
    exhibits : sequence of Exhibit
    first : CurveResult
        That of the first of them, which tells the machine and the options of all.

    Returns
    -------
    str
        HTML that reads the curves beside it, where a size between the slider's is typed, and
        nothing else.
    """
    machine = first.machine
    sizes = stops(exhibits, machine.cache_bytes)
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
    script = _program()
    parts = {
        "policy": _policy(script),
        "style": _read("memsim.page", "page.css") + _colours() + _read(__package__, "gallery.css"),
        "title": escape(f"{len(names)} networks on {machine.name}"),
        "count": str(len(names)),
        "networks": "network" if len(names) == 1 else "networks",
        "machine": escape(machine.name),
        "exact": "exact at powers of two; between two of them that of the smaller one is shown"
        if first.sampled
        else "exact at every size",
        "configuration": "".join(
            f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in told
        ),
        "facts": _json(facts),
        "program": script,
    }
    text = _read(__package__, "gallery.html")
    return re.sub(r"\{\{(\w+)\}\}", lambda field: parts[field[1]], text)


def _colours() -> str:
    """Those of weights and feature maps, as in every figure."""
    found = {look["name"]: look for look in looks([])["role"]}
    pair = {"weights": found["weight"], "maps": found["activation"]}
    return "".join(
        f"{root} {{ " + " ".join(f"--{name}: {look[on]};" for name, look in pair.items()) + " }\n"
        for root, on in ((":root", "light"), (':root[data-theme="dark"]', "dark"))
    )


def _policy(script: str) -> str:
    """What the browser may do: run this very script, which may load others, and fetch nothing."""
    digest = b64encode(sha256(script.encode("utf-8")).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}' 'strict-dynamic'; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _program() -> str:
    """The page's JavaScript: all of its parts in one function, so that no name leaves them."""
    parts = [("memsim.page", "units"), *((__package__, part) for part in SCRIPTS)]
    body = "".join(_read(package, f"{part}.js") for package, part in parts)
    return f'"use strict";\n(() => {{\n{body}}})();\n'


def _read(package: str, name: str) -> str:
    return files(package).joinpath("assets", name).read_text(encoding="utf-8")


def _json(facts: object) -> str:
    """JSON for a script element: whatever a name holds, HTML sees no tag or comment in it."""
    text = json.dumps(facts, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
