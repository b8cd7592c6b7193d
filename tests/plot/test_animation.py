"""The film: a frame for each step, slower where something can leave, and always the same."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

import memsim
from memsim.cli.main import run
from memsim.plot import animation, film

BLOCK = """\
name: block
input: [4, 8, 8]
layers:
  - block: {pattern: harmonic, layers: 8, growth: 4, multiplier: 1.7}
"""

OPTIONS = {"cache": "2KiB", "machine": "textbook", "lowering": "concat_free", "tile": "whole"}


def frames_of(content: bytes) -> list[tuple[int, bytes]]:
    """How long each frame stands, and its pixels."""
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "GIF"
        found = []
        for number in range(image.n_frames):
            image.seek(number)
            found.append((image.info["duration"], image.convert("RGB").tobytes()))
        return found


def test_a_film_has_a_frame_for_each_task_and_rests_where_layers_leave(tmp_path: Path) -> None:
    seen = memsim.microscope(memsim.loads(BLOCK), **OPTIONS)
    made = film(seen, dpi=30)
    frames = frames_of(made)
    assert len(frames) == seen.program.tasks == 8
    rests = [number + 1 for number, (time, _) in enumerate(frames) if time == animation.PAUSE]
    # layer 4 is the last to read 2 and 3; 8 is the last to read 4, 6, 7 and the input
    assert rests == [4, 8]
    assert len({picture for _, picture in frames}) == 8
    made.save(tmp_path / "film.gif")
    assert (tmp_path / "film.gif").read_bytes() == made
    assert re.fullmatch(r"<an animated GIF of [\d.]+ kB; save\(path\) writes it>", repr(made))
    assert str(made) == repr(made)
    assert made._repr_html_().startswith('<img src="data:image/gif;base64,R0lGOD')


def test_what_is_too_long_for_tasks_is_shown_kernel_by_kernel_or_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = memsim.loads(BLOCK.replace("layers: 8", "layers: 3"))
    options = {"cache": "1KiB", "machine": "textbook", "buffer": "2KiB"}
    seen = memsim.microscope(small, **options)
    kernels = len(seen.program.kernels)
    assert seen.program.tasks > kernels
    monkeypatch.setattr(animation, "MOST_FRAMES", kernels)
    made = film(seen, dpi=20)
    assert len(frames_of(made)) == kernels
    assert film(small, dpi=20, **options) == made
    monkeypatch.setattr(animation, "MOST_FRAMES", kernels - 1)
    with pytest.raises(memsim.InputError) as caught:
        film(seen)
    assert str(caught.value) == (
        f"a film has at most {kernels - 1} frames, and here run {kernels} kernels "
        "(-o page.html shows them all)"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--format film", "-o: a film needs a file to be written to (such as -o microscope.gif)"),
        ("-o film.gif --layers 3", "--layers: a film shows everything (leave it out)"),
        ("-o page.html --layers all", "--layers: a page shows everything (leave it out)"),
        (
            "--policy lru",
            "policy: is one policy, and two are looked at side by side (leave it out)",
        ),
        (
            "--management hardware",
            "management: the cache of textbook is hardware, which cannot know what is dead "
            "(management scratchpad, or another machine)",
        ),
        ("--format gif", "a film needs a file to be written to (such as -o microscope.gif)"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("block.yaml").write_text(BLOCK)
    assert run(["microscope", "block.yaml", "--machine", "textbook", *words.split()]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["block.yaml"]
