"""The commands of the campaign: each writes one file, or one folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

INPUTS = {
    "net.yaml": """\
name: block
input: [64, 28, 28]
parameters: {growth: 16}
layers:
  - block: {pattern: harmonic, layers: 8, growth: $growth}
""",
    "topology.csv": """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Conv1,30,30,3,3,3,16,1,
Conv2,28,28,3,3,16,16,1,
""",
}
"""Files that commands read."""

MADE = {
    "a.json": "run patterns/dense --machine textbook -o a.json",
    "b.json": "run patterns/harmonic --machine textbook -o b.json",
    "sweep.nc": "sweep patterns/dense --machine textbook --cache 64KiB,1MiB -o sweep.nc",
}
"""More of them, which memsim writes."""


@dataclass(frozen=True)
class Command:
    """A command line that ends in ``-o NAME``.

    Attributes
    ----------
    words : str
        Without ``memsim``; inputs stand in the folder above.
    varies : bool
        Whether two runs write different bytes, as those do that measure.
    printed : str
        The words that print the answer; empty where the command only writes.
    """

    words: str
    varies: bool = False
    printed: str = ""

    @property
    def name(self) -> str:
        return self.words.split()[-1]

    @property
    def is_sweep(self) -> bool:
        """Whether it writes over nothing that is there, and goes on after a stop."""
        return self.words.startswith("sweep")

    @property
    def is_folder(self) -> bool:
        return self.name.endswith((".zarr", "site"))


def _prints(words: str, varies: bool = False) -> Command:
    return Command(words, varies, words.rsplit(" -o ", 1)[0])


TEXTBOOK = "--machine textbook"
SWEEP = f"sweep patterns/dense {TEXTBOOK} --cache 64KiB:1MiB:log2 --policy lru,fifo"
COMMANDS = (
    _prints("run resnet18 -o out.json"),
    _prints(f"run patterns/dense {TEXTBOOK} -o out.csv"),
    _prints("run - -o out.md"),
    _prints("curve hardnet39ds -o out.json"),
    _prints("describe densenet121 -o out.md"),
    _prints(f"explain patterns/harmonic {TEXTBOOK} -o out.md"),
    _prints("compare resnet18 squeezenet1_0 -o out.html"),
    _prints("size resnet18 --traffic 60MB -o out.json"),
    _prints("design resnet18 --fps 30 --machine edge -o out.csv"),
    Command("design resnet18 --fps 30 --machine edge -o out.svg"),
    Command("design resnet18 --fps 30 --machine edge -o out.nc"),
    _prints("search ../net.yaml --set growth=8:16:8 --minimise dram_bytes -o out.json"),
    _prints(f"bounds patterns/dense {TEXTBOOK} -o out.json"),
    _prints("memory resnet18 -o out.csv"),
    _prints("diff ../a.json ../b.json -o out.md"),
    _prints("pytorch-traffic squeezenet1_0 --input 3x64x64 -o out.csv"),
    Command("plot curve resnet18 -o out.svg", printed="plot curve resnet18 --format svg"),
    Command("plot layers resnet18 -o out.png", printed="plot layers resnet18 --format png"),
    Command("plot sweep ../sweep.nc --value dram_bytes -o out.pdf", varies=True),
    Command("graph resnet18 -o out.svg", printed="graph resnet18 --format svg"),
    Command("graph resnet18 -o out.graphml", printed="graph resnet18 --format graphml"),
    Command("report squeezenet1_0 -o out.html"),
    Command("report ../sweep.nc -o out.html"),
    Command(f"report --gallery squeezenet1_0 patterns/dense {TEXTBOOK} -o site"),
    Command(f"microscope patterns/harmonic {TEXTBOOK} -o out.html"),
    Command(f"microscope patterns/harmonic {TEXTBOOK} --tile whole -o out.gif"),
    _prints("playground -o out.html"),
    _prints("trace resnet18 -o out.json"),
    _prints("trace patterns/dense -f ramulator2 -o out.trace"),
    _prints("paper imagenet -o out.csv"),
    Command("import ../topology.csv -o out.yaml"),
    _prints("expand hardnet68 -o out.yaml"),
    _prints("measure patterns/dense --input 8x16x16 --runs 1 -o out.csv", varies=True),
    _prints("probe --max 1MiB --runs 1 -o out.json", varies=True),
    Command("calibrate --paper imagenet -o out.yaml"),
    _prints("fidelity titan_v -o out.json"),
    _prints("rules gtx1080 -o out.csv"),
    _prints("check resnet18 --budget 80MB@1MiB -o out.json"),
    _prints("schema -o out.json"),
    _prints("list operators -o out.json"),
    _prints("machines -o out.csv"),
    Command(f"{SWEEP} --workers 1 -o out.csv"),
    Command(f"{SWEEP} --workers 1 -o out.nc"),
    Command(f"{SWEEP} --workers 2 -o out.zarr"),
    Command(f"{SWEEP} --workers 2 -o out.parquet"),
)  # fmt: skip
"""All commands that take ``-o``, most of them once."""


def prepare(folder: Path) -> None:
    """Write the inputs of commands."""
    from benchmarks.fault_campaign.process import run

    for name, text in INPUTS.items():
        (folder / name).write_text(text)
    for name, words in MADE.items():
        if not (folder / name).exists():
            ended = run(words, folder)
            assert ended.code == 0, ended.told


Content = dict[str, bytes]
"""The files of a folder by their path in it, or of a file alone under its own name."""


def content(path: Path) -> Content | None:
    """What a file or folder holds; None where there is none."""
    if path.is_file():
        return {path.name: path.read_bytes()}
    if not path.is_dir():
        return None
    return {
        os.fspath(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*")) if not file.is_dir()
    }  # fmt: skip


def is_whole(found: Content, undisturbed: Content, varies: bool) -> bool:
    """Whether content is what the command writes undisturbed; of some only how it ends is known."""
    if found == undisturbed or not varies:
        return found == undisturbed
    return found.keys() == undisturbed.keys() and all(
        _ends_alike(found[name], undisturbed[name]) for name in found
    )


def _ends_alike(one: bytes, other: bytes) -> bool:
    if one.startswith((b"[", b"{", b"%PDF")):
        return one.rstrip()[-3:] == other.rstrip()[-3:]
    return one.endswith(b"\n") and one.count(b"\n") == other.count(b"\n")
