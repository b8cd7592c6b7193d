"""One grammar for all commands: sizes, formats, files, colours; rows say of what they are.

Each kind of option is tried on every command that has it, so that a new command is held to it, too.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsim.cli.main import COMMANDS, cli, run
from memsim.cli.sizes import sizes_in
from memsim.engines.cache.sets import nearest, sets_of
from memsim.errors import InputError
from memsim.explanations.counterfactuals.cache import more_cache
from memsim.explanations.question import Question
from memsim.sweeps.axis import axis
from memsim.units import LIMIT, parse_bytes
from tests.golden import check_golden

NETWORK = """\
name: two
input: [3, 16, 16]
layers:
  - conv: {out: 16, kernel: 3, bn: true, act: relu}
  - conv: {out: 16, kernel: 3}
  - global_avgpool
  - linear: 10
"""

HELD = {
    "run": "run n.yaml",
    "run by stage": "run n.yaml --by stage",
    "run by tensors": "run n.yaml --tensors",
    "explain": "explain n.yaml",
    "curve": "curve n.yaml",
    "curve by layer": "curve n.yaml --by-layer",
    "size": "size n.yaml --within 10%",
    "size of bandwidth": "size n.yaml --fps 30 --over bandwidth",
    "design": "design n.yaml --fps 30 --minimise sram",
    "bounds": "bounds n.yaml",
    "memory": "memory n.yaml",
    "describe": "describe n.yaml",
    "compare": "compare n.yaml",
    "diff": "diff n.yaml n.yaml",
    "microscope": "microscope n.yaml",
    "check": "check n.yaml --budget 1GB",
    "check without budgets": "check n.yaml",
    "pytorch-traffic": "pytorch-traffic n.yaml --cache 256KiB",
    "paper": "paper imagenet",
    "paper traffic": "paper traffic",
    "list": "list policies",
    "machines": "machines",
    "machines one": "machines textbook",
    "rules": "rules textbook",
    "fidelity": "fidelity cudnn_memory",
    "calibrate": "calibrate --paper nano",
    "search": "search n.yaml --set x=1,2",
    "measure": "measure n.yaml",
    "probe": "probe",
}
"""A question to each command whose answer is a table."""

LONG = ("paper", "paper traffic", "rules", "fidelity", "calibrate", "search", "measure", "probe")
"""Those that take seconds or a machine; their rows have tests of their own."""

SHORT = [name for name in HELD if name not in LONG]

IN_SIZES = ("run", "run by stage", "explain", "size of bandwidth", "bounds", "compare", "diff",
            "check")  # fmt: skip
"""Those that answer at one size after the other."""

OF_A_RUN = ("machine", "lowering", "batch", "dtype")


def parameters(command: str) -> dict[str, click.Parameter]:
    with click.Context(cli) as context:
        found = cli.get_command(context, command)
    assert found is not None
    return {str(each.name): each for each in found.params}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text(NETWORK)
    return tmp_path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def marked(names) -> list:
    """Questions, the slow ones of them marked so."""
    slow = {
        "explain": pytest.mark.slow,
        "pytorch-traffic": pytest.mark.slow,
        "bounds": pytest.mark.needs("scipy"),
    }
    return [pytest.param(name, marks=slow.get(name, ())) for name in names]


# ---- formats and files


def test_every_command_that_answers_in_a_table_is_asked_here() -> None:
    with_formats = {name for name in COMMANDS if "color" in parameters(name)}
    assert with_formats == {line.split()[0] for line in HELD.values()}
    for name in with_formats:
        assert {"format_", "output"} <= set(parameters(name)), name


@pytest.mark.parametrize("name", list(HELD))
def test_an_ending_that_is_not_known_is_refused_before_any_work(here, memsim, name: str) -> None:
    expected = "a machine file" if name == "calibrate" else "a format"
    code, out, err = memsim(*HELD[name].split(), "-o", "answer.jsn")
    assert (code, out) == (2, ""), expected
    assert err.startswith("memsim: answer.jsn: ")
    assert "ending '.jsn'" in err
    assert "(did you mean '.json'?)" in err or "(known: " in err
    assert os.listdir() == ["n.yaml"]


FILES = (
    "expand n.yaml -o a.toml",
    "import n.yaml -o a.onnx",
    "schema -o schema.yaml",
    "calibrate --paper nano -o mine.json",
    "probe --machine-file mine.json",
    "report n.yaml -o page.pdf",
    "plot curve n.yaml -o curve.jpg",
    "graph n.yaml -o graph.yaml",
    "graph n.yaml",
    "graph n.yaml -o graph",
    "plot layers n.yaml",
    "plot layers n.yaml --format gif",
    "plot layers n.yaml --format svg -o layers.png",
    "plot layers n.yaml --format svg --dpi 100",
    "sweep n.yaml -o sweep.json",
    "trace n.yaml -o run.trace",
    "trace n.yaml -o run.svg",
    "describe n.yaml -o a.yaml",
    "design n.yaml --fps 30 -o front.jpg",
    "run n.yaml --color sometimes",
    "run n.yaml --color always -o a.txt",
    "run n.yaml --color never --format json",
    "design n.yaml --fps 30 -o front.svg --color always",
    "run n.yaml --cache 1MiB,1024KiB",
    "run n.yaml --cache 1MiB,2MX",
    "run n.yaml --cache 1MiB:",
    "run n.yaml --cache 2MiB:1MiB:log2",
    "run n.yaml --cache 0:1GB:1",
    "trace n.yaml --cache 1MiB,2MiB",
    "graph n.yaml --cache 1MiB:4MiB:log2 -o a.svg",
    "report n.yaml --cache 1MiB,2MiB -o a.html",
    "plot layers n.yaml --cache 1MiB,2MiB -o a.svg",
    "search n.yaml --set x=1,2 --minimise macs --cache 1MiB,2MiB",
    "check n.yaml --budget 1MB@1MiB --cache 1MiB,2MiB",
    "check n.yaml --cache 1MiB,2MiB",
    "paper imagenet --cache 1MiB,2MiB",
    "run n.yaml --machine zen3 --cache 1MB",
    "run n.yaml --machine zen3 --cache 1MiB,100",
    "curve n.yaml --machine zen3 --cache 1MiB,1MB",
    "pytorch-traffic n.yaml --cache 1MB",
    "list polices",
)


@pytest.mark.needs("xarray")
def test_what_is_wrong_is_told_in_the_same_words_everywhere(here, memsim) -> None:
    told = []
    for line in FILES:
        code, out, err = memsim(*line.split())
        assert (code, out) == (2, ""), line
        told.append(f"$ memsim {line}\n{err}")
    assert os.listdir() == ["n.yaml"]
    check_golden("errors_grammar.txt", "\n".join(told))


@pytest.mark.parametrize("name", marked(SHORT))
def test_a_format_and_an_ending_say_the_same(here, memsim, name: str) -> None:
    words = HELD[name].split()
    table = () if "--by-layer" in words else (("md", "a.md"), ("html", "a.html"))
    for format_, file in (("json", "a.json"), ("csv", "a.CSV"), *table):
        code, out, _ = memsim(*words, "--format", format_)
        assert code == 0
        assert memsim(*words, "-o", file)[:2] == (0, "")
        assert Path(file).read_text("utf-8") == out
    if table:
        code, plain, _ = memsim(*words, "--format", "table")
        assert code == 0
        assert memsim(*words, "-o", "answer")[0] == 0  # no ending, as /dev/stdout has none
        assert [*Path("answer").read_text("utf-8")]
        assert "\x1b" not in plain


def test_traces_by_their_ending(here, memsim) -> None:
    for file, format_ in (("a.json", "perfetto"), ("a.csv", "csv")):
        assert memsim("trace", "n.yaml", "-o", file)[0] == 0
        out = memsim("trace", "n.yaml", "-f", format_)[1]
        assert Path(file).read_text("utf-8") == out
    assert memsim("trace", "n.yaml", "-f", "dramsim3", "-o", "a.trace")[0] == 0


@pytest.mark.parametrize(
    ("line", "format_", "begin"),
    [
        pytest.param("plot layers n.yaml", "svg", "<?xml", marks=pytest.mark.slow),
        ("graph n.yaml --colour none", "dot", "digraph"),
        ("graph n.yaml --colour none", "graphml", "<graphml"),
    ],
)
def test_pictures_are_printed_where_no_file_is_named(
    here, memsim, line: str, format_: str, begin: str
) -> None:
    code, out, _ = memsim(*line.split(), "--format", format_)
    assert code == 0
    assert out.startswith(begin)
    assert memsim(*line.split(), "-o", f"a.{format_}")[:2] == (0, "")
    assert Path(f"a.{format_}").read_text("utf-8") == out
    if format_ != "svg":  # a figure takes longer
        assert memsim(*line.split(), "--format", format_, "-o", "a")[:2] == (0, "")
        assert Path("a").read_text("utf-8") == out


def test_files_of_commands_without_tables(here, memsim) -> None:
    assert memsim("schema", "-o", "schema.json")[:2] == (0, "")
    assert json.loads(Path("schema.json").read_text())["title"] == "memsim architecture"
    assert memsim("expand", "n.yaml", "-o", "flat.yaml")[:2] == (0, "")
    assert memsim("run", "flat.yaml")[0] == 0


def test_what_is_wrong_with_files_in_json_and_csv(here, memsim) -> None:
    Path("bad.yaml").write_text("name: bad\ninput: [3, 8, 8]\nlayers:\n  - konv: 3\n")
    code, out, err = memsim("check", "bad.yaml", "n.yaml", "--format", "json")
    facts = json.loads(out)
    assert (code, facts["schema"], facts["sound"]) == (2, "memsim.validity/1", False)
    bad, good = facts["files"]
    (problem,) = bad["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("bad.yaml", 4, 5)
    assert problem["hint"] == "did you mean 'conv'?"
    assert err.startswith("memsim: bad.yaml:4:5:")
    assert (good["network"], good["layers"], good["problems"]) == ("two", 7, [])
    table = rows(memsim("check", "bad.yaml", "n.yaml", "--format", "csv")[1])
    assert [(row["checked"], row["sound"]) for row in table] == [
        ("bad.yaml", "False"),
        ("n.yaml", "True"),
    ]


# ---- colours


@pytest.mark.parametrize(
    ("words", "environment", "coloured"),
    [
        ([], {}, False),  # no terminal
        (["--color", "auto"], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        ([], {"FORCE_COLOR": ""}, False),
    ],
)
def test_colours_are_as_asked_and_change_no_word(
    here, memsim, monkeypatch, words: list[str], environment: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    for line in ("run n.yaml", "list policies", "check n.yaml"):
        plain = memsim(*line.split())[1]
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            out = memsim(*line.split(), *words)[1]
        assert ("\x1b[" in out) == coloured, line
        assert "\x1b" not in plain
        bare = [each.rstrip() for each in click.unstyle(out).splitlines()]
        assert bare == plain.splitlines()


# ---- several cache sizes


@pytest.mark.parametrize("name", marked(IN_SIZES))
def test_several_sizes_are_answered_as_each_alone(here, memsim, name: str) -> None:
    words = HELD[name].split()
    code, out, _ = memsim(*words, "--cache", "8KiB:16KiB:log2,4096", "--format", "csv")
    assert code == 0
    alone = [rows(memsim(*words, "--cache", size, "--format", "csv")[1])
             for size in ("4KiB", "8KiB", "16KiB")]  # fmt: skip
    told = [row for each in alone for row in each]
    if name == "check":  # a budget then names its cache
        told = [{**row, "budget": f"1GB@{size}"}
                for row, size in zip(told, ("4096", "8KiB", "16KiB"), strict=True)]  # fmt: skip
    if name == "explain":  # each prints the commands that it was asked in
        told = [{**row, "command": row["command"].replace("4KiB", "4096")} for row in told]
    columns = list(dict.fromkeys(column for row in told for column in row))
    assert rows(out) == [{column: row.get(column, "") for column in columns} for row in told]
    column = "cache_bytes_a" if name == "diff" else "cache_bytes"
    assert {row[column] for row in rows(out)} == {"4096", "8192", "16384"}


def test_a_list_of_one_size_is_that_size(here, memsim) -> None:
    alone = memsim("run", "n.yaml", "--cache", "4KiB")
    for size in ("4KiB,", "4KiB:5KiB:2KiB"):
        assert memsim("run", "n.yaml", "--cache", size) == alone


def test_several_sizes_in_json_are_what_each_is_alone(here, memsim) -> None:
    facts = json.loads(memsim("run", "n.yaml", "--cache", "4KiB,8KiB", "--format", "json")[1])
    assert facts["schema"] == "memsim.several/1"
    for answer, size in zip(facts["answers"], ("4KiB", "8KiB"), strict=True):
        alone = memsim("run", "n.yaml", "--cache", size, "--format", "json")[1]
        assert answer == json.loads(alone)


def test_tables_of_several_sizes(here, memsim) -> None:
    told = []
    for line in (
        "run squeezenet1_0 --cache 256KiB:4MiB:log2",
        "compare hardnet39ds squeezenet1_0 mobilenetv2 --cache 0,512KiB",
        "run n.yaml --cache 2KiB,8KiB --only weights --layers 2",
        "size n.yaml --fps 30 --over bandwidth --cache 2KiB,8KiB",
        "check n.yaml --budget 1GB --budget 1kparams --budget 100kB@1MiB --cache 2KiB,8KiB",
    ):
        _, out, err = memsim(*line.split())
        assert max(map(len, out.splitlines())) <= 80
        told.append(f"$ memsim {line}\n{out}{err}")
    check_golden("several_sizes.txt", "\n".join(told))


def test_sizes_of_commands_that_have_their_own_option(here, memsim) -> None:
    facts = json.loads(
        memsim("curve", "n.yaml", "--cache", "2KiB:8KiB:log2,1kB", "--format", "json")[1]
    )
    assert [point["cache_bytes"] for point in facts["points"]] == [1000, 2048, 4096, 8192]
    line = "pytorch-traffic n.yaml --format csv --cache"
    told = rows(memsim(*line.split(), "256KiB:1MiB:log2")[1])
    assert [row["cache_bytes"] for row in told] == ["262144", "524288", "1048576"]
    with_sets = memsim("run", "n.yaml", "--machine", "zen3", "--cache", "1MiB,976KiB")
    assert with_sets[0] == 0


WRITTEN = st.one_of(
    st.integers(0, 1 << 40).map(str),
    st.builds("{}{}".format, st.integers(0, 999), st.sampled_from(["KiB", "MiB", "kB", "MB"])),
    st.builds("{}KiB:{}MiB:log2".format, st.integers(1, 900), st.integers(1, 64)),
    st.builds("{}kB:{}MB:{}@log".format, st.integers(1, 99), st.integers(1, 9), st.integers(2, 9)),
)


def outcome(read: Callable[[], tuple[int, ...]]) -> tuple[int, ...] | str:
    """What is read, or what is said of it: a size may be there twice."""
    try:
        return read()
    except InputError as error:
        return str(error)


@settings(max_examples=50)
@given(st.lists(WRITTEN, min_size=1, max_size=4).map(",".join))
def test_sizes_are_those_of_a_sweep(text: str) -> None:
    ours = outcome(lambda: tuple(map(parse_bytes, sizes_in(text))))
    assert ours == outcome(lambda: axis("cache", text).values)


# ---- sets


@given(st.integers(-5, LIMIT), st.integers(1, 64), st.sampled_from([16, 64, 128]))
def test_the_sizes_that_are_suggested_work_and_none_is_nearer(
    capacity: int, ways: int, line: int
) -> None:
    below, above = nearest(capacity, ways * line)
    assert below <= max(capacity, 0) < above
    assert above - below == ways * line
    for size in (below, above):
        if size:
            assert sets_of(size, ways, line) * ways * line == size
    if capacity != below or not capacity:
        with pytest.raises(InputError) as caught:
            sets_of(capacity, ways, line)
        words = str(caught.value).rpartition(": ")[2].rstrip(")").split(" and ")
        assert [parse_bytes(word) for word in words] == [
            size for size in (below, above) if 0 < size <= LIMIT
        ]


def test_a_suggested_size_is_taken(here, memsim) -> None:
    words = ["run", "n.yaml", "--management", "hardware", "--ways", "16", "--cache"]
    code, out, err = memsim(*words, "1MB")
    assert (code, out) == (2, "")
    for size in err.rpartition(": ")[2].rstrip(")\n").split(" and "):
        assert memsim(*words, size)[0] == 0, size
    assert memsim("memory", "n.yaml", "--machine", "zen3")[0] == 0  # no plan depends on it


# ---- rows that tell what they are of


@pytest.mark.parametrize("name", marked(name for name in SHORT if name not in (
    "check without budgets", "list", "machines", "machines one")))  # fmt: skip
def test_rows_say_of_what_they_are(here, memsim, name: str) -> None:
    code, out, _ = memsim(*HELD[name].split(), "--format", "csv")
    assert code == 0
    ends = ("_a", "_b") if name == "diff" else ("",)
    expected = {
        "describe": ("network", "batch", "dtype"),
        "pytorch-traffic": ("network", "library", "cache_bytes"),
        "memory": ("network", "allocator", *OF_A_RUN),
        "curve": ("network", "cache_bytes", *OF_A_RUN),
        "curve by layer": ("network", "cache_bytes", *OF_A_RUN),
        "size": ("network", "cache_bytes", *OF_A_RUN),
        "size of bandwidth": ("networks", "cache_bytes", "bandwidth_bytes_per_s", *OF_A_RUN),
        "design": ("networks", "cache_bytes", "bandwidth_bytes_per_s", *OF_A_RUN),
        "compare": ("name", "cache_bytes", "bandwidth_bytes_per_s", *OF_A_RUN),
    }.get(name, ("network", "cache_bytes", "bandwidth_bytes_per_s", *OF_A_RUN))
    for row in rows(out):
        for column in expected:
            for end in ends:
                assert row[f"{column}{end}"], f"{name} {column}{end}"
        assert (row.get("dtype") or row.get("dtype_a") or "fp32") == "fp32"


@pytest.mark.needs("pandas")
def test_frames_have_the_same_columns(here) -> None:
    import memsim

    for result in (
        memsim.run("n.yaml"),
        memsim.memory("n.yaml"),
        memsim.describe("n.yaml"),
        memsim.curve("n.yaml"),
        memsim.compare(["n.yaml"]),
        memsim.diff("n.yaml", "n.yaml"),
    ):
        frame = result.to_dataframe()
        assert list(frame.columns) == list(result.rows()[0])
        assert {"dtype", "dtype_a"} & {*frame.columns}


def test_a_reader_of_a_configuration_in_a_table(here) -> None:
    assert run(["run", "n.yaml", "-o", "run.csv"]) == 0
    (machine,) = {row["machine"] for row in rows(Path("run.csv").read_text())}
    assert machine == "gtx1080"


def test_what_explain_proposes_has_whole_sets(here) -> None:
    asked = {"management": "hardware", "ways": 48}
    question = Question("n.yaml", {}, {**asked, "cache": 6144})
    (change,) = more_cache(question, question.ask())
    assert change.what == "258 KiB more cache"
    assert Question("n.yaml", {}, {**asked, **change.options}).ask().dram_bytes
