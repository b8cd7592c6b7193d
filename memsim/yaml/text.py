"""YAML text as plain Python data that remembers where everything was written.

The data follow the core schema of YAML 1.2, narrowed where a reader could be
surprised: ``on`` and ``yes`` are text, ``010`` and ``1_000`` are text, and tags,
merge keys, duplicate keys and a second document are errors. Text comes from
anywhere, so everything that could grow without bound is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from memsim.errors import InputError, Problem
from memsim.yaml.document import MOST_PROBLEMS, Document, Spot, read, shown

__all__ = ["Document", "load", "read", "resolve"]

LONGEST_LINE = 100_000
"""Characters of the longest line: the time to scan some malformed lines grows with the square."""

MOST_NODES = 100_000
"""Values in a document, each alias counted as all it stands for."""

DEEPEST = 60
"""Levels of nesting, aliases followed."""

_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # YAML 1.2, 5.1
)
_HALF = re.compile("[\ud800-\udfff]")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_MOST_DIGITS = 100
_CORE = "tag:yaml.org,2002:"
_CORE_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
    "seq": (list,),
    "map": (dict,),
}


def load(text: str, file: str) -> Document:
    """Parse YAML text.

    Parameters
    ----------
    text : str
    file : str
        The name shown in problems.

    Raises
    ------
    InputError
        If the text is empty or not YAML as memsim reads it; every problem that can be found
        at once.

    Examples
    --------
    >>> load("a: 1\\nb: 1_000\\na: 2", "x.yaml")
    Traceback (most recent call last):
    memsim.errors.InputError: x.yaml:3:1: the key 'a' is given twice (first on line 1)
    """
    bad = _UNPRINTABLE.search(text)
    if bad:
        before = re.split("\r\n|\r|\n", text[: bad.start()])
        message = f"the character U+{ord(bad.group()):04X} is not allowed in YAML"
        raise InputError(Problem(message, "", "", file, len(before), len(before[-1]) + 1))
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST_LINE:
            message = f"a line of more than {LONGEST_LINE:,} characters"
            raise InputError(Problem(message, "", "", file, number, LONGEST_LINE + 1))
    return _Composer(text, file).compose()


class _Composer:
    """Builds data and spots from the events of a parser.

    ruamel.yaml's own composer recurses without bound and expands what is hostile before one
    can look at it; its parser is a state machine that yields one event after the other.
    """

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Any, Spot] | None] = {}
        self.nodes = 0
        self.events = self._parse()

    def compose(self) -> Document:
        from ruamel.yaml import events as ev

        next(self.events)  # the start of the stream
        start = next(self.events)
        if not isinstance(start, ev.DocumentStartEvent):
            raise InputError(Problem("is empty", file=self.file))
        if start.tags or start.version not in (None, (1, 2)):
            self.fail(start, "directives are not read; memsim reads YAML 1.2")
        first = next(self.events)
        blank = isinstance(first, ev.ScalarEvent) and not first.value and not first.style
        data, spot = self.node(first, depth=1)
        next(self.events)  # the end of the document
        after = next(self.events)
        if not isinstance(after, ev.StreamEndEvent):
            self.fail(after, "a second document begins here; a file holds one")
        if self.problems:
            raise InputError(*self.problems)
        if blank:
            raise InputError(Problem("is empty", file=self.file))
        return Document(data, self.file, spot)

    def _parse(self) -> Iterator[Any]:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError

        try:
            yield from YAML(typ="safe", pure=True).parse(self.text)
        except InputError:
            raise
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
            self.problems.append(_syntax_problem(error, self.text, self.file, line, column))
        except Exception as error:  # the scanner fails on some malformed text by accident
            self.problems.append(Problem(f"is not YAML: {shown(str(error))}", file=self.file))
        raise InputError(*self.problems)

    def fail(self, event: Any, message: str, hint: str = "") -> None:
        """Note a problem where an event starts."""
        mark = event.start_mark
        problem = Problem(message, "", hint, self.file, mark.line + 1, mark.column + 1)
        self.problems.append(problem)
        if len(self.problems) >= MOST_PROBLEMS:
            raise InputError(*self.problems)

    def stop(self, event: Any, message: str, hint: str = "") -> InputError:
        """The error that ends the reading at an event."""
        try:
            self.fail(event, message, hint)
        except InputError as error:
            return error
        return InputError(*self.problems)

    def node(self, event: Any, depth: int) -> tuple[Any, Spot]:
        from ruamel.yaml import events as ev

        spot = Spot(event.start_mark.line + 1, event.start_mark.column + 1)
        if depth > DEEPEST:
            raise self.stop(event, f"nested deeper than {DEEPEST} levels")
        if isinstance(event, ev.AliasEvent):
            data = self.alias(event, spot, depth)
        else:
            if event.anchor:
                self.anchors[event.anchor] = None  # open: an alias inside would be endless
            if isinstance(event, ev.ScalarEvent):
                data = self.scalar(event)
            elif isinstance(event, ev.SequenceStartEvent):
                data = self.sequence(event, spot, depth)
            else:
                data = self.mapping(event, spot, depth)
            self.check_tag(event, data)
            self.nodes += 1
            if event.anchor:
                self.anchors[event.anchor] = data, spot
        if self.nodes > MOST_NODES:
            raise self.stop(event, f"more than {MOST_NODES:,} values, aliases expanded")
        return data, spot

    def alias(self, event: Any, spot: Spot, depth: int) -> Any:
        known = self.anchors.get(event.anchor)
        if known is None:
            if event.anchor in self.anchors:
                raise self.stop(event, f"the alias *{event.anchor} is inside what it stands for")
            self.fail(event, f"the alias *{event.anchor} has no anchor &{event.anchor} above it")
            return None
        data, origin = known
        if depth + origin.height - 1 > DEEPEST:
            raise self.stop(event, f"nested deeper than {DEEPEST} levels, aliases expanded")
        spot.keys, spot.parts = origin.keys, origin.parts
        spot.size, spot.height = origin.size, origin.height
        self.nodes += spot.size
        return data

    def sequence(self, start: Any, spot: Spot, depth: int) -> list[Any]:
        from ruamel.yaml.events import SequenceEndEvent

        items: list[Any] = []
        for index in count():
            event = next(self.events)
            if isinstance(event, SequenceEndEvent):
                return items
            items.append(self.part(event, spot, index, None, depth))
        raise AssertionError("a sequence ends")

    def mapping(self, start: Any, spot: Spot, depth: int) -> dict[str, Any]:
        from ruamel.yaml.events import AliasEvent, MappingEndEvent, ScalarEvent

        entries: dict[str, Any] = {}
        while True:
            event = next(self.events)
            if isinstance(event, MappingEndEvent):
                return entries
            if isinstance(event, ScalarEvent):
                key = self.scalar(event)
            elif isinstance(event, AliasEvent):
                key = self.alias(event, Spot(0, 0), depth)
            else:
                raise self.stop(event, "a key must be a word, not a list or a mapping")
            if not isinstance(key, str):
                text = getattr(event, "value", shown(key))
                self.fail(event, "a key must be text", f"write {text!r} in quotes")
                key = str(text)
            if key == "<<" and not getattr(event, "style", None):
                self.fail(event, "merge keys (<<) are not read", "use 'defaults', or write it out")
            elif key in entries:
                line = spot.keys[key][0]
                self.fail(event, f"the key {shown(key)} is given twice (first on line {line})")
            mark = event.start_mark
            entries[key] = self.part(next(self.events), spot, key, mark, depth)

    def part(self, event: Any, spot: Spot, key: str | int, mark: Any, depth: int) -> Any:
        data, inner = self.node(event, depth + 1)
        place = (mark.line + 1, mark.column + 1) if mark else (inner.line, inner.column)
        spot.keys[key], spot.parts[key] = place, inner
        spot.size += inner.size
        spot.height = max(spot.height, inner.height + 1)
        return data

    def scalar(self, event: Any) -> Any:
        value: str = event.value
        if event.style == '"' and _HALF.search(value):
            value = self.whole(event, value)
        if event.tag in ("!", f"{_CORE}str") or (event.style and not event.tag):
            return value
        if len(value) > _MOST_DIGITS and _INT.fullmatch(value):
            self.fail(event, f"a number of {len(value)} digits")
            return 0
        return resolve(value)

    def whole(self, event: Any, value: str) -> str:
        """Put characters together that JSON writes as two escapes each."""
        try:
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            half = _HALF.search(value)
            code = ord(half.group()) if half else 0
            self.fail(event, f"U+{code:04X} is half of a character, and the other half is missing")
            return _HALF.sub("?", value)

    def check_tag(self, event: Any, data: Any) -> None:
        tag = event.tag
        if not tag or tag == "!":
            return
        name = tag.removeprefix(_CORE)
        if name == tag or name not in _CORE_TYPES:
            self.fail(event, f"the tag {shown(tag)} is not read", "plain YAML needs no tags")
        elif not isinstance(data, _CORE_TYPES[name]):
            self.fail(event, f"{shown(data)} is no {name}")


def resolve(text: str) -> Any:
    """The value of a plain scalar.

    Examples
    --------
    >>> [resolve(word) for word in ("12", "1e3", "0x10", "true", "~")]
    [12, 1000.0, 16, True, None]
    >>> [resolve(word) for word in ("on", "010", "1_000", "1:30", "no")]
    ['on', '010', '1_000', '1:30', 'no']
    """
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    return float(text) if _FLOAT.fullmatch(text) else text


def _syntax_problem(error: Any, text: str, file: str, line: int, column: int) -> Problem:
    """ruamel.yaml's complaint, with what most often is the cause."""
    message = str(error.problem or error.context or "not YAML").strip()
    lines = re.split("\r\n|\r|\n", text)
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    hint = ""
    if "\t" in source[: len(source) - len(source.lstrip())] or "'\\t'" in message:
        hint = "indent with spaces, not tabs"
    elif "mapping values are not allowed" in message:
        hint = "a value that holds ': ' needs quotes, or the indentation is wrong"
    elif error.context and error.context_mark and error.context_mark.line + 1 != line:
        hint = f"{error.context} that begins on line {error.context_mark.line + 1}"
    return Problem(message, "", hint, file, line, column)
