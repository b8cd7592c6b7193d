"""YAML text to data: what is read, what is refused, and where the finger points."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.errors import InputError
from memsim.yaml.document import LARGEST_FILE, shown, written
from memsim.yaml.text import LONGEST_LINE, load, read


def told(text: str) -> str:
    with pytest.raises(InputError) as error:
        load(text, "f.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("-3", -3), ("+7", 7), ("0", 0), ("0x1F", 31), ("0o17", 15),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-1.", -1.0), (".inf", math.inf),
        ("true", True), ("False", False), ("null", None), ("~", None),
        # YAML 1.1 would read these as booleans, numbers, dates
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("No", "No"), ("y", "y"),
        ("1_000", "1_000"), ("010", "010"), ("1:30", "1:30"), ("0b1", "0b1"), ("1,000", "1,000"),
        ("2020-01-01", "2020-01-01"), ("1e", "1e"), (".", "."), ("=", "="),
        ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), ("!!int '12'", 12),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema_of_yaml_1_2(text, value):
    data = load(f"a: {text}", "f").data["a"]
    assert data == value
    assert type(data) is type(value)


def test_not_a_number_is_a_float():
    assert math.isnan(load("a: .nan", "f").data["a"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml: is empty"),
        ("---\n", "f.yaml: is empty"),
        ("# nothing\n", "f.yaml: is empty"),
        ("a: 1\n b: 2", "f.yaml:2:3: mapping values are not allowed here "
         "(a value that holds ': ' needs quotes, or the indentation is wrong)"),
        ("a:\n\t- 1", "f.yaml:2:1: found character '\\t' that cannot start any token "
         "(indent with spaces, not tabs)"),
        ("a: [1, 2", "f.yaml:1:9: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1: the key 'a' is given twice (first on line 1)"),
        ("a: !!python/object/apply:os.system [ls]",
         "f.yaml:1:4: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not read "
         "(plain YAML needs no tags)"),
        ("a: !conv 3", "f.yaml:1:4: the tag '!conv' is not read (plain YAML needs no tags)"),
        ("a: !!int x", "f.yaml:1:4: 'x' is no int"),
        ("a: &x 1\nb: {<<: *x}",
         "f.yaml:2:5: merge keys (<<) are not read (use 'defaults', or write it out)"),
        ("a: *x", "f.yaml:1:4: the alias *x has no anchor &x above it"),
        ("a: &x [1, *x]", "f.yaml:1:11: the alias *x is inside what it stands for"),
        ("1: a", "f.yaml:1:1: a key must be text (write '1' in quotes)"),
        ("? [a]\n: b", "f.yaml:1:3: a key must be a word, not a list or a mapping"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: a second document begins here; a file holds one"),
        ("%YAML 1.1\n---\na: on",
         "f.yaml:2:1: directives are not read; memsim reads YAML 1.2"),
        ("ab\nc\x07d: 1", "f.yaml:2:2: the character U+0007 is not allowed in YAML"),
        ("a: " + "9" * 5000, "f.yaml:1:4: a number of 5000 digits"),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_with_its_place(text, message):
    assert told(text) == message


def test_all_problems_are_told_at_once():
    assert told("a: !x 1\na: 2\n3: 4").count("\n") == 2


def test_an_alias_is_the_same_value():
    data = load("a: &x [1, 2]\nb: *x", "f").data
    assert data == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize("levels", [59, 60])
def test_nesting_is_bounded_by_60_levels(levels):
    for text in ("[" * (levels - 1) + "1" + "]" * (levels - 1), "- " * (levels - 1) + "1"):
        assert load(text, "f").data is not None
    assert "nested deeper than 60 levels" in told("[" * 60 + "1" + "]" * 60)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "[\n", "? ", "{? "])
def test_hostile_nesting_does_not_exhaust_the_stack(opening):
    told(opening * 20_000)


def test_aliases_that_explode_are_bounded():
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)
    )
    assert "more than 100,000 values, aliases expanded" in told(bomb)


def test_aliases_that_nest_are_bounded():
    ladder = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 90))
    assert "nested deeper than 60 levels, aliases expanded" in told(ladder)


def test_a_long_line_is_refused_before_it_is_scanned():
    assert "a line of more than" in told("a: " + "!" * LONGEST_LINE)


class TestPlaces:
    document = load(
        "name: t\nlayers:\n  - conv:\n      out: 3\n  - {relu: }\n  - &x {add: [a, b]}\n  - *x\n",
        "f.yaml",
    )

    @pytest.mark.parametrize(
        ("path", "line", "column"),
        [
            ((), 1, 1),
            (("name",), 1, 1),
            (("layers",), 2, 1),
            (("layers", 0), 3, 5),
            (("layers", 0, "conv", "out"), 4, 7),
            (("layers", 0, "conv", "kernel"), 3, 5),  # beyond the document: the nearest above
            (("layers", 1, "relu"), 5, 6),
            (("layers", 2, "add", 1), 6, 18),
            (("layers", 3), 7, 5),
            (("layers", 3, "add", 1), 6, 18),  # inside an alias: where it is written
            (("layers", 9, "conv"), 2, 1),
        ],
    )
    def test_a_path_leads_to_its_line_and_column(self, path, line, column):
        problem = self.document.problem(path, "wrong", "do right")
        assert (problem.line, problem.column) == (line, column)
        assert problem.file == "f.yaml"

    def test_a_problem_reads_like_a_compiler(self):
        problem = self.document.problem(("layers", 0, "conv", "out"), "too few", "3 or more")
        assert str(problem) == "f.yaml:4:7: layers[0].conv.out: too few (3 or more)"

    def test_a_byte_order_mark_is_no_column(self):
        assert load("\ufeffa: 1\nb: 2", "f").problem(("a",), "x").column == 1


def test_paths_and_values_are_shown_short():
    assert written(("a", "x" * 100)) == f"a['{'x' * 39}...{'x' * 16}']"
    assert written(("v", "v1.5", 3)) == "v['v1.5'][3]"
    assert shown([1, "a", None]) == "[1, 'a', nothing]"
    assert shown([[1]]) == "a list"
    assert len(shown("x" * 1000)) <= 60


class TestRead:
    def refused(self, path: object) -> str:
        with pytest.raises(InputError) as error:
            read(str(path))
        assert error.value.problems[0].file == str(path)
        return error.value.problems[0].message

    def test_a_byte_order_mark_is_dropped(self, tmp_path: Path):
        file = tmp_path / "a.yaml"
        file.write_bytes(b"\xef\xbb\xbfa: 1")
        assert read(file) == "a: 1"

    def test_no_such_file(self, tmp_path: Path):
        assert self.refused(tmp_path / "a.yaml") == "no such file"

    def test_a_directory(self, tmp_path: Path):
        assert self.refused(tmp_path) == "is a directory, not a file"

    def test_a_name_no_file_can_have(self):
        assert self.refused("a\0b").startswith("cannot be read: ")

    def test_an_unreadable_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """Told by the system, as no mode keeps every user (root) from reading."""

        def refuse(*_: object) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr("builtins.open", refuse)
        assert self.refused(tmp_path / "a.yaml") == "cannot be read: Permission denied"

    def test_text_that_is_not_utf_8_has_a_place(self, tmp_path: Path):
        file = tmp_path / "a.yaml"
        file.write_bytes(b"a: 1\nb: \xff\n")
        with pytest.raises(InputError) as error:
            read(file)
        assert str(error.value) == f"{file}:2:4: is not UTF-8 text: byte 0xff"

    def test_a_file_of_1_mb_is_read_and_no_larger_one(self, tmp_path: Path):
        file = tmp_path / "a.yaml"
        file.write_bytes(b"#" * LARGEST_FILE)
        assert len(read(file)) == LARGEST_FILE
        file.write_bytes(b"#" * (LARGEST_FILE + 1))
        assert self.refused(file) == "is larger than 1,000,000 bytes"


TOKENS = st.sampled_from(
    [*"{}[]:,-?|>&*!%@`#'\"\\ \n\t\r", "- ", ": ", "? ", "a", "b", "1", "<<", "&a ", "*a", "!!int ",
     "---\n", "...\n", "%YAML 1.1\n", "%TAG ! x:\n", "\n  ", "\n - ", "|2\n", ">-\n", "\ufeff",
     "\x85", "\u2028", "\x00", "é", "𝔸"]
)  # fmt: skip


@given(st.lists(TOKENS, max_size=30).map("".join) | st.text(max_size=40))
def test_no_text_ends_in_another_error(text):
    try:
        document = load(text, "f")
    except InputError:
        return
    document.problem(("a", 0), "x")


WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
KEYS = WORDS.filter(lambda word: not word.startswith("?"))
"""The other writer writes a key ``?a`` as it is, which begins a key ``a``."""
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(PLAIN)
def test_what_another_writer_writes_is_read_back(data):
    from io import StringIO

    from ruamel.yaml import YAML

    stream = StringIO()
    YAML(typ="safe", pure=True).dump({"a": data}, stream)
    text = stream.getvalue()
    try:
        back = load(text, "f").data["a"]
    except InputError:
        assert "<<" in text  # a merge key to it, refused here
    else:
        assert back == data
