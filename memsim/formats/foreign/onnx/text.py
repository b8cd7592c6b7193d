"""Strings of ONNX files, and what PyTorch writes into them of the code they come from."""

from __future__ import annotations

import re
from typing import Any

from memsim.formats.foreign.records import Line

__all__ = ["source_line", "text"]

_TRACE = "pkg.torch.onnx.stack_trace"
_FRAME = re.compile(r'File "([^"\n]+)", line ([0-9]{1,9})')
_PYTORCH = re.compile(r"[/\\]torch[/\\]")


def text(value: str | bytes) -> str:
    """A protobuf string, which is bytes where it is no UTF-8."""
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")


def source_line(node: Any) -> Line | None:
    """The line of the user's code that an operator was exported from, where the file knows it."""
    for each in node.metadata_props:
        if each.key == _TRACE:
            for file, number in reversed(_FRAME.findall(text(each.value))):
                if not _PYTORCH.search(file):
                    return Line(file, int(number))
    return None
