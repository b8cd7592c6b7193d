"""Baseline images: pictures that people have looked at, compared with a tolerance.

``MEMSIM_UPDATE_GOLDEN=1 pytest tests/plot`` draws them anew; look at them before they are kept.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from memsim.plot import render

FOLDER = Path(__file__).parent / "baseline"

TOLERANCE = 12.0
"""Root mean square of the difference in grey levels, of 255: other versions of the font library
move letters by a pixel; a missing or displaced part is more."""

DPI = 64

COLOURS = 64
"""Of a baseline's palette: enough to see what it is, and a small file."""

LARGEST = 60_000
"""Bytes of a baseline."""


def check_image(name: str, axes: Any, tmp_path: Path, dpi: int = DPI) -> None:
    """Compare a figure with ``tests/plot/baseline/<name>.png``."""
    path, image = FOLDER / f"{name}.png", render(axes, "png", dpi)
    if os.environ.get("MEMSIM_UPDATE_GOLDEN") == "1":
        with Image.open(io.BytesIO(image)) as full:
            full.convert("RGB").quantize(COLOURS).save(path, optimize=True)
    assert path.stat().st_size <= LARGEST
    found, expected = pixels(image), pixels(path.read_bytes())
    if found.shape != expected.shape:
        raise AssertionError(f"{name}: {found.shape} pixels, the baseline has {expected.shape}")
    error = float(np.sqrt(np.mean((found - expected) ** 2)))
    if error > TOLERANCE:
        now = tmp_path / f"{name}.png"
        now.write_bytes(image)
        raise AssertionError(f"{name}: differs from {path} by {error:.1f}; now: {now}")


def pixels(image: bytes) -> Any:
    """A PNG as an array of grey levels."""
    with Image.open(io.BytesIO(image)) as opened:
        return np.asarray(opened.convert("RGB"), float).mean(axis=2)
