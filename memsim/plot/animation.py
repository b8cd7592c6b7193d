"""The film: a cache under the microscope, a frame for each step, as an animated GIF."""

from __future__ import annotations

import io
import os
from base64 import b64encode
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from memsim.errors import InputError, Problem
from memsim.files import write_bytes
from memsim.plot.canvas import new_figure
from memsim.plot.style import BLACK, GREEN, GREY, LABEL, LIGHT, NOTE, ORANGE, RED, SKY, TICK, TITLE
from memsim.readable import format_bytes
from memsim.simulate.options import Options
from memsim.simulate.source import Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from memsim.results.moments.microscope import Microscope

    Ints = NDArray[np.int64]

SIZE = (9.6, 5.4)
"""Inches."""

DPI = 100

MOST_FRAMES = 200
"""Tasks up to which each is a frame; else each kernel is one, and more kernels are too many."""

SHOWN = 24
"""Feature maps side by side."""

FRAME, PAUSE = 700, 2200
"""Milliseconds of a frame, and of one after which several feature maps can leave, and of the
last one."""

TINTS, NEARLY_WHITE = 24, 240
"""Shades of each colour, for edges between it and white, as far as they differ from white."""

HELD, GONE, DEAD = "#6f7e8f", RED, "#b8bec6"


class Film(bytes):
    """An animated GIF, which a notebook plays."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, whole or not at all.

        Raises
        ------
        InputError
            If the path cannot be written.
        """
        write_bytes(path, self)

    def __repr__(self) -> str:  # a notebook keeps it beside the picture, and a terminal prints it
        return f"<an animated GIF of {format_bytes(len(self))}; save(path) writes it>"

    __str__ = __repr__

    def _repr_html_(self) -> str:  # every front end shows it, which image/gif is not true of
        source = f"data:image/gif;base64,{b64encode(self).decode('ascii')}"
        return f'<img src="{source}" alt="A cache, step by step" style="max-width: 100%">'


def film(
    network: Microscope | Source,
    *,
    size: tuple[float, float] = SIZE,
    dpi: float = DPI,
    **options: Unpack[Options],
) -> Film:
    """Draw what a cache holds, step by step, as an animated GIF.

    Above are the links between feature maps, with what the current kernel reads; below each
    feature map, how much of it is on chip under each policy: hatched where it is dead, framed
    in red where it is needed and not all there; and the cache itself, to scale.

    Parameters
    ----------
    network : Microscope, Network, str or path
    size : (float, float)
        Inches.
    dpi : float
        Dots per inch.
    **options
        As for :func:`memsim.microscope`.

    Returns
    -------
    Film
        The file's bytes, which a notebook plays. The same facts give the same bytes.

    Raises
    ------
    InputError
        If there are more kernels than a film has frames, and as :func:`memsim.microscope`.

    Examples
    --------
    >>> import memsim
    >>> film = memsim.plot.film("patterns/harmonic", cache="512KiB", machine="textbook",
    ...                         lowering="concat_free", tile="whole", dpi=40)
    >>> film[:6]
    b'GIF89a'
    """
    from PIL import Image

    from memsim.results.moments.microscope import Microscope
    from memsim.simulate.magnifying import microscope

    seen = network if isinstance(network, Microscope) else microscope(network, **options)
    scene = _Scene(seen, size, dpi)
    frames = [Image.fromarray(scene.drawn(step)) for step in range(len(scene.steps))]
    palette = Image.new("P", (1, 1))
    palette.putpalette(_palette())
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    times = [PAUSE if scene.pauses(step) else FRAME for step in range(len(frames))]
    out = io.BytesIO()
    frames[0].save(
        out, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=False
    )
    return Film(out.getvalue())


def _palette() -> list[int]:
    """The colours of all frames, so that none flickers: those that are used, and lighter ones."""
    used = [BLACK, GREEN, GREY, ORANGE, GONE, SKY, HELD, DEAD]
    found = [255, 255, 255]
    for colour in used:
        parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        tints = ([p + (255 - p) * step // TINTS for p in parts] for step in range(TINTS))
        found += [p for tint in tints if min(tint) < NEARLY_WHITE for p in tint]
    return found


class _Scene:
    """A figure that is drawn anew for each step."""

    def __init__(self, seen: Microscope, size: tuple[float, float], dpi: float) -> None:
        from memsim.results.sheets.microscope import NAMES

        self.names = NAMES
        self.seen, program = seen, seen.program
        kernel = program.task_kernel.astype(np.int64)
        by_task = program.tasks <= MOST_FRAMES
        ends = np.flatnonzero(np.diff(kernel, append=-1))
        self.steps: Ints = np.arange(program.tasks) if by_task else ends
        if not len(self.steps):
            raise InputError("there is nothing to see: no kernel runs")
        if len(self.steps) > MOST_FRAMES:
            message = f"a film has at most {MOST_FRAMES} frames, and here run {len(ends):,} kernels"
            raise InputError(Problem(message, hint="-o page.html shows them all"))
        self.kernel = kernel[self.steps]
        tensors = len(program.tensors)
        self.held = {policy: each.held(tensors)[self.steps] for policy, each in seen.seen.items()}
        self.moved = {
            policy: np.cumsum(
                result.traffic.load_bytes + result.traffic.store_bytes, dtype=np.int64
            )[self.steps]
            for policy, result in seen.results.items()
        }
        kinds = [tensor.kind for tensor in program.tensors]
        maps = [number for number in range(tensors) if kinds[number] not in ("weight", "scratch")]
        self.maps = sorted(maps, key=lambda number: (seen.writer[number], number))
        self.node = {seen.writer[number]: at for at, number in reversed([*enumerate(self.maps)])}
        self.figure = new_figure(size)
        self.figure.set_layout_engine(None)  # where things are does not change
        self.figure.set_dpi(dpi)
        heights = [3.1, 1, 0.55, 0.55]
        self.axes = self.figure.subplots(4, 1, gridspec_kw={"height_ratios": heights})
        self.figure.subplots_adjust(left=0.075, right=0.985, top=0.86, bottom=0.03, hspace=0.32)
        for axes in self.axes:
            axes.set_axis_off()

    def done(self, step: int) -> bool:
        """Whether the kernel of a step is done with it."""
        return bool(self.seen.end_of[self.kernel[step]] == self.steps[step])

    def freed(self, step: int) -> tuple[str, ...]:
        """The feature maps that can leave when a step is done."""
        if not self.done(step):
            return ()
        return self.seen.last_read_by(self.seen.program.kernels[self.kernel[step]].name)

    def pauses(self, step: int) -> bool:
        """Whether there is something to look at."""
        return len(self.freed(step)) > 1 or step == len(self.steps) - 1

    def drawn(self, step: int) -> NDArray[np.uint8]:
        """The picture of a step: rows x columns x 3."""
        drawn = [each for axes in self.axes for each in (*axes.patches, *axes.lines, *axes.texts)]
        for each in (*drawn, *self.figure.texts):  # faster than to clear axes
            each.remove()
        self._title(step)
        self._arcs(self.axes[0], step)
        self._cells(self.axes[1], step)
        for axes, policy in zip(self.axes[2:], self.held, strict=True):
            self._strip(axes, step, policy)
        canvas = self.figure.canvas
        canvas.draw()
        picture: NDArray[np.uint8] = np.array(canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]
        return picture

    def _title(self, step: int) -> None:
        seen, kernel = self.seen, int(self.kernel[step])
        program = seen.program
        size = format_bytes(seen.result.machine.cache_bytes)
        name = program.kernels[kernel].name
        self.figure.text(
            0.02, 0.95, f"{program.network.name} in a cache of {size}", fontsize=TITLE,
            fontweight="bold", color=BLACK,
        )  # fmt: skip
        self.figure.text(
            0.985, 0.95, f"{name}, step {step + 1} of {len(self.steps)}", fontsize=LABEL,
            color=BLACK, ha="right",
        )  # fmt: skip
        freed = self.freed(step)
        told = f"{name} runs"
        if freed:
            names = [_short(each) for each in freed]
            several = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
            told = f"{name} is done: {several} can leave, nobody reads "
            told += "them again" if len(names) > 1 else "it again"
            earlier = sum(0 <= seen.writer[number] < kernel for number in self.maps)
            if len(seen.dead_after(name)) == earlier > 1:
                told += f"; so all {earlier} before it are dead"
        self.figure.text(
            0.02, 0.895, told, fontsize=LABEL, color=BLACK if freed else GREY,
            fontweight="bold" if len(freed) > 1 else "normal",
        )  # fmt: skip

    def _window(self, step: int) -> range:
        """The feature maps that are shown: all, or those around the one that is made."""
        if len(self.maps) <= SHOWN:
            return range(len(self.maps))
        current = self.node.get(int(self.kernel[step]), 0)
        first = max(0, min((current - SHOWN // 2) // 4 * 4, len(self.maps) - SHOWN))
        return range(first, first + SHOWN)

    def _arcs(self, axes: Axes, step: int) -> None:
        """The links: those that are read now, those that were and those that will be."""
        from matplotlib.patches import Arc

        window, kernel = self._window(step), int(self.kernel[step])
        longest = 1
        for at, number in enumerate(self.maps):
            for reader in self.seen.readers[number]:
                to = self.node.get(reader, -1)
                if to <= at or to < window.start or at >= window.stop:
                    continue
                longest = max(longest, to - at)
                now, past = reader == kernel, reader < kernel
                axes.add_artist(
                    Arc(
                        ((at + to) / 2, 0), to - at, 2 * (to - at) ** 0.6, theta1=0, theta2=180,
                        color=ORANGE if now else HELD, lw=2.2 if now else 0.8,
                        alpha=1 if now else 0.15 if past else 0.6, zorder=3 if now else 2,
                    )
                )  # fmt: skip
        for at in window:
            number = self.maps[at]
            now = self.node.get(kernel) == at
            faded = self._is_dead(number, step) and not now
            axes.plot(
                at, 0, "o", ms=9 if now else 5, color=GREEN if now else DEAD if faded else HELD,
                zorder=4, clip_on=False,
            )  # fmt: skip
        axes.set_xlim(window.start - 0.5, window.stop - 0.5)
        axes.set_ylim(0, 1.06 * longest**0.6)

    def _is_dead(self, number: int, step: int) -> bool:
        readers, writer = self.seen.readers[number], self.seen.writer[number]
        last = max(writer, *readers, -1)
        return last >= 0 and bool(self.seen.end_of[last] <= self.steps[step])

    def _cells(self, axes: Axes, step: int) -> None:
        """Below each feature map, how much of it is on chip under each policy."""
        from matplotlib.patches import Rectangle

        window = self._window(step)
        small = len(window) > 18
        for at in window:
            number = self.maps[at]
            tensor = self.seen.program.tensors[number]
            dead = self._is_dead(number, step)
            now = self.node.get(int(self.kernel[step])) == at
            axes.text(
                at, 2.35, _short(tensor.name)[: 6 if small else 9], ha="center", va="bottom",
                fontsize=NOTE - 1 if small else TICK, color=DEAD if dead and not now else BLACK,
                fontweight="bold" if now else "normal",
            )  # fmt: skip
            writer = self.seen.writer[number]
            made = writer < 0 or self.steps[step] >= self.seen.end_of[writer]
            for row, held in enumerate(self.held.values()):
                share = held[step, number] / tensor.nbytes
                place = (at - 0.38, 1.2 - 1.2 * row)
                look: dict[str, Any]
                if dead and not share:
                    look = {"fc": "none", "ec": DEAD, "hatch": "//////", "lw": 0.8}
                elif made or share:
                    look = {"fc": "none", "ec": HELD if share > 0.999 else GONE, "lw": 1.0}
                else:
                    look = {"fc": "none", "ec": LIGHT, "lw": 0.8, "ls": ":"}
                if share:
                    axes.add_artist(Rectangle(place, 0.76 * share, 0.95, fc=HELD, lw=0))
                axes.add_artist(Rectangle(place, 0.76, 0.95, **look))
        for row, policy in enumerate(self.held):
            axes.text(
                -0.005, (1.65 - 1.2 * row) / 3.6, self.names[policy], transform=axes.transAxes,
                ha="right", va="center", fontsize=TICK, color=BLACK,
            )  # fmt: skip
        axes.set_xlim(window.start - 0.5, window.stop - 0.5)
        axes.set_ylim(-0.1, 3.5)

    def _strip(self, axes: Axes, step: int, policy: str) -> None:
        """The cache, to scale: the frame is all of it."""
        seen, kernel = self.seen, int(self.kernel[step])
        held, capacity = self.held[policy][step], seen.result.machine.cache_bytes or 1
        weights = [n for n, tensor in enumerate(seen.program.tensors) if n not in self.maps]
        numbers = [n for n in (*self.maps, *weights) if held[n]]
        edges = np.concatenate([[0], np.cumsum(held[numbers])]) / capacity
        for number, (left, right) in zip(numbers, pairwise(edges.tolist()), strict=True):
            read = kernel in seen.readers[number]
            colour = GREEN if seen.writer[number] == kernel else ORANGE if read else HELD
            if number in weights:
                colour = SKY
            axes.barh(0, right - left, 1, left, color=colour, ec="white", lw=0.8)
            name = _short(seen.program.tensors[number].name)
            if right - left > 0.013 * len(name) + 0.008:
                axes.text(
                    (left + right) / 2, 0, name, ha="center", va="center", fontsize=NOTE,
                    color="white" if colour in (HELD, GREEN) else BLACK,
                )  # fmt: skip
        axes.barh(0, 1, 1, 0, fc="none", ec=BLACK, lw=1)
        axes.text(
            -0.005, 0.5, self.names[policy], transform=axes.transAxes, ha="right", va="center",
            fontsize=LABEL, color=BLACK,
        )  # fmt: skip
        moved = format_bytes(int(self.moved[policy][step]))
        axes.set_title(f"{moved} moved so far", loc="right", fontsize=NOTE, color=BLACK, pad=2)
        axes.set_xlim(-0.001, 1.001)
        axes.set_ylim(-0.55, 0.55)


def _short(name: str) -> str:
    """``block1.4.act`` as ``4``: the last part that says something."""
    parts = name.split(".")
    while len(parts) > 1 and parts[-1] in ("act", "conv", "bn", "linear"):
        parts.pop()
    return parts[-1]
