"""A network on standard input: ``-`` in the place of a file, in every command that takes one."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from memsim.cli.main import COMMANDS
from memsim.yaml.document import LARGEST_FILE
from tests.cli.test_grammar import parameters

NETWORK = """\
name: two
input: [3, 16, 16]
parameters: {width: 8}
variants: {wide: {width: 32}}
layers:
  - conv: {out: $width, kernel: 3, bn: true, act: relu}
    name: a
  - conv: {out: 16, kernel: 3}
    name: b
  - concat: [a, b]
  - global_avgpool
  - linear: 10
"""

ASKED = (
    "run -", "run - --cache 1KiB,2KiB", "run - --variant wide", "describe -", "curve -",
    "size - --within 10%", "memory -", "compare - resnet18", "compare - -", "diff - resnet18",
    "diff -- -#eager -#cache=1KiB", "check -", "check - --budget 1MB", "expand -", "import -",
    "graph - -o graph.dot", "trace -", "microscope -", "design - --fps 30",
    "report - -o report.html",
)  # fmt: skip
"""Questions that answer with standard input what they answer with a file."""

OTHERS = {
    "bounds -": pytest.mark.needs("scipy"),
    "search - --set width=8,16 --minimise macs --sampler grid": pytest.mark.needs("optuna"),
    "explain - --cache 2KiB": pytest.mark.slow,
    "pytorch-traffic - --cache 256KiB": pytest.mark.slow,
    "plot layers - -o layers.svg": pytest.mark.slow,
}

REFUSED = {
    "sweep - -o a.csv": "memsim: networks: standard input can be read once, and a sweep goes on "
    "after a stop (write it to a file)\n",
    "measure -": "memsim: network: runs are kept with the file of their network, and standard "
    "input is none (write it to a file)\n",
}


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch):
    """Put bytes on standard input, which can be read once."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("two.yaml").write_text(NETWORK)


def test_every_command_that_takes_a_network_is_asked() -> None:
    takes = {name for name in COMMANDS if {"network", "networks", "a"} & set(parameters(name))}
    asked = {line.split()[0] for line in (*ASKED, *OTHERS, *REFUSED)}
    assert takes - asked == set()


@pytest.mark.parametrize("line", [*ASKED, *(pytest.param(k, marks=v) for k, v in OTHERS.items())])
def test_it_is_answered_as_a_file_is(memsim, piped, line: str) -> None:
    def answer(words: list[str]) -> tuple[str, ...]:
        code, out, _ = memsim(*words)
        assert code == 0
        file = words[words.index("-o") + 1] if "-o" in words else None
        return out, Path(file).read_text("utf-8") if file else ""

    words = line.split()
    piped(NETWORK.encode())
    told = answer(words)
    spelled = [word.replace("-", "two.yaml", 1) if word == "-" or word.startswith("-#") else word
               for word in words]  # fmt: skip
    expected = answer(spelled)
    if line.startswith(("plot", "report")):  # which hold names made of hashes
        assert [bool(each) for each in told] == [bool(each) for each in expected]
        return

    def same(text: str) -> str:
        words = [word for word in text.replace("two.yaml", "-").split() if set(word) != {"─"}]
        return " ".join(words)

    assert [same(each) for each in told] == [same(each) for each in expected]


@pytest.mark.parametrize("line", REFUSED)
def test_what_needs_a_file_says_so(memsim, piped, line: str) -> None:
    piped(NETWORK.encode())
    assert memsim(*line.split()) == (2, "", REFUSED[line])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: bad\ninput: [3, 8, 8]\nlayers:\n  - konv: 3\n",
         "<stdin>:4:5: layers[0].konv: unknown layer 'konv' (did you mean 'conv'?)"),
        (b"", "<stdin>: is empty"),
        (b"a: \xff", "<stdin>:1:4: is not UTF-8 text: byte 0xff"),
        (b" " * (LARGEST_FILE + 1), "<stdin>: is larger than 1,000,000 bytes"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "check", "describe"])
def test_what_is_wrong_with_it(memsim, piped, command: str, content: bytes, message: str) -> None:
    piped(content)
    assert memsim(command, "-") == (2, "", f"memsim: {message}\n")


def test_a_closed_one(memsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert memsim("run", "-") == (2, "", "memsim: <stdin>: standard input is closed\n")


def test_each_process_of_a_pipe_reads_what_the_other_wrote(memsim, piped) -> None:
    flat = memsim("expand", "hardnet39ds")[1]
    piped(flat.encode())
    told, expected = memsim("run", "-")[1], memsim("run", "hardnet39ds")[1]
    assert told.splitlines()[:20] == expected.splitlines()[:20]
