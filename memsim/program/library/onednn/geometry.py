"""What a convolution kernel needs to know about its layer."""

from __future__ import annotations

from dataclasses import dataclass

from memsim.network.graph import Layer

ITEM = 4
"""Bytes of fp32, the only type that is modelled."""


def ceil(value: int, step: int) -> int:
    """``value / step``, rounded up.

    Examples
    --------
    >>> ceil(7, 4), ceil(8, 4)
    (2, 2)
    """
    return -(-value // step)


def round_up(value: int, step: int) -> int:
    """The next multiple of ``step``.

    Examples
    --------
    >>> round_up(7, 4)
    8
    """
    return ceil(value, step) * step


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of a convolution of one image, per group.

    Attributes
    ----------
    ic, oc : int
        Input and output channels of one group.
    ih, iw, oh, ow : int
        Rows and columns.
    kh, kw, sh, sw, dh, dw : int
        Kernel, stride, dilation.
    top, left : int
        Padding before; what is needed behind follows from the output's size.
    groups : int
    """

    ic: int
    oc: int
    ih: int
    iw: int
    oh: int
    ow: int
    kh: int = 1
    kw: int = 1
    sh: int = 1
    sw: int = 1
    dh: int = 1
    dw: int = 1
    top: int = 0
    left: int = 0
    groups: int = 1

    @classmethod
    def of(cls, layer: Layer) -> Geometry:
        """The geometry of a layer whose operator is a convolution.

        Padding that differs from side to side is a step of its own before the convolution
        (:func:`memsim.to_torch`), whose input is then the padded map.

        Examples
        --------
        >>> import memsim
        >>> Geometry.of(memsim.load("resnet18")["conv1.conv"]).weights
        9408
        """
        window = layer.op.window
        assert window is not None
        (ic, ih, iw), (oc, oh, ow) = layer.shapes[0], layer.output.image
        top, left, bottom, right = window.padding
        if (top, left) != (bottom, right) and not layer.op.transposed:
            ih, iw = ih + top + bottom, iw + left + right
            top = left = 0
        return cls(
            ic // window.groups, oc // window.groups, ih, iw, oh, ow,
            *window.kernel, *window.stride, *window.dilation, top, left, window.groups,
        )  # fmt: skip

    @property
    def right(self) -> int:
        """Columns of padding that the last output column needs."""
        return (self.ow - 1) * self.sw + self.ext_kw - self.iw - self.left

    @property
    def bottom(self) -> int:
        """Rows of padding that the last output row needs."""
        return (self.oh - 1) * self.sh + self.ext_kh - self.ih - self.top

    @property
    def ext_kw(self) -> int:
        """Columns that the kernel spans."""
        return (self.kw - 1) * self.dw + 1

    @property
    def ext_kh(self) -> int:
        """Rows that the kernel spans."""
        return (self.kh - 1) * self.dh + 1

    @property
    def pointwise(self) -> bool:
        """Whether the kernel is 1x1 without padding."""
        padded = max(self.top, self.left, self.right, self.bottom) > 0
        return (self.kh, self.kw) == (1, 1) and not padded

    @property
    def depthwise(self) -> bool:
        """Whether each channel is convolved by itself."""
        return self.groups > 1 and self.ic == self.oc == 1

    @property
    def weights(self) -> int:
        """Parameters of all groups, without bias."""
        return self.groups * self.oc * self.ic * self.kh * self.kw
