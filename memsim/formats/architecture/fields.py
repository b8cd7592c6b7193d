"""The kinds of field that architecture files have beside the operators' own."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from memsim.errors import did_you_mean
from memsim.network.ops import OPERATORS, Operator, ShapeError
from memsim.network.ops.base import LARGEST
from memsim.network.patterns import PATTERNS
from memsim.yaml.document import shown

__all__ = ["Act", "Channels", "Finish", "Pattern", "activations", "channels", "fault"]

Ratio = int | Fraction
"""A number of channels, or a share of the input's."""


def fault(message: str, hint: str = "") -> PydanticCustomError:
    """A validation error with its own words."""
    return PydanticCustomError("fault", "{message}", {"message": message, "hint": hint})


def _channels(value: Any) -> Ratio:
    if isinstance(value, int) and not isinstance(value, bool):
        if 1 <= value <= LARGEST:
            return value
        raise fault(f"expected at least 1 and at most {LARGEST}, not {value}")
    if value == "same":
        return Fraction(1)
    if isinstance(value, str) and re.fullmatch(r"x[0-9]{1,6}(\.[0-9]{1,9})?", value):
        share = Fraction(value[1:])
        if share > 0:
            return share
    hint = ""
    if isinstance(value, str) and re.fullmatch(r"[0-9_]+", value):
        hint = f"write {value.replace('_', '').lstrip('0')}"
    elif isinstance(value, float) and value.is_integer() and 1 <= value <= LARGEST:
        hint = f"write {int(value)}"
    raise fault(
        f"expected a whole number, 'same', or a factor such as x0.5, not {shown(value)}", hint
    )


def channels(out: Ratio, source: int) -> int:
    """The number of channels that a field of type ``Channels`` stands for.

    Raises
    ------
    ShapeError
        If the share comes to no whole channel.

    Examples
    --------
    >>> channels(Fraction("0.5"), 65), channels(Fraction(1), 65), channels(12, 65)
    (32, 65, 12)
    """
    number = out if isinstance(out, int) else int(out * source)
    if not 1 <= number <= LARGEST:
        raise ShapeError(f"x{float(out):g} of {source} channels is {number} channels")
    return number


@cache
def activations() -> tuple[str, ...]:
    """The operators that ``act`` accepts: elementwise, one input, none that normalises."""
    return tuple(kind for kind, op in OPERATORS.items() if _activates(op))


def _activates(op: type[Operator]) -> bool:
    return op.elementwise and op.arity == (1, 1) and not op.folds


def _activation(value: Any) -> Operator | None:
    if value is None or value == "none":
        return None
    if isinstance(value, Operator):
        return value
    kind: Any = value
    attributes: Any = {}
    if isinstance(value, dict) and len(value) == 1:
        [(kind, attributes)] = value.items()
    if not isinstance(kind, str):
        raise fault(f"expected an activation, not {shown(value)}", "such as relu, or none")
    if kind not in OPERATORS or not _activates(OPERATORS[kind]):
        hint = did_you_mean(kind, (*activations(), "none"))
        raise fault(f"unknown activation {shown(kind)}", hint)
    op = OPERATORS[kind]
    if not isinstance(attributes, dict):
        if op.shorthand is None:
            raise fault(f"{kind} takes no value")
        attributes = {op.shorthand: attributes}
    try:
        return op.model_validate(attributes, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = first["msg"].replace("Input should be", "expected")
        raise fault(f"{kind}: {message}, not {shown(first['input'])}") from None


def _pattern(value: Any) -> str:
    if isinstance(value, str) and value in PATTERNS:
        return value
    hint = did_you_mean(value, PATTERNS) if isinstance(value, str) else ""
    raise fault(f"unknown pattern {shown(value)}", hint or f"known: {', '.join(sorted(PATTERNS))}")


Channels = Annotated[
    Any,
    PlainValidator(_channels),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": LARGEST},
                {"type": "string", "pattern": "^(same|x[0-9]+(\\.[0-9]+)?)$"},
            ]
        }
    ),
]
"""Output channels: a number, ``same`` as the input, or ``x0.5`` of it, rounded down."""

Act = Annotated[
    Any,
    PlainValidator(_activation),
    WithJsonSchema({"refer": "activation"}),
]
"""An activation by its keyword, one with an attribute (``leaky_relu: 0.1``), or ``none``."""

Pattern = Annotated[
    str,
    PlainValidator(_pattern),
    WithJsonSchema({"enum": list(PATTERNS)}),
]
"""The name of a connection rule."""

OUT = "output channels: a number, 'same' as the input, or a factor of it, x0.5, rounded down"
BN = "add a batch normalisation"
ACT = "add an activation, such as relu6; none: no activation"
ORDER = "post: convolution, batch norm, activation; pre: batch norm, activation, convolution"


class Finish(BaseModel):
    """What may come with a convolution: batch norm and activation, behind it or before it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    bn: Annotated[bool, Field(description=BN)] = False
    act: Annotated[Act, Field(description=ACT)] = None
    order: Annotated[Literal["post", "pre"], Field(description=ORDER)] = "post"
