"""Templates: facts, style and program put together into one HTML file."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any


def filled(
    template: str,
    parts: Mapping[str, str],
    facts: Mapping[str, Any],
    scripts: Iterable[str],
    others: Iterable[Mapping[str, Any]] = (),
) -> str:
    """Fill a template of the folder ``assets``, and the frame of all pages around it.

    Parameters
    ----------
    template : str
        Its file's name.
    parts : mapping of str to str
        HTML for its fields.
    facts : mapping
        What the page's program reads; plain JSON values.
    scripts : iterable of str
        The parts of the program, in order; each may use what those before it define.
    others : iterable of mapping
        Facts that the program may read in the place of these, as ``facts-1`` and so on.
    """
    program = _program(scripts)
    own = {
        "policy": _policy(program),
        "style": _read("page.css"),
        "facts": _json(facts),
        "others": "".join(
            f'<script type="application/json" id="facts-{number}">{_json(each)}</script>\n'
            for number, each in enumerate(others, 1)
        ),
        "program": program,
        "content": _fields(_read(template), parts),
    }
    return _fields(_read("frame.html"), {**parts, **own})


def _fields(text: str, found: Mapping[str, str]) -> str:
    """Each ``{{name}}`` replaced; what replaces it is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda field: found[field[1]], text)


def _policy(*scripts: str) -> str:
    """What the browser may do: run these very scripts, and fetch nothing at all."""
    hashes = (b64encode(sha256(text.encode("utf-8")).digest()).decode() for text in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _program(scripts: Iterable[str]) -> str:
    """The page's JavaScript: all of its parts in one function, so that no name leaves them."""
    body = "".join(_read(f"{part}.js") for part in scripts)
    return f'"use strict";\n(() => {{\n{body}}})();\n'


def _read(name: str) -> str:
    return files("memsim.page").joinpath("assets", name).read_text(encoding="utf-8")


def _json(facts: Mapping[str, Any]) -> str:
    """JSON for a script element: whatever a name holds, HTML sees no tag or comment in it."""
    text = json.dumps(facts, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
