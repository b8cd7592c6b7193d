"""What is drawn is what the result says: data in artists equal its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import memsim
from memsim import plot
from memsim.paper.timing import timed
from memsim.plot.figures.curve import SMALLEST
from memsim.plot.figures.timeline import BINS
from memsim.program.lives import Lives, live_by_use, most_live
from memsim.results.curve import CurveResult
from memsim.results.details.activity import Activity
from memsim.results.details.connections import kernel_units, network_links
from memsim.results.details.reachable import Reachable
from memsim.results.details.roof import Roof
from memsim.units import PICOSECONDS


@pytest.fixture(scope="module")
def result() -> memsim.Result:
    return memsim.run("patterns/harmonic", cache="1MB")


def drawn(axes: Any, gid: str) -> list[Any]:
    return [artist for artist in axes.findobj() if artist.get_gid() == gid]


def corners(axes: Any, gid: str) -> list[Any]:
    """The corners of each rectangle of one look."""
    return [path.vertices for each in drawn(axes, gid) for path in each.get_paths()]


def heights(axes: Any, gid: str) -> int:
    return round(sum(np.ptp(rectangle[:, 1]) for rectangle in corners(axes, gid)))


def widths(axes: Any, gid: str) -> float:
    return sum(patch.get_width() for patch in drawn(axes, gid))


# ---- curve


def test_the_curve_is_the_step_function() -> None:
    axes = plot.curve(["resnet18", "mobilenetv2"], belady=False)
    for name in ("resnet18", "mobilenetv2"):
        found = memsim.curve(name)
        (line,) = [line for line in axes.lines if line.get_label() == name]
        assert line.get_drawstyle() == "steps-post"
        assert line.get_xdata()[:-1].tolist() == found.steps.cache_bytes.tolist()
        assert line.get_ydata()[:-1].tolist() == found.steps.dram_bytes.tolist()
        levels = {line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1}
        assert {found.program.compulsory_bytes, found.program.network.cio * 4} <= levels


def test_the_curve_of_groups_auto_is_the_least_beside_layer_by_layer() -> None:
    network = memsim.load("resnet18", dtype="int8", input_shape="3x32x32")
    said: dict[str, Any] = {"machine": "edge", "schedule": "depth_first", "groups": "auto"}
    found = memsim.curve(network, **said)
    axes = plot.curve(found)
    (line,) = [line for line in axes.lines if line.get_label() == "resnet18"]
    assert line.get_ydata()[:-1].tolist() == found.steps.dram_bytes.tolist()
    (apart,) = drawn(axes, "layer by layer")
    plain = memsim.curve(network, machine="edge").steps
    assert apart.get_xdata()[:-1].tolist() == plain.cache_bytes.tolist()
    assert apart.get_ydata()[:-1].tolist() == plain.dram_bytes.tolist()
    assert "What a compiler could reach" in axes.get_title(loc="left")


def test_what_no_program_goes_below_is_shaded() -> None:
    result = memsim.curve("squeezenet1_0", buffer="32KiB")
    axes = plot.curve(result, bound=True)
    (shaded,) = (each for each in axes.collections if each.get_gid() == "any program")
    corners = shaded.get_paths()[0].vertices
    steps = result.any_program.steps
    assert len(steps) > 3
    for size, moved in steps:
        assert ((corners[:, 0] == size) & (corners[:, 1] == moved)).any()
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] < result.compulsory_bytes


def test_knees_stand_on_the_curve_and_are_labelled() -> None:
    found = memsim.curve("resnet18")
    axes = plot.curve(found, belady=False, knees=2)
    marks = {(mark.get_xdata()[0], mark.get_ydata()[0]) for mark in drawn(axes, "knee")}
    largest = sorted(found.knees(2), key=lambda knee: -knee.saved_bytes)[:2]
    assert marks == {(knee.cache_bytes, knee.dram_bytes) for knee in largest}
    assert sum(" saves " in text.get_text() for text in axes.texts) == 2


def test_the_band_is_what_is_known_to_be_reachable() -> None:
    found = memsim.curve("patterns/harmonic")
    axes = plot.curve(found)
    (band,) = axes.collections
    corners = {(int(x), int(y)) for x, y in band.get_paths()[0].vertices}
    known = Reachable.of(found, SMALLEST, int(found.steps.cache_bytes[-1]))
    assert known is not None
    for size in known.run[::8]:
        least = memsim.run("patterns/harmonic", cache=size, policy="belady").dram_bytes
        assert {(size, least), (size, found.dram_bytes(size))} <= corners
    # Never above LRU, at any size at which either edge moves, and never more for a larger cache.
    assert known.lru_bytes.tolist() == [found.dram_bytes(int(x)) for x in known.cache_bytes]
    assert (known.dram_bytes <= known.lru_bytes).all()
    assert (np.diff(known.dram_bytes) <= 0).all()
    told = [each.get_text() for each in axes.get_legend().get_texts()]
    assert any(f"belady (at {len(known.run)} sizes" in each for each in told)


def test_where_belady_moves_more_than_lru_the_band_ends_at_lru(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = memsim.curve("resnet18")
    worse = lambda _, sizes: [2 * found.dram_bytes(size) for size in sizes]  # noqa: E731
    monkeypatch.setattr(CurveResult, "belady_bytes", worse)
    known = Reachable.of(found, SMALLEST, 4_000_000)
    assert known is not None
    assert (known.dram_bytes == known.lru_bytes).all()


def test_a_cache_that_knows_no_lifetimes_has_no_band() -> None:
    assert not plot.curve("patterns/harmonic", management="hardware").collections


def test_of_several_orders_the_band_lies_below_the_best() -> None:
    result = memsim.curve("patterns/harmonic", order="best")
    sizes = [50_000, 200_000, 800_000]
    each = [
        [memsim.run("patterns/harmonic", cache=size, policy="belady", order=order).dram_bytes
         for order in result.programs]
        for size in sizes
    ]  # fmt: skip
    assert len(result.programs) == 2
    assert result.belady_bytes(sizes) == [min(moved) for moved in each]


def test_normalised_traffic_is_a_multiple_of_each_networks_own_compulsory_traffic() -> None:
    results = [memsim.curve(name) for name in ("resnet18", "mobilenetv2")]
    axes = plot.curve(results, normalise=True, belady=False)
    for result in results:
        name = result.program.network.name
        (line,) = [line for line in axes.lines if line.get_label() == name]
        told = (line.get_ydata()[:-1] * result.compulsory_bytes).round().astype(int)
        assert told.tolist() == result.steps.dram_bytes.tolist()
        assert line.get_ydata()[-1] == 1


def test_of_four_networks_each_has_its_name_beside_its_line() -> None:
    from matplotlib.text import Text

    names = [f"patterns/{name}" for name in ("dense", "log", "sparse", "harmonic")]
    for normalise in (False, True):
        axes = plot.curve(names, belady=False, normalise=normalise)
        figure = axes.figure
        figure.draw_without_rendering()
        told = [text for text in axes.texts if text.get_text().startswith("patterns/")]
        assert [text.get_text().split()[0] for text in told] == names
        boxes = [Text.get_window_extent(text) for text in told]
        for number, box in enumerate(boxes):
            assert figure.bbox.padded(1).contains(*box.min)
            assert figure.bbox.padded(1).contains(*box.max)
            assert not any(box.overlaps(other) for other in boxes[:number])
        assert axes.get_legend().get_texts()[0].get_text() == "LRU, exact"


def test_a_network_that_would_vanish_makes_the_axis_logarithmic() -> None:
    small, large = "patterns/harmonic", "vgg16"
    assert plot.curve([small, large], belady=False).get_yscale() == "log"
    assert plot.curve([small, large], belady=False, log=False).get_yscale() == "linear"
    assert plot.curve(small, belady=False, log=True).get_yscale() == "log"


def test_the_cache_of_the_machine_is_marked(result: memsim.Result) -> None:
    axes = plot.curve(CurveResult(result.program, result.machine), belady=False)
    assert any("cache 1 MB" in text.get_text() for text in axes.texts)
    assert any(set(line.get_xdata()) == {1_000_000} for line in axes.lines)


# ---- lives


@pytest.mark.parametrize("lowering", ["eager", "fused", "concat_free"])
def test_live_bytes_by_use_sum_to_the_programs(lowering: str) -> None:
    for name in ("patterns/dense", "resnet18", "mobilenetv2"):
        program = memsim.run(name, lowering=lowering, clock="recurrence").program
        assert (live_by_use(program).sum(axis=1) == program.live_bytes).all()
        assert most_live(program).sum(axis=1).max() == program.live_bytes.max()


def test_a_chain_has_no_feature_map_that_waits() -> None:
    program = memsim.run("vgg16", clock="recurrence").program
    lives = Lives.of(program)
    assert (lives.dead == lives.consumed).all()
    assert not live_by_use(program)[:, 1:].any()


def test_bars_span_the_lives(result: memsim.Result) -> None:
    bars, live = plot.lifetimes(result)
    lives = Lives.of(result.program)
    spans: dict[int, list[tuple[float, float]]] = {}
    for use in ("chain", "waiting", "copy"):
        for rectangle in corners(bars, use):
            (left, low), (right, high) = rectangle.min(axis=0), rectangle.max(axis=0)
            spans.setdefault(round((low + high) / 2), []).append((left, right))
    for number, parts in spans.items():
        assert min(parts)[0] == lives.born[number]
        assert max(end for _, end in parts) == lives.dead[number] + 1
    assert len(spans) == len(lives.names)
    (total,) = drawn(live, "total")
    peaks = [
        int(result.program.live_bytes[result.program.task_kernel == kernel].max())
        for kernel in range(len(result.program.kernels))
    ]
    assert total.get_ydata()[:-1].tolist() == peaks
    (cache,) = drawn(live, "cache")
    assert set(cache.get_ydata()) == {1_000_000}


# ---- patterns


def test_links_are_those_of_the_papers() -> None:
    expected = {
        "dense": {(i, j) for j in range(1, 17) for i in range(j)},
        "log": {(j - (1 << k), j) for j in range(1, 17) for k in range(5) if 1 << k <= j},
        "harmonic": {
            (j - (1 << k), j) for j in range(1, 17) for k in range(5) if j % (1 << k) == 0
        },
    }
    expected["sparse"] = expected["log"]
    for name, inner in expected.items():
        units, found = network_links(memsim.load(f"patterns/{name}"))
        assert units == 18
        assert {link for link in found if link[1] < 17} == inner


def test_the_patterns_picture_adds_up() -> None:
    names = ["patterns/dense", "patterns/log", "patterns/sparse", "patterns/harmonic"]
    panels = plot.patterns()
    assert panels.shape == (6, 4)
    for column, name in zip(panels.T, names, strict=True):
        result = memsim.run(name, clock="recurrence")
        arcs, _, live, moved, total, time = column
        _, found = network_links(result.network)
        arches = {
            (round(arch[:, 0].min()), round(arch[:, 0].max())) for arch in corners(arcs, "links")
        }
        assert arches == set(found)
        for cause, amount in result.by_cause.items():
            assert heights(moved, cause) == amount
            assert round(widths(total, cause)) == amount
        assert widths(time, "compute") + widths(time, "stall") == pytest.approx(result.time_s)
        (line,) = drawn(live, "total")
        assert line.get_ydata().max() == result.program.live_bytes.max()
        assert any(f"{result.time_ps / 1e9:.2f} ms" == text.get_text() for text in time.texts)


def test_networks_of_other_sizes_have_scales_of_their_own() -> None:
    small, large = "mobilenetv2", "vgg16"
    panels = plot.patterns([small, large], machine="textbook", cache="2MB")
    for row in (2, 3, 4, 5):
        axis = "xlim" if row > 3 else "ylim"
        assert getattr(panels[row, 0], f"get_{axis}")() != getattr(panels[row, 1], f"get_{axis}")()
    assert "own scale each" in panels[2, 0].get_ylabel()
    assert panels[3, 0].get_xlabel() == "layer"
    assert all(len(axes.get_xticks()) <= 7 for axes in panels[:4].flat)
    figure = panels[0, 0].figure
    figure.draw_without_rendering()
    title = figure._suptitle.get_window_extent()
    assert title.x1 <= figure.bbox.x1


def test_every_kernel_has_a_unit() -> None:
    program = memsim.run("patterns/log", lowering="eager", clock="recurrence").program
    unit = kernel_units(program)
    assert len(unit) == len(program.kernels)
    assert (np.diff(unit) >= 0).all()


# ---- timeline


def test_spans_are_the_busy_times(result: memsim.Result) -> None:
    found = Activity.of(result).by_engine
    lengths = {name: int((each[:, 1] - each[:, 0]).sum()) for name, each in found.items()}
    assert lengths["load"] == sum(result.steps.load)
    assert lengths["store"] == sum(result.steps.store)
    assert lengths["compute"] == sum(result.steps.compute)
    assert lengths["compute"] + lengths["stall"] == result.time_ps
    lanes, _, _ = plot.timeline(result)
    for name, each in found.items():
        (collection,) = drawn(lanes, name)
        assert len(collection.get_paths()) == len(each)


def test_the_area_under_the_bandwidth_is_the_traffic(result: memsim.Result) -> None:
    _, rate, memory = plot.timeline(result)
    area = 0.0
    for name in ("load", "store"):
        (collection,) = drawn(rate, name)
        x, y = collection.get_paths()[0].vertices.T
        area += abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert area * 1e-3 == pytest.approx(result.dram_bytes, rel=1e-9)  # GB/s x ms
    assert BINS > 100
    (live,) = drawn(memory, "live")
    assert live.get_ydata()[:-1].tolist() == result.program.live_bytes.tolist()
    assert live.get_xdata()[:-1] == pytest.approx(result.timeline.compute_start * 1e-9)


# ---- roofline, layers, moc


def test_layers_stand_where_their_numbers_are(result: memsim.Result) -> None:
    axes, roof = plot.roofline(result), Roof.of(result)
    for layer in result.layers:
        if layer.macs:
            (dot,) = drawn(axes, layer.name)
            x, y = dot.get_offsets()[0]
            expected = roof.intensity(layer)
            assert expected is None or x == pytest.approx(expected)
            assert y == pytest.approx(layer.macs / layer.time_ps * PICOSECONDS)


def test_bars_per_layer_sum_to_the_totals(result: memsim.Result) -> None:
    by_role, by_cause = plot.layers(result)
    for name, amount in result.by_role.items():
        assert heights(by_role, name) == amount
    for name, amount in result.by_cause.items():
        assert heights(by_cause, name) == amount


def test_the_distribution_of_moc() -> None:
    network = memsim.load("mobilenetv2")
    above, below = plot.moc(network)
    layers = [layer for layer in network if layer.cio]
    expected = sorted((layer.macs / layer.cio, layer.macs) for layer in layers)
    (dots,) = above.lines
    found = sorted(zip(dots.get_xdata(), dots.get_ydata(), strict=True))
    assert [x for x, _ in found] == pytest.approx([x for x, _ in expected])
    (line,) = below.lines
    shares = dict(zip(line.get_xdata()[1:-1], line.get_ydata()[1:-1], strict=True))
    low = [share for value, share in shares.items() if value < 30][-1]
    assert low == pytest.approx(sum(m for x, m in expected if x < 30) / sum(m for _, m in expected))
    assert line.get_ydata()[-1] == pytest.approx(1)
    assert f"mobilenetv2: {low:.0%} below 30" in line.get_label()


# ---- against published times


def test_pairs_are_points() -> None:
    axes = plot.latency([plot.Pair("a", 0.01, 0.02), ("b", 0.03, 0.03)])
    for name, predicted, measured in (("a", 0.01, 0.02), ("b", 0.03, 0.03)):
        (dot,) = drawn(axes, name)
        assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (measured, predicted)
    assert axes.get_title(loc="left").startswith("1 of 2 times within 25%")


def test_networks_stand_for_the_papers_times() -> None:
    rows = timed(["hardnet39ds"], machine="jetson_nano")
    assert [(row.name, row.measured_s) for row in rows] == [("hardnet39ds", 0.0325)]
    assert rows[0].result.machine.name == "jetson_nano"
    assert rows[0].result.config["input_shapes"] == [[1, 3, 320, 320]]
    axes = plot.latency(["hardnet39ds"], machine="jetson_nano")
    (dot,) = drawn(axes, "hardnet39ds")
    assert dot.get_ydata()[0] == rows[0].result.time_s
    assert axes.get_xlabel().startswith("published (Jetson Nano, TensorRT); the preset's rates")


def test_what_has_no_published_time_is_told() -> None:
    with pytest.raises(memsim.InputError, match="'resnet19' has no published time on GTX 1080"):
        plot.latency(["resnet19"])
    with pytest.raises(memsim.InputError, match="unknown machine with published times 'textbook'"):
        plot.latency(["resnet18"], machine="textbook")
    with pytest.raises(memsim.InputError, match="not both"):
        plot.latency([plot.Pair("a", 1, 1), "resnet18"])
    with pytest.raises(memsim.InputError, match="greater than zero"):
        plot.latency([plot.Pair("a", 0, 1)])


def test_the_papers_columns_are_points() -> None:
    names = ["resnet18", "mobilenetv2", "hardnet39ds"]
    panels = plot.paper(names)[0]
    for row in timed(names):
        x = [drawn(axes, row.name)[0].get_xdata()[0] for axes in panels]
        assert x == [row.cio_elements, row.result.dram_bytes, row.result.network.macs]
        assert drawn(panels[0], row.name)[0].get_ydata()[0] == 1e3 * row.measured_s


# ---- several networks


@pytest.mark.parametrize("kind", ["layers", "lifetimes", "roofline", "timeline"])
def test_several_networks_are_drawn_each_as_it_is_alone(kind: str) -> None:
    draw, networks = getattr(plot, kind), ["patterns/log", "patterns/harmonic"]
    together = draw(networks, machine="textbook", cache="256KiB")
    for name, panels in zip(networks, together, strict=True):
        alone = np.atleast_1d(draw(name, machine="textbook", cache="256KiB"))
        for many, one in zip(panels, alone, strict=True):
            assert many.get_title(loc="left").split() == one.get_title(loc="left").split()
            assert len(many.patches) == len(one.patches)
            assert len(many.collections) == len(one.collections)
            assert len(many.lines) == len(one.lines)


def test_axes_of_several_networks_compare_where_both_can_be_read() -> None:
    small, middle, large = (
        memsim.run(name, machine="textbook", clock="recurrence")
        for name in ("squeezenet1_0", "resnet18", "vgg16")
    )
    near = plot.layers([middle, small])
    top = plot.layers(middle)[0].get_ylim()
    assert near[0, 0].get_ylim() == near[1, 0].get_ylim() == top
    far = plot.layers([large, small])
    assert far[0, 0].get_ylim()[1] > 8 * far[1, 0].get_ylim()[1]


def test_axes_for_several_networks_are_refused() -> None:
    axes = plot.layers("resnet18")
    with pytest.raises(memsim.InputError, match="ax: are those of one network, and these are 2"):
        plot.layers(["resnet18", "vgg16"], ax=axes)


def test_the_larger_part_is_in_the_title_of_layers() -> None:
    axes = plot.layers("hardnet68", machine="textbook", cache="256KiB")
    title = " ".join(axes[0].get_title(loc="left").split())
    assert title == "hardnet68 moves 147 MB, 2.1 x compulsory: 51% of it feature maps"


def test_the_roof_says_why_a_layer_is_above_it() -> None:
    axes = plot.roofline("hardnet68", machine="textbook", cache="256KiB")
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "above the roof: loaded while\nlayers before it computed" in told
