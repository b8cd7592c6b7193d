"""Batches by the command line: what moves once, what is told, how long an image takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run

Layers = dict[str, dict[str, Any]]


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]):
    """The facts that a command tells."""

    def ask(*words: str) -> dict[str, Any]:
        assert run([*words, "--format", "json"]) == 0
        facts: dict[str, Any] = json.loads(capsys.readouterr().out)
        return facts

    return ask


VGG = ("run", "vgg16", "--buffer", "512KiB", "--lowering", "fused")


def weights(facts: dict[str, Any]) -> dict[str, int]:
    return {each["name"]: each["by_role"]["weight"] for each in facts["layers"]}


class TestLinearLayers:
    """VGG-16 has three: 4096 x 25088, 4096 x 4096 and 1000 x 4096, each with a bias."""

    STORED = {  # noqa: RUF012
        "linear1.linear": 4 * 4096 * (25088 + 1),
        "linear2.linear": 4 * 4096 * (4096 + 1),
        "linear3": 4 * 1000 * (4096 + 1),
    }

    def test_their_weights_move_once_per_batch(self, answer) -> None:
        moved = weights(answer(*VGG, "--batch", "8"))
        assert {name: moved[name] for name in self.STORED} == self.STORED

    def test_or_once_per_image_where_the_machine_takes_images_apart(self, answer) -> None:
        moved = weights(answer(*VGG, "--batch", "8", "--images", "apart", "--cache", "0"))
        assert {name: moved[name] for name in self.STORED} == {
            name: 8 * size for name, size in self.STORED.items()
        }

    def test_a_batch_moves_far_fewer_weights_than_its_images_by_themselves(self, answer) -> None:
        one, eight = (answer(*VGG, "--batch", batch)["by_role"]["weight"] for batch in ("1", "8"))
        assert eight < 2 * one


@pytest.mark.parametrize(
    "verb", ["curve", "memory", pytest.param("bounds", marks=pytest.mark.needs("scipy"))]
)
def test_every_verb_takes_images_apart(verb: str, answer) -> None:
    words = verb, "squeezenet1_0", "--batch", "2", "--images", "apart"
    assert answer(*words)["config"]["images"] == "apart"


def test_images_apart_need_a_larger_cache(answer) -> None:
    words = (
        "size", "resnet18", "--machine", "textbook", "--batch", "2", "--buffer", "512KiB",
        "--traffic", "60MB",
    )  # fmt: skip
    together, apart = (
        answer(*words, "--images", images)["cache_bytes"] for images in ("together", "apart")
    )
    assert 2 * together < apart


def test_the_best_order_of_a_batch_may_have_the_images_inside(answer) -> None:
    """A cache that holds the weights of a layer lets them serve the whole batch."""
    words = [
        "resnet18", "--machine", "textbook", "--batch", "8", "--images", "apart",
        "--buffer", "64KiB", "--cache", "8MB",
    ]  # fmt: skip
    orders = "rows_outer", "weights_outer", "images_inner"
    moved = {
        order: answer("run", *words, "--order", order)["totals"]["dram_bytes"] for order in orders
    }
    assert moved["images_inner"] < 0.6 * moved["rows_outer"]
    best = answer("run", *words, "--order", "best")
    assert best["totals"]["dram_bytes"] == moved["images_inner"]
    assert best["config"]["best"] == "images_inner"
    curve = answer("curve", *words, "--order", "best")
    assert curve["points"][0]["dram_bytes"] == moved["images_inner"]


class TestWhatIsTold:
    def program(self, capsys: pytest.CaptureFixture[str], *words: str) -> str:
        assert run(["run", "squeezenet1_0", "--machine", "textbook", *words]) == 0
        told = capsys.readouterr().out
        return told.partition("\nprogram  ")[2].partition("\n")[0]

    def test_a_table_says_how_a_batch_is_taken(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.program(capsys, "--batch", "2").endswith(", rows_outer, images together, fp32")
        apart = self.program(capsys, "--batch", "2", "--images", "apart")
        assert apart.endswith(", rows_outer, images apart, fp32")

    def test_and_nothing_of_it_where_there_is_one_image(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.program(capsys).endswith(", rows_outer, fp32")

    def test_a_machine_says_how_it_takes_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer
    ) -> None:
        monkeypatch.chdir(tmp_path)
        preset = Path(memsim.__file__).parent / "machine" / "presets" / "gtx1080.yaml"
        text = preset.read_text("utf-8")
        mine = text.replace("program:\n", "program:\n  images: apart\n", 1)
        assert mine != text
        Path("mine.yaml").write_text(mine)
        words = ("run", "squeezenet1_0", "--batch", "2", "--machine", "mine.yaml")
        assert answer(*words)["config"]["images"] == "apart"
        assert answer(*words, "--images", "together")["config"]["images"] == "together"
        assert answer(*words[:2], *words[4:])["config"]["images"] == "apart"  # one image

    def test_another_way_than_the_fitted_one_is_a_deviation(self, answer) -> None:
        words = ("run", "squeezenet1_0", "--machine", "gtx1080", "--batch", "2")
        assert answer(*words)["accuracy"]["deviations"] == []
        accuracy = answer(*words, "--images", "apart")["accuracy"]
        assert accuracy["deviations"] == ["images apart, fitted with together"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--images", "apart"],
            "images: squeezenet1_0 has a batch of 1: one image is neither together nor apart "
            "(give a batch, such as --batch 8)",
        ),
        (["--images", "apar"], "unknown images 'apar' (did you mean 'apart'?)"),
        (["--images", "x", "--batch", "2"], "unknown images 'x' (known: apart, together)"),
    ],
)
def test_what_cannot_be_asked(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", "squeezenet1_0", *words]) == 2
    assert capsys.readouterr().err == f"memsim: {told}\n"


@pytest.mark.parametrize(
    ("network", "low", "high"),
    [
        ("resnet50", 0.2, 0.4),
        ("hardnet68", 0.15, 0.3),
        ("densenet121", 0.15, 0.3),
        ("vgg16", 0.4, 0.6),  # few kernels: what is saved are the weights of linear layers
    ],
)
def test_an_image_of_a_batch_of_8_takes_a_fraction_of_one_alone(
    network: str, low: float, high: float, answer
) -> None:
    """On a Titan V at 224 x 224 the launches of eager kernels rule a single image.

    Each kernel costs 32 us before it begins, for one image or for eight. That lies outside of what
    was fitted (one image of 352 x 480), and it is said.
    """
    times = []
    for batch in (1, 8):
        facts = answer("run", network, "--machine", "titan_v", "--batch", str(batch))
        times.append(facts["totals"]["time_s"] / batch)
        assert "input 3x224x224, fitted at 3x352x480" in facts["accuracy"]["outside"]
    assert "batch 8, fitted at 1" in facts["accuracy"]["outside"]
    assert low < times[1] / times[0] < high


def test_on_a_gtx_1080_it_is_about_half(answer) -> None:
    """Slower arithmetic and a cheaper launch: resnet50 at 0.54."""
    one, eight = (
        answer("run", "resnet50", "--machine", "gtx1080", "--batch", batch)["totals"]["time_s"]
        for batch in ("1", "8")
    )
    assert 0.4 < eight / 8 / one < 0.65


def test_cio_in_bytes_counts_each_image_once(capsys: pytest.CaptureFixture[str]) -> None:
    """CIO of one image is 22,629,376 elements of 4 B; of eight, 724 MB."""
    assert run(["run", "vgg16", "--batch", "8"]) == 0
    assert "\nCIO        181 M elements = 724 MB," in capsys.readouterr().out
