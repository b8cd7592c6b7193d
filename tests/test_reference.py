"""The reference pages: every entry of every registry stands on one, and every example loads."""

from __future__ import annotations

import re
import sys
from collections import Counter
from types import ModuleType

import pytest

import memsim
from memsim.cli.listing import BESIDES, REGISTRIES
from memsim.formats.architecture.keywords import keyword, keywords
from memsim.formats.architecture.macros import MACROS
from memsim.network.ops import OPERATORS
from tests.test_docs import DOCS
from tests.test_house import PACKAGE

pytestmark = pytest.mark.needs("sphinx")

PAGES = {page.stem: page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md")}

ELSEWHERE = {
    "CHECKERS": "file endings: docs/howto/network.md",
    "CHECKS": "memsim fidelity: docs/fidelity.md",
    "CONDITIONS": "memsim paper: docs/cli.md",
    "FORMATS": "formats of output, and of sweeps: docs/cli.md; of traces: here",
    "FORWARDS": "inside of LIBRARIES",
    "LAYERS": "what modules of PyTorch become: docs/howto/pytorch.md",
    "PARAMETERS": "memsim calibrate: docs/howto/measure.md",
    "PUBLISHED": "memsim calibrate: docs/howto/measure.md",
    "READERS": "file endings: docs/howto/network.md",
    "REPORTS": "memsim paper: docs/cli.md",
    "SETS": "POLICIES of a cache of sets",
    "SUBJECTS": "memsim fidelity: docs/fidelity.md",
    "TABLES": "memsim paper: docs/cli.md",
    "WATCHED": "POLICIES that memsim microscope can watch",
}
"""Registries that have no section of the reference, and where their entries are told of."""


@pytest.fixture(scope="module", name="registered")
def _registered() -> ModuleType:
    sys.path.insert(0, str(DOCS / "extensions"))
    try:
        import registered
    finally:
        sys.path.pop(0)
    return registered


def test_every_kind_has_one_section(registered) -> None:
    sections = re.findall(r"^```\{registered\} (\S+)$", "\n".join(PAGES.values()), re.MULTILINE)
    kinds = {*REGISTRIES, *registered.OTHERS, *registered.WRITERS}
    assert Counter(sections) == Counter(kinds)


def test_every_registry_is_of_a_kind_or_told_of_elsewhere(registered) -> None:
    made = re.compile(r"^(\w+): Registry\[", re.MULTILINE)
    found = {name for path in PACKAGE.rglob("*.py") for name in made.findall(path.read_text())}
    kinds = {place.partition(":")[2] for place in {**REGISTRIES, **registered.OTHERS}.values()} | {
        "MACROS"
    }
    assert found == kinds | set(ELSEWHERE)


def test_every_entry_of_every_registry_stands_on_its_page_and_says_what_it_is(registered) -> None:
    for kind in {*REGISTRIES, *registered.OTHERS} - {"operators"}:
        text = registered.text_of(kind)
        said = dict(re.findall(r"^### (\S+)\n\n(\S.*)$", text, re.MULTILINE))
        assert list(said) == [*registered.registry(kind), *BESIDES.get(kind, ())], kind
        assert len(said) == text.count("### "), kind


def test_every_operator_stands_there_with_an_example_that_has_it(registered) -> None:
    sections = registered.text_of("operators").split("### ")[1:]
    functions = re.findall(r"^\| `(\w+)` \|", registered.text_of("functions"), re.MULTILINE)
    with_attributes = [each.split("\n")[0] for each in sections]
    assert sorted([*with_attributes, *functions]) == sorted(OPERATORS)
    for kind in OPERATORS:
        shown = registered.example(kind)
        assert kind in {layer.op.kind for layer in memsim.loads(shown)}, kind
    for kind, text in zip(with_attributes, sections, strict=True):
        assert registered.example(kind) in text + "\n", kind
        assert all(f"| `{name}` |" in text for name in keyword(kind).model.model_fields), kind
        assert "| output | " in text, kind


def test_every_macro_stands_there_with_an_example_that_loads(registered) -> None:
    sections = registered.text_of("macros").split("### ")[1:]
    assert [each.split("\n")[0] for each in sections] == list(MACROS)
    for kind, text in zip(MACROS, sections, strict=True):
        assert registered.example(kind).rstrip() in text
        assert len(list(memsim.loads(registered.example(kind)))) > 2, kind


def test_no_example_is_of_nothing(registered) -> None:
    assert set(registered._written()) <= {*OPERATORS, *MACROS}


def test_every_attribute_says_what_it_means() -> None:
    silent = [
        f"{kind}.{name}"
        for kind in keywords()
        for name, field in keyword(kind).model.model_fields.items()
        if not field.description
    ]
    assert not silent


def test_the_counts_by_hand(registered) -> None:
    """3x3, stride 2, 64 to 128 channels over 56x56: 128 * 28^2 * 9 * 64 MACs; rows 2r-1 to 2r+1."""
    conv = registered.operator("conv")
    assert "| MACs | 57,802,752, at the rate of `conv` |" in conv
    assert "| parameters | 73,728 |" in conv
    tile = "| a tile of rows 14–16 of 28, channels 64–95 of 128 reads |"
    assert f"{tile} rows 27–33 of 56, all 64 channels of `input` |" in conv
    concat = registered.operator("concat")  # 32 channels in front of 64: channel 48 is 16
    assert "rows 28–34 of 56, channels 16–39 of 64 of `input` |" in concat
    assert "| nothing of `branch` |" in concat


BY_HAND = {
    "conv": (128 * 28 * 28 * 9 * 64, 128 * 9 * 64),
    "conv_transpose": (64 * 56 * 56 * 4 * 32, 32 * 4 * 64),
    "computed_conv": (32 * 56 * 56 * 9 * 64, 0),
    "deform_conv": (64 * 56 * 56 * 9 * 64, 64 * 9 * 64),
    "linear": (512 * 1000, 512 * 1000 + 1000),
    "matmul": (8 * 196 * 196 * 64, 0),
    "attention": (8 * 196 * 196 * (64 + 64), 0),
    "rnn": (128 * 512 * (256 + 512), 512 * (256 + 512 + 2)),
    "gru": (128 * 3 * 512 * (256 + 512), 3 * 512 * (256 + 512 + 2)),
    "lstm": (2 * 128 * 4 * 512 * (256 + 512), 2 * 4 * 512 * (256 + 512 + 2)),
}
"""MACs and parameters of the examples, by the rules that stand above them."""


def test_what_products_count_follows_from_the_rules_on_their_page(registered) -> None:
    multiplying = [kind for kind, op in OPERATORS.items() if op.multiplies]
    assert sorted(BY_HAND) == sorted(multiplying)
    for kind, counts in BY_HAND.items():
        network = memsim.loads(registered.example(kind))
        assert (network.macs, network.params) == counts, kind
        assert kind in ("gru", "lstm") or "MACs" in registered.prose(OPERATORS[kind]), kind


def test_an_attribute_that_is_one_of_some_words_tells_them(registered) -> None:
    told = {name: row for kind in ("reduce", "upsample", "conv")
            for name, _, row in registered.attributes(kind)}  # fmt: skip
    assert told["`function`"].startswith("what is computed of them: `mean`, `sum`, `max`")
    assert told["`mode`"].endswith("`nearest`, `nearest-exact`, `bilinear`, `bicubic`, `area`")
    assert told["`order`"].endswith("pre: batch norm, activation, convolution")  # both are there


def test_every_key_of_a_machine_file_says_how_it_is_written_and_what_it_means(registered) -> None:
    text = registered.text_of("machine")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert [row[0] for row in rows if not row[1] or not row[3]] == []
    meanings = {}
    for key, *_, meaning in rows:
        assert meanings.setdefault(meaning, key) == key or key in ("worst", "family_worst"), key
    assert not re.search(r"\bNone\b|registr|: \.", text)
    written = {row[0]: row[1:3] for row in rows}
    assert written["buffer"] == ("bytes, as `512KiB`", "needed")
    assert written["policy"] == ("`lru`, `fifo`, `belady`, `min`, `pinned`", "`lru`")
    assert written["overlap"] == ("`all`, `kernel`, `none`", "`all`")
    assert written["library"][0].endswith("`none`")


SCHEMAS = re.findall(r"^\| `(memsim\.\w+/\d+)` \|", (DOCS / "stability.md").read_text(), re.M)


def test_every_schema_has_a_document_that_is_shown(registered) -> None:
    assert sorted(registered.documents.DOCUMENTS) == sorted(SCHEMAS)


@pytest.mark.parametrize("schema", ["memsim.result/2", "memsim.measurement/1", "memsim.check/1"])
def test_a_document_tells_every_key(registered, schema: str) -> None:
    written = dict(registered.documents.DOCUMENTS[schema][1]())
    assert written.pop("schema") == schema
    part = registered.documents.told(schema)
    assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == list(written)
    assert all(f"`{key}`" in part for key in written.get("totals", {}))


@pytest.mark.slow
def test_every_document_is_of_the_schema_that_it_stands_under(registered) -> None:
    for schema, (_, make) in registered.documents.DOCUMENTS.items():
        assert make()["schema"] == schema
