"""Network to YAML or JSON: the flat architecture file, one layer a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from memsim.errors import InputError, Problem, did_you_mean
from memsim.formats.architecture.items import name_problem
from memsim.network import Network, Node
from memsim.network.groups import LayerGroup
from memsim.network.types import Types
from memsim.yaml.text import resolve

__all__ = ["dump"]

# What may stand in a flow mapping without quotes; less than YAML allows.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*")


def dump(network: Network, format: str = "yaml") -> str:
    """Write a network as a flat architecture file: every layer named, with what it reads.

    Reading the text back gives an equal network.

    Parameters
    ----------
    network : Network
    format : str
        ``yaml`` or ``json``.

    Returns
    -------
    str
        YAML or JSON. Attributes that have their default value are left out.

    Raises
    ------
    InputError
        If a layer has a name that cannot be written, such as ``previous``, and for another format.

    Examples
    --------
    >>> from memsim.formats.architecture.file import from_text
    >>> tiny = from_text('''
    ... name: tiny
    ... input: [3, 8, 8]
    ... layers:
    ...   - conv: {out: 4, kernel: 3, act: relu}
    ...   - add: input
    ...     from: [conv1, conv1.conv]
    ... '''.replace("add: input", "add: {}"))
    >>> print(dump(tiny), end="")
    name: tiny
    input: [3, 8, 8]
    layers:
      - {name: conv1.conv, conv: {out: 4, kernel: 3}, from: input}
      - {name: conv1.act, relu: {}, from: conv1.conv}
      - {name: add1, add: {}, from: [conv1.act, conv1.conv]}
    >>> print(dump(tiny, "json"), end="")
    {
      "name": "tiny",
      "input": [3, 8, 8],
      "layers": [
        {"name": "conv1.conv", "conv": {"out": 4, "kernel": 3}, "from": "input"},
        {"name": "conv1.act", "relu": {}, "from": "conv1.conv"},
        {"name": "add1", "add": {}, "from": ["conv1.act", "conv1.conv"]}
      ]
    }
    """
    if format not in WRITERS:
        raise InputError(Problem(f"unknown format {format!r}", hint=did_you_mean(format, WRITERS)))
    return "\n".join(WRITERS[format](_facts(network))) + "\n"


def _facts(network: Network) -> dict[str, Any]:
    """What the file holds, in its order."""
    _check_names(network)
    facts: dict[str, Any] = {"name": network.name}
    if network.source:
        facts["source"] = network.source
    nodes = list(network.nodes)
    inputs = _leading_inputs(nodes)
    if any(node.types != Types() for node in inputs):
        inputs = []  # written as layers, which say their data types
    if len(inputs) == 1 and inputs[0].name == "input" and len(nodes) > 1:
        facts["input"] = inputs[0].op.model_dump()["shape"]
    elif inputs and len(nodes) > len(inputs):
        facts["inputs"] = {node.name: node.op.model_dump()["shape"] for node in inputs}
    else:
        inputs = []  # nothing but inputs: they are the layers then
    if network.dtype != "fp32":
        facts["dtype"] = network.dtype
    if network.batch != 1:
        facts["batch"] = network.batch
    facts["layers"] = [_item(node) for node in nodes[len(inputs) :]]
    unread = {node.name for node in nodes} - {name for node in nodes for name in node.inputs}
    if network.outputs != tuple(layer.name for layer in network if layer.name in unread):
        facts["outputs"] = network.outputs
    if network.held:
        facts["held"] = dict(network.held)
    if network.groups:
        facts["groups"] = [_group(group) for group in network.groups]
    return facts


LONG = ("layers", "held", "groups")
"""What has a line for each of its parts."""


def _yaml(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, value in facts.items():
        if name not in LONG:
            yield f"{name}: {_value(value)}"
            continue
        yield f"{name}:"
        if isinstance(value, dict):
            yield from (f"  {_text(key)}: {_value(part)}" for key, part in value.items())
        else:
            yield from (f"  - {_value(part)}" for part in value)


def _json(facts: Mapping[str, Any]) -> Iterator[str]:
    yield "{"
    for number, (name, value) in enumerate(facts.items(), 1):
        comma = "," if number < len(facts) else ""
        if name not in LONG:
            yield f'  "{name}": {_json_value(value)}{comma}'
            continue
        begin, end = "{}" if isinstance(value, dict) else "[]"
        yield f'  "{name}": {begin}'
        parts = (
            [f"{_json_value(key)}: {_json_value(part)}" for key, part in value.items()]
            if isinstance(value, dict)
            else [_json_value(part) for part in value]
        )
        yield ",\n".join(f"    {part}" for part in parts)
        yield f"  {end}{comma}"
    yield "}"


WRITERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "yaml": _yaml,
    "json": _json,
}
"""How facts become the lines of a file."""


def _group(group: LayerGroup) -> Any:
    return group.items if len(group.items) > 1 else group.text


def _check_names(network: Network) -> None:
    problems = []
    for node in network.nodes:
        wrong = name_problem(node.name)
        if wrong:
            problems.append(node.problem(wrong[0], wrong[1]))
    if problems:
        raise InputError(*problems)


def _leading_inputs(nodes: list[Node]) -> list[Node]:
    """The inputs before the first other layer."""
    for index, node in enumerate(nodes):
        if not node.op.is_input:
            return nodes[:index]
    return nodes


def _item(node: Node) -> dict[str, Any]:
    reads = list(node.inputs)
    return {
        "name": node.name,
        node.op.kind: node.op.model_dump(exclude_defaults=True),
        **({"from": reads if len(reads) > 1 else reads[0]} if reads else {}),
        **_owner(node),
        **_types(node),
    }


def _owner(node: Node) -> dict[str, Any]:
    """Whose parameters a layer reads, and what they are computed from."""
    told: dict[str, Any] = {}
    if node.weights and node.bias == (node.weights if node.op.biased else ""):
        told["weights"] = node.weights
    elif node.weights or node.bias:
        parts = {"weight": node.weights, "bias": node.bias}
        told["weights"] = {part: name for part, name in parts.items() if name}
    if node.learned is not None:
        told["learned"] = dict(node.learned)
    return told


def _types(node: Node) -> dict[str, Any]:
    """The data types that are not the usual ones."""
    said = {part: name for part, name in node.types._asdict().items() if name}
    if not said:
        return {}
    return {"dtype": said["output"] if [*said] == ["output"] else said}


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key)}: {_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _json_value(value: Any) -> str:
    """A value in JSON, where what is not printable is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _text(text: str) -> str:
    """Text as YAML reads it back: plain where that is safe, else in double quotes."""
    if _PLAIN.fullmatch(text) and isinstance(resolve(text), str):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in quoted)


def _escape(code: int) -> str:
    kind, digits = ("x", 2) if code < 1 << 8 else ("u", 4) if code < 1 << 16 else ("U", 8)
    return f"\\{kind}{code:0{digits}x}"
