"""The playground's page: style, facts and program in one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from memsim.page.template import PACKAGE as REPORT
from memsim.page.template import asset, joined, links, packed, policy, replaced
from memsim.playground.facts import facts

PACKAGE = "memsim.playground"

SCRIPTS = (
    *((REPORT, part) for part in ("unpack", "entered")),
    *((PACKAGE, part) for part in ("engine", "spec", "said", "figures", "links", "main")),
)
"""The parts of the program, in order; each may use what those before it define."""


def playground(beside: Mapping[str, str] = MappingProxyType({})) -> str:
    """Build the page.

    Parameters
    ----------
    beside : mapping of str to str, optional
        Addresses of the pages that it has links to, by what they are called.

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
    program = joined(SCRIPTS)
    parts = {
        "policy": policy(program),
        "beside": links(beside),
        "style": asset(PACKAGE, "playground.css"),
        "facts": packed(facts()),
        "program": program,
    }
    return replaced(asset(PACKAGE, "playground.html"), parts)
