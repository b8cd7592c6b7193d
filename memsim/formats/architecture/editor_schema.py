"""JSON Schema of architecture files, for editors; made from the models that validate them.

Draft 7, which editors understand best. Attributes are never required, since ``defaults`` may
give them, and any value may be a ``$name``; what a file lacks, reading it tells.
"""

from __future__ import annotations

from typing import Any

from memsim.formats.architecture.fields import activations
from memsim.formats.architecture.keywords import Keyword, keyword, keywords
from memsim.formats.architecture.schema import Architecture
from memsim.network.ops import OPERATORS
from memsim.network.tensor import ITEMSIZES
from memsim.network.types import NETWORKS, Types

__all__ = ["json_schema"]

Schema = dict[str, Any]

_PARAMETER = {"$ref": "#/$defs/setting"}
_NAMES: Schema = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}
_OWNED: Schema = {
    "weights": {
        "description": "the layer whose parameters it reads; its own if left out",
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"weight": {"type": "string"}, "bias": {"type": "string"}},
                "additionalProperties": False,
                "minProperties": 1,
            },
        ],
    },
    "dtype": {
        "description": "the data type of what it writes, or those of what it stores",
        "anyOf": [
            {"enum": [*ITEMSIZES, NETWORKS]},
            {
                "type": "object",
                "properties": {part: {"enum": [*ITEMSIZES, NETWORKS]} for part in Types._fields},
                "additionalProperties": False,
                "minProperties": 1,
            },
            _PARAMETER,
        ],
    },
    "learned": {
        "description": "what its parameters are computed from, with the numbers of elements",
        "anyOf": [
            {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
            _PARAMETER,
        ],
    },
}


KEPT = ("description", "type", "properties", "required")
"""What a file's own description by pydantic is taken over of."""


def json_schema() -> Schema:
    """The JSON Schema of an architecture file.

    Examples
    --------
    >>> schema = json_schema()
    >>> schema["required"], "conv" in schema["$defs"]["layer"]["anyOf"][1]["properties"]
    (['name', 'layers'], True)
    """
    top = _plain(Architecture.model_json_schema())
    for name in ("layers", "defaults"):
        top["properties"][name] |= _without_items({"$ref": f"#/$defs/{name}"}, top, name)
    words = [keyword(name) for name in keywords()]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "memsim architecture",
        **{
            key: top[key] for key in ("description", "type", "properties", "required") if key in top
        },
        "additionalProperties": False,
        "$defs": {
            "setting": {"type": "string", "pattern": "^\\$", "description": "a parameter, $name"},
            "activation": _activation(),
            "layers": {"type": "array", "items": {"$ref": "#/$defs/layer"}, "minItems": 1},
            "layer": _layer(words),
            "defaults": {
                "type": "object",
                "properties": {w.name: {"$ref": f"#/$defs/{w.name}"} for w in words},
                "additionalProperties": False,
            },
            **{word.name: _attributes(word) for word in words},
        },
    }


def _without_items(schema: Schema, top: Schema, name: str) -> Schema:
    """A property whose content is described elsewhere, with its own description."""
    for key in ("items", "additionalProperties", "type", "minItems", "default"):
        top["properties"][name].pop(key, None)
    return {"allOf": [schema]}


def _plain(schema: Any) -> Any:
    """A schema of pydantic's in draft 7, without the titles it makes up for attributes.

    ``refer`` stands for a reference to a definition that pydantic does not know.
    """
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            plain[key] = {name: _plain(item) for name, item in value.items()}
        elif key == "prefixItems":
            plain["items"] = _plain(value)
        elif key == "refer":
            plain["$ref"] = f"#/$defs/{value}"
        elif key == "const":
            plain["enum"] = [value]
        elif key != "title" and not (key == "default" and isinstance(value, dict | None)):
            plain[key] = _plain(value)
    return plain


def _attributes(word: Keyword) -> Schema:
    """The attributes of a keyword, as a mapping."""
    schema = _plain(word.model.model_json_schema())
    properties = {
        name: _content(word, name, schema["properties"][name])
        for name in word.model.model_fields
        if name not in word.beside
    }
    return {
        "title": word.name,
        "description": " ".join(schema.get("description", "").split()),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _content(word: Keyword, name: str, schema: Schema) -> Schema:
    """An attribute, or a parameter in its place."""
    annotations = ("description", "default")
    if name in word.nested and schema.get("type") == "array":
        content: list[Schema] = [{"$ref": "#/$defs/layers"}]
    else:
        inner = {key: value for key, value in schema.items() if key not in annotations}
        content = [*(inner["anyOf"] if set(inner) == {"anyOf"} else [inner]), _PARAMETER]
    about: Schema = {key: schema[key] for key in annotations if key in schema}
    return {**about, "anyOf": content}


def _activation() -> Schema:
    properties = {
        kind: {"anyOf": [{"type": "number"}, {"$ref": f"#/$defs/{kind}"}]}
        for kind in activations()
        if OPERATORS[kind].shorthand
    }
    one = {"type": "object", "properties": properties, "maxProperties": 1, "minProperties": 1}
    words: Schema = {"enum": [*activations(), "none", None]}
    return {"anyOf": [words, {**one, "additionalProperties": False}, _PARAMETER]}


def _layer(words: list[Keyword]) -> Schema:
    beside = {name: {"$ref": "#/$defs/layers"} for word in words for name in word.beside}
    properties: Schema = {
        "name": {"type": "string", "description": "what the layer is called"},
        "from": {**_NAMES, "description": "what it reads; the layer above if left out"},
        **_OWNED,
        **{word.name: _body(word) for word in words},
        **beside,
    }
    return {
        "description": "one layer: its keyword, or its keyword with attributes",
        "anyOf": [
            {"enum": [word.name for word in words if not _required(word)]},
            {
                "type": "object",
                "properties": properties,
                "additionalProperties": False,
                "oneOf": [{"required": [word.name, *word.beside]} for word in words],
                "dependencies": {name: [word.name] for word in words for name in word.beside},
            },
            _PARAMETER,
        ],
    }


def _required(word: Keyword) -> bool:
    """Whether a keyword cannot stand alone, whatever the defaults are."""
    return bool(word.beside) or word.fewest != 1


def _body(word: Keyword) -> Schema:
    """What may stand behind a keyword."""
    choices: list[Schema] = [{"type": "null"}]
    if not word.beside:
        choices.append({"$ref": f"#/$defs/{word.name}"})
    if word.names_inputs:
        choices += _NAMES["anyOf"]
    elif word.shorthand is not None:
        schema = _plain(word.model.model_json_schema())["properties"][word.shorthand]
        choices += _content(word, word.shorthand, schema)["anyOf"]
    doc = word.model.model_json_schema().get("description", "")
    return {"description": " ".join(doc.split()), "anyOf": choices}
