"""Labels cover neither one another nor the points they are put beside."""

from __future__ import annotations

from itertools import combinations

import pytest

from memsim import plot
from memsim.plot.canvas import figure_of


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot.curve(["resnet18", "mobilenetv2"], belady=False),
        lambda: plot.layers("patterns/dense")[0],
        lambda: plot.latency([plot.Pair(f"hardnet{i}", 0.01 * 1.05**i, 0.01) for i in range(4)]),
    ],
)
def test_labels_do_not_overlap(draw) -> None:
    from matplotlib.text import Annotation, Text

    axes = draw()
    figure = figure_of(axes)
    figure.draw_without_rendering()
    placed = [text for text in axes.texts if isinstance(text, Annotation) and text.arrow_patch]
    assert len(placed) >= 2
    boxes = [Text.get_window_extent(text) for text in placed]
    frame = axes.get_window_extent().padded(1)
    for a, b in combinations(boxes, 2):
        assert not a.overlaps(b)
    for box in boxes:
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
