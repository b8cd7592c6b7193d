"""Expressions over the facts of a run: what a search minimises, and what it must keep to.

``dram_bytes at 2MiB + 0.5 * weight_bytes`` is an expression, ``macs <= 1.9G`` a condition. ``at``
names the cache of a fact that depends on one; numbers may have prefixes and units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from memsim.errors import InputError, Problem, did_you_mean
from memsim.units import parse_bytes

__all__ = ["Condition", "Expression", "Fact", "condition", "expression"]

Number = float | int | Fraction

_PREFIXES: Mapping[str, int | Fraction] = {
    "": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
    "m": Fraction(1, 10**3), "u": Fraction(1, 10**6), "n": Fraction(1, 10**9),
    "p": Fraction(1, 10**12),
}  # fmt: skip

_UNITS = ("B", "s", "J", "MAC", "")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?P<unit>[A-Za-z%]*)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign><=|>=|[-+*/()<>=]))"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of a network or of a run.

    Attributes
    ----------
    name : str
    cache : int or None
        Bytes of the cache of the run; None: the machine's own, or the fact depends on none.
    """

    name: str
    cache: int | None = None


@dataclass(frozen=True)
class Expression:
    """A number that follows from facts.

    Attributes
    ----------
    text : str
        As it was written.
    facts : frozenset of Fact
    unit : str
        ``B``, ``s``, ``J``, or empty: of its value, as far as it is known.

    Examples
    --------
    >>> each = expression("2 * (dram_bytes at 1MiB - 1MB)", {"dram_bytes": "B"})
    >>> each.of({Fact("dram_bytes", 1 << 20): 5_000_000})
    8000000
    """

    text: str
    facts: frozenset[Fact]
    unit: str
    _of: Callable[[Mapping[Fact, Number]], Number]

    def of(self, facts: Mapping[Fact, Number]) -> Number:
        """The value.

        Raises
        ------
        ZeroDivisionError
        """
        return self._of(facts)


@dataclass(frozen=True)
class Condition:
    """One expression that is not to be above another.

    Attributes
    ----------
    text : str
    least, most : Expression
        ``least <= most`` is the condition.
    """

    text: str
    least: Expression
    most: Expression

    @property
    def facts(self) -> frozenset[Fact]:
        """What both are of."""
        return self.least.facts | self.most.facts

    def excess(self, facts: Mapping[Fact, Number]) -> Number:
        """How far it is from holding: 0 or less where it does."""
        return self.least.of(facts) - self.most.of(facts)


def expression(text: str, known: Mapping[str, str]) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : str
    known : mapping of str to str
        The names of facts, with their units.

    Raises
    ------
    InputError
        At the place where it is wrong.

    Examples
    --------
    >>> expression("dram_byte at 2MiB", {"dram_bytes": "B"})
    Traceback (most recent call last):
    memsim.errors.InputError: 'dram_byte at 2MiB', at 1: unknown fact 'dram_byte' (did you mean
    'dram_bytes'?)
    """
    reader = _Reader(text, known)
    found = reader.sum()
    reader.end()
    return replace(found, text=text)


def condition(text: str, known: Mapping[str, str]) -> Condition:
    """Read a condition: two expressions with ``<=`` or ``>=`` between them.

    Parameters
    ----------
    text, known
        As of :func:`expression`.

    Raises
    ------
    InputError
        At the place where it is wrong.

    Examples
    --------
    >>> small = condition("macs <= 1.9G", {"macs": ""})
    >>> small.excess({Fact("macs"): 2_000_000_000})
    100000000
    """
    reader = _Reader(text, known)
    left = reader.sum()
    sign = reader.sign("<=", ">=")
    right = reader.sum()
    reader.end()
    reader.same(left, right)
    least, most = (left, right) if sign == "<=" else (right, left)
    return Condition(text, least, most)


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str, known: Mapping[str, str]) -> None:
        if not isinstance(text, str) or not text.strip():
            raise InputError(Problem(f"{text!r} is no expression", hint="dram_bytes at 2MiB"))
        self.text, self.known = text, known
        self.tokens = list(self._tokens())
        self.place = 0

    def _tokens(self) -> Iterator[re.Match[str]]:
        at = 0
        while at < len(self.text.rstrip()):
            found = _TOKEN.match(self.text, at)
            if found is None:
                raise self.fault(at, f"{self.text[at:].strip()[:1]!r} means nothing here")
            yield found
            at = found.end()

    def fault(self, at: int, message: str, hint: str = "") -> InputError:
        """An error at a place of the text."""
        at += len(self.text[at:]) - len(self.text[at:].lstrip())
        return InputError(Problem(f"{self.text!r}, at {at + 1}: {message}", hint=hint))

    @property
    def next(self) -> re.Match[str] | None:
        """The token that is read next."""
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    @property
    def at(self) -> int:
        """Where that is."""
        return self.next.start() if self.next else len(self.text.rstrip())

    def sign(self, *wanted: str) -> str:
        """Read one of some signs."""
        if self.next is None or self.next["sign"] not in wanted:
            message = f"expected {' or '.join(wanted)}"
            raise self.fault(self.at, message, "such as macs <= 1.9G")
        self.place += 1
        return self.tokens[self.place - 1]["sign"]

    def end(self) -> None:
        """Nothing may be left."""
        if self.next is not None:
            message = f"{self.next[0].strip()!r} is one too many"
            raise self.fault(self.at, message, "an operator between two parts")

    def same(self, left: Expression, right: Expression) -> str:
        """The unit of two expressions that are added or compared."""
        if left.unit and right.unit and left.unit != right.unit:
            message = f"{_UNITS_TOLD[left.unit]} and {_UNITS_TOLD[right.unit]} do not compare"
            raise InputError(Problem(f"{self.text!r}: {message}"))
        return left.unit or right.unit

    def sum(self) -> Expression:
        """Read parts that are added and subtracted."""
        found = self.product()
        while self.next is not None and self.next["sign"] in ("+", "-"):
            sign = self.sign("+", "-")
            other = self.product()
            found = _joined(sign, found, other, self.same(found, other))
        return found

    def product(self) -> Expression:
        """Read factors."""
        found = self.factor()
        while self.next is not None and self.next["sign"] in ("*", "/"):
            sign = self.sign("*", "/")
            other = self.factor()
            unit = found.unit if not other.unit else other.unit if not found.unit else ""
            found = _joined(sign, found, other, unit)
        return found

    def factor(self) -> Expression:
        """Read a number, a fact, or what is in brackets."""
        token, at = self.next, self.at
        if token is None:
            raise self.fault(at, "something is missing", "a fact or a number")
        self.place += 1
        if token["number"] is not None:
            return self._number(token)
        if token["name"] is not None:
            return self._fact(token)
        if token["sign"] == "-":
            zero = Expression("0", frozenset(), "", lambda facts: 0)
            of = self.factor()
            return _joined("-", zero, of, of.unit)
        if token["sign"] == "(":
            found = self.sum()
            self.sign(")")
            return found
        raise self.fault(at, f"{token['sign']!r} means nothing here", "a fact or a number")

    def _number(self, token: re.Match[str]) -> Expression:
        value, word = Fraction(token["number"]), token["unit"]
        if word == "%":
            value, word = value / 100, ""
        unit = next(each for each in _UNITS if word.endswith(each))
        prefix = word.removesuffix(unit)
        if prefix not in _PREFIXES:
            hint = "such as 2MiB, 1.9G, 10ms, 5mJ"
            raise self.fault(token.start(), f"unknown unit {word!r}", hint)
        value *= _PREFIXES[prefix]
        number: Number = int(value) if value.denominator == 1 else value
        unit = "" if unit == "MAC" else unit
        return Expression(token[0].strip(), frozenset(), unit, lambda facts: number)

    def _fact(self, token: re.Match[str]) -> Expression:
        name = token["name"]
        if name not in self.known:
            hint = did_you_mean(name, self.known)
            raise self.fault(token.start(), f"unknown fact {name!r}", hint)
        cache = None
        if self.next is not None and self.next["name"] == "at":
            self.place += 1
            cache = self._cache()
        fact = Fact(name, cache)
        return Expression(name, frozenset({fact}), self.known[name], lambda facts: facts[fact])

    def _cache(self) -> int:
        token = self.next
        if token is None or token["number"] is None:
            raise self.fault(self.at, "expected the size of a cache", "such as at 2MiB")
        self.place += 1
        try:
            return parse_bytes(token[0].strip())
        except InputError as error:
            raise self.fault(token.start(), str(error)) from None


_UNITS_TOLD = {"B": "bytes", "s": "seconds", "J": "joules"}


def _joined(sign: str, left: Expression, right: Expression, unit: str) -> Expression:
    of: Mapping[str, Callable[[Number, Number], Number]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
    }
    apply = of[sign]
    return Expression(
        f"{left.text} {sign} {right.text}",
        left.facts | right.facts,
        unit,
        lambda facts: apply(left.of(facts), right.of(facts)),
    )
