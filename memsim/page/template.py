"""Templates: facts, style and program put together into one HTML file; for every page there is."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

PACKAGE = "memsim.page"
"""Whose folder ``assets`` the report's templates and scripts lie in."""

GZIP = 31
"""What zlib calls the form of a gzip file."""


def filled(
    template: str,
    parts: Mapping[str, str],
    facts: Mapping[str, Any],
    scripts: Iterable[tuple[str, str]],
    others: Iterable[Mapping[str, Any]] = (),
    *,
    style: str = "",
    loads: bool = False,
) -> str:
    """Fill a page's template, and the frame of all pages around it.

    Parameters
    ----------
    template : str
        HTML with fields.
    parts : mapping of str to str
        HTML for the fields, ``title``, ``heading``, ``lead`` and ``beside`` of the frame among
        them.
    facts : mapping
        What the page's program reads; plain JSON values.
    scripts : iterable of (str, str)
        The parts of the program, as :func:`joined` has them.
    others : iterable of mapping
        Facts that the program may read in the place of these, as ``facts-1`` and so on.
    style : str
        More style than all pages have.
    loads : bool
        Whether the program may load other scripts.
    """
    program = joined(scripts)
    own = {
        "policy": policy(program, loads=loads, images="data: blob:"),
        "style": asset(PACKAGE, "page.css") + style,
        "facts": packed(facts),
        "others": "".join(
            f'<script type="text/plain" id="facts-{number}">{packed(each)}</script>\n'
            for number, each in enumerate(others, 1)
        ),
        "program": program,
        "content": replaced(template, parts),
    }
    return replaced(asset(PACKAGE, "frame.html"), {**parts, **own})


def links(pages: Mapping[str, str]) -> str:
    """Links to the pages beside one, as HTML: their addresses by what they are called."""
    found = "".join(f'<a href="{escape(to)}">{escape(name)}</a>' for name, to in pages.items())
    return f'<nav aria-label="Other pages">{found}</nav>' if found else ""


def replaced(text: str, found: Mapping[str, str]) -> str:
    """Each ``{{name}}`` replaced; what replaces it is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda field: found[field[1]], text)


def policy(program: str, *, loads: bool = False, images: str = "data:") -> str:
    """What the browser may do: run this very program, and fetch nothing at all.

    Parameters
    ----------
    program : str
    loads : bool
        Whether the program may load other scripts.
    images : str
        Where images may come from.
    """
    digest = b64encode(sha256(program.encode("utf-8")).digest()).decode()
    also = " 'strict-dynamic'" if loads else ""
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'{also}; style-src 'unsafe-inline'; "
        f"img-src {images}; base-uri 'none'; form-action 'none'"
    )


def joined(parts: Iterable[tuple[str, str]]) -> str:
    """A page's JavaScript: all of its parts in one function, so that no name leaves them.

    Parameters
    ----------
    parts : iterable of (str, str)
        The package of each, and its file's name without the ending.
    """
    body = "".join(asset(package, f"{part}.js") for package, part in parts)
    return f'"use strict";\n(() => {{\n{body}}})();\n'


def asset(package: str, name: str) -> str:
    """The text of a file of the folder ``assets`` of a package."""
    return files(package).joinpath("assets", name).read_text(encoding="utf-8")


def packed(facts: Any) -> str:
    """JSON as gzip and in base64: whatever a name holds, HTML sees no tag in it.

    Columns of a curve repeat themselves, so that they shrink to a tenth. ``unpack.js`` reads it.

    Examples
    --------
    >>> from base64 import b64decode
    >>> zlib.decompress(b64decode(packed({"name": "<script>"})), 31).decode()
    '{"name":"<script>"}'
    """
    text = json.dumps(facts, separators=(",", ":"), allow_nan=False)
    return b64encode(zlib.compress(text.encode("ascii"), 9, GZIP)).decode("ascii")
