"""Static measures of a network: CIO and MoC (HarDNet, arXiv:1909.00948, eq. 1)."""

from __future__ import annotations

from memsim.network.graph import Layer, Network
from memsim.network.ops.conv import Conv, ConvTranspose


def layer_cio(layer: Layer) -> int:
    """Convolutional input/output of one layer, in elements of the whole batch.

    ``c_in * h_in * w_in + c_out * h_out * w_out`` for convolutions, plain and transposed; 0 for
    every other layer. Weights are not counted; a concatenated input counts in full.
    """
    if not isinstance(layer.op, (Conv, ConvTranspose)):
        return 0
    return layer.inputs[0].size + layer.output.size


def cio(network: Network) -> int:
    """Convolutional input/output of a network: the sum of :func:`layer_cio`."""
    return sum(map(layer_cio, network))


def moc(layer: Layer) -> float | None:
    """MACs over CIO of a convolution (the paper's soft constraint); None for other layers.

    Low values are bound by memory: a 1x1 convolution from 256 to 16 channels has
    ``256 * 16 / (256 + 16)``, about 15.
    """
    elements = layer_cio(layer)
    return layer.macs / elements if elements else None
