"""Figures of large networks, and of six at once, look as they did when somebody looked at them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim import plot
from memsim.plot.figures.graph import graph
from tests.plot.images import check_image

SIX = (
    "hardnet68", "densenet121", "resnet50", "mobilenetv2", "fc_hardnet84", "fc_densenet103"
)  # fmt: skip

SUBJECTS = {"six": SIX, "fc_densenet103": ("fc_densenet103",), "densenet201": ("densenet201",)}

KINDS = ("layers", "lifetimes", "roofline", "timeline", "patterns", "moc")

RESULTS: dict[str, memsim.Result] = {}
"""Of each network one, for all figures."""


def result_of(name: str) -> memsim.Result:
    if name not in RESULTS:
        RESULTS[name] = memsim.run(name, machine="textbook", cache="2MB", clock="recurrence")
    return RESULTS[name]


def drawn(kind: str, names: tuple[str, ...]) -> Any:
    if kind == "moc":
        return plot.moc([result_of(name).network for name in names])
    return getattr(plot, kind)([result_of(name) for name in names])


@pytest.mark.release
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_figure_of_large_networks_looks_like_its_baseline(
    subject: str, kind: str, tmp_path: Path
) -> None:
    dpi = 28 if subject == "six" else 40
    check_image(f"{kind}_{subject}", drawn(kind, SUBJECTS[subject]), tmp_path, dpi=dpi)


@pytest.mark.release
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_curve_of_large_networks_looks_like_its_baseline(
    subject: str, normalise: bool, tmp_path: Path
) -> None:
    results = [memsim.curve(name, machine="textbook") for name in SUBJECTS[subject]]
    axes = plot.curve(results, normalise=normalise, belady=subject == "densenet201")
    check_image(f"curve_{subject}{'_normalised' * normalise}", axes, tmp_path, dpi=50)


@pytest.mark.slow
def test_six_networks_side_by_side_look_like_their_baseline(tmp_path: Path) -> None:
    """The smallest input that each takes: the same figure, sooner."""
    small = [memsim.load(name, input_shape="3x64x64") for name in SIX]
    check_image("patterns_small", plot.patterns(small, machine="textbook"), tmp_path, dpi=32)
    axes = plot.curve(small, machine="textbook", normalise=True, belady=False)
    check_image("curve_small", axes, tmp_path, dpi=50)


def test_a_folded_graph_looks_like_its_baseline(tmp_path: Path) -> None:
    axes = graph("densenet121", machine="textbook", colour="moc", expand="block1")
    check_image("graph_densenet121", axes, tmp_path, dpi=24)
