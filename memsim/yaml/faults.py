"""pydantic's validation errors in memsim's words."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from memsim.errors import did_you_mean
from memsim.yaml.document import Path, shown

__all__ = ["Fault", "faults"]

_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("below", "lt"),
}


@dataclass(frozen=True)
class Fault:
    """A problem of validated data, before it is placed in a file."""

    path: Path
    message: str
    hint: str = ""


def faults(error: ValidationError, data: Any, model: type[BaseModel], what: str) -> list[Fault]:
    """Turn a validation error into faults, one for each wrong value.

    pydantic reports every alternative of a union on its own; here they become one sentence,
    and an alternative that failed only because the value is of another kind gives way to one
    that says what is wrong inside.

    Parameters
    ----------
    error : ValidationError
    data : dict
        What was validated.
    model : type of BaseModel
        What it was validated against.
    what : str
        What it describes: ``"conv"`` needs ``out``.

    Examples
    --------
    >>> from memsim.network.ops.conv import Conv
    >>> data = {"out": 8, "kernel": [3, 0], "strid": 2}
    >>> try:
    ...     Conv.model_validate(data)
    ... except ValidationError as error:
    ...     for fault in faults(error, data, Conv, "conv"):
    ...         print(fault)
    Fault(path=('kernel', 1), message='expected at least 1, not 0', hint='')
    Fault(path=('strid',), message="unknown key 'strid'", hint="did you mean 'stride'?")
    """
    collected: list[Fault] = []
    kinds: dict[Path, dict[str, Any]] = defaultdict(dict)  # path -> expected phrase -> value
    words: dict[Path, list[str]] = defaultdict(list)
    for raw in error.errors(include_url=False):
        path, rest, value = _locate(raw["loc"], data)
        kind, context = raw["type"], raw.get("ctx", {})
        if kind == "missing" and rest and isinstance(rest[-1], str):
            collected.append(_missing(path, rest[-1], model, what))
        elif kind == "missing":
            kinds[path][f"a list of {int(rest[-1]) + 1}"] = value
        elif kind in ("too_long", "too_short"):
            length = context.get("max_length", context.get("min_length"))
            least = "at least " if kind == "too_short" else ""
            kinds[path][f"a list of {least}{length}"] = value
        elif kind == "extra_forbidden":
            name = str(path[-1])
            hint = did_you_mean(name, model.model_fields) if len(path) == 1 else ""
            collected.append(Fault(path, f"unknown key {shown(name)}", hint))
        elif kind in _KINDS:
            kinds[path][_KINDS[kind]] = value
        elif kind == "literal_error":
            choices = re.findall("'[^']*'", context["expected"])
            words[path] += [choice[1:-1] for choice in choices]
            kinds[path] |= dict.fromkeys(choices, value)
        elif kind == "fault":
            collected.append(Fault(path, context["message"], context["hint"]))
        elif kind in _LIMITS:
            phrase, key = _LIMITS[kind]
            collected.append(
                Fault(path, f"expected {phrase} {_number(context[key])}, not {shown(value)}")
            )
        else:
            collected.append(Fault(path, f"{raw['msg'].replace('Input should', 'should')}"))
    inside = {f.path[:depth] for f in collected for depth in range(1, len(f.path) + 1)}
    inside |= {path[:depth] for path in kinds for depth in range(1, len(path))}
    for path, phrases in kinds.items():
        if path in inside:
            continue
        value = next(iter(phrases.values()))
        expected = _either(list(dict.fromkeys(phrases)))
        collected.append(
            Fault(
                path,
                f"expected {expected}, not {shown(value)}",
                _remedy(value, phrases, words[path]),
            )
        )
    # A key that is only misspelt is not missing as well.
    hints = {fault.hint for fault in collected}
    misspelt = {f"{what} needs {key!r}" for key in model.model_fields
                if f"did you mean {key!r}?" in hints}  # fmt: skip
    return [f for f in dict.fromkeys(collected) if f.message.partition(" (")[0] not in misspelt]


def _locate(loc: tuple[int | str, ...], data: Any) -> tuple[Path, Path, Any]:
    """Split a location into the part inside the data and the rest, union tags left out."""
    path: Path = ()
    rest: Path = ()
    for part in loc:
        inside = (
            part in data
            if isinstance(data, dict)
            else isinstance(part, int) and isinstance(data, list) and part < len(data)
        )
        if inside:
            path, data = (*path, part), data[part]
        else:
            rest = (*rest, part)
    return path, rest, data


def _missing(path: Path, key: str, model: type[BaseModel], what: str) -> Fault:
    info = model.model_fields.get(key)
    meaning = f" ({info.description})" if info and info.description and not path else ""
    return Fault(path, f"{what} needs {key!r}{meaning}")


def _number(limit: float) -> str:
    return str(int(limit)) if limit == int(limit) else str(limit)


def _either(phrases: list[str]) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return f"{', '.join(phrases[:-1])} or {phrases[-1]}"


def _remedy(value: Any, phrases: dict[str, Any], words: list[str]) -> str:
    """What the writer probably meant."""
    if isinstance(value, str):
        digits = value.replace("_", "").lstrip("0")
        if "a whole number" in phrases and digits.isdecimal() and digits.isascii():
            return f"write {digits}" if len(digits) <= 20 else ""
        if "true or false" in phrases and value.lower() in ("on", "yes", "y", "off", "no", "n"):
            return "write true" if value.lower() in ("on", "yes", "y") else "write false"
        if words:
            hint = did_you_mean(value, words)
            return hint if hint.startswith("did") else ""
    if isinstance(value, float) and value.is_integer() and "a whole number" in phrases:
        return f"write {int(value)}" if abs(value) < 1e15 else ""
    if isinstance(value, int) and "text" in phrases:
        return "put it in quotes" if not isinstance(value, bool) else ""
    return ""
