"""Every command times every option: it changes the answer, or it is refused with a reason.

Each option is given two values. Where a command takes both, its answers must differ, without what
they echo of the configuration; where it refuses them, it must say why. So an option that does
nothing fails here, and so does one that the table of :mod:`memsim.simulate.heed` forgets.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click
import numpy as np
import pytest

import memsim
from memsim.cli.main import COMMANDS, cli, run
from memsim.cli.once import Once
from memsim.plot import FIGURES
from memsim.results.details.figures import Ladder
from memsim.simulate import verbs
from memsim.simulate.heed import LINES, VERBS, Verb, why_not
from memsim.simulate.options import RUN_OPTIONS
from memsim.traces import FORMATS
from tests.golden import check_golden

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TINY = """\
name: tiny
input: [3, 24, 24]
parameters: {growth: 8}
variants: {wide: {growth: 16}, narrow: {growth: 4}}
layers:
  - conv: {out: 16, kernel: 3, bn: true, act: relu}
    name: a
  - conv: {out: $growth, kernel: 3}
    name: b
  - conv: {out: 16, kernel: 3, bn: true}
    name: c
  - add: a
    name: sum
  - concat: [a, b, sum]
  - conv: {out: 64, kernel: 3}
    name: d
  - conv: {out: 8, kernel: 1, stride: 3}
    name: e
  - global_avgpool
  - linear: 10
"""

WIRED = """\
name: wired
input: [3, 32, 32]
layers:
  - conv: {out: 24, kernel: 3}
    name: a
  - conv: {out: 24, kernel: 3}
    name: b
  - conv: {out: 32, kernel: 3}
    name: c
    from: a
  - conv: {out: 4, kernel: 3}
    name: d
    from: b
  - conv: {out: 4, kernel: 3}
    name: e
    from: c
  - concat: [d, e]
  - conv: {out: 8, kernel: 3}
    name: f
  - global_avgpool
  - linear: 10
"""
"""Two branches, which the file lists one beside the other; the other network is a chain."""

CACHES = ("12KiB", "3KiB", "60KiB", "200KiB", "300KiB")
"""Some of them show what an option does to so small a network."""


class Values(NamedTuple):
    """Two values of an option; each is the words of a command line."""

    one: tuple[str, ...]
    other: tuple[str, ...]


VALUES = {
    "cache": Values(("--cache", "6KiB"), ("--cache", "24KiB")),
    "machine": Values(("--machine", "textbook"), ("--machine", "mine.yaml")),
    "bandwidth": Values(("--bandwidth", "1GB/s"), ("--bandwidth", "400GB/s")),
    "macs": Values(("--macs", "1GMAC/s"), ("--macs", "1TMAC/s")),
    "buffer": Values(("--buffer", "6KiB"), ("--buffer", "16KiB")),
    "lowering": Values(("--lowering", "eager"), ("--lowering", "concat_free")),
    "layer_order": Values(("--layer-order", "file"), ("--layer-order", "min_peak")),
    "schedule": Values(
        ("--schedule", "layer_by_layer"),
        ("--schedule", "depth_first", "--group", "a..d", "--strip", "1"),
    ),
    "group": Values(
        *(
            ("--schedule", "depth_first", "--strip", "2", "--group", group)
            for group in ("a..b", "b..d")
        )
    ),
    "groups": Values(
        *(("--schedule", "depth_first", "--groups", pattern) for pattern in ("auto", "stage"))
    ),
    "strip": Values(
        *(
            ("--schedule", "depth_first", "--group", "a..d", "--strip", strip)
            for strip in ("1", "4")
        )
    ),
    "overlap": Values(
        *(
            ("--schedule", "depth_first", "--group", "a..d", "--strip", "4", "--overlap", overlap)
            for overlap in ("keep", "recompute")
        )
    ),
    "order": Values(("--order", "rows_outer"), ("--order", "weights_outer")),
    "register_tile": Values(("--register-tile", "none"), ("--register-tile", "4x24")),
    "tile": Values(("--tile", "auto"), ("--tile", "whole")),
    "images": Values(
        ("--images", "together", "--batch", "2"), ("--images", "apart", "--batch", "2")
    ),
    "frames": Values(("--frames", "1"), ("--frames", "3")),
    "rows": Values(("--rows", "touched"), ("--rows", "streamed")),
    "scores": Values(("--scores", "chip"), ("--scores", "dram")),
    "library": Values(("--library", "none"), ("--library", "onednn-avx2")),
    "heap": Values(
        ("--heap", "hottest", "--library", "onednn-avx2"),
        ("--heap", "coldest", "--library", "onednn-avx2"),
    ),
    "policy": Values(("--policy", "lru"), ("--policy", "fifo")),
    "management": Values(("--management", "scratchpad"), ("--management", "hardware")),
    "ways": Values(("--ways", "1"), ("--ways", "0")),
    "fetch_on_write": Values(("--fetch-on-write",), ("--no-fetch-on-write",)),
    "layout": Values(("--layout", "nchw"), ("--layout", "nhwc")),
    "allocator": Values(("--allocator", "fresh"), ("--allocator", "arena")),
    "clock": Values(("--clock", "replay"), ("--clock", "recurrence")),
    "input_": Values(("--input", "3x24x24"), ("--input", "3x32x32")),
    "batch": Values(("--batch", "1"), ("--batch", "2")),
    "dtype": Values(("--dtype", "fp32"), ("--dtype", "fp16")),
    "submodule": Values(("--submodule", "a"), ("--submodule", "b")),
    "variant": Values(("--variant", "wide"), ("--variant", "narrow")),
    "only": Values(("--only", "weights"), ("--only", "feature-maps")),
    "settings": Values(("--set", "growth=12"), ("--set", "growth=20")),
    "edits": Values(("--edit", "drop=a.act..sum"), ("--edit", "halve=d")),
}
"""Of every option of a simulation and of a network."""

ELSEWHERE = {
    "help", "kind", "network", "networks", "output", "format_", "layers", "by_layer", "as_json",
    "sizes", "traffic", "within", "colour", "size", "dpi", "cycle", "limit", "allow_unknown",
    "by", "tensors", "value", "over", "at_", "front", "time", "fps", "stall", "energy",
    "minimise", "each", "bandwidths", "mac_rates", "file_", "dry_run", "workers", "scheduler",
    "explain", "a", "b", "bound", "color", "expand", "file", "force", "gallery", "log", "normalise",
}  # fmt: skip
"""What says how an answer is shown, or is asked in tests of its own."""

LOADING = ("input_", "batch", "dtype", "submodule", "variant", "settings", "edits")

ASKED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "run": ("run", ("run", "N", "--format", "json"), ""),
    "compare": ("compare", ("compare", "N", "N", "--format", "json"), ""),
    "diff": ("diff", ("diff", "N", "N", "--format", "json"), ""),
    "curve": ("curve", ("curve", "N", "--cache", "12KiB", "--format", "json"), ""),
    "curve without sizes": ("curve without sizes", ("curve", "N", "--format", "json"), ""),
    "size": ("size by traffic", ("size", "N", "--traffic", "1.2MB", "--format", "json"), ""),
    "size by time": ("size by time", ("size", "N", "--stall", "40%", "--format", "json"), ""),
    "size of bandwidth": (
        "size of bandwidth",
        ("size", "N", "--stall", "40%", "--over", "bandwidth", "--format", "json"),
        "",
    ),
    "size of macs": (
        "size of macs",
        ("size", "N", "--stall", "40%", "--over", "macs", "--format", "json"),
        "",
    ),
    "design": (
        "design of sram bandwidth",
        ("design", "N", "--fps", "2000", "--format", "json"),
        "",
    ),
    "explain": ("explain", ("explain", "N", "--format", "json"), ""),
    "bounds": ("bounds", ("bounds", "N", "--format", "json"), ""),
    "memory": ("memory", ("memory", "N", "--format", "json"), ""),
    "microscope": ("microscope", ("microscope", "N", "--format", "json"), ""),
    **{
        f"trace {name}": (
            {
                "ramulator2": "trace of requests without times",
                "dramsim3": "trace of requests",
            }.get(name, "trace"),
            ("trace", "N", "-f", name),
            "",
        )
        for name in FORMATS
    },
    **{
        f"plot {name}": (kind.verb, ("plot", name, "N", "-o", "out.svg"), "out.svg")
        for name, kind in FIGURES.items()
        if not kind.published
    },
    "graph traffic": ("graph", ("graph", "N", "-o", "out.svg"), "out.svg"),
    "graph moc": ("graph of kernels", ("graph", "N", "--colour", "moc", "-o", "o.svg"), "o.svg"),
    "graph dot": ("graph", ("graph", "N", "-o", "out.dot"), "out.dot"),
    "graph text": ("network", ("graph", "N", "--colour", "none", "-o", "o.dot"), "o.dot"),
    "report": ("report", ("report", "N", "-o", "out.html"), "out.html"),
    "sweep": ("sweep", ("sweep", "N", "--workers", "1", "-o", "out.csv"), "out.csv"),
    "describe": ("network", ("describe", "N", "--format", "json"), ""),
    "expand": ("network", ("expand", "N"), ""),
}
"""Each way to ask: its line in the table, its words, and the file that it writes."""


def marks(command: str, *slow: str) -> list[pytest.MarkDecorator]:
    """What a command needs, and whether it is slow."""
    found = [pytest.mark.slow] if command in (*slow, "diff") else []  # two runs each
    if command in ("design", "explain", "bounds"):  # dozens of runs each
        found = [pytest.mark.release]
    found += [pytest.mark.needs("xarray")] if command == "sweep" else []
    return [*found, pytest.mark.needs("scipy")] if command == "bounds" else found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with a network, where the machine is ``textbook``, and another that differs."""
    monkeypatch.chdir(tmp_path)
    Path("N.yaml").write_text(TINY)
    for module in ("memsim.machine", "memsim.simulate.preparation"):
        monkeypatch.setattr(f"{module}.DEFAULT_MACHINE", "textbook")
    textbook = memsim.load_machine("textbook")
    presets = Path(memsim.__file__).parent / "machine" / "presets"
    text = (presets / "textbook.yaml").read_text("utf-8")
    mine = re.sub(r"(?m)^  bandwidth:.*$", "  bandwidth: 3GB/s", text, count=1)
    mine = re.sub(r"(?m)^(cache:\n(?:  #.*\n)*)", r"\1  allocator: fresh\n", mine, count=1)
    mine = mine.rstrip() + "\nprogram:\n  lowering: eager\n"
    Path("mine.yaml").write_text(mine)
    assert memsim.load_machine("mine.yaml").program.lowering != textbook.program.lowering
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", artists)


def artists(figure: Figure, file: BinaryIO, **_: Any) -> None:
    """Write what a figure shows, without laying it out and painting it, which takes longest."""
    facts = []
    for each in figure.findobj():
        for name in ("text", "xydata", "array", "offsets", "paths", "path", "facecolor", "alpha"):
            tell = getattr(each, f"get_{name}", None)
            if tell is not None:
                told = tell()
                facts.append((name, getattr(told, "vertices", told)))
    with np.printoptions(threshold=sys.maxsize):
        file.write(repr(facts).encode())


class Answer(NamedTuple):
    """What a command said, or why it said nothing."""

    code: int
    told: str
    error: str


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]):
    """Ask a command; what it echoes of the configuration is left out of the answer."""

    def call(way: str, *more: str) -> Answer:
        _, words, file = ASKED[way]
        if way == "sweep":  # which writes over nothing, and takes true and false
            Path(file).unlink(missing_ok=True)
            more = tuple(word for each in more for word in SWEPT.get(each, (each,)))
        code = run([word.replace("N", "N.yaml") if word == "N" else word for word in words]
                   + list(more))  # fmt: skip
        out, err = capsys.readouterr()
        if code == 1 and words[0] in ("size", "design"):  # what is out of reach is an answer, too
            return Answer(0, err, "")
        if code == 1 and way == "sweep":  # a point that is refused is kept with its reason
            return Answer(2, "", err)
        if code:
            return Answer(code, "", err)
        return Answer(code, plain(way, Path(file).read_text("utf-8") if file else out), err)

    return call


SWEPT = {
    "--fetch-on-write": ("--fetch-on-write", "true"),
    "--no-fetch-on-write": ("--fetch-on-write", "false"),
}
"""Flags, as a sweep has them: axes."""


def plain(way: str, out: str) -> str:
    """An answer without the configuration, the machine's name, and names made of hashes."""
    if way == "sweep":  # what the axes are is a question
        facts = memsim.load_sweep("out.csv").data_vars
        return repr({name: each.values.tolist() for name, each in facts.items()})
    if out.startswith("{") and way != "trace perfetto":
        return json.dumps(without(json.loads(out)))
    if way == "trace perfetto":
        return out.partition('"traceEvents"')[2]
    if way == "report":
        facts = re.search(r'<script type="text/plain" id="facts">(.*?)</script>', out, re.DOTALL)
        assert facts is not None
        return facts[1]
    return out


def without(facts: Any) -> Any:
    """Facts without what only echoes a question."""
    if isinstance(facts, dict):
        echoed = ("config", "accuracy", "machine", "dtype", "batch", "assumed", "command")
        return {name: without(value) for name, value in facts.items() if name not in echoed}
    return [without(each) for each in facts] if isinstance(facts, list) else facts


def around(option: str, way: str, management: str, cache: str) -> tuple[str, ...]:
    """The other options of a question, as far as the command heeds them."""
    line = ASKED[way][0]
    pairs = [
        ("cache", ("--cache", cache)),
        ("buffer", ("--buffer", "256KiB" if option == "images" else "8KiB")),
    ]
    words = [word for name, pair in pairs for word in pair if name != option
             and why_not(line, name) is None]  # fmt: skip
    if option in ("library", "heap"):  # a library's kernels need no buffers, and sets
        words = words[: words.index("--buffer")] if "--buffer" in words else words
    if management == "hardware" and option != "management" and not why_not(line, "management"):
        words += ["--management", "hardware"]
        words += ["--ways", "16"] if option in ("library", "heap") else []
    return tuple(words)


def questions() -> list[Any]:
    """Each way to ask, on both kinds of cache; figures on hardware wait for a release."""
    found = []
    for way, (_, words, _) in ASKED.items():
        for management in ("scratchpad", "hardware"):
            if management == "hardware" and way in ("bounds", "microscope"):
                continue  # they are of a scratchpad
            own = marks(words[0], "plot", "graph", "report", "sweep")
            if management == "hardware" and pytest.mark.slow in own:
                own = [pytest.mark.release]
            found.append(pytest.param(way, management, marks=own))
    return found


@pytest.mark.parametrize("option", [*RUN_OPTIONS])
@pytest.mark.parametrize(("way", "management"), questions())
def test_an_option_changes_the_answer_or_is_refused(
    here: None, ask, way: str, option: str, management: str
) -> None:
    if option == "clock":
        pytest.skip("both clocks agree: see the test of the clock")
    if (way, option, management) == ("size", "images", "hardware"):
        pytest.skip("no cache of lines keeps two images at the limit")
    if (way, option, management) == ("curve", "heap", "hardware"):
        pytest.skip("at 12 KiB no tensor survives its layer: see the curve without sizes")
    if (way, option, management) == ("graph dot", "heap", "hardware"):
        pytest.skip("it draws what shortcuts move, which heaps of so small a network leave alone")
    if option == "cache" and way.startswith("curve"):
        pytest.skip("its own --cache is a list of sizes")
    if option == "layer_order":
        Path("N.yaml").write_text(WIRED)
    for cache in CACHES:
        words = around(option, way, management, cache)
        one, other = (ask(way, *words, *value) for value in VALUES[option])
        if one.code or other.code or one.told != other.told:
            break
    line = ASKED[way][0]
    refused = why_not(line, option) if line in VERBS else None
    if one.code == other.code == 0:
        assert one.told != other.told, f"{way} {option} does nothing"
        assert refused is None
        return
    assert 2 in (one.code, other.code)
    for answer in (one, other):
        if answer.code:
            assert re.search(r"memsim: .+ \(.+\)|needs|scratchpad", answer.error), answer.error
    if refused is not None:
        assert one.code == other.code == 2, f"the table refuses {option}, the command does not"


@pytest.mark.slow
@pytest.mark.parametrize("way", [way for way in ASKED if way.startswith(("plot", "graph"))])
def test_a_figure_asked_twice_is_the_same(here: None, ask, way: str) -> None:
    told = [ask(way, *around("batch", way, "scratchpad", "12KiB")).told for _ in range(2)]
    assert told[0] == told[1] != ""


def test_every_option_of_a_command_is_asked() -> None:
    asked = {words[0] for _, words, _ in ASKED.values()}
    for name in asked:
        assert set(params_of(name)) - ELSEWHERE <= set(VALUES), name


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_with_one_value_is_given_once(name: str) -> None:
    for each in params_of(name).values():
        if isinstance(each, click.Option) and not each.multiple:
            assert isinstance(each, Once), f"{name} --{each.name}"


def params_of(name: str) -> dict[str, click.Parameter]:
    with click.Context(cli) as context:
        command = cli.get_command(context, name)
    assert command is not None
    return {str(each.name): each for each in command.params}


@pytest.mark.parametrize("option", [*LOADING, "only"])
@pytest.mark.parametrize("way", [
    pytest.param(way, marks=marks(words[0], "plot", "report", "sweep"))
    for way, (_, words, _) in ASKED.items()
])  # fmt: skip
def test_what_is_said_of_a_network_changes_the_answer_or_is_refused(
    here: None, ask, way: str, option: str
) -> None:
    if option not in params_of(ASKED[way][1][0]):
        pytest.skip("no option of this command")
    for cache in CACHES:
        words = around(option, way, "scratchpad", cache)
        one, other = (ask(way, *words, *value) for value in VALUES[option])
        if one.code or other.code or one.told != other.told:
            break
    if one.code or other.code:
        assert re.search(rf"memsim: {option}: .+ \(.+\)", one.error or other.error)
    else:
        assert one.told != other.told, f"{way} {option} does nothing"


# ---- the table refuses nothing that would change an answer


@pytest.mark.parametrize(
    ("verb", "own"),
    [
        ("size", {"traffic": "800kB"}),
        pytest.param("bounds", {}, marks=pytest.mark.needs("scipy")),
        ("memory", {}),
    ],
)
def test_what_is_refused_would_do_nothing(
    here: None, monkeypatch: pytest.MonkeyPatch, verb: str, own: dict[str, Any]
) -> None:
    refused = set(VERBS[verb].refuses) - {"clock", "library", "heap"}  # of a hardware cache
    monkeypatch.setitem(VERBS, verb, Verb(always=LINES))
    # The ladder's rungs are runs, whose commands name every option that there is.
    monkeypatch.setattr("memsim.explanations.ladder.ladder", lambda *asked: Ladder(()))
    for option in refused:
        values = [each[-1] for each in VALUES[option]]
        if option == "ways":
            values = [1, 0]
        if option == "frames":
            values = [1, 3]
        if option == "fetch_on_write":
            values = [True, False]
        for cache in CACHES[:2] if verb == "bounds" else CACHES:  # it solves flows at each
            asked = {**own, "buffer": "8KiB", "cache": cache}
            if verb == "bounds" and option == "management":
                continue
            one, other = (
                getattr(memsim, verb)("N.yaml", **{**asked, option: value}).to_dict()
                for value in values
            )
            assert without(one) == without(other), f"{verb} {option} does something"


@pytest.mark.parametrize("verb", ["run", "compare"])
def test_the_clock_that_is_named_tells_the_time(
    here: None, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    for name in ("replay", "recurrence"):
        told: list[str] = []
        clock = verbs.CLOCKS[name]

        def watched(steps, name=name, told=told, clock=clock):
            told.append(name)
            return clock(steps)

        with monkeypatch.context() as patch:
            patch.setitem(verbs.CLOCKS._parts, name, watched)
            getattr(memsim, verb)("N.yaml", clock=name)
        assert told == [name]


# ---- in Python as on the command line


@pytest.mark.parametrize(
    ("ask_for", "message"),
    [
        (lambda: memsim.run("N.yaml", ways=8),
         "ways: is for a hardware cache, and that of textbook is a scratchpad "
         "(choose management hardware)"),
        (lambda: memsim.curve("N.yaml", cache="1MB"),
         "cache: is one size, and the answer is for every size (choose sizes to look at)"),
        (lambda: memsim.memory("N.yaml", bandwidth="1GB/s"),
         "bandwidth: changes times alone, of which nothing is told here (memsim run tells them)"),
        (lambda: memsim.bounds("N.yaml", policy="fifo"),
         "policy: is one policy, and the answer is of all of them (leave it out)"),
        (lambda: memsim.plot.layers("N.yaml", bandwidth="1GB/s"),
         "bandwidth: changes times alone, of which nothing is told here (memsim run tells them)"),
        (lambda: memsim.plot.moc("N.yaml", cache="1MB"),
         "cache: is of a machine, and a network alone is looked at here (memsim run heeds it)"),
        (lambda: memsim.plot.curve("N.yaml", clock="replay"),
         "clock: changes times alone, of which nothing is told here (memsim run tells them)"),
    ],
)  # fmt: skip
def test_python_says_the_same(here: None, ask_for, message: str) -> None:
    with pytest.raises(memsim.InputError) as caught:
        ask_for()
    assert str(caught.value) == message


def test_an_option_that_says_what_holds_already_is_no_error(here: None) -> None:
    memsim.run("N.yaml", management="scratchpad", policy="lru", lowering="fused")
    memsim.run("N.yaml", ways=None)


# ---- given twice, and how an answer is shown

REFUSED = (
    "run N.yaml --cache 1MB --cache 2MB",
    "run N.yaml --cache 1MB --cache 1MB",
    "run N.yaml --batch 1 --batch 2",
    "run N.yaml --only weights --only feature-maps",
    "run N.yaml --management hardware --fetch-on-write --no-fetch-on-write",
    "run N.yaml -o a.json --output b.json",
    "run N.yaml --set growth=1 --set growth=2",
    "curve N.yaml --cache 1MB --cache 2MB",
    "size N.yaml --json --json --within 10%",
    "run N.yaml --ways 8 --layout nhwc --allocator arena --no-fetch-on-write",
    "run N.yaml --machine gtx1080 --ways 8",
    "memory N.yaml --bandwidth 5GB/s",
    "bounds N.yaml --policy fifo",
    "bounds N.yaml --ways 8",
    "size N.yaml --within 10% --macs 1T",
    "curve N.yaml --bandwidth 3GB/s",
    "curve N.yaml --by-layer",
    "curve N.yaml --bound --format csv",
    "curve N.yaml --bound --only weights",
    "plot curve N.yaml -o a.svg --bound --only weights",
    "plot layers N.yaml -o a.svg --bound",
    "run N.yaml --layers 3 --format json",
    "describe N.yaml --layers 3 -o a.csv",
    "size N.yaml --within 10% --json --format csv",
    "describe N.yaml --bandwidth 1GB/s",
    "measure N.yaml --policy fifo",
    "pytorch-traffic N.yaml --lowering eager",
    "plot moc N.yaml -o a.png --cache 1MB",
    "plot layers N.yaml -o a.png --macs 1T",
    "plot curve N.yaml -o a.svg --dpi 100",
    "plot curve N.yaml -o a.svg --clock replay",
    "plot moc N.yaml -o a.svg --dtype fp16",
    "graph N.yaml -o a.dot --colour none --cache 1MB",
    "graph N.yaml -o a.svg --colour moc --cache 1MB",
    "graph N.yaml -o a.graphml --colour moc",
    "trace N.yaml -f perfetto --cycle 1ns",
    "trace N.yaml -f csv --limit 5",
    "trace N.yaml -f ramulator2 --bandwidth 1GB/s",
    "measure N.yaml --fast",
    "measure N.yaml --cachegrind --layers 3",
    "run N.yaml --allow-unknown",
)


def test_what_does_nothing_is_told_in_one_line_each(
    here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path().iterdir())
    told = []
    for line in REFUSED:
        code = run(line.split())
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), line
        told.append(f"$ memsim {line}\n{err}")
    assert sorted(Path().iterdir()) == before
    check_golden("errors_options.txt", "\n".join(told))


def test_the_help_of_a_command_lists_what_it_heeds_alone() -> None:
    for name in ("run", "compare", "curve", "size", "bounds", "memory", "report", "trace"):
        asked = {option for option in params_of(name) if option in RUN_OPTIONS}
        refused = {option for option in RUN_OPTIONS if why_not(name, option)}
        assert asked == set(RUN_OPTIONS) - refused, name


def test_steps_by_layer_are_rows_of_a_csv(here: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["curve", "N.yaml", "--by-layer", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0])[:5] == ["layer", "role", "cause", "cache_bytes", "bytes"]
    moved = memsim.curve("N.yaml").dram_bytes(0)
    assert sum(int(row["bytes"]) for row in rows if row["cache_bytes"] == "0") == moved
