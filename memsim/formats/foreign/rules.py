"""Tables of rules: what adds the layers of which foreign operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from memsim.formats.foreign.records import Dims, Record

__all__ = ["Rule", "Rules", "Stated"]

Rule = Callable[[Any, Record], None]
"""Adds what a record stands for, or raises :class:`Unsupported` before it adds anything."""


class Rules(dict[str, Rule]):
    """A reader's rules by the name of the foreign operator."""

    def register(self, *names: str) -> Callable[[Rule], Rule]:
        """A decorator that enters a rule under the names of its operators."""

        def enter(rule: Rule) -> Rule:
            self.update(dict.fromkeys(names, rule))
            return rule

        return enter


class Stated(Protocol):
    """Shapes by value, such as a dict of them."""

    def get(self, name: str, /) -> Dims | None:
        """The shape of a value; None where it is not known."""
