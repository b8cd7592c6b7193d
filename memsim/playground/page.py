"""The playground's page: style, facts and program in one HTML file."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from memsim.playground.facts import facts

SCRIPTS = ("engine", "spec", "said", "figures", "links", "main")
"""The parts of the program, in order; each may use what those before it define."""


def playground() -> str:
    """Build the page.

    Returns
    -------
    str
        HTML that needs no other file, no network and no server. The same every time.

    Examples
    --------
    >>> text = playground()
    >>> text[:15], "https://" in text
    ('<!DOCTYPE html>', False)
    """
    body = "".join(_read(f"{part}.js") for part in SCRIPTS)
    program = f'"use strict";\n(() => {{\n{body}}})();\n'
    digest = b64encode(sha256(program.encode("utf-8")).digest()).decode()
    parts = {
        "policy": f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        "style": _read("playground.css"),
        "facts": json.dumps(facts(), separators=(",", ":")),
        "program": program,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda field: parts[field[1]], _read("playground.html"))


def _read(name: str) -> str:
    return files("memsim.playground").joinpath("assets", name).read_text(encoding="utf-8")
