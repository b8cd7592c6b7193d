"""Figures leave no trace in matplotlib's state, and files are whole and reproducible."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from itertools import combinations
from pathlib import Path
from textwrap import dedent

import pytest

import memsim
from memsim import plot
from memsim.cli.main import run
from memsim.errors import InputError
from memsim.plot import style
from memsim.plot.canvas import figure_of
from memsim.results.curve import CurveResult


@pytest.fixture(scope="module")
def result() -> memsim.Result:
    return memsim.run("patterns/harmonic", cache="1MB")


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_figure_is_the_same_file(result: memsim.Result, ending: str) -> None:
    first, second = (plot.render(plot.layers(result), ending, 40) for _ in range(2))
    assert first == second
    assert first[:4] in (b"\x89PNG", b"%PDF", b"<?xm")


def test_a_file_is_replaced_whole_or_not_at_all(result: memsim.Result, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    axes = plot.layers(result)
    plot.save(axes, path, dpi=40)
    before = path.read_bytes()
    figure_of(axes).draw = None  # type: ignore[method-assign, assignment]
    with pytest.raises(TypeError):
        plot.save(axes, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


def test_a_wrong_ending_or_place_is_told_before_drawing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.pgn: cannot draw a '\.pgn' file \(did you mean"):
        plot.save(None, "a.pgn")
    with pytest.raises(InputError, match=r"has no ending such as \.png"):
        plot.save(None, "a")
    with pytest.raises(InputError, match="there is no directory"):
        plot.save(None, tmp_path / "no" / "a.png")


def test_nothing_global_is_touched() -> None:
    """In a fresh interpreter: no pyplot, the same rcParams, no backend chosen."""
    code = (
        "import sys, matplotlib\n"
        "before = dict(matplotlib.rcParams)\n"
        "from memsim import plot\n"
        "for kind in ('layers', 'patterns'):\n"
        "    plot.render(plot.FIGURES[kind].draw('patterns/harmonic'), 'svg')\n"
        "assert dict(matplotlib.rcParams) == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_importing_figures_does_not_import_matplotlib() -> None:
    code = "import sys, memsim; memsim.plot.FIGURES; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_notebooks_show_axes_and_arrays_of_axes(result: memsim.Result) -> None:
    assert plot.moc(result)._repr_png_()[:4] == b"\x89PNG"
    assert plot.roofline(result)._repr_png_()[:4] == b"\x89PNG"
    assert plot.layers(result)[0]._repr_png_()[:4] == b"\x89PNG"


@pytest.mark.parametrize("kind", ["curve", "roofline"])
def test_a_figure_draws_into_given_axes(kind: str, result: memsim.Result) -> None:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    assert plot.FIGURES[kind].draw(result, ax=axes) is axes


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("lifetimes", (2,)), ("layers", (2,)), ("timeline", (3,)), ("moc", (2,))],
)
def test_figures_of_several_panels_draw_into_given_arrays(
    kind: str, shape: tuple[int, ...], result: memsim.Result
) -> None:
    from matplotlib.figure import Figure

    given = Figure().subplots(*shape)
    found = plot.FIGURES[kind].draw(result, ax=given)
    assert found.shape == shape
    assert all(a is b for a, b in zip(found, given, strict=True))
    with pytest.raises(InputError, match=rf"{kind} needs {shape[0]} x 1 axes, not 1"):
        plot.FIGURES[kind].draw(result, ax=Figure().add_subplot())


def test_it_draws_into_a_subfigure(result: memsim.Result) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    left, _ = figure.subfigures(1, 2)
    axes = plot.curve(result, ax=left.add_subplot())
    assert plot.render(axes, "png", 30)[:4] == b"\x89PNG"


def test_a_result_takes_no_options(result: memsim.Result) -> None:
    with pytest.raises(InputError, match="a Result is drawn as it is: cache cannot change it"):
        plot.layers(result, cache="2MB")
    with pytest.raises(InputError, match="a Result is drawn as it is: cache cannot change it"):
        plot.curve(result, cache="2MB")
    curve = CurveResult(result.program, result.machine)
    with pytest.raises(InputError, match="a CurveResult is drawn as it is: policy cannot change"):
        plot.curve(curve, policy="lru")
    with pytest.raises(InputError, match="this figure needs a Result of one"):
        plot.layers(curve)


@pytest.mark.parametrize("kind", ["curve", "layers", "latency", "paper"])
def test_a_figure_takes_no_clock(kind: str) -> None:
    with pytest.raises(InputError, match=r"clock: (chooses how times|changes times alone)"):
        plot.FIGURES[kind].draw(["resnet18"], clock="replay")


def test_a_new_figure_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CONTRIBUTING's example; ``memsim.plot`` has one line that imports a figure."""
    guide = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n( *@figure.*?)```", guide, re.DOTALL)
    (tmp_path / "made_up_figure.py").write_text(IMPORTS + dedent(example))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plot.FIGURES, "_parts", dict(plot.FIGURES._parts))
    import_module("made_up_figure")
    assert run(["plot", "--help"]) == 0
    assert "\n  causes     DRAM traffic by cause\n" in capsys.readouterr().out
    image = tmp_path / "a.png"
    args = ["plot", "causes", "resnet18", "--cache", "1MB", "--dpi", "40", "-o", str(image)]
    assert run(args) == 0
    assert image.read_bytes()[:4] == b"\x89PNG"


IMPORTS = """\
from __future__ import annotations

from typing import Unpack

from matplotlib.axes import Axes

from memsim.plot.canvas import new_axes
from memsim.plot.drawables import Drawables, result_of, single
from memsim.plot.kinds import figure
from memsim.plot.style import bytes_axis, dress
from memsim.simulate import Options

"""


@pytest.mark.parametrize("kind", ["curve", "moc", "lifetimes", "timeline", "roofline", "layers"])
def test_figures_of_networks_need_one(kind: str) -> None:
    with pytest.raises(InputError, match=f"figure {kind} needs a network"):
        plot.FIGURES[kind].draw([])


def grey(colour: str) -> float:
    """Perceived lightness of a colour, 0 to 1."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize(
    "looks",
    [style.ROLES, style.CAUSES, style.PATTERNS, style.MEMORY],
    ids=lambda looks: "+".join(looks),
)
def test_areas_can_be_told_apart_in_grey(looks: dict[str, style.Look]) -> None:
    for a, b in combinations(looks.values(), 2):
        assert a.hatch != b.hatch or abs(grey(a.colour) - grey(b.colour)) > 0.15 or a.line != b.line


def test_lines_can_be_told_apart_in_grey() -> None:
    for looks in ([style.series(i) for i in range(7)], list(style.PATTERNS.values())):
        assert len({str(look.line) for look in looks}) == len(looks)
        assert len({look.marker for look in looks}) == len(looks)


def test_a_user_style_does_not_leak_into_the_data(result: memsim.Result) -> None:
    import matplotlib
    from matplotlib.text import Text

    with matplotlib.rc_context({"axes.facecolor": "black", "text.color": "white"}):
        by_role, _ = plot.layers(result)
    assert by_role.get_facecolor()[:3] == (1, 1, 1)
    (title,) = [text for text in by_role.findobj(Text) if " moves " in text.get_text()]
    assert title.get_color() == style.BLACK
