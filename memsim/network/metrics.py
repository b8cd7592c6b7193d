"""Static measures of a network: CIO and MoC (HarDNet, arXiv:1909.00948, eq. 1).

CIO is eq. 1 as it stands unless an :class:`Accounting` says otherwise: two of the paper's tables
leave something out, and which convolutions that concerns is decided here from the graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.graph import Layer, Network


@dataclass(frozen=True, slots=True)
class Accounting:
    """What CIO counts where published tables differ. The default is the paper's eq. 1.

    Parameters
    ----------
    transition_down : str
        ``both`` counts input and output of a transition down, ``once`` its input alone. A
        transition down is a 1x1 convolution of stride 1 whose output, through batch norm,
        activation and dropout, is read by nothing but poolings of stride 2 or more: what the
        convolution writes, the pooling takes in at once. The FC-DenseNet and FC-HarDNet rows of
        the paper's Table 2 (CamVid) are reproduced with ``once``, its other rows and Table 4
        with ``both``; the text does not say so.
    depthwise_downsampling : str
        ``counted``, or ``left_out``: depthwise convolutions of stride 2 or more, which stand
        where the network without them has a pooling, count as little as the pooling would.
        The HarDNet-39DS and -68DS rows of the paper's Table 4 (ImageNet) are reproduced with
        ``left_out``, its MobileNetV2 rows with ``counted``.

    Examples
    --------
    >>> Accounting.parse("transition_down=once")
    Accounting(transition_down='once', depthwise_downsampling='counted')
    >>> str(Accounting(depthwise_downsampling="left_out")), str(Accounting())
    ('depthwise_downsampling=left_out', 'eq. 1')
    """

    transition_down: Literal["both", "once"] = "both"
    depthwise_downsampling: Literal["counted", "left_out"] = "counted"

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                hint = did_you_mean(str(value), known)
                raise InputError(Problem(f"unknown {name} {str(value)!r}", hint=hint))

    @classmethod
    def parse(cls, text: str) -> Accounting:
        """Read ``NAME=VALUE`` pairs, separated by spaces; nothing is the default."""
        values: dict[str, str] = {}
        for word in text.split():
            name, _, value = word.partition("=")
            if name not in _CHOICES:
                hint = did_you_mean(name, _CHOICES)
                raise InputError(Problem(f"unknown accounting {name!r}", hint=hint))
            values[name] = value
        return cls(**values)  # type: ignore[arg-type]  # checked when it is made

    def __str__(self) -> str:
        deviations = [
            f"{each.name}={getattr(self, each.name)}"
            for each in fields(self)
            if getattr(self, each.name) != each.default
        ]
        return " ".join(deviations) or "eq. 1"


_CHOICES = {
    "transition_down": ("both", "once"),
    "depthwise_downsampling": ("counted", "left_out"),
}

EQUATION_1 = Accounting()
"""Every convolution with all it reads and writes."""


def cio(network: Network, accounting: Accounting = EQUATION_1) -> int:
    """Convolutional input/output of a network: the sum of :attr:`Layer.cio` over its layers.

    Parameters
    ----------
    network : Network
    accounting : Accounting
        What is left out of the sum.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("hardnet68ds")
    >>> cio(network), cio(network, Accounting(depthwise_downsampling="left_out"))
    (17324440, 15348760)
    """
    total = network.cio
    if accounting.transition_down == "once":
        total -= sum(layer.output.size for layer in transitions_down(network))
    if accounting.depthwise_downsampling == "left_out":
        total -= sum(layer.cio for layer in depthwise_downsamplings(network))
    return total


def transitions_down(network: Network) -> Iterator[Layer]:
    """The 1x1 convolutions that only poolings of stride 2 or more read; see :class:`Accounting`.

    Examples
    --------
    >>> import memsim
    >>> [layer.name for layer in transitions_down(memsim.load("densenet121"))]
    ['conv2.conv', 'conv3.conv', 'conv4.conv']
    """
    for layer in network:
        if _convolves_pixel_by_pixel(layer):
            readers = list(_readers(network, layer.name))
            if readers and all(map(_halves, readers)):
                yield layer


def depthwise_downsamplings(network: Network) -> Iterator[Layer]:
    """The depthwise convolutions with a stride; see :class:`Accounting`."""
    for layer in network:
        if (
            _convolves_plainly(layer)
            and layer.op.op_class(layer.shapes) == "depthwise"
            and _stride(layer) != (1, 1)
        ):
            yield layer


def _convolves_plainly(layer: Layer) -> bool:
    return layer.op.convolves and not layer.op.transposed


def _convolves_pixel_by_pixel(layer: Layer) -> bool:
    """Whether it is a 1x1 convolution of stride 1."""
    window = layer.op.window
    return (
        window is not None
        and _convolves_plainly(layer)
        and (window.kernel, window.stride) == ((1, 1), (1, 1))
    )


def _stride(layer: Layer) -> tuple[int, int]:
    """The stride of its window, (1, 1) without one."""
    return layer.op.window.stride if layer.op.window else (1, 1)


def _readers(network: Network, name: str) -> Iterator[Layer]:
    """What reads a layer's output, through operators that change no more than its values."""
    for reader in dict.fromkeys(network.readers[name]):
        layer = network[reader]
        passes = layer.op.elementwise and len(layer.inputs) == 1
        if passes or layer.renames:
            yield from _readers(network, reader)
        else:
            yield layer


def _halves(layer: Layer) -> bool:
    """Whether it is a pooling that reduces the resolution."""
    return layer.op.pools and min(_stride(layer)) > 1


def moc(layer: Layer) -> float | None:
    """MACs over CIO of a convolution (the paper's soft constraint); None for other layers.

    Low values are bound by memory: a 1x1 convolution from 256 to 16 channels has
    ``256 * 16 / (256 + 16)``, about 15.
    """
    return layer.macs / layer.cio if layer.cio else None
