"""The kinds of field a machine file has: readable text in, exact numbers held."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from memsim.errors import InputError, Problem, did_you_mean
from memsim.units import Quantity, parse_bytes, parse_duration, parse_rate


def shown(value: object) -> str:
    """Return ``repr(value)`` for a message: short, and safe for integers of any length."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of more than 4,300 digits; a deep nest
        return f"this {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def bandwidth(value: Quantity) -> Fraction:
    """Read bytes per second."""
    return parse_rate(value, "B")


def mac_rate(value: Quantity) -> Fraction:
    """Read multiply-accumulates per second."""
    return parse_rate(value, "MAC")


def op_rate(value: Quantity) -> Fraction:
    """Read elementwise operations per second."""
    return parse_rate(value, "op")


def positive_bytes(value: Quantity) -> int:
    """Read a size of at least one byte."""
    size = parse_bytes(value)
    if not size:
        raise InputError(Problem(f"{shown(value)} is too small", hint="at least 1 byte"))
    return size


def efficiency(value: object) -> Fraction:
    """Read a number above 0 and at most 1 as the decimal it is written as."""
    if isinstance(value, int | float | Fraction) and not isinstance(value, bool) and 0 < value <= 1:
        return Fraction(str(value))
    raise InputError(Problem(f"{shown(value)} is not an efficiency", hint="above 0, at most 1"))


def factor(value: object) -> Fraction:
    """Read a number above 0 as the decimal it is written as."""
    number = isinstance(value, int | float | Fraction) and not isinstance(value, bool)
    if number and 0 < value <= MOST_TIMES:  # type: ignore[operator]  # it is a number
        return Fraction(str(value))
    raise InputError(
        Problem(f"{shown(value)} is not a factor", hint=f"above 0, at most {MOST_TIMES:,}")
    )


def name(value: object) -> str:
    """Read a name of a registry: lower case, digits, ``-`` and ``_``."""
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", value):
        return value
    raise InputError(Problem(f"{shown(value)} is not a name", hint="lower-case, such as 'lru'"))


def one_of(what: str, *known: str) -> Callable[[object], str]:
    """Make a reader of one of a few words."""

    def read(value: object) -> str:
        if isinstance(value, str) and value in known:
            return value
        raise InputError(
            Problem(f"unknown {what} {shown(value)}", hint=did_you_mean(str(value), known))
        )

    return read


def flag(value: object) -> bool:
    """Read yes or no; text is not guessed at."""
    if isinstance(value, bool):
        return value
    raise InputError(Problem(f"{shown(value)} is neither True nor False"))


def ways(value: object) -> int | None:
    """Read the lines of a set; 0 stands for fully associative, which is None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_WAYS:
        return value or None
    raise InputError(Problem(f"{shown(value)} is no number of ways", hint=f"0 to {MOST_WAYS}"))


class RegisterTile(NamedTuple):
    """Outputs that accumulate in the registers of a processor.

    Attributes
    ----------
    pixels, channels : int
    """

    pixels: int
    channels: int

    def __str__(self) -> str:
        return f"{self.pixels}x{self.channels}"


NO_TILE = "none"
"""What stands for a machine of which no register tile is known."""


def register_tile(value: object) -> RegisterTile | None:
    """Read a register tile, or ``none``.

    >>> register_tile("4x24")
    RegisterTile(pixels=4, channels=24)
    >>> register_tile("4*24")
    Traceback (most recent call last):
    memsim.errors.InputError: '4*24' is no register tile (PIXELSxCHANNELS such as 4x24, or none)
    """
    if value is None or value == NO_TILE:
        return None
    number = "([1-9][0-9]{0,3})"
    match = re.fullmatch(f"{number}x{number}", value) if isinstance(value, str) else None
    if match is None:
        hint = "PIXELSxCHANNELS such as 4x24, or none"
        raise InputError(Problem(f"{shown(value)} is no register tile", hint=hint))
    return RegisterTile(int(match[1]), int(match[2]))


MOST_WAYS = 1 << 20
MOST_TIMES = 1_000_000


def plain(number: Fraction) -> int | float:
    """A rate as a JSON value: whole where it is whole."""
    return number.numerator if number.denominator == 1 else float(number)


def field(parse: Callable[[Any], Any], *types: str, example: object) -> Any:
    """Make a parser a pydantic field type, with its JSON Schema."""

    def validate(value: Any) -> Any:
        try:
            return parse(value)
        except InputError as error:
            (problem,) = error.problems
            facts = {"message": problem.message, "hint": problem.hint}
            raise PydanticCustomError("quantity", "{message}", facts) from None

    schema = {"type": [*types], "examples": [example]}
    return PlainValidator(validate), WithJsonSchema(schema)


_QUANTITY = ("string", "number")
Bytes = Annotated[int, *field(parse_bytes, *_QUANTITY, example="2MB")]
PositiveBytes = Annotated[int, *field(positive_bytes, *_QUANTITY, example="512KiB")]
Bandwidth = Annotated[Fraction, *field(bandwidth, *_QUANTITY, example="25.6GB/s")]
MacRate = Annotated[Fraction, *field(mac_rate, *_QUANTITY, example="0.5TMAC/s")]
OpRate = Annotated[Fraction, *field(op_rate, *_QUANTITY, example="64Gop/s")]
Picoseconds = Annotated[int, *field(parse_duration, *_QUANTITY, example="100ns")]
Efficiency = Annotated[Fraction, *field(efficiency, "number", example=0.8)]
Factor = Annotated[Fraction, *field(factor, "number", example=2)]
Name = Annotated[str, *field(name, "string", example="lru")]
Registers = Annotated[RegisterTile | None, *field(register_tile, "string", example="4x24")]
Picojoules = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False, strict=True)]
