"""The schema of an architecture file: the top of a file as a pydantic model."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema

from memsim.errors import did_you_mean
from memsim.formats.architecture.fields import fault
from memsim.formats.architecture.items import name_problem
from memsim.network.ops.base import Size
from memsim.network.tensor import DTYPES
from memsim.yaml.document import shown
from memsim.yaml.faults import Fault, faults

__all__ = ["Architecture", "parse"]


def _dtype(value: Any) -> str:
    if isinstance(value, str) and value in DTYPES:
        return value
    hint = did_you_mean(value, DTYPES) if isinstance(value, str) else ""
    raise fault(f"unknown data type {shown(value)}", hint or f"known: {', '.join(DTYPES)}")


def _scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise fault(f"expected a number or a word, not {shown(value)}")
    return value


def _layer_name(value: Any) -> str:
    wrong = name_problem(value)
    if wrong:
        raise fault(*wrong)
    return str(value)


def _group(value: Any) -> str:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        hint = "such as conv1..conv4, or [conv1, conv2]"
        raise fault(f"expected layers of a group, not {shown(value)}", hint)
    return ",".join(names)


Scalar = Annotated[
    Any,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["number", "string", "boolean", "null"]}),
]
Dtype = Annotated[str, PlainValidator(_dtype), WithJsonSchema({"enum": list(DTYPES)})]
LayerName = Annotated[str, PlainValidator(_layer_name), WithJsonSchema({"type": "string"})]
Group = Annotated[
    str,
    PlainValidator(_group),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Image = Annotated[tuple[Size, ...], Field(min_length=1, max_length=8)]


class Architecture(BaseModel):
    """An architecture file: a convolutional network, layer by layer.

    Layers follow one another; ``name`` and ``from`` make any directed acyclic graph.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[Name, Field(description="the network's name")]
    source: Annotated[str, Field(description="where it comes from, such as arXiv:1909.00948")] = ""
    description: Annotated[str, Field(description="one line on what it is")] = ""
    input: Annotated[
        Image | None, Field(description="[channels, height, width] of the one input, named input")
    ] = None
    inputs: Annotated[
        dict[LayerName, Image] | None,
        Field(min_length=1, description="several inputs: [channels, height, width] by name"),
    ] = None
    dtype: Annotated[Dtype, Field(description="data type of all tensors")] = "fp32"
    batch: Annotated[int, Field(strict=True, ge=1, le=1 << 20, description="images at a time")] = 1
    parameters: Annotated[
        dict[str, Scalar],
        Field(description="what $name stands for, wherever it is a whole value of a layer"),
    ] = {}
    variant: Annotated[str | None, Field(description="the variant that is meant by default")] = None
    variants: Annotated[
        dict[str, dict[str, Scalar]], Field(description="named sets of parameters")
    ] = {}
    defaults: Annotated[
        dict[str, dict[str, Any]],
        Field(description="attributes by keyword, for all layers that do not say otherwise"),
    ] = {}
    layers: Annotated[list[Any], Field(min_length=1, description="the layers, in order")]
    outputs: Annotated[
        list[str] | None,
        Field(min_length=1, description="layers whose output leaves; those nobody reads if absent"),
    ] = None
    held: Annotated[
        dict[str, str],
        Field(
            description="memory that a program's variables hold longer than its readers need it: "
            "by layer, the layer after which it is free"
        ),
    ] = {}
    groups: Annotated[
        list[Group] | None,
        Field(
            min_length=1,
            description="layers that run depth first together: conv1..conv4, or [conv1, conv2]",
        ),
    ] = None


def parse(data: Any) -> Architecture | list[Fault]:
    """Validate the top of a file; the faults where it is wrong.

    Examples
    --------
    >>> parse({"name": "tiny", "input": [3, 8, 8], "layers": ["relu"]}).input
    (3, 8, 8)
    >>> parse({"name": "tiny", "layer": ["relu"]})[-1]
    Fault(path=('layer',), message="unknown key 'layer'", hint="did you mean 'layers'?")
    """
    if not isinstance(data, dict):
        return [Fault((), f"expected a mapping with name, input and layers, not {shown(data)}")]
    contradictions: list[Fault] = []
    try:
        model = Architecture.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        return faults(error, data, Architecture, "a network")
    if model.input is not None and model.inputs is not None:
        contradictions.append(Fault(("inputs",), "a network has 'input' or 'inputs', not both"))
    if model.variant is not None and model.variant not in model.variants:
        hint = did_you_mean(model.variant, model.variants)
        contradictions.append(Fault(("variant",), f"unknown variant {shown(model.variant)}", hint))
    return contradictions or model
