"""The split: what a model may be made by, what only judges it, and that nobody mixes them up."""

from __future__ import annotations

from pathlib import Path

import pytest

import memsim
from memsim.calibration.families import families
from memsim.calibration.runs import read_runs
from memsim.errors import InputError
from memsim.validation import pytorch_traffic
from memsim.validation.cpu_times import CPUS, runs_file
from memsim.validation.split import Series, read_split, split
from memsim.validation.traffic import layers

TEXT = """\
# made up
network,input,lowering,split
resnet18,112,fused,dev
resnet18,112,eager,dev
vgg16,3x64x64,fused,test
# looked at: 2026-11-28, vgg16 fused, to try the reader
"""


def test_a_split_is_read_with_its_log() -> None:
    found = read_split(TEXT)
    assert found.series("dev") == (
        Series("resnet18", "fused", 112),
        Series("resnet18", "eager", 112),
    )
    assert found.series("test") == (Series("vgg16", "fused", 64),)
    assert found.networks("test") == {"vgg16"}
    assert found.log == ("2026-11-28, vgg16 fused, to try the reader",)


def test_what_is_wrong_with_a_split_is_told_all_at_once() -> None:
    wrong = TEXT.replace("vgg16,3x64x64,fused,test", "resnet18,112,fused,test\nvgg16,3x4,eager,dev")
    wrong += "vgg16,64,eager,deb\n,64,eager,dev\nresnet18,112,eager,dev\n"
    with pytest.raises(InputError) as caught:
        read_split(wrong, "split.csv")
    assert str(caught.value).splitlines() == [
        "split.csv:5:1: resnet18 fused 112 stands there twice",
        "split.csv:6:1: input '3x4' is no square of three channels; expected such as 112 or "
        "3x112x112",
        "split.csv:8:1: split 'deb' is none of dev, test (did you mean 'dev'?)",
        "split.csv:9:1: network is empty",
        "split.csv:10:1: resnet18 eager 112 stands there twice",
    ]


def test_a_network_on_both_sides_is_refused() -> None:
    """Another size or lowering of a network that was learned from is no test."""
    with pytest.raises(InputError, match="vgg16 is dev here and test in line 5"):
        read_split(TEXT + "vgg16,112,eager,dev\n", "split.csv")


def test_a_missing_column_is_told() -> None:
    with pytest.raises(InputError, match=r"s.csv:1:1: missing column 'split' \(did you mean 'spl"):
        read_split("network,input,lowering,splitt\n", "s.csv")


def test_what_was_known_before_is_one_of_four_words() -> None:
    known = "network,input,lowering,split,seen\nvgg16,64,fused,test,"
    assert read_split(known + "errors").seen == {Series("vgg16", "fused", 64): "errors"}
    with pytest.raises(
        InputError, match=r"none of layers, totals, errors, never \(did you mean 'err"
    ):
        read_split(known + "error")


def test_traffic_is_split_by_network_and_has_enough_of_both_sides() -> None:
    found = split()
    assert len(found.series("dev")) >= 6
    assert len(found.series("test")) >= 8
    assert {"densenet169", "logdensenet103", "mobilenetv2_1_4"} < found.networks("test")
    assert set(found.seen) == set(found.sides)


def test_times_are_split_by_network() -> None:
    found = split("split_times")
    assert len(found.networks("test")) >= 12
    assert not found.networks("dev") & found.networks("test")
    assert found.networks("dev") | found.networks("test") <= set(families())
    assert {families()[name] for name in found.networks("test")} >= {"resnet", "densenet"}


@pytest.mark.parametrize("cpu", CPUS, ids=lambda cpu: str(cpu.machine))
def test_no_machine_is_fitted_to_a_network_that_judges_it(cpu) -> None:
    runs = read_runs([runs_file(cpu.runs)]).runs
    assert not {run.network for run in runs} & split("split_times").networks("test")


def test_what_the_model_was_made_by_has_no_series_that_judges_it() -> None:
    """Neither the runs that are told layer by layer, nor the earlier totals, nor the benchmarks."""
    data = Path(memsim.__file__).with_name("validation") / "data"
    used = {network for network, _ in layers.RUNS} | set(pytorch_traffic.NETWORKS)
    for file in ("pytorch_traffic.csv", "pytorch_traffic_unseen.csv"):
        rows = [
            line for line in data.joinpath(file).read_text("utf-8").splitlines() if line[0] != "#"
        ]
        used |= {line.split(",")[0] for line in rows[1:]}
    used |= {
        path.stem.rsplit("_fused", 1)[0].rsplit("_eager", 1)[0]
        for path in data.joinpath("pytorch_layers").iterdir()
    }
    assert used >= {"hardnet68", "resnet18", "squeezenet1_0"}
    assert not used & split().networks("test")


def test_only_the_room_of_validation_reads_what_judges() -> None:
    """No benchmark, test or other room opens the measurements of test series."""
    root = Path(__file__).parents[2]
    readers = [
        path.relative_to(root).as_posix()
        for folder in ("memsim", "benchmarks", "tests")
        for path in (root / folder).rglob("*.py")
        if "traffic_test" in path.read_text("utf-8")
        or 'measured("test")' in path.read_text("utf-8")
    ]
    assert set(readers) <= {"tests/validation/test_split.py", "tests/validation/test_counted.py"}
