"""``{registered} KIND``: a reference page's entries, from the registry that memsim itself uses.

What is said of each is its docstring and the descriptions of its attributes; what an operator's
example costs is counted when the page is read. So a new operator, policy or lowering stands on its
page without a line written for it, and nothing on a page can be out of date.

The functions give Markdown and know nothing of Sphinx: the tests call them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import documents
from docutils import nodes
from machine_files import machine_file, machines
from ruamel.yaml import YAML
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from texts import prose, section, shown, table

import memsim
from memsim.cli.listing import BESIDES, REGISTRIES
from memsim.formats.architecture.keywords import keyword
from memsim.formats.architecture.macros import MACROS
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
    schemas = word.model.model_json_schema().get("properties", {})
    for name, field in word.model.model_fields.items():
        needed = field.is_required()
        default = "needed" if needed else shown(field.get_default(call_default_factory=True))
        short = f" (`{kind}: …` alone sets it)" if name == word.shorthand else ""
        said = field.description or ""
        rows.append((f"`{name}`", default, f"{said}{words(schemas[name], said)}{short}"))
    return rows


def words(schema: Mapping[str, Any], said: str) -> str:
    """The words that an attribute may be, where its description does not have them all."""
    for choice in (schema, *schema.get("anyOf", ())):
        named = [str(word) for word in choice.get("enum", ())]
        if not all(re.search(rf"\b{re.escape(word)}\b", said) for word in named):
            return f": {', '.join(f'`{word}`' for word in named)}"
    return ""


def inputs(kind: str) -> str:
    """How many tensors an operator reads."""
    least, most = OPERATORS[kind].arity
    if most is None:
        return f"{least} or more"
    return f"{least}" if least == most else f"{least} to {most}"


def counted(layer: Layer) -> list[tuple[str, str]]:
    """What memsim counts for a layer of one image."""
    op, output = layer.op, layer.output.image
    facts = []
    if layer.inputs:
        here, takes = str(len(layer.inputs)), inputs(op.kind)
        facts.append(("inputs", here if here == takes else f"{here}; it takes {takes}"))
    facts.append(("output", "x".join(map(str, output))))
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
    told = {name: prose(part) for name, part in registry(kind).items()} | BESIDES.get(kind, {})
    return "\n\n".join(section(name, text) for name, text in told.items())


WRITERS: dict[str, Callable[[], str]] = {
    "functions": functions,
    "operators": operators,
    "macros": macros,
    "machine": machine_file,
    "machines": machines,
    "documents": documents.entries,
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
