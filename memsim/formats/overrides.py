"""What a caller may say about a network in place of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    allow_unknown : bool
        Whether a foreign graph may hold operators that memsim does not know.
    """

    variant: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    input_shape: tuple[int, int, int] | None = None
    batch: int | None = None
    dtype: str | None = None
    allow_unknown: bool = False

    @classmethod
    def of(
        cls,
        variant: str | None,
        parameters: Mapping[str, Any] | None,
        input_shape: Sequence[int] | None,
        batch: int | None,
        dtype: str | None,
        allow_unknown: bool = False,
    ) -> Overrides:
        """What a caller gave: no parameters may be None, and a shape any sequence."""
        shape = None if input_shape is None else tuple(input_shape)
        return cls(variant, parameters or {}, shape, batch, dtype, allow_unknown)  # type: ignore[arg-type]  # its length is checked where it is used
