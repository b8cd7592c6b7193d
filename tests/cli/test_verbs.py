"""One verb is one function and one command, with the same options and the same answer."""

from __future__ import annotations

import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import memsim
from memsim.cli.main import COMMANDS, cli, run
from memsim.cli.options import CACHES
from memsim.machine import DEFAULT_MACHINE, Cache
from memsim.machine.habits import ProgramHabit
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.program.library.build import HEAP
from memsim.simulate import prepare
from memsim.simulate.heed import heeded
from memsim.simulate.options import MACHINES, OPTIONS, RUN_OPTIONS, Options, RunOptions
from memsim.simulate.preparation import CHIP, FILE

PACKAGE = Path(memsim.__file__).parent

VERBS = (
    "run", "curve", "size", "compare", "bounds", "memory", "microscope", "describe",
    "pytorch_traffic",
    "measure", "probe", "calibrate", "fidelity", "rules",
)  # fmt: skip

SIMULATING = ("run", "curve", "size", "compare", "bounds", "memory", "microscope")

LOADING = {"network", "networks", "input_", "batch", "dtype", "allow_unknown", "variant",
           "settings", "submodule", "edits"}  # fmt: skip
"""What a command asks so that it can load what the verb is given."""

DELIVERING = {"force", "layers", "format_", "output", "by_layer", "as_json", "by", "tensors",
              "color"}  # fmt: skip
"""What a command asks about how the result is shown."""

TINY = """\
name: tiny
input: [3, 32, 32]
layers:
  - conv: {out: 8, kernel: 3, bn: true, act: relu}
  - conv: {out: 8, kernel: 3}
  - global_avgpool
  - linear: 10
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    return "tiny.yaml"


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]):
    """The standard output of a command that succeeds."""

    def call(*words: str) -> str:
        code = run(words)
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return out

    return call


def command_of(name: str) -> click.Command:
    with click.Context(cli) as context:
        command = cli.get_command(context, name)
    assert command is not None
    return command


def parameters(name: str) -> dict[str, click.Parameter]:
    """A command's parameters by what they are called."""
    return {str(each.name): each for each in command_of(name).params}


# ---- the commands


def test_every_file_of_a_room_is_a_command_and_has_its_line() -> None:
    files = {
        (path.parent.name, path.stem.replace("_", "-"))
        for path in (PACKAGE / "cli").glob("*/*.py")
        if path.name != "__init__.py"
    }
    assert files == {(room, name) for name, (room, _) in COMMANDS.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_called_what_the_table_says(name: str) -> None:
    assert command_of(name).name == name


def test_each_command_takes_one_line_of_the_help(answer) -> None:
    lines = answer("--help").split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in lines] == list(COMMANDS)


# ---- the options


@pytest.mark.parametrize("verb", SIMULATING)
def test_a_command_has_the_options_of_its_verb(verb: str) -> None:
    own = {
        name
        for name, parameter in inspect.signature(getattr(memsim, verb)).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    asked = set(parameters(verb)) - LOADING - DELIVERING
    assert asked == own | set(heeded(verb))


MANY = (("cache", "run"), ("cache", "compare"))
"""What a command takes several values of, where its verb takes one."""


@pytest.mark.parametrize("command", ["run", "compare", "plot", "trace", "graph"])
def test_every_option_is_one_of_the_command_line_with_the_same_words(command: str) -> None:
    asked = parameters(command)
    for name in heeded("figure" if command == "plot" else command):
        told = asked[name].help.partition("  [default:")[0]
        words = CACHES if (name, command) in MANY else RUN_OPTIONS[name].help
        assert told == words, name


def test_the_documentation_of_the_options_is_made_of_the_same_lines() -> None:
    assert list(OPTIONS) == list(Options.__annotations__)
    assert list(RUN_OPTIONS) == list(RunOptions.__annotations__) == [*OPTIONS, "clock"]
    for name, option in OPTIONS.items():
        assert f"    {name}\n        {option.help}" in Options.__doc__


def test_what_holds_where_an_option_is_left_out_is_what_is_told() -> None:
    fields = Cache.model_fields
    for name, option in RUN_OPTIONS.items():
        if name in ProgramHabit.model_fields:
            assert option.default == MACHINES, name
        elif name in ("layout", "allocator"):
            assert option.default == fields[name].default, name
        elif name == "machine":
            assert option.default == DEFAULT_MACHINE
        elif name == "frames":
            assert option.default == str(
                memsim.build(memsim.load("resnet18"), buffer=1 << 19).frames
            )
        elif name == "heap":
            assert option.default == HEAP
        elif name == "scores":
            assert option.default == CHIP
        elif name == "layer_order":
            assert option.default == FILE
        elif name != "clock":
            assert option.default == "", f"{name}: the machine says"
    assert RUN_OPTIONS["clock"].default == "replay"


def test_an_option_left_out_leaves_the_machine_as_its_file_says(tiny: str, answer) -> None:
    edge = (PACKAGE / "machine" / "presets" / "textbook.yaml").read_text("utf-8")
    mine = edge.replace("size: 2MB", "size: 2MB\n  layout: nhwc\n  allocator: arena", 1)
    assert mine != edge
    Path("mine.yaml").write_text(mine)
    words = ("run", tiny, "--machine", "mine.yaml", "--management", "hardware", "--cache", "2MiB",
             "--format", "json")  # fmt: skip
    config = json.loads(answer(*words))["config"]
    assert (config["layout"], config["allocator"]) == ("nhwc", "arena")
    config = json.loads(answer(*words, "--allocator", "fresh"))["config"]
    assert (config["layout"], config["allocator"]) == ("nhwc", "fresh")


def test_none_stands_for_what_holds_anyway() -> None:
    nothing = dict.fromkeys(RUN_OPTIONS)
    assert memsim.run("resnet18", **nothing).to_dict() == memsim.run("resnet18").to_dict()


@pytest.mark.parametrize("verb", SIMULATING)
def test_an_unknown_option_is_told_with_the_one_that_was_meant(verb: str) -> None:
    with pytest.raises(memsim.InputError) as caught:
        getattr(memsim, verb)("resnet18", cach="2MB")
    assert str(caught.value) == "unknown option 'cach' (did you mean 'cache'?)"


@pytest.mark.parametrize(
    ("verb", "wrong", "meant"),
    [
        ("run", "clok", "clock"),
        ("compare", "clok", "clock"),
        ("curve", "sises", "sizes"),
        ("size", "trafic", "traffic"),
    ],
)
def test_a_verbs_own_options_are_meant_as_well(verb: str, wrong: str, meant: str) -> None:
    with pytest.raises(memsim.InputError, match=rf"did you mean '{meant}'\?"):
        getattr(memsim, verb)("resnet18", **{wrong: "x"})


def test_all_unknown_options_are_told_at_once() -> None:
    with pytest.raises(memsim.InputError) as caught:
        prepare("resnet18", cach="2MB", machin="textbook")
    assert [problem.hint for problem in caught.value.problems] == [
        "did you mean 'cache'?",
        "did you mean 'machine'?",
    ]


def test_a_verb_without_a_clock_refuses_one() -> None:
    with pytest.raises(memsim.InputError, match="clock: changes times alone"):
        memsim.memory("resnet18", clock="replay")


# ---- the values


@pytest.mark.parametrize(
    ("verb", "options", "path", "message"),
    [
        ("run", {"cache": "2MX"}, "cache", "'2MX' is not a size"),
        ("run", {"cache": [1]}, "cache", "a list is not a size"),
        ("run", {"buffer": 0}, "buffer", "0 is too small"),
        ("run", {"bandwidth": 0}, "bandwidth", "0 is not a bandwidth"),
        ("run", {"macs": "1X"}, "macs", "'1X' is not a compute rate"),
        ("run", {"ways": -1}, "ways", "-1 is no number of ways"),
        ("run", {"layout": 3}, "layout", "unknown layout 3"),
        ("run", {"machine": 3}, "machine", "3 is no machine"),
        ("run", {"tile": 3}, "", "unknown tile 3"),
        ("run", {"lowering": 3}, "", "unknown lowering '3'"),
        ("run", {"rows": "streamd"}, "", "unknown reading of rows 'streamd'"),
        ("run", {"clock": "sundial"}, "", "unknown clock 'sundial'"),
        ("curve", {"sizes": ["1MiB", "2XB"]}, "sizes", "'2XB' is not a size"),
        ("size", {"traffic": "1XB"}, "traffic", "'1XB' is not a size"),
        ("size", {"within": "ten"}, "within", "'ten' is not a percentage"),
        ("size", {"within": "-1%"}, "within", "'-1' is not a percentage: it must not be negative"),
        ("size", {}, "", "give one goal of traffic, within, time"),
        ("pytorch_traffic", {"sizes": ["x"]}, "sizes", "'x' is not a size"),
        ("pytorch_traffic", {"sizes": []}, "sizes", "there is no size to look at"),
        ("pytorch_traffic", {"ways": 0}, "ways", "0 is no number of ways"),
    ],
)
def test_a_wrong_value_is_told_with_the_options_name(
    verb: str, options: dict[str, object], path: str, message: str
) -> None:
    with pytest.raises(memsim.InputError) as caught:
        getattr(memsim, verb)("resnet18", **options)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert problem.message.startswith(message)


@pytest.mark.parametrize("option", ["buffer", "block"])
def test_a_program_is_built_with_quantities_like_everywhere(option: str) -> None:
    nodes = [Node("x", Input(shape=(3, 8, 8))), Node("c", Conv(out=4, kernel=3), ("x",))]
    network, sizes = Network("one", nodes), {"buffer": 65536, "block": 65536}
    program = memsim.build(network, **{**sizes, option: "64KiB"})
    assert program.options == memsim.build(network, **sizes).options
    assert program.options[f"{option}_bytes"] == 65536
    for value, message in (("64XB", "'64XB' is not a size"), (0, "0 is too small")):
        with pytest.raises(memsim.InputError) as caught:
            memsim.build(network, **{**sizes, option: value})
        assert str(caught.value).startswith(f"{option}: {message}")


def test_a_share_is_per_cent_as_text_and_as_a_number() -> None:
    sizes = [memsim.size("resnet18", within=within) for within in ("10%", "10", 10, 10.0)]
    assert len({size.cache_bytes for size in sizes}) == 1
    assert sizes[0].limit_bytes == int(sizes[0].compulsory_bytes * 1.1)
    most = sizes[0].limit_bytes
    assert memsim.size("resnet18", traffic=most).cache_bytes == sizes[0].cache_bytes


def test_no_cache_is_needed_where_none_helps() -> None:
    smallest = memsim.size("resnet18", traffic="1TB")
    assert smallest.cache_bytes == 0
    assert str(smallest).startswith("resnet18: needs no cache to stay at ")


# ---- the answers


@pytest.mark.needs("scipy")
@pytest.mark.parametrize(
    ("words", "ask"),
    [
        ("run N --cache 4KiB", lambda net: memsim.run(net, cache="4KiB")),
        ("run N --clock recurrence --order best --buffer 2KiB",
         lambda net: memsim.run(net, clock="recurrence", order="best", buffer="2KiB")),
        ("curve N --cache 0,4KiB", lambda net: memsim.curve(net, sizes=[0, "4KiB"])),
        ("size N --within 10%", lambda net: memsim.size(net, within="10%")),
        ("compare N N --cache 4KiB", lambda net: memsim.compare([net, net], cache="4KiB")),
        ("bounds N --cache 4KiB", lambda net: memsim.bounds(net, cache="4KiB")),
        ("memory N --allocator arena", lambda net: memsim.memory(net, allocator="arena")),
        ("describe N", memsim.describe),
        ("pytorch-traffic N --mode eager --cache 64KiB,1MiB --ways 8",
         lambda net: memsim.pytorch_traffic(net, "eager", ["64KiB", "1MiB"], ways=8)),
    ],
)  # fmt: skip
def test_a_command_answers_what_its_verb_returns(tiny: str, answer, words: str, ask) -> None:
    facts = json.loads(answer(*words.replace("N", tiny).split(), "--format", "json"))
    assert facts == json.loads(json.dumps(ask(tiny).to_dict()))


def test_a_network_is_given_as_it_is_or_by_name_or_file(tiny: str) -> None:
    network = memsim.load(tiny)
    for ask in (memsim.run, memsim.memory, memsim.describe, memsim.compare):
        expected = ask(network).to_dict()
        assert ask(tiny).to_dict() == ask(Path(tiny)).to_dict() == expected


def test_size_says_json_in_two_ways(tiny: str, answer) -> None:
    words = ("size", tiny, "--within", "10%")
    assert answer(*words, "--json") == answer(*words, "--format", "json")


def test_the_traffic_of_pytorch_is_laid_out(tiny: str, answer) -> None:
    out = answer("pytorch-traffic", tiny, "--cache", "64KiB,1MiB")
    assert out.startswith("tiny in PyTorch on a CPU, fused\n")
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert [line[:9] for line in out.splitlines() if " B  " in line] == ["65,536 B ", "1,048,576"]
    rows = answer("pytorch-traffic", tiny, "--cache", "64KiB,1MiB", "--format", "csv").splitlines()
    assert len(rows) == 3
    assert rows[0].startswith("network,mode,cache_bytes,load_bytes,")


def test_pytorch_traffic_is_told_what_is_wrong(tiny: str, capsys) -> None:
    for words, message in (
        ("--mode eagr", "unknown PyTorch mode 'eagr' (did you mean 'eager'?)"),
        ("--cache 1XB", "sizes: '1XB' is not a size"),
        ("--ways 0", "ways: 0 is no number of ways"),
        ("--dtype fp16", "the kernels of oneDNN are modelled in fp32"),
        ("--library onednn", "unknown library 'onednn' (did you mean 'onednn-avx'?)"),
    ):
        assert run(["pytorch-traffic", tiny, *words.split()]) > 0
        assert message in capsys.readouterr().err


# ---- the names


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_public_name_and_is_typed(verb: str) -> None:
    function = getattr(memsim, verb)
    assert verb in memsim.__all__
    assert inspect.isfunction(function)
    annotations = function.__annotations__
    assert set(annotations) == {*inspect.signature(function).parameters, "return"}
    assert "Any" not in "".join(map(str, annotations.values()))


def test_no_module_takes_the_place_of_a_public_name() -> None:
    """Importing a module puts it into its package, under its own name."""
    modules = sorted(
        module.name
        for module in pkgutil.walk_packages([str(PACKAGE)], "memsim.")
        if module.name != "memsim.__main__"
    )
    code = (
        "import importlib, inspect, types, memsim\n"
        f"for name in {modules!r}:\n    importlib.import_module(name)\n"
        "import memsim.simulate\n"
        "for home in (memsim, memsim.simulate):\n"
        "    for name in home.__all__:\n"
        "        assert not isinstance(getattr(home, name), types.ModuleType), (home, name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
