"""Writing a gallery: page after page, one network in memory at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from memsim.errors import InputError
from memsim.page.gallery.exhibit import Exhibit
from memsim.page.gallery.folder import replacing
from memsim.page.gallery.front import front_page
from memsim.page.html_page import page
from memsim.results.curve import CurveResult

PAGES, CURVES = "networks", "curves"

BACK = "All networks"
"""What the link of a network's page to the front page is called."""


def write_gallery(
    folder: str | os.PathLike[str],
    results: Iterable[CurveResult],
    beside: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a report page of each network and a front page that compares them.

    Parameters
    ----------
    folder : str or path
        Of the gallery. One that is there is replaced when all is written, or not at all.
    results : iterable of CurveResult
        Networks on one machine. Each is asked for when its page is written.
    beside : mapping of str to str, optional
        Addresses of other pages that the front page has links to, by what they are called.

    Raises
    ------
    InputError
        If there is no network or if the folder holds something else, and as
        :func:`memsim.page.page`.

    Examples
    --------
    >>> import memsim
    >>> write_gallery("site", map(memsim.curve, ["resnet18", "vgg16"]))  # doctest: +SKIP
    """
    with replacing(folder) as new:
        for name in (PAGES, CURVES):
            (new / name).mkdir()
        exhibits: list[Exhibit] = []
        first = None
        for result in results:
            first = first or result
            name = _file(result.program.network.name, {each.file for each in exhibits})
            exhibit = Exhibit.of(result, name)
            (new / PAGES / f"{name}.html").write_text(
                page([result], beside={BACK: "../index.html"}), encoding="utf-8"
            )
            (new / CURVES / f"{name}.js").write_text(exhibit.script(), encoding="utf-8")
            exhibits.append(exhibit)
        if first is None:
            raise InputError("there is no network to show")
        (new / "index.html").write_text(front_page(exhibits, first, beside), encoding="utf-8")


def _file(name: str, taken: set[str]) -> str:
    """What the files of a network are called: letters, digits and a few marks, each once.

    Examples
    --------
    >>> _file("patterns/log", set()), _file("Net", {"net"}), _file("<b>", {"b"})
    ('patterns-log', 'net-2', 'b-2')
    """
    plain = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:80] or "network"
    found, number = plain, 1
    while found in taken:
        number += 1
        found = f"{plain}-{number}"
    return found
