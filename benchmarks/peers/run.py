"""memsim and four peers on the same networks: cost, and what each says that DRAM moves.

Run it as ``python benchmarks/peers/run.py``; ``--only vela,zigzag`` measures some again and keeps
the other rows, and ``--only ""`` prints what is kept. It makes an environment for each peer,
writes the peer's input from memsim's network, measures the peer's own process, and keeps what it
found in ``benchmarks/results/peers.json`` and, as a table, ``benchmarks/results/peers.md``.
README.md beside this file tells what each tool counts.

Cost is the CPU time of the process, its start and imports included, and its peak memory
(``wait4``). Writing inputs and installing is not in it. A process is stopped after ten minutes of
CPU time (``--cpu-limit``). What 64 more cache sizes cost is measured for memsim's curve, and is
64 times the one run for whatever must run once per size.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from environments import HERE, python_of
from graphs import floors, write
from traces import write_trace

import memsim
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.machine.cache import Cache

NETWORKS = ("resnet18", "hardnet68")
BUFFER = 512 * 1024
CACHE = 1536 * 1024
ON_CHIP = CACHE + BUFFER
WAYS, LINE = 16, 64
SIZES = [64 * 1024 * step for step in range(1, 65)]
RESULTS = HERE.parent / "results"


@dataclass(frozen=True)
class Cost:
    """What a process took.

    Attributes
    ----------
    cpu_s : float
        User and system time.
    peak_bytes : int
    code : int
        Its exit code; negative for the signal that stopped it, as at the limit.
    output, errors : str
    """

    cpu_s: float
    peak_bytes: int
    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Row:
    """One line of the table: a tool on a network. None stands for what it does not tell."""

    tool: str
    network: str
    cpu_s: float
    peak_bytes: int
    read_bytes: int | None
    write_bytes: int | None
    sizes_cpu_s: float | None
    sizes_how: str
    note: str = ""


def measure(command: list[str], folder: Path, limit: int) -> Cost:
    """Run a command in a folder, with at most ``limit`` seconds of CPU time."""
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    paths = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    with out.open("w") as output, err.open("w") as errors:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=errors,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths} if command[0] == sys.executable else None,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5)),
        )
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    texts = (out.read_text(errors="replace"), err.read_text(errors="replace"))
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, child.returncode, *texts)


def own(network: str, folder: Path, limit: int, tool: str, *options: str, curve: bool) -> Row:
    """A row of memsim: ``memsim run`` at the one size, ``memsim curve`` for all others."""
    given = [
        network, "--machine", "textbook", "--dtype", "int8", "--buffer", str(BUFFER), *options,
        "--format", "json",
    ]  # fmt: skip
    command = [sys.executable, "-m", "memsim"]
    at_one = [*command, "run", *given, "--cache", str(CACHE)]
    measure(at_one, folder, limit)  # the first call may compile
    one = measure(at_one, folder, limit)
    totals = json.loads(one.output)["totals"]
    sizes, how, note = 64 * one.cpu_s, "64 x", ""
    if curve:
        every = [*command, "curve", *given]
        with_time = [*every, "--cache", ",".join(map(str, SIZES))]
        measure(with_time, folder, limit)  # as above
        sizes, how = measure(every, folder, limit).cpu_s, "measured"
        found = measure(with_time, folder, limit)
        assert len(json.loads(found.output)["points"]) == len(SIZES)
        note = f"every size; {found.cpu_s:.1f} s with the time at 64 sizes"
    moved = (totals["dram_read_bytes"], totals["dram_write_bytes"])
    return Row(tool, network, one.cpu_s, one.peak_bytes, *moved, sizes, how, note)


def run_memsim(network: str, folder: Path, limit: int) -> list[Row]:
    """memsim with a scratchpad, and with lines as pycachesim has them."""
    lines = ("--management", "hardware")
    sets = (*lines, "--ways", str(WAYS))
    return [
        own(network, folder, limit, "memsim", curve=True),
        own(network, folder, limit, "memsim, lines", *lines, curve=True),
        own(network, folder, limit, f"memsim, lines, {WAYS} ways", *sets, curve=False),
    ]


def peer(
    tool: str,
    network: str,
    folder: Path,
    limit: int,
    command: list[str],
    moved: Callable[[Cost], tuple[int | None, int | None, str]],
) -> Row:
    """A row of a tool that runs once per size."""
    cost = measure(command, folder, limit)
    if cost.code:
        last = (cost.errors.strip() or cost.output.strip()).splitlines()[-1:] or ["no message"]
        stopped = f"stopped after {cost.cpu_s:.0f} s of CPU time"
        why = stopped if cost.code < 0 else f"failed: {last[0]}"
        return Row(tool, network, cost.cpu_s, cost.peak_bytes, None, None, None, "", why)
    read, written, note = moved(cost)
    sizes = 64 * cost.cpu_s
    return Row(tool, network, cost.cpu_s, cost.peak_bytes, read, written, sizes, "64 x", note)


def adapter(name: str, network: str, folder: Path) -> list[str]:
    """Write a peer's input; the start of the command that runs it."""
    python, script = str(python_of(name)), str(HERE / f"peer_{name}.py")
    graph = folder / "graph.json"
    write(memsim.load(network, dtype="int8"), graph)
    subprocess.run([python, script, "prepare", str(graph), str(folder)], check=True)
    return [python, script, "run", str(folder), str(ON_CHIP)]


def run_vela(network: str, folder: Path, limit: int) -> list[Row]:
    """The figures of Vela's summary."""
    command = adapter("vela", network, folder)

    def moved(cost: Cost) -> tuple[int, int, str]:
        row = json.loads((folder / "result.json").read_text())
        read = int(row["dram_feature_map_read_bytes"]) + int(row["dram_weight_read_bytes"])
        written = int(row["dram_feature_map_write_bytes"]) + int(row["dram_weight_write_bytes"])
        weights = int(row["total_npu_encoded_weights"])
        return read, written, f"weights encoded in {weights:,} B"

    return [peer("ethos-u-vela 5.2.0", network, folder, limit, command, moved)]


def run_zigzag(network: str, folder: Path, limit: int) -> list[Row]:
    """ZigZag as it comes, and with data kept on chip between layers where it can."""
    command = adapter("zigzag", network, folder)

    def moved(cost: Cost) -> tuple[int, int, str]:
        found = json.loads((folder / "result.json").read_text())
        return found["read"], found["written"], f"{len(found['layers'])} layers"

    tool = "zigzag-dse 3.9.1"
    return [
        peer(tool, network, folder, limit, command, moved),
        peer(f"{tool}, locality", network, folder, limit, [*command, "locality"], moved),
    ]


def run_scalesim(network: str, folder: Path, limit: int) -> list[Row]:
    """SCALE-Sim's report, summed up; how far it came where it was stopped."""
    command = adapter("scalesim", network, folder)
    result = folder / "result.json"

    def moved(cost: Cost) -> tuple[int, int, str]:
        found = json.loads(result.read_text())
        return found["read"], found["written"], f"{found['layers']} layers"

    row = peer("scalesim 3.0.0", network, folder, limit, command, moved)
    if row.read_bytes is None and result.exists():
        found = json.loads(result.read_text())
        note = (
            f"{row.note}, after {found['done']} of {found['layers']} layers, which read "
            f"{found['read']:,} B and wrote {found['written']:,} B"
        )
        row = replace(row, note=note)
    return [row]


def run_pycachesim(network: str, folder: Path, limit: int) -> list[Row]:
    """pycachesim on memsim's trace of lines, dirty network outputs written back."""
    program = memsim.build(memsim.load(network, dtype="int8"), buffer=BUFFER)
    trace = MANAGEMENTS["hardware"].trace(program, Cache(size=0, management="hardware"))
    write_trace(trace, folder / "trace", LINE)
    python, script = str(python_of("pycachesim")), str(HERE / "peer_pycachesim.py")
    command = [python, script, "run", str(folder / "trace"), str(CACHE), str(WAYS)]

    def moved(cost: Cost) -> tuple[int, int, str]:
        found = json.loads(cost.output)
        written = found["written_back"] + found["flushed"]
        note = f"{len(trace.block):,} accesses; {LINE * found['flushed']:,} B flushed at the end"
        return LINE * found["fetched"], LINE * written, note

    return [peer("pycachesim 0.3.1", network, folder, limit, command, moved)]


TOOLS: dict[str, Callable[[str, Path, int], list[Row]]] = {
    "memsim": run_memsim,
    "vela": run_vela,
    "zigzag": run_zigzag,
    "scalesim": run_scalesim,
    "pycachesim": run_pycachesim,
}


def compulsory() -> list[str]:
    """The floors, and how memsim's differs where batch norm is folded."""
    rows = [
        "| network | weights once | + batch norm learnable | + batch norm stored | memsim eager "
        "| memsim fused |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in (*NETWORKS, "densenet121"):
        network = memsim.load(name, dtype="int8")
        by = [
            memsim.build(network, buffer=BUFFER, lowering=lowering).compulsory_bytes
            for lowering in ("eager", "fused")
        ]
        cells = " | ".join(f"{value:,}" for value in (*floors(network).values(), *by))
        rows.append(f"| {name} | {cells} |")
    return rows


def table(rows: list[Row]) -> list[str]:
    """The rows as Markdown."""
    lines = [
        "| network | tool | CPU s | peak MB | DRAM read B | DRAM written B | 64 more sizes, CPU s "
        "| |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        moved = [
            "–" if value is None else f"{value:,}" for value in (row.read_bytes, row.write_bytes)
        ]
        sizes = "–" if row.sizes_cpu_s is None else f"{row.sizes_cpu_s:,.1f} ({row.sizes_how})"
        lines.append(
            f"| {row.network} | {row.tool} | {row.cpu_s:,.2f} | {row.peak_bytes / 1e6:,.0f} | "
            f"{moved[0]} | {moved[1]} | {sizes} | {row.note} |"
        )
    return lines


def kept() -> dict[str, list[Row]]:
    """What earlier runs found, by network and tool."""
    path = RESULTS / "peers.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    return {key: [Row(**row) for row in rows] for key, rows in found.items()}


def keep(key: str, rows: list[Row]) -> None:
    """Add to what earlier runs found."""
    every = {key: [asdict(row) for row in values] for key, values in kept().items()}
    every[key] = [asdict(row) for row in rows]
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(sorted(every.items())), indent=1)
    (RESULTS / "peers.json").write_text(text + "\n")


def collect(chosen: list[str], networks: list[str], limit: int) -> list[Row]:
    """Measure what is chosen; everything else is as it was kept."""
    for network in networks:
        for tool in chosen:
            print(f"{network}: {tool} ...", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                try:
                    rows = TOOLS[tool](network, Path(folder), limit)
                except subprocess.CalledProcessError as error:
                    last = ((error.stderr or "").strip().splitlines() or [str(error)])[-1]
                    why = f"could not be prepared: {last}"
                    rows = [Row(tool, network, 0.0, 0, None, None, None, "", why)]
            keep(f"{network} {tool}", rows)
    order = [f"{network} {tool}" for network in NETWORKS for tool in TOOLS]
    return [row for key in order for row in kept().get(key, [])]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(TOOLS), help="tools, separated by commas")
    parser.add_argument("--networks", default=",".join(NETWORKS), help="separated by commas")
    parser.add_argument("--cpu-limit", type=int, default=600, help="seconds for each process")
    given = parser.parse_args()
    chosen = [tool for tool in given.only.split(",") if tool]
    rows = collect(chosen, given.networks.split(","), given.cpu_limit)
    floor = compulsory()
    text = [
        "# memsim and its peers",
        "",
        f"int8, 224x224, batch 1; {ON_CHIP:,} B on chip (memsim: a cache of {CACHE:,} B and "
        f"buffers of {BUFFER:,} B).",
        "What each tool counts differs: see `benchmarks/peers/README.md`. CPU time and memory are "
        "of whole processes;",
        "`64 x` is one run times 64, extrapolated; `measured` is one process that tells of "
        "all sizes.",
        "",
        *table(rows),
        "",
        "Bytes that must move, whatever the cache (input and logits included):",
        "",
        *floor,
    ]
    print("\n".join(text))
    (RESULTS / "peers.md").write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
