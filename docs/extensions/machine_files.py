"""Machine files: every section, every key, how it is written and what it means."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from texts import prose, section, shown, table, unmarked

from memsim.cli.completion import OF_OPTIONS, WORDS
from memsim.cli.listing import BESIDES, listing
from memsim.machine import Machine, load_machine, machine_names
from memsim.machine.dram import kinds


def machines() -> str:
    """The shipped machines, with what each says of itself and where its numbers come from."""
    found = [load_machine(name) for name in machine_names()]
    rows = [(f"`{each.name}`", each.description, each.source) for each in found]
    return table(("machine", "what it is", "its numbers"), list(rows))


def _told(model: type[BaseModel]) -> dict[str, str]:
    """What a docstring's ``Attributes`` or ``Parameters`` say of each name."""
    text = inspect.getdoc(model) or ""
    found = re.search(r"^(?:Attributes|Parameters)\n-+\n(.*?)(?=^\w+\n---|\Z)", text, re.M | re.S)
    entries = re.findall(
        r"^(\w[\w, ]*?)(?: : .*)?\n((?:    .*\n?)*)", f"{found[1]}\n" if found else "", re.M
    )
    return {name: _of_files(body) for names, body in entries for name in names.split(", ")}


def _of_files(text: str) -> str:
    """What a docstring says of an attribute, for one who writes a file."""
    text = re.sub(r"[:;]\s+(a name in the registry of|see)\s+:mod:`[^`]*`", "", text)
    text = re.sub(r"(?<=\.)(\s+)None\b", r"\1Left out", unmarked(text))
    return re.sub(r"\bNone\b", "left out", text)


def _sections(model: type[BaseModel], name: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """A model and those that its fields are, with the words that lead to each."""
    yield name, model
    for key, field in model.model_fields.items():
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _sections(inner, f"{name}.{key}".strip("."))


BY_TYPE = {name: f"in {name}" for name in WORDS["dtype"]}
"""Of keys that are data types, whose section says what is told of each."""

LEVELS = {"level": ("network", "kernel"), "kind": tuple(kinds())}
"""Words of keys that are no option."""

UNITS = {
    "MAC/s": "MACs per second",
    "op/s": "operations per second",
    "B/s": "bytes per second",
    "B": "bytes",
    "ns": "a time",
}
"""What a quantity is, by how its example ends."""


def _named(key: str) -> list[str]:
    """What a key that is a name may say."""
    if key in OF_OPTIONS:
        kind = OF_OPTIONS[key]
        choices = {"best", "auto"} & {*BESIDES.get(kind, ())}  # searches, which no file asks for
        return [name for name in listing(kind).entries if name not in choices]
    return list({**WORDS, **LEVELS}.get(key, ()))


NAMES = ("lru", "LPDDR4")
"""The examples of keys that are names."""


def _as_written(key: str, schema: Mapping[str, Any]) -> str:
    """How a value is written: the words to choose from, an example, or its type."""
    for choice in (schema, *schema.get("anyOf", ())):
        if "examples" in choice:
            example = str(choice["examples"][0])
            if example in NAMES:
                return ", ".join(f"`{name}`" for name in _named(key))
            units = (unit for ending, unit in UNITS.items() if example.endswith(ending))
            unit = next(units, "")
            return f"{unit}, as `{example}`" if unit else f"as `{example}`"
        if "enum" in choice:
            return ", ".join(f"`{word}`" for word in choice["enum"])
        if "$ref" in choice or "allOf" in choice:
            return "a section"
        if choice.get("type", "null") != "null":
            return {"string": "text", "array": "a list", "boolean": "`true`, `false`"}.get(
                choice["type"], choice["type"]
            )
    return ""


def machine_file() -> str:
    """Every section of a machine file, and its fields."""
    found = []
    for name, model in _sections(Machine):
        properties = model.model_json_schema()["properties"]
        told, rows = _told(model), []
        for key, field in model.model_fields.items():
            default = "needed" if field.default is PydanticUndefined else shown(field.default)
            written = _as_written(key, properties[key])
            rows.append((f"`{key}`", written, default, told.get(key) or BY_TYPE.get(key, "")))
        said = "" if model is Machine else _of_files(prose(model).split("\n\n")[0])
        heading = name or "The file"
        head = ("key", "written as", "default", "meaning")
        found.append(section(heading, said, table(head, rows)))
    return "\n\n".join(found)
