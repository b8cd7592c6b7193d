"""One item of a list of layers: its keyword, its name, what it reads, its attributes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from memsim.errors import Problem, did_you_mean
from memsim.formats.architecture.keywords import Keyword, keyword, keywords
from memsim.formats.architecture.parameters import (
    BESIDE,
    Sharing,
    learned_of,
    sharing_of,
    types_of,
)
from memsim.network.parameters import Learned
from memsim.network.types import Types
from memsim.yaml.document import Document, Path, shown
from memsim.yaml.faults import Fault

__all__ = ["Item", "Reader", "Unreadable", "name_problem"]

LONGEST_NAME = 200
MOST_HOPS = 10
"""A ``$name`` may stand for another one; a chain of more is a circle."""


class Unreadable(Exception):
    """Something is wrong and has been reported."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it is written.

    Attributes
    ----------
    keyword : Keyword or None
        None where the item is faulty, which is reported.
    name : str or None
        The name that the file gives.
    reads : list of (str, path)
        The names that the file gives, with their places; empty for the layer above.
    body : dict
        Its attributes, those of the defaults among them, ``$names`` not yet replaced.
    own : frozenset of str
        The attributes that are its own.
    item, path : path
        To the item and to the keyword's value in it.
    scalar : bool
        The value is a scalar that stands for one attribute.
    place : Problem
    sharing : Sharing or None
        Whose parameters it reads, where the file says so.
    learned : tuple of (str, int), optional
        What its parameters are computed from, where the file says so.
    """

    keyword: Keyword | None
    name: str | None
    reads: list[tuple[str, Path]]
    place: Problem
    item: Path
    path: Path
    body: dict[str, Any] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    scalar: bool = False
    sharing: Sharing | None = None
    learned: Learned | None = None
    types: Types | None = None

    def origin(self, key: str) -> Path:
        """Where an attribute is written: here, beside the keyword, or in the defaults."""
        assert self.keyword is not None
        if key in self.keyword.beside:
            return (*self.item, key)
        if key in self.body and key not in self.own:
            return ("defaults", self.keyword.name, key)
        return self.path if self.scalar else (*self.path, key)


class Reader:
    """Reads items and validates their attributes.

    Parameters
    ----------
    document : Document
    defaults : mapping
        Attributes by keyword.
    report : callable
        Takes each problem.
    """

    def __init__(
        self,
        document: Document,
        defaults: Mapping[str, Mapping[str, Any]],
        report: Callable[[Problem], None],
    ) -> None:
        self.document, self.defaults, self.report = document, defaults, report
        # A repeat reads its items again and again; what does not change is kept.
        self.places: dict[Path, Problem] = {}
        self.models: dict[tuple[str, str], BaseModel | list[Fault]] = {}

    def fail(self, path: Path, message: str, hint: str = "") -> None:
        """Report a problem at a path."""
        self.report(self.document.problem(path, message, hint))

    def item(self, raw: Any, path: Path, values: Mapping[str, Any]) -> Item:
        """Read an item; faulty parts are reported and left out."""
        word: Keyword | None = None
        try:
            raw = self.substitute(raw, path, values) if isinstance(raw, str) else raw
            if isinstance(raw, str):
                raw = {self.known(raw, path): None}
            elif not isinstance(raw, dict) or not raw:
                self.fail(
                    path, f"expected a layer, not {shown(raw)}", "such as 'conv: {out: 64}' or relu"
                )
                raise Unreadable
            word = self.find(raw, path)
        except Unreadable:
            pass
        if not isinstance(raw, dict):
            raw = {}
        name = self.name(raw, path, values)
        inner = (*path, word.name) if word else path
        reads = self.reads(raw.get("from"), (*path, "from"), values) if "from" in raw else []
        place = self.places.get(inner) or self.document.problem(inner, "")
        self.places[inner] = place
        about = self.parameters(raw, path, values)
        if word is None or name == "" or reads is None or about is None:
            return Item(None, name or None, [], place, path, inner)
        return self._with_body(Item(word, name, reads, place, path, inner, **about), raw, values)

    def parameters(
        self, raw: Mapping[str, Any], path: Path, values: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """What an item says of its parameters; None where that is wrong."""
        about: dict[str, Any] = {}
        for key, field_, read in (
            ("weights", "sharing", sharing_of),
            ("learned", "learned", learned_of),
            ("dtype", "types", types_of),
        ):
            if key in raw:
                try:
                    value = self.substitute(raw[key], (*path, key), values)
                except Unreadable:
                    return None
                about[field_] = read(value, (*path, key), self.fail)
                if about[field_] is None:
                    return None
        return about

    def known(self, word: str, path: Path) -> str:
        """A keyword, or the report of what it may have been."""
        if word in keywords():
            return word
        self.fail(path, f"unknown layer {shown(word)}", _nearest_keyword(word))
        raise Unreadable

    def find(self, raw: Mapping[str, Any], path: Path) -> Keyword:
        """The one keyword of an item."""
        words = [key for key in raw if key in keywords()]
        others = [key for key in raw if key not in (*words, *BESIDE)]
        if not words:
            if not others:
                self.fail(path, "there is no layer in this item", "such as 'conv: {out: 64}'")
                raise Unreadable
            if "layers" in others:
                self.fail(path, "layers without a keyword", "such as 'repeat: 3' beside them")
                raise Unreadable
            self.known(others[0], (*path, others[0]))
        if len(words) > 1:
            self.fail(
                (*path, words[1]),
                f"an item holds one layer, not {words[0]} and {words[1]}",
                "begin the second with a dash of its own",
            )
            raise Unreadable
        word = keyword(words[0])
        strangers = [key for key in others if key not in word.beside]
        for key in strangers:
            if key in word.model.model_fields:
                hint = f"put it inside: {word.name}: {{{key}: ...}}"
            else:
                hint = did_you_mean(key, (*BESIDE, *word.beside, *keywords()))
            self.fail((*path, key), f"unknown key {shown(key)}", hint)
        if strangers:
            raise Unreadable
        return word

    def name(self, raw: Mapping[str, Any], path: Path, values: Mapping[str, Any]) -> str | None:
        """The name of an item; ``""`` where it is wrong."""
        if "name" not in raw:
            return None
        path = (*path, "name")
        try:
            name = self.substitute(raw["name"], path, values)
        except Unreadable:
            return ""
        wrong = name_problem(name)
        if wrong:
            self.fail(path, *wrong)
            return ""
        return str(name)

    def reads(
        self, raw: Any, path: Path, values: Mapping[str, Any]
    ) -> list[tuple[str, Path]] | None:
        """The names an item reads, each with its place; None where one is wrong."""
        places = [(*path, i) for i in range(len(raw))] if isinstance(raw, list) else [path]
        words = raw if isinstance(raw, list) else [raw]
        try:
            words = [self.substitute(w, p, values) for w, p in zip(words, places, strict=True)]
        except Unreadable:
            return None
        for word, place in zip(words, places, strict=True):
            if not isinstance(word, str):
                hint = "put it in quotes" if isinstance(word, int | float) else ""
                self.fail(place, f"expected the name of a layer, not {shown(word)}", hint)
                return None
        if not words:
            self.fail(path, "expected the name of a layer, or several, not an empty list")
            return None
        return list(zip(words, places, strict=True))

    def _with_body(self, item: Item, raw: Mapping[str, Any], values: Mapping[str, Any]) -> Item:
        """The item with its attributes, those of the defaults included."""
        word = item.keyword
        assert word is not None
        value = raw.get(word.name)
        body: dict[str, Any] = {key: raw[key] for key in word.beside if key in raw}
        reads, scalar = item.reads, False
        if word.names_inputs and isinstance(value, str | list):
            others = self.reads(value, item.path, values)
            if others is None:
                return replace(item, keyword=None)
            if reads:
                self.fail(
                    item.path,
                    f"what it reads is given twice, behind {word.name} and behind from",
                    f"with from, write {word.name}: {{}}",
                )
                return replace(item, keyword=None)
            reads = [("previous", item.path), *others]
        elif isinstance(value, dict) and not word.beside:
            body.update(value)
        elif value is not None and word.shorthand is not None:
            body[word.shorthand], scalar = value, True
        elif value is not None:
            self.fail(item.path, f"{word.name} takes a mapping of attributes, not {shown(value)}")
            return replace(item, keyword=None)
        merged = {**self.defaults.get(word.name, {}), **body}
        own = frozenset(body)
        return replace(item, reads=reads, body=merged, own=own, scalar=scalar)

    def model(self, item: Item, values: Mapping[str, Any]) -> BaseModel | None:
        """The validated attributes of an item."""
        word = item.keyword
        assert word is not None
        body, sound = {}, True
        for key, value in item.body.items():
            try:
                nested = key in word.nested
                body[key] = value if nested else self.substitute(value, item.origin(key), values)
            except Unreadable:
                sound = False
        if not sound:
            return None
        text = json.dumps(body)
        model = self.models.get((word.name, text))
        if model is None:
            model = self.models[word.name, text] = word.parse(body, text)
        if isinstance(model, BaseModel):
            return model
        for fault in model:
            path = (*item.origin(str(fault.path[0])), *fault.path[1:]) if fault.path else item.path
            self.fail(path, fault.message, fault.hint)
        return None

    def substitute(self, value: Any, path: Path, values: Mapping[str, Any]) -> Any:
        """A value with every ``$name`` in it replaced."""
        if isinstance(value, dict):
            return {k: self.substitute(v, (*path, k), values) for k, v in value.items()}
        if isinstance(value, list):
            return [self.substitute(v, (*path, i), values) for i, v in enumerate(value)]
        for _ in range(MOST_HOPS):
            if not isinstance(value, str) or not value.startswith("$"):
                return value
            name = value[1:]
            if name not in values:
                hint = did_you_mean(name, values) if values else "the file has no parameters"
                self.fail(path, f"unknown parameter {shown(value)}", hint)
                raise Unreadable
            value = values[name]
        self.fail(path, f"the parameter {shown(value)} stands for itself")
        raise Unreadable


@lru_cache(maxsize=64)
def _nearest_keyword(word: str) -> str:
    return did_you_mean(word, keywords())


def name_problem(name: Any) -> tuple[str, str] | None:
    """What is wrong with a layer's name, and the remedy.

    Examples
    --------
    >>> name_problem("conv1"), name_problem("previous")
    (None, ("'previous' means the layer above; it cannot be a name", ''))
    """
    if not isinstance(name, str):
        hint = "put it in quotes" if isinstance(name, int | float) else ""
        return f"expected a name, not {shown(name)}", hint
    if name == "previous":
        return "'previous' means the layer above; it cannot be a name", ""
    if not name or len(name) > LONGEST_NAME:
        return f"a name has from 1 to {LONGEST_NAME} characters", ""
    if name.startswith("$") or not name.isprintable() or re.search(r"^\s|\s$", name):
        return f"{shown(name)} cannot be a name", "letters, digits, '_', '-' and '.'"
    return None
