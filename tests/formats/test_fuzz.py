"""No architecture file, however broken, ends in anything but a network or an InputError."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from memsim.errors import InputError, Problem
from memsim.formats import names
from memsim.formats.architecture.file import from_text
from memsim.formats.architecture.keywords import keyword, keywords
from memsim.formats.architecture.schema import Architecture
from memsim.formats.library import path_of
from memsim.yaml.text import read

FILES = [read(path_of(entry.name)) for entry in names()]
SCRAPS = ["0", "-1", "1e9", "99999999999", "$x", "$stride", "previous", "input", "down.1", "null",
          "on", "[]", "{}", "[1, 2]", ": ", "- ", "\n", "  ", "*a", "&a ", "'", "!x "]  # fmt: skip


def survives(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        from_text(text, "f.yaml")
    except InputError as error:
        problems = error.problems
    assert {problem.file for problem in problems} <= {"f.yaml"}


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A shipped file with a few pieces cut out, doubled, or replaced."""
    text = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(["", text[start:stop] * 2, *SCRAPS]))
        text = text[:start] + piece + text[stop:]
    return text


@given(mutated())
def test_mutated_files(text):
    survives(text)


VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 2, 3, -1, 10**6, 1 << 70, 0.5, "same", "x2", "relu"])
    | st.sampled_from(
        ["conv1", "previous", "input", "$p", "$q", "dense", "harmonic", "auto", "pre"]
    )
    | st.floats()
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "p", "times", "leaky_relu", "conv"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@st.composite
def items(draw: st.DrawFn, depth: int = 2) -> object:
    word = draw(st.sampled_from(keywords()))
    model = keyword(word)
    fields = draw(
        st.lists(st.sampled_from([*model.model.model_fields, "x"]), unique=True, max_size=4)
    )
    body: object = {name: draw(VALUES) for name in fields}
    inner = st.lists(items(depth - 1), max_size=2) if depth else VALUES
    if isinstance(body, dict):
        body |= {name: draw(inner) for name in model.nested if draw(st.booleans())}
    item = {word: draw(st.one_of(st.just(body), VALUES))}
    if model.beside and draw(st.integers(0, 3)):
        item["layers"] = draw(inner)
    if draw(st.integers(0, 3)) == 0:
        item["from"] = draw(VALUES)
    if draw(st.integers(0, 3)) == 0:
        item["name"] = draw(VALUES)
    return draw(st.sampled_from([item, item, item, word]))


@st.composite
def architectures(draw: st.DrawFn) -> str:
    data: dict[str, object] = {
        "name": "t",
        "input": [4, 6, 6],
        "layers": draw(st.lists(items(), max_size=4)),
    }
    data["parameters"] = {"p": draw(VALUES)}
    for key in draw(st.lists(st.sampled_from([*Architecture.model_fields, "x"]), max_size=1)):
        data[key] = draw(VALUES)
    return json.dumps(data)  # JSON is YAML, but for its names of infinity


@given(architectures())
def test_structured_nonsense(text):
    survives(text.replace("-Infinity", "-.inf").replace("Infinity", ".inf").replace("NaN", ".nan"))
