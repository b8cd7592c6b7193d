"""What a caller may say about a network in place of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Overrides"]


@dataclass(frozen=True)
class Overrides:
    """What overrides a file.

    Attributes
    ----------
    variant : str or None
        One of the file's ``variants``.
    parameters : mapping
        Values of the file's ``parameters``.
    input_shape : tuple of int or None
        Channels, height, width of the one input.
    batch : int or None
    dtype : str or None
    otherwise_dtype : str
        The data type where neither this nor the file says one.
    allow_unknown : bool
        Whether a foreign graph may hold operators that memsim does not know.
    """

    variant: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    input_shape: tuple[int, int, int] | None = None
    batch: int | None = None
    dtype: str | None = None
    allow_unknown: bool = False
    otherwise_dtype: str = "fp32"

    @classmethod
    def of(
        cls,
        variant: str | None,
        parameters: Mapping[str, Any] | None,
        input_shape: Sequence[int] | None,
        batch: int | None,
        dtype: str | None,
        allow_unknown: bool = False,
        otherwise_dtype: str = "fp32",
    ) -> Overrides:
        """What a caller gave: no parameters may be None, and a shape any sequence."""
        shape = None if input_shape is None else tuple(input_shape)
        known = cls(variant, parameters or {}, shape, batch, dtype)  # type: ignore[arg-type]  # its length is checked where it is used
        return replace(known, allow_unknown=allow_unknown, otherwise_dtype=otherwise_dtype)
