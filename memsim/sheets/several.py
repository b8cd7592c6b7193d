"""Several answers of one kind, such as those at several cache sizes, told one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, ClassVar

from memsim.sheets.facts import Facts
from memsim.sheets.sheet import Sheet

__all__ = ["Several", "sections"]

SCHEMA = "memsim.several/1"


@dataclass(frozen=True)
class Several(Facts):
    """Answers to one question asked several times.

    Attributes
    ----------
    answers : tuple of Facts
        Of one class.
    labels : tuple of str
        What is another in each: ``cache 2MiB``.
    layout : str or None
        ``module:function``, which lays them out together, as :attr:`.Facts.laid_out_by`; None: a
        section for each.
    """

    laid_out_by: ClassVar[str] = "memsim.sheets.several:several_sheet"

    answers: tuple[Facts, ...]
    labels: tuple[str, ...]
    layout: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.several/1"``: what each answer is in JSON."""
        return {"schema": SCHEMA, "answers": [answer.to_dict() for answer in self.answers]}

    def rows(self) -> list[dict[str, Any]]:
        """The rows of all answers, which say their cache themselves."""
        return [row for answer in self.answers for row in answer.rows()]

    @property
    def columns(self) -> list[str]:
        """The columns that any of them has."""
        return list(dict.fromkeys(name for answer in self.answers for name in answer.columns))


def several_sheet(several: Several, layers: int | None = 10) -> Sheet:
    """Lay out several answers, in the way that is theirs."""
    if several.layout is None:
        first, *others = sections(several, layers)
        return replace(first, parts=tuple(others))
    module, _, function = several.layout.partition(":")
    sheet: Sheet = getattr(import_module(module), function)(several, layers)
    return sheet


def sections(several: Several, layers: int | None) -> list[Sheet]:
    """A sheet for each answer, whose title begins with what is another in it."""
    labelled = zip(several.labels, several.answers, strict=True)
    found = []
    for label, answer in labelled:
        sheet = answer.sheet(layers)
        found.append(replace(sheet, title=f"{label}: {sheet.title}"))
    return found
