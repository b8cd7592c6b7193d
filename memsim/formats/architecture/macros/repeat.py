"""``repeat``: layers several times over, alike or with other values each time."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, WithJsonSchema

from memsim.formats.architecture.fields import fault
from memsim.formats.architecture.macros.base import FeatureMap, Layers, Macro, Site
from memsim.progress import counted
from memsim.yaml.document import shown

MOST_TIMES = 100_000


def _times(value: Any) -> list[dict[str, Any]]:
    """The values of every round."""
    if not isinstance(value, dict):
        return [{}] * _count(value)
    if not value:
        raise fault("expected a number, or names with a list of values each, not an empty mapping")
    lists = {name: choices for name, choices in value.items() if name != "times"}
    for name, choices in lists.items():
        if not isinstance(choices, list) or not choices:
            raise fault(f"${name} needs a list of values, not {shown(choices)}")
        if any(isinstance(choice, dict | list) for choice in choices):
            raise fault(f"the values of ${name} must be numbers or words")
    lengths = {name: len(choices) for name, choices in lists.items()}
    if "times" not in value and len(set(lengths.values())) > 1:
        counts = ", ".join(f"${name} has {length}" for name, length in lengths.items())
        raise fault(f"the lists must be equally long: {counts}", "or say times: how often")
    times = _count(value["times"]) if "times" in value else max(lengths.values())
    for name, length in lengths.items():
        if length > times:
            raise fault(f"${name} has {length} values for {times} rounds")
    return [
        {name: choices[min(number, len(choices) - 1)] for name, choices in lists.items()}
        for number in range(times)
    ]


def _count(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if 1 <= value <= MOST_TIMES:
            return value
        raise fault(f"expected at least 1 and at most {MOST_TIMES:,}, not {shown(value)}")
    digits = str(value).replace("_", "")
    hint = f"write {digits}" if digits.isdecimal() and len(digits) <= 20 else ""
    message = "expected a number, or names with a list of values each"
    raise fault(f"{message}, not {shown(value)}", hint)


class Repeat(Macro):
    """The ``layers`` beside it in sequence, so many times.

    ``repeat: {width: [64, 128]}`` runs through the lists: ``$width`` is 64 in the first round,
    128 in the second. With ``times`` a list may be shorter and its last value goes on:
    ``repeat: {times: 6, stride: [2, 1]}`` has stride 2 once, then 1.
    """

    kind: ClassVar[str] = "repeat"
    label: ClassVar[str] = "repeat"
    shorthand: ClassVar[str | None] = "times"
    beside: ClassVar[tuple[str, ...]] = ("layers",)
    nested: ClassVar[tuple[str, ...]] = ("layers",)

    times: Annotated[
        Any,
        PlainValidator(_times),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": MOST_TIMES},
                    {
                        "type": "object",
                        "minProperties": 1,
                        "properties": {"times": {"type": ["integer", "string"]}},
                        "additionalProperties": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": ["number", "string", "boolean", "null"]},
                        },
                    },
                ]
            }
        ),
        Field(description="how often; or lists of values: what each $name is in each round"),
    ]
    layers: Annotated[Layers, Field(min_length=1, description="what is repeated")]

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        for number, values in enumerate(counted(self.times, "rounds of repeat"), 1):
            source = site.layers("layers", source, str(number), values, alone=True)
            if number == 1 and not any(self.times):  # all rounds are alike
                site.foresee(len(self.times) - 1)
        return source
