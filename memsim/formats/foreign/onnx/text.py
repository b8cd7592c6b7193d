"""Strings of ONNX files."""

from __future__ import annotations

__all__ = ["text"]


def text(value: str | bytes) -> str:
    """A protobuf string, which is bytes where it is no UTF-8."""
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
