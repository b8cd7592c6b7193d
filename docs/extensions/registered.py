"""``{registered} KIND``: a reference page's entries, from the registry that memsim itself uses.

What is said of each is its docstring and the descriptions of its attributes; what an operator's
example costs is counted when the page is read. So a new operator, policy or lowering stands on its
page without a line written for it, and nothing on a page can be out of date.

The functions give Markdown and know nothing of Sphinx: the tests call them as they are.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import memsim
from memsim.cli.listing import REGISTRIES
from memsim.formats.architecture.keywords import keyword
from memsim.formats.architecture.macros import MACROS
from memsim.machine import Machine, load_machine, machine_names
from memsim.network.layer import Layer
from memsim.network.ops import OPERATORS

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "reference" / "examples.yaml"

OTHERS = {
    "counterfactuals": "memsim.explanations.counterfactuals:COUNTERFACTUALS",
    "rows": "memsim.program.rows:ROWS",
}
"""Registries with a section of the reference which ``memsim list`` does not show."""

DETAILED = ("operators", "macros")
"""Kinds whose entries have attributes and an example each."""


# -- text -----------------------------------------------------------------------------------


def prose(part: object) -> str:
    """What a part says of itself, or its docstring without the sections of parameters."""
    own = getattr(part, "told", "") or getattr(part, "summary", "")
    text = own or inspect.getdoc(part) or ""
    text = re.split(r"^\w[\w ]*\n-{3,}$", text, maxsplit=1, flags=re.MULTILINE)[0].strip()
    return unmarked(re.sub(r" \[\d+\]_", "", text))


def unmarked(text: str) -> str:
    """The markup of a docstring as Markdown."""
    text = re.sub(r":[a-z:]+:`[~.]?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def cell(text: object) -> str:
    """Text that can stand in a table."""
    return " ".join(str(text).split()).replace("|", r"\|")


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A table of Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def shown(value: Any) -> str:
    """A default as a file would say it."""
    if value is None or isinstance(value, bool):
        return {None: "–", True: "`true`", False: "`false`"}[value]
    if isinstance(value, BaseModel):
        return f"`{value.kind}`" if isinstance(value, memsim.network.ops.Operator) else "–"
    return f"`{value}`" if value not in ((), "") else "–"


def section(name: str, *parts: str) -> str:
    """An entry under its heading."""
    return "\n\n".join([f"### {name}", *filter(None, parts)])


# -- operators ------------------------------------------------------------------------------


@cache
def _written() -> dict[str, str]:
    return dict(YAML(typ="safe").load(EXAMPLES.read_text(encoding="utf-8")))


def example(kind: str) -> str:
    """An architecture with an operator or a macro, as a file says it."""
    text = _written().get(kind)
    if text is None:
        least = OPERATORS[kind].arity[0]
        names = "xyz"[:least]
        if least < 2:
            text = f"input: [64, 56, 56]\nlayers:\n  - {kind}\n"
        else:
            maps = ", ".join(f"{name}: [64, 56, 56]" for name in names)
            reads = ", ".join(names)
            text = f"inputs: {{{maps}}}\nlayers:\n  - {{{kind}: {{}}, from: [{reads}]}}\n"
    return f"name: example\n{text}"


def attributes(kind: str) -> list[tuple[object, ...]]:
    """Name, default and meaning of what a file may say of an operator or a macro."""
    rows = []
    word = keyword(kind)
    for name, field in word.model.model_fields.items():
        needed = field.is_required()
        default = "needed" if needed else shown(field.get_default(call_default_factory=True))
        short = f" (`{kind}: …` alone sets it)" if name == word.shorthand else ""
        rows.append((f"`{name}`", default, f"{field.description or ''}{short}"))
    return rows


def counted(layer: Layer) -> list[tuple[str, str]]:
    """What memsim counts for a layer of one image."""
    op, output = layer.op, layer.output.image
    facts = [("output", "x".join(map(str, output)))]
    if op.view:
        facts.append(("at inference", "nothing: its output is its input, seen in another shape"))
    if layer.macs:
        facts.append(("MACs", f"{layer.macs:,}, at the rate of `{op.op_class(layer.shapes)}`"))
    if layer.params:
        facts.append(("parameters", f"{layer.params:,}"))
    work = 0 if op.is_input else op.work(layer.shapes, output)
    if work:
        facts.append(("elementwise operations", f"{work} per output element"))
    return facts


def reads(layer: Layer) -> Iterator[tuple[str, str]]:
    """What a tile in the middle of a layer's output reads of each operand."""
    output = layer.output.image
    box = output.box
    rows, channels = _middle(box[1], 8), _middle(box[0], 4)
    tile = f"tile of {_range('row', *rows, box[1])}, {_range('channel', *channels, box[0])}"
    for number, tensor in enumerate(layer.inputs):
        source = layer.op.oriented(number, layer.shapes[number], output).box
        who = layer.op.reader(number, layer.shapes)
        down = _clipped(who.input_rows(*rows, source, box), source[1])
        across = _clipped(who.input_channels(*channels, source, box), source[0])
        what = f"{_range('row', *down, source[1])}, {_range('channel', *across, source[0])}"
        if down[0] >= down[1] or across[0] >= across[1]:
            what = "nothing"
        yield f"a {tile} reads", f"{what} of `{tensor.name}`"


def _middle(size: int, parts: int) -> tuple[int, int]:
    """One of so many parts of an axis, from its middle on."""
    return size // 2, size // 2 + max(1, size // parts)


def _clipped(span: tuple[Any, Any], size: int) -> tuple[int, int]:
    return max(0, int(span[0])), min(size, int(span[1]))


def _range(what: str, start: int, stop: int, size: int) -> str:
    if size == 1:
        return f"the one {what}"
    if (start, stop) == (0, size):
        return f"all {size} {what}s"
    if stop - start == 1:
        return f"{what} {start} of {size}"
    return f"{what}s {start}–{stop - 1} of {size}"


def operator(kind: str) -> str:
    """The entry of an operator."""
    network = memsim.loads(example(kind))
    layer = [each for each in network if each.op.kind == kind][-1]
    facts = counted(layer)
    if not (layer.op.view or layer.op.is_input or layer.op.is_parameter):
        facts += reads(layer)
    return section(
        kind,
        prose(OPERATORS[kind]),
        table(("attribute", "default", "meaning"), attributes(kind)) if attributes(kind) else "",
        f"```yaml\n{example(kind).rstrip()}\n```",
        table(("of it is counted", f"for `{layer.name}` here"), list(facts)),
    )


def _plain(kind: str) -> bool:
    """Whether an operator differs from others in nothing but the function."""
    op = OPERATORS[kind]
    return op.elementwise and set(op.model_fields) <= {"inplace"} and not op.folds


def functions() -> str:
    """The operators that apply a function element by element, and have no attributes."""
    rows = []
    for kind in filter(_plain, OPERATORS):
        layer = [each for each in memsim.loads(example(kind)) if each.op.kind == kind][-1]
        said = prose(OPERATORS[kind]).rstrip(".")
        work = layer.op.work(layer.shapes, layer.output.image)
        item = example(kind).splitlines()[-1].strip()
        rows.append((f"`{kind}`", said, f"`{item}`", work))
    return table(("operator", "what it computes", "in a file", "operations per element"), rows)


def operators() -> str:
    """The entries of all operators with attributes."""
    return "\n\n".join(operator(kind) for kind in OPERATORS if not _plain(kind))


def macros() -> str:
    """The entries of the words that stand for several layers."""
    found = []
    for kind in MACROS:
        network = memsim.loads(example(kind))
        count = sum(not layer.op.is_input for layer in network)
        found.append(
            section(
                kind,
                prose(MACROS[kind]),
                table(("attribute", "default", "meaning"), attributes(kind)),
                f"```yaml\n{example(kind).rstrip()}\n```",
                f"Here it stands for {count} layers, {network.macs:,} MACs and "
                f"{network.params:,} parameters.",
            )
        )
    return "\n\n".join(found)


# -- the other registries -------------------------------------------------------------------


def registry(kind: str) -> Mapping[str, object]:
    """The parts of a kind."""
    module, _, name = {**REGISTRIES, **OTHERS}[kind].partition(":")
    found: Mapping[str, object] = getattr(import_module(module), name)
    return found


def parts(kind: str) -> str:
    """The entries of a registry, each with what it says of itself."""
    return "\n\n".join(section(name, prose(part)) for name, part in registry(kind).items())


# -- machine files --------------------------------------------------------------------------


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
    return {name: unmarked(body) for names, body in entries for name in names.split(", ")}


def _sections(model: type[BaseModel], name: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """A model and those that its fields are, with the words that lead to each."""
    yield name, model
    for key, field in model.model_fields.items():
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _sections(inner, f"{name}.{key}".strip("."))


UNITS = {
    "MAC/s": "MACs per second",
    "op/s": "operations per second",
    "B/s": "bytes per second",
    "B": "bytes",
    "ns": "a time",
    "lru": "a name",
}
"""What a quantity is, by how its example ends."""


def _as_written(schema: Mapping[str, Any]) -> str:
    """How a value is written: an example, the words to choose from, or its type."""
    for choice in (schema, *schema.get("anyOf", ())):
        if "examples" in choice:
            example = str(choice["examples"][0])
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
            rows.append((f"`{key}`", _as_written(properties[key]), default, told.get(key, "")))
        said = "" if model is Machine else prose(model).split("\n\n")[0]
        heading = name or "The file"
        head = ("key", "written as", "default", "meaning")
        found.append(section(heading, said, table(head, rows)))
    return "\n\n".join(found)


# -- documents ------------------------------------------------------------------------------

TINY = "{name: tiny, input: [3, 16, 16], layers: [{conv: {out: 8, kernel: 3}}, {conv: 8}]}"


def _documents() -> Iterator[tuple[str, Callable[[], Mapping[str, Any]]]]:
    """Of each function of Python that answers in JSON, a small document."""
    network = memsim.loads(TINY)
    yield "memsim run", lambda: memsim.run(network).to_dict()
    yield "memsim curve", lambda: memsim.curve(network).to_dict()
    yield "memsim describe", lambda: memsim.describe(network).to_dict()
    yield "memsim memory", lambda: memsim.memory(network).to_dict()
    yield "memsim bounds", lambda: memsim.bounds(network).to_dict()
    yield "memsim compare", lambda: memsim.compare([network, memsim.loads(TINY)]).to_dict()


AS_EVERYWHERE = "machine and program, as in `memsim.result`, as far as the answer depends on them"


def documents() -> str:
    """The keys of the documents that most programs read, and what stands under each."""
    found = []
    for command, make in _documents():
        written = make()
        rows = [
            (f"`{key}`", AS_EVERYWHERE if key == "config" and found else _kind(value))
            for key, value in written.items()
            if key != "schema"
        ]
        said = f"Written by `{command} --format json`."
        found.append(section(written["schema"], said, table(("key", "what"), rows)))
    return "\n\n".join(found)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"`{key}`" for key in value if isinstance(key, str))
        return f"by name: {inner}" if inner else "by name"
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], Mapping):
            return f"a list; each has {', '.join(f'`{key}`' for key in value[0])}"
        return "a list"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return words.get(type(value), "null, or what is known of it")


WRITERS: dict[str, Callable[[], str]] = {
    "functions": functions,
    "operators": operators,
    "macros": macros,
    "machine": machine_file,
    "machines": machines,
    "documents": documents,
}
"""Kinds that are more than a registry's names and docstrings."""


def text_of(kind: str) -> str:
    """The entries of a kind, as Markdown."""
    return WRITERS[kind]() if kind in WRITERS else parts(kind)


class Registered(SphinxDirective):
    """The entries."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(EXAMPLES))
        return self.parse_text_to_nodes(text_of(self.arguments[0]), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("registered", Registered)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
