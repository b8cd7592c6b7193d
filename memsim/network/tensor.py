"""Tensors: what edges carry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from memsim.network.ops.axes import usual_channel
from memsim.network.ops.base import Shape

DTYPES: dict[str, int] = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1}
"""Bytes of one element of each data type that a network computes in."""

ITEMSIZES: dict[str, int] = {
    **DTYPES, "fp64": 8, "fp8": 1, "int64": 8, "int32": 4, "int16": 2, "uint8": 1, "bool": 1,
}  # fmt: skip
"""Bytes of one element of each data type that a tensor of a network may have."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """The output of one layer.

    Parameters
    ----------
    name : str
        The name of the layer that produces it.
    shape : tuple of int
        The batch, then the axes of :attr:`image`: channels, height and width of a map.
    dtype : str
        A key of :data:`ITEMSIZES`.
    channel : int, optional
        Which axis of the image the channels are; see :class:`~memsim.network.ops.base.Shape`.

    Attributes
    ----------
    image : Shape
        The shape of one image, such as channels, height, width.
    grid : (int, int, int, int)
        Images, channels, rows and columns: the axes that tiling cuts.

    Examples
    --------
    >>> Tensor("conv1", (1, 64, 112, 112), "fp16").nbytes
    1605632
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "fp32"
    channel: int | None = None
    image: Shape = field(init=False, repr=False, compare=False)
    grid: tuple[int, int, int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for at every step of building a program, so they are found once.
        image = Shape(self.shape[1:], self.channel)
        object.__setattr__(self, "image", image)
        object.__setattr__(self, "grid", (self.shape[0], *image.box))

    @classmethod
    def of(cls, name: str, batch: int, image: Shape, dtype: str = "fp32") -> Tensor:
        """A batch of images of a shape."""
        usual = image.channel == usual_channel(len(image))
        return cls(name, (batch, *image), dtype, None if usual else image.channel)

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return ITEMSIZES[self.dtype]

    @property
    def nbytes(self) -> int:
        """Bytes."""
        return self.size * self.itemsize
