"""DRAM traffic of the series of the split, beside what the main command says of each machine kind.

The checks of ``dev`` predict anew each time; those of ``test`` compare what was kept when the
model was frozen (:mod:`memsim.validation.traffic.frozen`), so that running the report looks at
nothing anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from memsim.calibration.families import family_of
from memsim.calibration.score import Score
from memsim.files import read_table
from memsim.program.library.onednn.runtime import LINE
from memsim.validation.check import Check, CheckRow, Claim, Kernels, Sample, goal
from memsim.validation.split import SEEN, Series, Side, Split, split
from memsim.validation.traffic import read_off
from memsim.validation.traffic.command import SUBJECTS, library_kernels
from memsim.validation.traffic.frozen import Frozen, frozen
from memsim.validation.traffic.measured import Moved, Runs, measured

LARGE, SMALL = (1024, 2048, 4096, 8192, 16384, 32768), (256, 512)
"""KiB."""

WIDE = 1.05
"""High over low of a band from which on placement matters; below, kernels' errors are larger."""

SAMPLES: Mapping[Side, Sample] = {"dev": "in", "test": "unseen"}

Predictions = Mapping[Series, Mapping[int, Moved]]
"""Of each series by KiB."""


@dataclass(frozen=True)
class Question:
    """Which rows a check has and what is asked of them.

    Attributes
    ----------
    key, title : str
    subject : str
        Who predicts: a key of ``SUBJECTS``.
    lowerings : tuple of str
    sizes : tuple of int
        KiB.
    goals : tuple of (str, float)
        What is to be reached: ``WAPE``, ``worst`` or ``inside``, the share of rows that were
        measured inside the band of placements.
    writes : bool
        Of write-backs alone, instead of everything.
    by_kernel : bool
        Whether development series are told kernel by kernel, too.
    """

    key: str
    title: str
    subject: str
    lowerings: tuple[str, ...]
    sizes: tuple[int, ...]
    goals: tuple[tuple[str, float], ...] = ()
    writes: bool = False
    by_kernel: bool = False

    def quantity(self, moved: Moved) -> float:
        """What is compared, in bytes."""
        return moved.writeback if self.writes else moved.total


BOTH = ("fused", "eager")
ALL = (*SMALL, *LARGE)

QUESTIONS = (
    Question("fused", "fused, 1 to 32 MiB", "library", ("fused",), LARGE,
             (("WAPE", 0.07), ("worst", 0.15)), by_kernel=True),
    Question("fused_small", "fused, 256 and 512 KiB", "library", ("fused",), SMALL,
             (("WAPE", 0.08),)),
    Question("eager", "eager, 1 to 32 MiB", "library", ("eager",), LARGE,
             (("WAPE", 0.1), ("worst", 0.2)), by_kernel=True),
    Question("eager_small", "eager, 256 and 512 KiB", "library", ("eager",), SMALL),
    Question("writes", "writes alone", "library", BOTH, ALL, (("WAPE", 0.12),), writes=True),
    Question("band", "best and worst placement", "library", BOTH, ALL, (("inside", 0.9),)),
    Question("generic", "a generic machine, fused", "generic", ("fused",), ALL, (("worst", 0.2),)),
    Question("ideal", "an ideal program on a scratchpad", "ideal", BOTH, ALL),
)  # fmt: skip
"""What is asked of each side, in the order of the report."""

MEASURED = (
    "measured",
    "DRAM traffic of PyTorch on a CPU (oneDNN, AVX2, fp32, batch 1, one thread), steady state, "
    "under caches simulated by Valgrind: 32 KiB with 8 ways before 16 ways of the size, lines of "
    "64 bytes. Load misses, fetches on write and write-backs together, unless it is said otherwise",
)

OMITTED = (
    "left out",
    "rows whose cache holds all that a pass touches: no smaller than what a cold pass fetched. "
    "There a steady pass moves next to nothing but what the process around it does",
)

KEPT = ("frozen", "version")
"""Facts of kept predictions that a check tells."""

LOOKED = "no comparison with these series is logged; data/split.csv would say so"


def checks() -> Iterator[tuple[str, Callable[[], Check]]]:
    """Every check of the split, with its name."""
    for side in SAMPLES:
        for question in QUESTIONS:

            def check(question: Question = question, side: Side = side) -> Check:
                return answered(question, side)

            yield f"{side}_{question.key}", check


def answered(question: Question, side: Side) -> Check:
    """The check of a question about one side of the split that comes along."""
    kept = frozen()
    if side == "test" and not kept.said:  # nothing to compare with, so nothing to look at
        return compared(question, side, {}, {})
    runs = {
        series: each
        for series, each in measured(side).items()
        if series.lowering in question.lowerings
    }
    if side == "dev":
        predictions: Predictions = {series: predicted(question.subject, series) for series in runs}
        check = compared(question, side, runs, predictions)
        return replace(check, kernels=kernels(runs)) if question.by_kernel else check
    predictions = {series: kept.said.get((question.subject, series), {}) for series in runs}
    return compared(question, side, runs, predictions, looks(kept, split(), tuple(runs)))


KERNELS_AT = 1024
"""KiB of the last level at which kernels are told."""


def kernels(runs: Mapping[Series, Runs]) -> Kernels | None:
    """How far single kernels of development series are off, where these were counted by kernel."""
    rows, wholes = [], []
    for series in runs:
        try:
            table = read_table(
                "memsim.validation", f"layers_dev/{series.network}_{series.lowering}"
            )
        except FileNotFoundError:
            continue
        ours = library_kernels(series, 1024 * KERNELS_AT)
        real = {row["kernel"]: _lines(row) * LINE / 1e6 for row in table}
        for name, megabytes in real.items():
            if megabytes:
                said = ours.get(name, 0.0) / 1e6
                rows.append(CheckRow(f"{series} {name}", megabytes, said))
                wholes.append(sum(real.values()))
    return Kernels.of(rows, wholes, f"{KERNELS_AT // 1024} MiB") if rows else None


def _lines(row: Mapping[str, str]) -> int:
    return sum(int(row[f"{count}{KERNELS_AT}"]) for count in ("rm", "wm", "wb"))


@cache
def predicted(subject: str, series: Series) -> Mapping[int, Moved]:
    """What a subject says of a development series, at all sizes at which it was measured."""
    sizes = sorted(measured("dev")[series].steady)
    said = SUBJECTS[subject].says(series, [1024 * size for size in sizes])
    return dict(zip(sizes, said, strict=True))


def compared(
    question: Question,
    side: Side,
    runs: Mapping[Series, Runs],
    predictions: Predictions,
    told: Sequence[tuple[str, str]] = (),
) -> Check:
    """The check of a question: measurements beside predictions, judged.

    Parameters
    ----------
    question : Question
    side : str
    runs : mapping of Series to Runs
    predictions : mapping of Series to mapping of int to Moved
        A series or a size that it lacks has no row.
    told : sequence of (str, str)
        Facts about who looked at the measurements, and when.
    """
    rows, omitted, spreads = [], [], []
    for series, run in runs.items():
        for size in question.sizes:
            if size not in run.steady or size not in predictions.get(series, {}):
                continue
            name = _name(series, size)
            if not run.judged(size):
                omitted.append(name)
                continue
            spreads.append(run.spread(size))
            ours = predictions[series][size]
            if question.key != "band":
                rows.append(_row(question, name, run.steady[size], ours))
            else:
                rows += _ends(name, run.steady[size], ours)
    subject, here = SUBJECTS[question.subject], tuple(rows)
    networks = list(dict.fromkeys(series.network for series in runs))
    return Check(
        name=f"{side}_{question.key}",
        title=f"DRAM traffic, {side} series: {question.title}",
        unit="MB",
        sample=SAMPLES[side],
        facts=(
            *_once(question, side),
            ("networks", f"{', '.join(networks)}: {_families(networks)}"),
            *_missing(runs, question, side),
            *_processes(runs, spreads),
            *told,
        ),
        rows=here,
        claims=tuple(_claims(question, here)),
        read_off=read_off.floors() if question.subject == "library" else 0,
        chosen=subject.chosen,
        omitted=tuple(omitted),
    )


def _row(question: Question, name: str, real: Moved, ours: Moved) -> CheckRow:
    return CheckRow(name, question.quantity(real) / 1e6, question.quantity(ours) / 1e6)


def _ends(name: str, real: Moved, ours: Moved) -> Iterator[CheckRow]:
    """What the processes moved that moved least and most, each to lie in the band."""
    if ours.low is None or ours.high is None:
        return
    ends = {"min": real.low or real.total, "max": real.high or real.total}
    if ends["min"] == ends["max"]:
        ends = {"": ends["min"]}
    for which, total in ends.items():
        yield CheckRow(
            f"{name} {which}".strip(), total / 1e6, ours.total / 1e6,
            low=ours.low / 1e6, high=ours.high / 1e6,
        )  # fmt: skip


def _once(question: Question, side: Side) -> tuple[tuple[str, str], ...]:
    """Facts that several checks share, and that the first one of them tells."""
    first = next(each for each in QUESTIONS if each.subject == question.subject)
    if question.key != first.key:
        return (("measured, predicted", f"see {side}_{first.key}"),)
    facts = SUBJECTS[question.subject].facts
    if question.subject == "library":
        facts = (*facts, read_off.told())
    if question.key != QUESTIONS[0].key:
        return (("measured", f"see {side}_{QUESTIONS[0].key}"), *facts)
    return (MEASURED, *facts, OMITTED)


def _missing(
    runs: Mapping[Series, Runs], question: Question, side: Side
) -> tuple[tuple[str, str], ...]:
    """A fact: series of the split that nothing was measured of."""
    missing = [
        str(series)
        for series in split().series(side)
        if series.lowering in question.lowerings and series not in runs
    ]
    return (("not measured", ", ".join(missing)),) if missing else ()


def _processes(
    runs: Mapping[Series, Runs], spreads: Sequence[float]
) -> tuple[tuple[str, str], ...]:
    """A fact: how far apart processes are that ran the same."""
    most = max((run.processes for run in runs.values()), default=0)
    if most < 2 or not spreads:
        return ()
    return (
        (
            "processes",
            f"up to {most} ran a series, of which the mean is told; memory lies elsewhere in each, "
            f"and what they move is {100 * sum(spreads) / len(spreads):.1f} % apart on average, "
            f"{100 * max(spreads):.1f} % at most",
        ),
    )


def _claims(question: Question, rows: Sequence[CheckRow]) -> Iterator[Claim]:
    if not rows:
        return
    score = Score.of([row.measured for row in rows], [row.predicted for row in rows])
    for name, limit in question.goals:
        if name == "inside":
            wide = [row for row in rows if row.low and row.high and row.high > WIDE * row.low]
            for which, told in ((rows, "the band"), (wide, "bands wider than 5 %")):
                share = sum(bool(row.inside) for row in which) / max(len(which), 1)
                yield Claim(
                    f"measured inside {told} in {100 * limit:g} % of rows",
                    f"{100 * share:.0f} % of {len(which)}",
                    share >= limit,
                )
        else:
            yield goal(name, score.wape if name == "WAPE" else score.worst, limit)


def _families(networks: Sequence[str]) -> str:
    count = len({family_of(network) for network in networks})
    return f"{count} {'family' if count == 1 else 'families'}"


def looks(kept: Frozen, which: Split, judging: Sequence[Series]) -> tuple[tuple[str, str], ...]:
    """Facts: when the model was frozen, what was known before, and every look since.

    Parameters
    ----------
    kept : Frozen
    which : Split
    judging : sequence of Series
        Those that are compared.
    """
    frozen_at = tuple((key, text) for key, text in kept.facts.items() if key in KEPT)
    known: dict[str, list[str]] = {}
    for series in judging:
        known.setdefault(which.seen.get(series, ""), []).append(series.network)
    before = "; ".join(
        f"of {', '.join(dict.fromkeys(known[word]))} {text}"
        for word, text in SEEN.items()
        if word in known
    )
    return (
        *frozen_at,
        *((("known before", before),) if before else ()),
        ("looked at", "; ".join(which.log or (LOOKED,))),
    )


def _name(series: Series, kib: int) -> str:
    size = f"{kib} KiB" if kib < 1024 else f"{kib // 1024} MiB"
    return f"{series} {size}"
