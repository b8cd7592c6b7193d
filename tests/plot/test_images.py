"""Every figure looks as it did when somebody last looked at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memsim
from memsim import plot
from memsim.paper.timing import Timed
from memsim.plot.figures import paper as paper_figure
from tests.plot.images import DPI, check_image, pixels


def timed_on_textbook(*_: Any) -> list[Timed]:
    """What the paper figure draws, without the devices' files, which are made better at times."""
    published = {
        "resnet18": (4.7e6, 0.0130), "hardnet39ds": (8.2e6, 0.0178), "mobilenetv2": (13.4e6, 0.0237)
    }  # fmt: skip
    return [
        Timed(name, cio, time, memsim.run(name, machine="textbook", clock="recurrence"))
        for name, (cio, time) in published.items()
    ]


PAIRS = [
    plot.Pair("resnet18", 0.012, 0.013),
    plot.Pair("hardnet68", 0.029, 0.0326),
    plot.Pair("densenet121", 0.037, 0.0515),
    plot.Pair("vgg16", 0.110, 0.0793),
]

FIGURES = {
    "curve": lambda: plot.curve(["resnet18", "mobilenetv2"], belady=False, machine="textbook"),
    "lifetimes": lambda: plot.lifetimes("patterns/harmonic", machine="textbook"),
    "patterns": lambda: plot.patterns(machine="textbook"),
    "timeline": lambda: plot.timeline("patterns/harmonic", machine="textbook"),
    "roofline": lambda: plot.roofline("resnet18", machine="textbook"),
    "layers": lambda: plot.layers("patterns/dense", cache="1MB", machine="textbook"),
    "moc": lambda: plot.moc(["hardnet68", "mobilenetv2"]),
    "latency": lambda: plot.latency(PAIRS),
    "paper": lambda: plot.paper(),
}


def test_every_kind_has_a_baseline() -> None:
    assert set(FIGURES) == set(plot.FIGURES)


@pytest.mark.parametrize("kind", FIGURES)
def test_the_figure_looks_like_its_baseline(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_figure, "timed", timed_on_textbook)
    check_image(kind, FIGURES[kind](), tmp_path, dpi=50 if kind == "patterns" else DPI)


def test_the_comparison_sees_a_missing_line() -> None:
    axes = plot.curve("resnet18", belady=False)
    before = pixels(plot.render(axes, "png", 50))
    axes.lines[0].set_visible(False)
    for text in list(axes.texts):
        text.set_visible(False)
    after = pixels(plot.render(axes, "png", 50))
    assert np.sqrt(np.mean((before - after) ** 2)) > 8
