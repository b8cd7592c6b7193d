"""Tensors: what edges carry."""

from __future__ import annotations

import math
from dataclasses import dataclass

DTYPES: dict[str, int] = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1}
"""Bytes of one element of each data type."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """The output of one layer.

    Parameters
    ----------
    name : str
        The name of the layer that produces it.
    shape : tuple of int
        Batch, channels, height, width.
    dtype : str
        A key of :data:`DTYPES`.

    Examples
    --------
    >>> Tensor("conv1", (1, 64, 112, 112), "fp16").nbytes
    1605632
    """

    name: str
    shape: tuple[int, int, int, int]
    dtype: str = "fp32"

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return DTYPES[self.dtype]

    @property
    def nbytes(self) -> int:
        """Bytes."""
        return self.size * self.itemsize

    @property
    def image(self) -> tuple[int, int, int]:
        """The shape of one image: channels, height, width."""
        return self.shape[1:]
