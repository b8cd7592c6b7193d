"""The JSON documents: one of each schema, made small, and the keys that it has.

What needs PyTorch, Valgrind, a clock or minutes is made up here instead of measured: the same class
writes it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from texts import section, table

import memsim
from memsim.network.graph import Network

TINY = "{name: tiny, input: [3, 16, 16], layers: [{conv: {out: 8, kernel: 3}}, {conv: 8}]}"

Document = Mapping[str, Any]

ELSEWHERE = {
    "config": "machine and program, as in `memsim.result`, as far as the answer depends on them",
    "totals": "as in `memsim.result`",
}
"""Keys that are told once."""

WHERE = {
    "memsim.sweep/1": "The attributes, coordinates and variables of its dataset.",
    "memsim.gallery/1": "Its file `gallery.json`.",
}
"""Documents that are not what ``--format json`` writes."""


def tiny() -> Network:
    """The network that the documents are of."""
    return memsim.loads(TINY)


def gallery() -> Document:
    """The list that a gallery keeps of its files."""
    from memsim.page.gallery.folder import LIST, replacing

    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        with replacing(site) as new:
            (new / "index.html").write_text("")
        return dict(json.loads((site / LIST).read_text(encoding="utf-8")))


def several() -> Document:
    """Two answers."""
    from memsim.sheets.several import Several

    answers = [memsim.run(tiny(), cache=size) for size in ("1KiB", "2KiB")]
    return Several(tuple(answers), ("cache 1KiB", "cache 2KiB")).to_dict()


def groups() -> Document:
    """A run by groups of layers."""
    from memsim.results.details.breakdown import Grouped

    return Grouped(memsim.run(tiny())).to_dict()


def tensors() -> Document:
    """A run by tensors."""
    from memsim.results.details.breakdown import Tensors

    return Tensors(memsim.run(tiny())).to_dict()


def kinds() -> Document:
    """A list of what there is to choose from."""
    from memsim.cli.listing import listing

    return listing("schedules").to_dict()


def validity() -> Document:
    """A file with a problem."""
    from memsim.cli.networks.check import Validity
    from memsim.errors import Problem

    return Validity({"tiny.yaml": (Problem("unknown layer"),)}, {}).to_dict()


def searched() -> Document:
    """A search of two networks."""
    return memsim.search("hardnet68", {"growth4": "36,40"}, "macs", sampler="grid").to_dict()


def checks() -> memsim.Fidelity:
    """A report of one comparison."""
    from memsim.validation.check import Check, CheckRow, Claim

    rows, claims = (CheckRow("a", 1, 1.04),), (Claim("an error below 5 %", "4 %", True),)
    return memsim.Fidelity((Check("made_up", "one row", "ms", "in", (), rows, claims),))


def ruled() -> Document:
    """What rules one machine."""
    from memsim.validation.rule import Rule, Rules

    return Rules((Rule("edge", 224, "int8", False, 0.9, 0.8, 0.9, 0.9, 0.3),), 16).to_dict()


RAN: dict[str, Any] = {
    "network": "tiny", "variant": "", "input_shape": (3, 16, 16), "batch": 1, "dtype": "fp32",
    "lowering": "fused", "facts": {"cpu": "made up"},
}  # fmt: skip


def measured() -> Document:
    """Times of a network."""
    from memsim.measurement.run.measurement import KernelTime, Measurement
    from memsim.measurement.run.peak import Peak
    from memsim.measurement.run.stopwatch import Times

    times = Times(1e-3, 1e-6, 9, 0, 1e-3)
    kernel = KernelTime("conv1", "conv", ("conv1",), 55_296, times)
    return Measurement(
        **RAN, threads=1, device="cpu", whole=times, kernels=(kernel,), peak=Peak(8192, 9000)
    ).to_dict()


def simulated_cache() -> Document:
    """Bytes that Valgrind counted."""
    from memsim.measurement.counters.caches import CacheCounts
    from memsim.measurement.counters.valgrind import SimulatedCache

    counts = (CacheCounts(262_144, 6144, 0, 0, 6144, 6144),)
    return SimulatedCache(**RAN, vectors="avx2", processes=1, counts=counts).to_dict()


def probed() -> Document:
    """A machine's limits."""
    from memsim.measurement.probe.bandwidth import Bandwidth
    from memsim.measurement.probe.peak import CallOverhead, Peak
    from memsim.measurement.probe.probe import Probe

    rates = tuple(Bandwidth("copy", 1024 << n, 2e10, 1e10, 3e10, 9) for n in range(12))
    peaks = (Peak("numpy", 512, 4e10, 2e10, 5e10, 9),)
    call = CallOverhead("numpy.maximum of one number", 1e-6, 1e-6, 3e-6, 9)
    return Probe(rates, peaks, call, {"L1": 32_768}, 1, {"cpu": "made up"}).to_dict()


def swept() -> Document:
    """The variables of a dataset, with what their attributes say."""
    dataset = memsim.sweep(tiny(), cache="1KiB,2KiB")
    found = {"schema": dataset.attrs["schema"]}
    for name in (*dataset.coords, *dataset.data_vars):
        said = dataset[name].attrs
        unit = f" ({said['units']})" if said.get("units") else ""
        axes = ", ".join(f"`{axis}`" for axis in dataset[name].dims)
        what = "an axis" if name in dataset.dims else f"by {axes}" if axes else "one for all"
        found[str(name)] = Said(f"{said.get('long_name', '')}{unit}; {what}".removeprefix("; "))
    return found


class Said(str):
    """What a key holds, in words."""


DOCUMENTS: dict[str, tuple[str, Callable[[], Document]]] = {
    "memsim.result/2": ("memsim run", lambda: memsim.run(tiny()).to_dict()),
    "memsim.groups/1": ("memsim run --by stage", groups),
    "memsim.tensors/1": ("memsim run --tensors", tensors),
    "memsim.modules/1": (
        "memsim run --by module",
        lambda: memsim.watch(tiny()).to_dict(),
    ),
    "memsim.several/1": ("memsim run --cache 1MiB,2MiB", several),
    "memsim.curve/1": ("memsim curve", lambda: memsim.curve(tiny()).to_dict()),
    "memsim.size/1": ("memsim size", lambda: memsim.size(tiny(), within="10%").to_dict()),
    "memsim.size/2": (
        "memsim size --over bandwidth",
        lambda: memsim.size(tiny(), fps=30, over="bandwidth").to_dict(),
    ),
    "memsim.design/1": ("memsim design", lambda: memsim.design(tiny(), fps=30).to_dict()),
    "memsim.description/1": ("memsim describe", lambda: memsim.describe(tiny()).to_dict()),
    "memsim.memory/1": ("memsim memory", lambda: memsim.memory(tiny()).to_dict()),
    "memsim.bounds/1": ("memsim bounds", lambda: memsim.bounds(tiny()).to_dict()),
    "memsim.explanation/1": ("memsim explain", lambda: memsim.explain(tiny()).to_dict()),
    "memsim.microscope/1": ("memsim microscope", lambda: memsim.microscope(tiny()).to_dict()),
    "memsim.comparison/3": (
        "memsim compare",
        lambda: memsim.compare([tiny(), tiny()]).to_dict(),
    ),
    "memsim.difference/1": ("memsim diff", lambda: memsim.diff(tiny(), tiny()).to_dict()),
    "memsim.check/1": ("memsim check --budget", lambda: memsim.check(tiny(), "1MB").to_dict()),
    "memsim.validity/1": ("memsim check", validity),
    "memsim.search/1": ("memsim search", searched),
    "memsim.sweep/1": ("memsim sweep", swept),
    "memsim.list/1": ("memsim list", kinds),
    "memsim.gallery/1": ("memsim report --gallery", gallery),
    "memsim.pytorch_traffic/1": (
        "memsim pytorch-traffic",
        lambda: memsim.pytorch_traffic(tiny(), sizes=["64KiB"]).to_dict(),
    ),
    "memsim.measurement/1": ("memsim measure", measured),
    "memsim.simulated_cache/2": ("memsim measure --cachegrind", simulated_cache),
    "memsim.probe/1": ("memsim probe", probed),
    "memsim.calibration/1": ("memsim calibrate", lambda: memsim.calibrate(paper="nano").to_dict()),
    "memsim.fidelity/1": ("memsim fidelity", lambda: checks().to_dict()),
    "memsim.verdicts/1": ("memsim fidelity --summary", lambda: checks().verdicts.to_dict()),
    "memsim.rules/1": ("memsim rules", ruled),
    "memsim.paper/1": ("memsim paper imagenet", lambda: memsim.paper_table("camvid").to_dict()),
    "memsim.paper_traffic/1": ("memsim paper traffic", lambda: memsim.paper_traffic().to_dict()),
}
"""By schema: the command that writes it, and how one is made."""


def told(schema: str) -> str:
    """The entry of a schema."""
    command, make = DOCUMENTS[schema]
    said = WHERE.get(schema, f"`{command} --format json`.")
    said = f"`{command}`: {said}" if schema in WHERE else said
    written = in_short(schema, make())
    rows = [(f"`{key}`", what(value)) for key, value in written.items() if key != "schema"]
    return section(schema, said, table(("key", "what"), rows))


def in_short(schema: str, written: Document) -> Document:
    """A document without what another one tells."""
    if schema in ("memsim.result/2", "memsim.difference/1"):
        return written
    whole = memsim.run(tiny()).totals.keys()
    return {
        key: Said(ELSEWHERE[key])
        if key == "config" or (key == "totals" and value.keys() == whole)
        else value
        for key, value in written.items()
    }


def what(value: object) -> str:
    """What stands under a key."""
    if isinstance(value, Said):
        return value
    if isinstance(value, Mapping):
        inner = ", ".join(f"`{key}`" for key in value if isinstance(key, str))
        return f"by name: {inner}" if inner else "by name"
    if isinstance(value, list | tuple):
        if not value or not isinstance(value[0], Mapping):
            return "a list"
        if "schema" in value[0]:
            return "a list of documents, each with a schema of its own"
        return f"a list; each has {', '.join(f'`{key}`' for key in value[0])}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return words.get(type(value), "null, or what is known of it")


@cache
def entries() -> str:
    """The entries of all schemas."""
    return "\n\n".join(map(told, DOCUMENTS))
