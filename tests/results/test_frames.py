"""Several inferences in a row, as results tell them."""

from __future__ import annotations

import re

import pytest

import memsim
from memsim.errors import InputError
from memsim.results.details.channel_ranges import ChannelRanges

IN_AND_OUT = 3 * 224 * 224 * 4 + 1000 * 4


def squeezed(result: memsim.Result) -> str:
    return re.sub(r"\s+", " ", str(result))


def test_weights_that_stayed_on_chip_are_read_in_the_first_frame_alone() -> None:
    result = memsim.run("resnet18", machine="textbook", cache="64MB", frames=3)
    weights = result.program.weight_bytes
    assert [result.frames[n].weight_bytes for n in range(3)] == [weights, 0, 0]
    assert [result.frames[n].feature_map_bytes for n in range(3)] == [IN_AND_OUT] * 3
    assert result.by_cause == {"compulsory": weights + 3 * IN_AND_OUT, "reload": 0, "spill": 0}
    assert result.frames.settled


@pytest.mark.parametrize(
    "options",
    [
        {"cache": 0},
        {"cache": "2MB"},
        {"cache": "2MB", "policy": "belady"},
        {"cache": "1MiB", "management": "hardware", "ways": 16},
        {"cache": "1MiB", "management": "hardware", "fetch_on_write": False},
        {"cache": "500kB", "order": "best"},
    ],
    ids=str,
)
def test_frames_and_layers_sum_to_the_totals(options: dict[str, object]) -> None:
    result = memsim.run("hardnet39ds", machine="textbook", frames=3, **options)
    facts = result.to_dict()
    each = facts["frames"]["each"]
    assert facts["frames"]["count"] == len(each) == 3
    assert sum(frame["dram_bytes"] for frame in each) == result.dram_bytes
    assert sum(frame["weight_bytes"] for frame in each) == result.by_role["weight"]
    assert sum(frame["time_ps"] for frame in each) == result.time_ps
    for cause, moved in result.by_cause.items():
        split = [f["weights_by_cause"][cause] + f["feature_maps_by_cause"][cause] for f in each]
        assert sum(split) == moved
    assert sum(layer.dram_bytes for layer in result.layers) == result.dram_bytes
    assert sum(layer.time_ps for layer in result.layers) == result.time_ps
    assert sum(layer.macs for layer in result.layers) == 3 * result.network.macs
    assert int(ChannelRanges.of(result).nbytes.sum()) == result.dram_bytes


def test_rates_per_mac_and_energy_are_of_all_frames() -> None:
    one = memsim.run("resnet18", machine="textbook", cache=0)
    three = memsim.run("resnet18", machine="textbook", cache=0, frames=3)
    assert three.dram_bytes == 3 * one.dram_bytes
    for single, several in zip(one.layers, three.layers, strict=True):
        assert several.bytes_per_mac == single.bytes_per_mac
        assert several.moc == single.moc
    for key in ("energy_mac_j", "energy_dram_j", "energy_j", "onchip_bytes"):
        assert three.totals[key] == pytest.approx(3 * one.totals[key])
    assert three.totals["weight_bytes"] == one.totals["weight_bytes"]
    assert three.totals["peak_live_activation_bytes"] == one.totals["peak_live_activation_bytes"]


def test_one_frame_says_nothing_of_frames() -> None:
    facts = memsim.run("resnet18", machine="textbook").to_dict()
    assert "frames" not in facts
    assert "frames" not in facts["config"]


def test_a_machine_fitted_to_single_inferences_does_not_vouch_for_several() -> None:
    known = memsim.run("resnet50", machine="gtx1080", frames=2).accuracy
    assert "2 frames in a row, fitted with one at a time" in known.deviations


def test_the_table_tells_the_first_frame_and_the_steady_one_apart() -> None:
    text = squeezed(memsim.run("resnet18", machine="textbook", cache="64MB", frames=3))
    assert "program fused, layer_by_layer, rows_outer, 3 frames" in text
    assert "frames 3 the first 47.3 MB (weights 46.7 MB) in " in text
    assert "; a steady one 606 kB (weights -) in " in text
    assert "3 inferences of the whole batch in a row, the first from a cold cache" in text


def test_of_two_frames_none_is_known_to_be_steady() -> None:
    result = memsim.run("resnet18", machine="textbook", cache="64MB", frames=2)
    assert not result.frames.settled
    assert "; the last 606 kB" in squeezed(result)


@pytest.mark.needs("scipy")
def test_a_curve_and_a_comparison_are_of_all_frames() -> None:
    run = memsim.run("patterns/harmonic", machine="textbook", cache="1MB", frames=3)
    curve = memsim.curve("patterns/harmonic", machine="textbook", sizes=["1MB"], frames=3)
    assert curve.dram_bytes(1_000_000) == curve.points[0].dram_bytes == run.dram_bytes
    assert curve.points[0].time_ps == run.time_ps
    asked = {"machine": "textbook", "cache": "1MB", "frames": 3}
    (row,) = memsim.compare("patterns/harmonic", **asked).to_dict()["networks"]
    assert row["frames"]["steady"]["dram_bytes"] == run.frames.steady.dram_bytes
    found = memsim.size("patterns/harmonic", machine="textbook", within="10%", frames=3)
    assert found.compulsory_bytes == run.program.compulsory_bytes
    bounds = memsim.bounds("patterns/harmonic", machine="textbook", cache="1MB", frames=3)
    assert run.program.compulsory_bytes <= bounds.lower_bytes[0] <= bounds.policies["belady"]
    assert bounds.policies["lru"] == run.dram_bytes


def test_what_is_of_one_inference_refuses_several() -> None:
    from memsim.page import page
    from memsim.paper.timing import timed
    from memsim.traces import FORMATS, TraceOptions

    with pytest.raises(InputError, match="frames: is of several inferences, and this is about one"):
        memsim.memory("resnet18", frames=2)
    with pytest.raises(InputError, match="frames: the published times are of one inference"):
        timed(["resnet18"], frames=2)
    with pytest.raises(InputError, match="frames: a report is of one inference"):
        page([memsim.curve("resnet18", machine="textbook", frames=2)])
    result = memsim.run("resnet18", machine="textbook", frames=2)
    with pytest.raises(InputError, match="is of one inference"):
        list(FORMATS["csv"](result, TraceOptions()))


def test_one_part_of_the_traffic_is_told_by_frame_too() -> None:
    def told(only: str | None) -> memsim.Result:
        return memsim.run(
            "resnet18", machine="textbook", cache="64MB", frames=3, only=only, clock="recurrence"
        )

    whole, weights, maps = told(None).frames, told("weights").frames, told("feature-maps").frames
    for number in range(3):
        assert weights[number].dram_bytes == weights[number].weight_bytes
        assert maps[number].dram_bytes == maps[number].feature_map_bytes == IN_AND_OUT
        assert whole[number].dram_bytes == weights[number].dram_bytes + maps[number].dram_bytes
        assert whole[number].time_ps == weights[number].time_ps == maps[number].time_ps
    assert "frames 3 the first 606 kB in " in squeezed(told("feature-maps"))
    assert "; a steady one - in " in squeezed(told("weights"))
