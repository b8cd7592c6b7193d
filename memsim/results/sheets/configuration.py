"""What is said of a machine and of the options of a program."""

from __future__ import annotations

from collections.abc import Sequence

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.machine import Machine
from memsim.program.depth_first import FILE, KEEP
from memsim.program.program import Program
from memsim.readable import format_bytes_exact, format_rate, format_time
from memsim.units import other_reading

OVERLAPS = {"all": "", "kernel": ", one kernel at a time", "none": ", nothing overlaps"}


def configuration(
    program: Program, machine: Machine, *, size: bool = True
) -> tuple[tuple[str, str], ...]:
    """The resolved configuration as facts; without ``size`` the cache's size is left out."""
    cache = machine.cache
    heeds = MANAGEMENTS[cache.management].heeds
    kept = f"{format_bytes_exact(cache.size)} " if size else ""
    ways = ""
    if "ways" in heeds:
        ways = ", fully associative" if cache.ways is None else f", {cache.ways} ways"
        ways += ", hashed" if cache.ways is not None and cache.index == "hashed" else ""
    if "line" in heeds:
        ways += f", lines of {cache.line} B"
        if cache.first_level is not None:
            front = format_bytes_exact(cache.first_level)
            ways += f", behind {front} of {cache.first_ways} ways"
        ways += "" if cache.fetch_on_write else ", no fetch on write"
    hint = _other(cache.size) if size else ""
    efficiency = float(machine.dram.efficiency)
    share = "" if efficiency == 1 else f" at {efficiency:.0%}"
    dram = f"{format_rate(machine.dram.bandwidth)}{share}, latency {_ps(machine.dram_latency_ps)}"
    compute = f"{format_rate(machine.mac_rate('conv', program.dtype), 'MAC')}, "
    compute += f"elementwise {format_rate(machine.elementwise_rate, 'op')}, "
    if machine.onchip_bytes_per_s is not None:
        compute += f"on chip {format_rate(machine.onchip_bytes_per_s)}, "
    compute += f"kernel overhead {_ps(machine.kernel_overhead_ps)}"
    compute += f", issued in {_ps(machine.compute.launch)}" if machine.compute.launch else ""
    compute += OVERLAPS[machine.compute.overlap]
    facts = [
        ("cache", f"{kept}{cache.management}, {cache.policy}{ways}{hint}"),
        ("buffers", format_bytes_exact(machine.buffer_bytes)),
        ("DRAM", dram),
        ("compute", compute),
        ("program", ", ".join(_program(program, machine))),
    ]
    if program.spans:  # buffers are for kernels that are cut for them
        del facts[1]
    return tuple(facts)


def shared_configuration(
    runs: Sequence[tuple[Program, Machine]], *, size: bool = True
) -> tuple[tuple[str, str], ...]:
    """The configuration of runs on one machine; of their programs what holds for all of them.

    Groups and orders may be found for each network and cache size anew.
    """
    said = [_program(*run) for run in runs]
    shared = [phrase for phrase in said[0] if all(phrase in each for each in said)]
    if any(each != shared for each in said):
        patterns = {program.options.get("groups") for program, _ in runs}
        found = [f"groups {each}" for each in patterns if each and len(patterns) == 1]
        told = {each for each in found for phrase in shared if phrase.endswith(each)}
        shared += [
            *(each for each in found if each not in told),
            "and what memsim run says of each",
        ]
    facts = dict(configuration(*runs[0], size=size))
    return tuple((facts | {"program": ", ".join(shared)}).items())


def _strips(sizes: list[str]) -> str:
    """The strips of groups, whose sizes are told.

    Examples
    --------
    >>> _strips(["4"]), _strips(["16", "2"]), _strips(["8x32"])
    ('strips of 4 rows', 'strips of 2 to 16 rows', 'tiles of 8x32')
    >>> _strips(["1x60", "2", "4x8"])
    'strips of 2 rows and tiles of 1x8 to 4x60'
    """
    if sizes == ["auto"]:
        return "strips of rows for the buffers"
    strips, tiles = ([each for each in sizes if ("x" in each) == tiled] for tiled in (False, True))
    said = []
    if strips:
        said.append(f"strips of {_range(strips)} rows")
    if tiles:
        rows, columns = zip(*(each.split("x") for each in tiles), strict=True)
        low, high = (
            "x".join(str(end(map(int, each))) for each in (rows, columns)) for end in (min, max)
        )
        said.append(f"tiles of {low}" if low == high else f"tiles of {low} to {high}")
    return " and ".join(said)


def _range(numbers: list[str]) -> str:
    low, high = min(map(int, numbers)), max(map(int, numbers))
    return f"{low}" if low == high else f"{low} to {high}"


def _program(program: Program, machine: Machine) -> list[str]:
    """What is said of the program, a phrase each."""
    options, cache = program.options, machine.cache
    frames = [f"{program.frames:,} frames"] if program.frames > 1 else []
    said = [str(options["lowering"]), str(options["schedule"])]
    if "layer_order" in options:
        said.append(f"layers by {options['layer_order']}")
    if program.spans:
        said += [f"kernels of {options['library']}", f"heap {options['heap']}"]
        return [*said, *frames, program.network.dtype]
    if "group" in options:
        count, groups = len(str(options["group"]).split()), options["groups"]
        heights = str(options["strip"]).split()
        named = "of the file" if groups == FILE else groups
        said += [f"{count} {'group' if count == 1 else 'groups'} {named}", _strips(heights)]
        said += ["overlaps recomputed"] if options["strip_overlap"] != KEEP else []
    elif "groups" in options:
        said.append(f"groups {options['groups']}")
    _, _, no_tiles = str(options.get("groups_tried", "")).partition("no tiles: ")
    said += [f"no tiles tried ({no_tiles})"] if no_tiles else []
    best = options["order"] == "best"
    said += [f"best ({options['best']})" if best else str(options["order"]), *frames]
    if "register_tile" in options:
        said.append(f"register tiles {options['register_tile']}")
    if options["tile"] != "auto":
        said.append(f"tile {options['tile']}")
    if program.network.batch > 1:
        said.append(f"images {options['images']}")
    if "scores" in options:
        where = "in DRAM" if options["scores"] == "dram" else "on chip"
        said.append(f"attention's scores {where}")
    if options["rows"] != "touched":
        said.append(f"rows {options['rows']}")
    if "layout" in MANAGEMENTS[cache.management].heeds:
        said += [cache.layout, f"allocator {cache.allocator}"]
    return [*said, program.network.dtype]


def _ps(picoseconds: int) -> str:
    return format_time(picoseconds) if picoseconds else "0"


UNITS = (
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 10**9),
    ("MB", 10**6),
    ("kB", 10**3),
)


def _other(size: int) -> str:
    """The hint at the other reading of a size that looks like a round one."""
    for unit, step in UNITS:
        if size and size % step == 0 and size // step < 10_000:
            hint = other_reading(f"{size // step}{unit}")
            return f" ({hint})" if hint else ""
    return ""
