"""Network to YAML: the flat architecture file, one layer a line."""

from __future__ import annotations

import json
import re
from typing import Any

from memsim.errors import InputError
from memsim.formats.architecture.items import name_problem
from memsim.network import Network, Node
from memsim.network.groups import LayerGroup
from memsim.network.types import Types
from memsim.yaml.text import resolve

__all__ = ["dump"]

# What may stand in a flow mapping without quotes; less than YAML allows.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*")


def dump(network: Network) -> str:
    """Write a network as a flat architecture file: every layer named, with what it reads.

    Reading the text back gives an equal network.

    Parameters
    ----------
    network : Network

    Returns
    -------
    str
        YAML. Attributes that have their default value are left out.

    Raises
    ------
    InputError
        If a layer has a name that cannot be written, such as ``previous``.

    Examples
    --------
    >>> from memsim.formats.architecture.file import from_text
    >>> print(dump(from_text('''
    ... name: tiny
    ... input: [3, 8, 8]
    ... layers:
    ...   - conv: {out: 4, kernel: 3, act: relu}
    ...   - add: input
    ...     from: [conv1, conv1.conv]
    ... '''.replace("add: input", "add: {}"))), end="")
    name: tiny
    input: [3, 8, 8]
    layers:
      - {name: conv1.conv, conv: {out: 4, kernel: 3}, from: input}
      - {name: conv1.act, relu: {}, from: conv1.conv}
      - {name: add1, add: {}, from: [conv1.act, conv1.conv]}
    """
    _check_names(network)
    lines = [f"name: {_text(network.name)}"]
    if network.source:
        lines.append(f"source: {_text(network.source)}")
    nodes = list(network.nodes)
    inputs = _leading_inputs(nodes)
    if any(node.types != Types() for node in inputs):
        inputs = []  # written as layers, which say their data types
    if len(inputs) == 1 and inputs[0].name == "input" and len(nodes) > 1:
        lines.append(f"input: {_value(inputs[0].op.model_dump()['shape'])}")
    elif inputs and len(nodes) > len(inputs):
        shapes = (f"{_text(n.name)}: {_value(n.op.model_dump()['shape'])}" for n in inputs)
        lines.append(f"inputs: {{{', '.join(shapes)}}}")
    else:
        inputs = []  # nothing but inputs: they are the layers then
    if network.dtype != "fp32":
        lines.append(f"dtype: {network.dtype}")
    if network.batch != 1:
        lines.append(f"batch: {network.batch}")
    lines.append("layers:")
    lines += [f"  - {_item(node)}" for node in nodes[len(inputs) :]]
    unread = {node.name for node in nodes} - {name for node in nodes for name in node.inputs}
    if network.outputs != tuple(layer.name for layer in network if layer.name in unread):
        lines.append(f"outputs: {_value(network.outputs)}")
    if network.held:
        lines.append("held:")
        lines += [f"  {_text(name)}: {_text(until)}" for name, until in network.held.items()]
    if network.groups:
        lines.append("groups:")
        lines += [f"  - {_group(group)}" for group in network.groups]
    return "\n".join(lines) + "\n"


def _group(group: LayerGroup) -> str:
    return _value(group.items if len(group.items) > 1 else group.text)


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


def _item(node: Node) -> str:
    attributes = node.op.model_dump(exclude_defaults=True)
    reads = list(node.inputs)
    source = ""
    if reads:
        source = f", from: {_value(reads if len(reads) > 1 else reads[0])}"
    operator = f"{node.op.kind}: {_value(attributes)}"
    return f"{{name: {_text(node.name)}, {operator}{source}{_owner(node)}{_types(node)}}}"


def _owner(node: Node) -> str:
    """Whose parameters a layer reads, and what they are computed from."""
    text = ""
    if node.weights and node.bias == (node.weights if node.op.biased else ""):
        text = f", weights: {_text(node.weights)}"
    elif node.weights or node.bias:
        parts = {"weight": node.weights, "bias": node.bias}
        text = f", weights: {_value({part: name for part, name in parts.items() if name})}"
    if node.learned is not None:
        sizes = (f"{_text(name)}: {size}" for name, size in node.learned)
        text += f", learned: {{{', '.join(sizes)}}}"
    return text


def _types(node: Node) -> str:
    """The data types that are not the usual ones."""
    said = {part: name for part, name in node.types._asdict().items() if name}
    if not said:
        return ""
    return f", dtype: {_value(said['output'] if [*said] == ['output'] else said)}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _text(text: str) -> str:
    """Text as YAML reads it back: plain where that is safe, else in double quotes."""
    if _PLAIN.fullmatch(text) and isinstance(resolve(text), str):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in quoted)


def _escape(code: int) -> str:
    kind, digits = ("x", 2) if code < 1 << 8 else ("u", 4) if code < 1 << 16 else ("U", 8)
    return f"\\{kind}{code:0{digits}x}"
