"""What is said of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memsim.network.moc import LOW, PERCENTILES
from memsim.program.kernel import Cause, Role
from memsim.program.parts import Part, compulsory
from memsim.readable import format_bytes, format_count, format_time
from memsim.results.comparison import Comparison, Contender
from memsim.results.sheets.accuracy import accuracies, beside
from memsim.results.sheets.configuration import shared_configuration
from memsim.sheets.sheet import Grid, Sheet
from memsim.sheets.text import WIDTH

LABEL = 20
"""Characters of the widest label."""

NARROWEST = 9
"""Characters of the widest number."""

SHORT = {"": "-", "(not as fitted)": "beyond"}
"""Words for errors that fit into a column: not known, and outside of what was fitted."""

Named = tuple[str, Contender]
Line = tuple[str, Callable[[Contender], str]]


def _count(networks: int) -> str:
    return f"{networks} network{'' if networks == 1 else 's'}"


def comparison_sheet(comparison: Comparison, layers: int | None = None) -> Sheet:
    """Lay out a comparison; ``layers`` does not apply."""
    first, named = comparison.contenders[0].result, named_contenders(comparison)
    return Sheet(
        title=f"{_count(len(comparison.contenders))} on {first.machine.name}",
        facts=(
            *shared_configuration(
                [(each.result.program, each.result.machine) for _, each in named]
            ),
            *accuracies([(name, each.result.accuracy) for name, each in named], first.machine.name),
        ),
        grids=tuple(grid for group in _groups(named) for grid in _grids(group)),
        notes=(
            "Shortcuts: what feature maps move less where each is read by its first reader alone "
            "and comes for nothing to all others, and no concat is copied. Lifetime: kernels from "
            "the one that writes a feature map to the last one that reads it. MoC: MACs over CIO, "
            "of convolutions. Error: the mean for networks left out of the machine's fit; "
            "beyond: the question is another than the fitted one, as memsim run tells; -: nothing "
            "was fitted.",
        ),
    )


def named_contenders(comparison: Comparison) -> list[Named]:
    """The networks and their names, without folders where that leaves the names different."""
    names = [each.name for each in comparison.contenders]
    short = [name.rpartition("/")[2] for name in names]
    shown = short if len(set(short)) == len(set(names)) else names
    return list(zip(shown, comparison.contenders, strict=True))


def _groups(contenders: list[Named]) -> Iterator[list[Named]]:
    """As many networks side by side as fit on a line."""
    group: list[Named] = []
    room = WIDTH - LABEL
    for name, contender in contenders:
        width = max(len(name), NARROWEST) + 1
        if group and width > room:
            yield group
            group, room = [], WIDTH - LABEL
        group.append((name, contender))
        room -= width
    yield group


def _grids(named: list[Named]) -> Iterator[Grid]:
    columns = ("", *(name for name, _ in named))
    group = [contender for _, contender in named]
    only = group[0].result.only
    of = "" if only is None else f" of {only.words}"
    for title, lines, total in (
        ("network", _network(), 0),
        (f"DRAM traffic{of} by role", _roles(group), _SUMS[only]),
        (f"DRAM traffic{of} by cause", _causes(group), 2 if only is None else 1),
        *([] if only is Part.WEIGHTS else [("shortcuts", _shortcuts(), 0)]),
        ("lifetime of feature maps", _lifetimes(), 0),
        ("time", _time(group), 0),
        *([("frames", _frames(), 0)] if group[0].result.program.frames > 1 else []),
    ):
        rows = tuple((label, *(tell(each) for each in group)) for label, tell in lines)
        yield Grid(title, columns, rows, total)


_SUMS = {None: 2, Part.FEATURE_MAPS: 1, Part.WEIGHTS: 0}
"""How many sums stand below the roles."""


def _bytes(amount: float) -> str:
    return format_bytes(round(amount)) if round(amount) else "-"


def _network() -> list[Line]:
    return [
        ("parameters", lambda each: format_count(each.result.network.params)),
        ("MACs", lambda each: format_count(each.result.network.macs)),
        ("CIO, elements", lambda each: format_count(each.result.network.cio)),
        *(
            (
                f"MoC, {'median of convs' if p == 50 else f'{p} % of convs below'}",
                lambda each, p=p: f"{each.moc.percentiles[p]:.1f}",
            )
            for p in PERCENTILES
        ),
        (f"MACs at MoC < {LOW}", lambda each: f"{each.moc.low_macs:.1%}"),
    ]


def _roles(group: list[Contender]) -> list[Line]:
    only = group[0].result.only
    names = [role.name.lower() for role in Role]
    used = [name for name in names if any(each.result.by_role[name] for each in group)]
    return [
        *((name, lambda each, name=name: _bytes(each.result.by_role[name])) for name in used),
        *((part.words, lambda each, part=part: _bytes(each.result.by_part[part]))
          for part in [Part.FEATURE_MAPS] if only is not Part.WEIGHTS),
        *([("total", lambda each: _bytes(each.result.dram_bytes))] if only is None else []),
    ]  # fmt: skip


def _causes(group: list[Contender]) -> list[Line]:
    names = [cause.name.lower() for cause in Cause]
    used = [name for name in names if any(each.result.by_cause[name] for each in group)]

    def times(each: Contender, part: Part) -> str:
        least = sum(compulsory(each.result.program, part))
        return f"{each.result.by_part[part] / least:.2f}" if least else "-"

    return [
        *((name, lambda each, name=name: _bytes(each.result.by_cause[name])) for name in used),
        *(
            (f"{_SHORT[part]}, x compulsory", lambda each, part=part: times(each, part))
            for part in Part
            if group[0].result.only in (None, part)
        ),
    ]


_SHORT = {Part.WEIGHTS: "weights", Part.FEATURE_MAPS: "maps"}


def _shortcuts() -> list[Line]:
    return [
        ("read", lambda each: _bytes(each.shortcuts.read_bytes) if each.shortcuts else "-"),
        ("written", lambda each: _bytes(each.shortcuts.write_bytes) if each.shortcuts else "-"),
        (
            "share of maps",
            lambda each: "-" if each.shortcut_share is None else f"{each.shortcut_share:.1%}",
        ),
    ]


def _lifetimes() -> list[Line]:
    return [
        ("mean, kernels", lambda each: f"{each.lifetimes.to_dict()['kernels_mean']:.2f}"),
        ("max, kernels", lambda each: str(each.lifetimes.to_dict()["kernels_max"])),
        ("mean, B x kernels", lambda each: _bytes(each.lifetimes.to_dict()["byte_kernels_mean"])),
        ("max, B x kernels", lambda each: _bytes(each.lifetimes.to_dict()["byte_kernels_max"])),
        ("peak live", lambda each: _bytes(int(each.result.totals["peak_live_activation_bytes"]))),
    ]


def _frames() -> list[Line]:
    def moves(each: Contender, which: int) -> str:
        return _bytes(each.result.frames[which].dram_bytes)

    def takes(each: Contender, which: int) -> str:
        return format_time(each.result.frames[which].time_ps)

    return [
        ("first, traffic", lambda each: moves(each, 0)),
        ("first, time", lambda each: takes(each, 0)),
        ("last, traffic", lambda each: moves(each, -1)),
        ("last, time", lambda each: takes(each, -1)),
        ("last like before", lambda each: "yes" if each.result.frames.settled else "no"),
    ]


def _time(group: list[Contender]) -> list[Line]:
    error = (
        "its error",
        lambda each: SHORT.get(told := beside(each.result.accuracy).strip(), told),
    )
    fitted = any(each.result.accuracy.calibrated for each in group)
    return [
        ("latency", lambda each: format_time(each.result.time_ps)),
        *([error] if fitted else []),
        ("compute busy", lambda each: f"{each.result.totals['compute_utilization']:.0%}"),
        ("DRAM busy", lambda each: f"{each.result.totals['dram_utilization']:.0%}"),
    ]
