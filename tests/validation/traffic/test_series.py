"""Traffic of the split beside the main command: made-up measurements, followed by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import memsim
from memsim.errors import InputError
from memsim.validation.check import Check
from memsim.validation.split import Series, Split, read_split
from memsim.validation.traffic import series as traffic
from memsim.validation.traffic.command import SUBJECTS, Subject
from memsim.validation.traffic.frozen import Frozen, frozen_text, read_frozen
from memsim.validation.traffic.measured import Moved, Runs, runs_of
from memsim.validation.traffic.series import ALL, QUESTIONS, Question, compared, looks

ONE, TWO = Series("resnet18", "fused", 112), Series("vgg16", "fused", 112)

SPLIT = read_split("""\
network,input,lowering,split,seen
resnet18,112,fused,dev,layers
vgg16,112,fused,test,errors
hardnet85,112,fused,test,never
""")

MIB = 2**20


def row(network: str, kib: int, steady: str, cold: str, kernels: str = "avx2") -> dict[str, str]:
    """Megabytes, of one process."""

    def columns(prefix: str, megabytes: str) -> dict[str, str]:
        names = ("read", "write_allocate", "writeback")
        cells = zip(names, megabytes.split(), strict=True)
        return {f"{prefix}{name}_bytes": f"{cell}000000" for name, cell in cells}

    total = f"{sum(map(int, steady.split()))}000000"
    return {
        "network": network, "lowering": "fused", "kernels": kernels, "input": "3x112x112",
        "cache_kib": str(kib), "processes": "1", "least_bytes": total, "most_bytes": total,
        **columns("", steady), **columns("cold_", cold),
    }  # fmt: skip


def question(key: str) -> Question:
    (found,) = (each for each in QUESTIONS if each.key == key)
    return found


def runs(*totals: float, touched: float = 1e12) -> Runs:
    """A run with so many megabytes at 1, 2, 4, ... MiB, a tenth of them written."""
    return Runs(
        {1024 << power: Moved(0.6e6 * mb, 0.3e6 * mb, 0.1e6 * mb)
         for power, mb in enumerate(totals)},
        touched,
    )  # fmt: skip


def said(*totals: float, **band: float) -> dict[int, Moved]:
    moved = runs(*totals).steady
    return {size: Moved(m.read, m.write_allocate, m.writeback, **band) for size, m in moved.items()}


def test_measured_rows_are_sorted_by_series_and_size() -> None:
    table = [
        row("resnet18", 256, "10 2 3", "9 4 3"),
        row("resnet18", 8192, "1 0 0", "5 2 0"),
        row("resnet18", 256, "99 99 99", "0 0 0", kernels="avx512"),
    ]
    found = runs_of(table, "dev", SPLIT)
    assert list(found) == [ONE]
    assert found[ONE].steady[256] == Moved(10e6, 2e6, 3e6, 15e6, 15e6)
    assert found[ONE].steady[256].total == 15e6


def test_a_cache_that_holds_all_that_a_pass_touches_judges_nothing() -> None:
    """A cold pass fetched 7 MB where all of it stayed: 4 MiB hold less, 8 MiB more."""
    table = [
        row("resnet18", kib, "1 1 1", cold)
        for kib, cold in ((1024, "9 4 3"), (4096, "6 2 1"), (8192, "5 2 0"))
    ]
    found = runs_of(table, "dev", SPLIT)[ONE]
    assert found.touched == 7e6
    assert [found.judged(kib) for kib in (1024, 4096, 8192)] == [True, True, False]


def test_a_table_holds_the_series_of_its_side_and_no_others() -> None:
    good = row("resnet18", 256, "1 1 1", "1 1 1")
    with pytest.raises(InputError, match="vgg16 fused 112 is not on the side dev of the split"):
        runs_of([good, row("vgg16", 256, "1 1 1", "1 1 1")], "dev", SPLIT)
    assert list(runs_of([row("vgg16", 256, "1 1 1", "1 1 1")], "test", SPLIT)) == [TWO]


def test_errors_and_goals_of_a_side() -> None:
    """Measured 100 and 50 MB, predicted 104 and 44: off by 4 and 6, WAPE 6.7 %, worst 12 %."""
    check = compared(question("fused"), "test", {TWO: runs(100, 50)}, {TWO: said(104, 44)})
    assert check.sample == "unseen"
    assert [r.name for r in check.rows] == ["vgg16 fused 112 1 MiB", "vgg16 fused 112 2 MiB"]
    assert check.score.wape == pytest.approx(10 / 150)
    assert [(claim.text, claim.holds) for claim in check.claims] == [
        ("WAPE at most 7 %", True), ("worst at most 15 %", True),
    ]  # fmt: skip
    missed = compared(question("fused"), "test", {TWO: runs(100, 50)}, {TWO: said(104, 42)})
    assert [claim.holds for claim in missed.claims] == [False, False]
    assert compared(question("fused"), "dev", {TWO: runs(1)}, {TWO: said(1)}).sample == "in"


def test_writes_are_judged_alone() -> None:
    """A tenth of 100 MB beside a tenth of 80."""
    (found,) = compared(question("writes"), "dev", {ONE: runs(100)}, {ONE: said(80)}).rows
    assert (found.measured, found.predicted) == pytest.approx((10, 8))


def test_rows_where_everything_fits_are_named_and_not_judged() -> None:
    check = compared(
        question("fused"), "dev", {ONE: runs(100, 50, 1, touched=3e6)}, {ONE: said(100, 50, 9)}
    )
    assert check.omitted == ("resnet18 fused 112 4 MiB",)
    assert len(check.rows) == 2
    assert check.score.worst == 0


def test_the_band_counts_how_often_the_measured_value_lies_inside() -> None:
    """Of three rows two lie between 40 and 120 MB."""
    band = {"low": 40e6, "high": 120e6}
    real, ours = {ONE: runs(100, 50, 30)}, {ONE: said(90, 60, 50, **band)}
    check = compared(question("band"), "dev", real, ours)
    assert [r.inside for r in check.rows] == [True, True, False]
    claim, where_it_matters = check.claims
    assert where_it_matters.predicted == claim.predicted  # this band is wide
    assert (claim.predicted, claim.holds) == ("67 % of 3", False)
    assert compared(question("band"), "dev", real, {ONE: said(90, 60, 50)}).rows == ()


def test_of_several_processes_the_mean_is_judged_and_the_band_holds_both_ends() -> None:
    """90 and 110 MB: the mean is 100, they are 20 % apart, and one of them is below 95."""
    real = {ONE: Runs({1024: Moved(100e6, 0, 0, 90e6, 110e6)}, 1e12, processes=2)}
    ours = {ONE: {1024: Moved(100e6, 0, 0, low=95e6, high=120e6)}}
    check = compared(question("fused"), "dev", real, ours)
    assert check.score.worst == 0
    assert "20.0 % apart on average, 20.0 % at most" in dict(check.facts)["processes"]
    band = compared(question("band"), "dev", real, ours)
    assert [(row.name[-3:], row.inside) for row in band.rows] == [("min", False), ("max", True)]
    alone = {ONE: Runs({1024: Moved(90e6, 0, 0, 90e6, 90e6)}, 1e12)}
    assert "processes" not in dict(compared(question("fused"), "dev", alone, ours).facts)
    assert len(compared(question("band"), "dev", alone, ours).rows) == 1


def test_a_series_that_was_not_measured_is_named() -> None:
    told = dict(compared(question("fused"), "test", {}, {}).facts)["not measured"]
    assert "logdensenet103 fused 64" in told
    assert "eager" not in told


def test_kept_predictions_are_read_as_they_were_written() -> None:
    moved = Moved(5e6, 1e6, 2e6, 7e6, 9e6), Moved(1.0, 2.0, 3.0)
    text = frozen_text(
        {"frozen": "2026-12-01", "version": "0.4"},
        [("library", ONE, 256, moved[0]), ("library", ONE, 512, moved[1])],
    )
    header, *lines = (line.split(",") for line in text.splitlines() if not line.startswith("#"))
    kept = read_frozen(text, [dict(zip(header, line, strict=True)) for line in lines])
    assert kept == Frozen(
        {"frozen": "2026-12-01", "version": "0.4"},
        {("library", ONE): {256: moved[0], 512: moved[1]}},
    )


def test_what_was_known_before_and_every_look_are_told() -> None:
    logged = Split(SPLIT.sides, SPLIT.seen, ("2026-12-02, vgg16, an error in the tiler",))
    kept = Frozen({"frozen": "2026-12-01", "a note": "untold"}, {})
    assert looks(kept, logged, SPLIT.series("test")) == (
        ("frozen", "2026-12-01"),
        ("known before", "of vgg16 how far an earlier model was off was known as one number; of "
                         "hardnet85 nothing"),
        ("looked at", "2026-12-02, vgg16, an error in the tiler"),
    )  # fmt: skip
    assert dict(looks(kept, SPLIT, ()))["looked at"].startswith("no comparison")


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[Frozen], None]:
    """Measurements of both sides, and a model that says twice of them and counts its answers."""

    def says(series: Series, sizes: object) -> list[Moved]:
        assert series == ONE, f"{series} was predicted anew"
        return [Moved(120e6, 60e6, 20e6) for _ in ALL]

    measured = {
        "dev": {ONE: Runs({kib: Moved(60e6, 30e6, 10e6) for kib in ALL}, 1e12)},
        "test": {TWO: runs(100, 50)},
    }
    monkeypatch.setattr(traffic, "measured", measured.__getitem__)
    monkeypatch.setattr(traffic, "SUBJECTS", {
        name: Subject(name, name, says, (("predicted", "made up"),), ("a form",))
        for name in SUBJECTS
    })  # fmt: skip
    traffic.predicted.cache_clear()
    yield lambda kept: monkeypatch.setattr(traffic, "frozen", lambda: kept)
    traffic.predicted.cache_clear()


def checks() -> dict[str, Callable[[], Check]]:
    return dict(traffic.checks())


def test_development_series_are_predicted_anew(made_up: Callable[[Frozen], None]) -> None:
    check = checks()["dev_fused"]()
    assert check.chosen == ("a form",)
    assert len(check.rows) == 6
    assert check.score.mape == 1


def test_test_series_are_compared_with_what_was_kept_and_with_nothing_else(
    made_up: Callable[[Frozen], None],
) -> None:
    made_up(Frozen({}, {}))
    assert checks()["test_fused"]().rows == ()
    made_up(Frozen({"frozen": "a day"}, {("library", TWO): said(110, 50)}))
    check = checks()["test_fused"]()
    assert [round(r.error, 3) for r in check.rows] == [0.1, 0]
    assert ("frozen", "a day") in check.facts
    assert checks()["test_ideal"]().rows == ()  # of another subject nothing was kept


def test_the_main_command_is_what_is_asked() -> None:
    series = Series("sparsenet40_24", "eager", 32)
    network = memsim.load(series.network, input_shape=(3, 32, 32))
    (ideal,) = SUBJECTS["ideal"].says(series, [MIB])
    result = memsim.run(network, machine="textbook", cache="1MiB", lowering="eager")
    assert ideal == Moved(result.totals["dram_read_bytes"], 0, result.totals["dram_write_bytes"])
    (generic,) = SUBJECTS["generic"].says(series, [MIB])
    result = memsim.run(network, machine="cpu", cache="1MiB", lowering="eager")
    assert generic.total == result.dram_bytes
    (library,) = SUBJECTS["library"].says(series, [MIB])
    assert library.total > 1.2 * ideal.total  # real kernels move more than an ideal program
