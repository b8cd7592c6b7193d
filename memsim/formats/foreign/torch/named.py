"""Names of PyTorch modules: ``package.module:callable``."""

from __future__ import annotations

import os
import re

__all__ = ["is_source"]

_SOURCE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def is_source(text: str | os.PathLike[str]) -> bool:
    """Whether a text names something in a Python module.

    Examples
    --------
    >>> is_source("torchvision.models:resnet18"), is_source("a/b.onnx"), is_source("C:/a.onnx")
    (True, False, False)
    """
    return isinstance(text, str) and _SOURCE.fullmatch(text) is not None
