"""What a caller may say about a network in place of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from memsim.network.inputs import Given

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
    input_shape : sequence of int, str, mapping or None
        The size of the one input, such as channels, height, width; or sizes by name.
    batch : int or None
    dtype : str or None
    submodule : str or None
        The part of a PyTorch module that is looked at.
    otherwise_dtype : str
        The data type where neither this nor the file says one.
    allow_unknown : bool
        Whether a foreign graph may hold operators that memsim does not know.
    """

    variant: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    input_shape: Given | None = None
    batch: int | None = None
    dtype: str | None = None
    submodule: str | None = None
    allow_unknown: bool = False
    otherwise_dtype: str = "fp32"

    @classmethod
    def of(
        cls,
        variant: str | None,
        parameters: Mapping[str, Any] | None,
        input_shape: Given | None,
        batch: int | None,
        dtype: str | None,
        allow_unknown: bool = False,
        otherwise_dtype: str = "fp32",
    ) -> Overrides:
        """What a caller gave, where no parameters may be None."""
        known = cls(variant, parameters or {}, input_shape, batch, dtype)
        return replace(known, allow_unknown=allow_unknown, otherwise_dtype=otherwise_dtype)
