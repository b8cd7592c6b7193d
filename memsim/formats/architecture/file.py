"""Architecture files: YAML to Network."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Container, Mapping
from functools import lru_cache
from typing import Any

from memsim.errors import InputError, Problem, did_you_mean
from memsim.formats.architecture.builder import Builder, Scope
from memsim.formats.architecture.macros import FeatureMap
from memsim.formats.architecture.schema import Architecture, parse
from memsim.formats.overrides import Overrides
from memsim.formats.standard_input import NAME, SHOWN, standard_input
from memsim.network import Network
from memsim.network.groups import LayerGroup
from memsim.network.inputs import Given, assign, input_of
from memsim.network.ops.shape import Input
from memsim.yaml.document import Document, shown
from memsim.yaml.faults import Fault
from memsim.yaml.text import load, read

__all__ = ["check_architecture", "from_text", "parameters_of", "read_architecture", "schema_of"]


def read_architecture(path: str | os.PathLike[str], overrides: Overrides | None = None) -> Network:
    """Read an architecture file.

    Raises
    ------
    InputError
        Every problem of the file at once, each with its line and column.
    """
    return from_text(*_text_of(path), overrides)


def from_text(text: str, file: str = "<text>", overrides: Overrides | None = None) -> Network:
    """Read the text of an architecture file.

    Parameters
    ----------
    text : str
    file : str
        The name shown in problems.
    overrides : Overrides, optional

    Examples
    --------
    >>> network = from_text('''
    ... name: tiny
    ... input: [3, 8, 8]
    ... layers:
    ...   - conv: {out: 4, kernel: 3, bn: true, act: relu}
    ...   - block: {pattern: harmonic, layers: 2, growth: 4}
    ... ''')
    >>> [layer.name for layer in network][:5]
    ['input', 'conv1.conv', 'conv1.bn', 'conv1.act', 'block1.1.conv']
    >>> network["block1.concat"].output.shape
    (1, 10, 8, 8)
    """
    return _expand(*_parsed(text, file), overrides or Overrides())


def check_architecture(path: str | os.PathLike[str]) -> list[Problem]:
    """All problems of a file, in every variant of it; none if it is sound."""
    try:
        document, model = _parsed(*_text_of(path))
        variants = document.data.get("variants") if isinstance(document.data, dict) else None
    except InputError as error:
        return list(error.problems)
    problems: dict[Problem, None] = {}
    for variant in (None, *(variants if isinstance(variants, dict) else ())):
        try:
            _expand(document, model, Overrides(variant=variant))
        except InputError as error:
            problems.update(dict.fromkeys(error.problems))
    return list(problems)


def _text_of(path: str | os.PathLike[str]) -> tuple[str, str]:
    """The text of a file, or of standard input, and how problems call it."""
    if os.fspath(path) == NAME:
        return standard_input(), SHOWN
    if (told := schema_of(path)) is not None:
        message = f"holds an answer of memsim ({told}), and no network"
        hint = "memsim diff reads results of memsim run"
        raise InputError(Problem(message, file=os.fspath(path), hint=hint))
    return read(path), os.fspath(path)


HEAD = 1000
"""Bytes in which the schema of an answer is told."""


def schema_of(path: str | os.PathLike[str]) -> str | None:
    """The schema of a file that holds an answer of memsim in JSON; None where it holds none.

    Examples
    --------
    >>> schema_of("no/such.json") is None
    True
    """
    if not os.fspath(path).lower().endswith(".json"):
        return None
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except (OSError, ValueError):
        return None  # who reads it tells
    told = re.match(rb'\s*\{\s*"schema":\s*"(memsim\.[\w./-]{1,60})"', head.removeprefix(BOM_UTF8))
    return told[1].decode() if told else None


@lru_cache(maxsize=4)
def _parsed(text: str, file: str) -> tuple[Document, Architecture | list[Fault]]:
    """The data of a text; a search reads one file again and again, with other parameters."""
    document = load(text, file)
    return document, parse(document.data)


def _expand(document: Document, model: Architecture | list[Fault], overrides: Overrides) -> Network:
    if isinstance(model, Architecture):
        return _build(document, model, overrides)
    problems = _placed(document, model)
    rest = _without(document, model)
    if rest is not None:
        try:
            _build(document, rest, overrides)
        except InputError as error:
            problems += error.problems
    raise InputError(*problems)


def parameters_of(path: str | os.PathLike[str], variant: str | None = None) -> dict[str, Any]:
    """The values of a file's parameters, in one of its variants or as they are.

    Raises
    ------
    InputError
        As :func:`read_architecture`.
    """
    document, model = _parsed(*_text_of(path))
    if not isinstance(model, Architecture):
        raise InputError(*_placed(document, model))
    return _values(model, Overrides(variant=variant), document.file)


HARMLESS = {"name", "source", "description", "dtype", "outputs", "held", "groups"}
"""Keys without which the layers still mean what they say."""


def _without(document: Document, faults: list[Fault]) -> Architecture | None:
    """The file less its faults on top, if the layers can be looked at without them."""
    data = document.data
    keys = {fault.path[0] if fault.path else "name" for fault in faults}
    if not isinstance(data, dict) or keys & (set(Architecture.model_fields) - HARMLESS):
        return None
    kept = {key: value for key, value in data.items() if key not in keys}
    model = parse({"name": "unnamed", **kept})
    return model if isinstance(model, Architecture) else None


def _build(document: Document, model: Architecture, overrides: Overrides) -> Network:
    values = _values(model, overrides, document.file)
    builder = Builder(document)
    builder.set_defaults(model.defaults, values)
    scope = Scope("", values)
    described = any(isinstance(item, dict) and "input" in item for item in document.data["layers"])
    on_top = {"input"} if model.input is not None else set(model.inputs or ())
    given, later = _apart(overrides.input_shape, on_top, described)
    source = _inputs(document, model, given, described, builder)
    builder.layers(document.data["layers"], ("layers",), scope, source, alone=False)
    outputs = None
    if model.outputs is not None:
        outputs = [
            builder.name_of(name, scope, ("outputs", i)) for i, name in enumerate(model.outputs)
        ]
    held = {
        builder.name_of(name, scope, ("held", name)): builder.name_of(until, scope, ("held", name))
        for name, until in model.held.items()
    }
    groups = [
        LayerGroup(text, document.problem(("groups", number), ""))
        for number, text in enumerate(model.groups or ())
    ]
    network = Network(
        model.name,
        builder.nodes(),
        outputs,
        dtype=overrides.dtype or _own_dtype(model) or overrides.otherwise_dtype,
        batch=model.batch if overrides.batch is None else overrides.batch,
        source=model.source,
        variant=overrides.variant or "",
        held=held,
        groups=groups,
    )
    return network.with_options(input_shape=later) if later else network


def _own_dtype(model: Architecture) -> str | None:
    """The data type that a file says, and None where it says none."""
    return model.dtype if "dtype" in model.model_fields_set else None


def _placed(document: Document, faults: list[Fault]) -> list[Problem]:
    problems = [document.problem(fault.path, fault.message, fault.hint) for fault in faults]
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _values(model: Architecture, overrides: Overrides, file: str) -> dict[str, Any]:
    """What ``$names`` stand for: the parameters, a variant's, the caller's."""
    variant = model.variant if overrides.variant is None else overrides.variant
    chosen: Mapping[str, Any] = {}
    if variant is not None:
        if variant not in model.variants:
            hint = did_you_mean(variant, model.variants) or f"{model.name} has no variants"
            raise InputError(Problem(f"unknown variant {shown(variant)}", hint=hint, file=file))
        chosen = model.variants[variant]
    values = {**model.parameters, **chosen}
    problems = []
    for name, value in overrides.parameters.items():
        if name not in values:
            hint = did_you_mean(name, values) or f"{model.name} has no parameters"
            message = f"unknown parameter {shown(name)}"
            problems.append(Problem(message, hint=hint, file=file))
        if not isinstance(value, str | int | float | bool | None):
            message = f"the parameter {shown(name)} must be a number or a word"
            problems.append(Problem(message, file=file))
    if problems:
        raise InputError(*problems)
    return {**values, **overrides.parameters}


def _inputs(
    document: Document, model: Architecture, given: Given | None, described: bool, builder: Builder
) -> FeatureMap | None:
    """Add the inputs; return the one that the first layer reads where it says nothing."""
    shapes = dict(model.inputs or {})
    if model.input is not None:
        shapes["input"] = model.input
    if given:
        sizes = assign(given, shapes, model.name)
        shapes |= {name: input_of(size).shape for name, size in sizes.items()}
    if not shapes and not described:
        problem = document.problem((), "a network needs 'input'", "such as 'input: [3, 224, 224]'")
        builder.report(problem)
        return FeatureMap("")
    value = None
    for name, shape in shapes.items():
        path = ("input",) if model.inputs is None else ("inputs", name)
        place = document.problem(path, "")
        value = builder.add(name, Input(shape=shape), (), place)
        builder.ends[name] = value
    return value if len(shapes) == 1 else None


def _apart(given: Given | None, on_top: Container[str], layers: bool) -> tuple[Any, Any]:
    """What is given for inputs on top of a file, and for those among its layers, if it has any."""
    if not isinstance(given, Mapping):
        return (given, None) if on_top else (None, given)
    if not layers:
        return given, None
    top = {name: size for name, size in given.items() if name in on_top}
    return top, {name: size for name, size in given.items() if name not in on_top}
