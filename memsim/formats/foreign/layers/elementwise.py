"""Elementwise operators of foreign graphs, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from memsim.formats.foreign.importer import Importer, Rule
from memsim.formats.foreign.records import Constant, Dims, Record, Unsupported
from memsim.network.ops import OPERATORS, Operator, Shape, ShapeError
from memsim.network.ops.arrange import Slice
from memsim.network.ops.base import broadcast
from memsim.network.ops.norm import Softmax
from memsim.network.ops.parametric import Held, Parametric, PRelu, ScaleShift
from memsim.network.ops.pointwise import NUMBERS, Clamp, Complement, LeakyRelu, Scale
from memsim.network.ops.shape import Dropout

__all__ = [
    "clamp", "combine", "dropout", "elementwise", "gate", "is_number", "leaky_relu", "plain",
    "prelu", "scale", "softmax",
]  # fmt: skip


def elementwise(importer: Importer, record: Record, op: Operator, name: str = "") -> None:
    """Add an operator whose output has the shape of what it reads: the first input or ``name``."""
    name = name or record.inputs[0]
    shape = importer.source(name).shape
    importer.emit(record, op, importer.layer(name), shape=shape)


def plain(kinds: Mapping[str, str]) -> dict[str, Rule]:
    """Rules for operators of one tensor: memsim's kind by foreign name.

    Of attributes those are taken that the operator has by the same name, as it writes numbers.
    """

    def rule(kind: str) -> Rule:
        def add(importer: Importer, record: Record) -> None:
            given = {each: record.attributes.get(each) for each in NUMBERS.get(kind, ())}
            known = {each: float(f"{value:.6g}") for each, value in given.items()
                     if isinstance(value, int | float) and math.isfinite(value)}  # fmt: skip
            elementwise(importer, record, OPERATORS[kind](**known))

        return add

    return {name: rule(kind) for name, kind in kinds.items()}


def clamp(importer: Importer, record: Record, low: float, high: float, name: str = "") -> None:
    """Add the activation that bounds its input; infinite where there is no bound."""
    if low == 0 and high in (6, math.inf):
        op = OPERATORS["relu6" if high == 6 else "relu"]()
    else:
        bounds = [each if math.isfinite(each) else None for each in (low, high)]
        op = Clamp(low=bounds[0], high=bounds[1])
    elementwise(importer, record, op, name)


def leaky_relu(importer: Importer, record: Record, slope: float) -> None:
    """Add a ReLU that multiplies what is negative by ``slope``."""
    elementwise(importer, record, LeakyRelu(slope=slope))


def softmax(importer: Importer, record: Record, axis: int, kind: type[Softmax] = Softmax) -> None:
    """Add a softmax, or its logarithm, along an axis of the first input."""
    name = record.inputs[0]
    shape = importer.source(name).shape
    layer, along = importer.layer(name), importer.axis(shape, axis)
    given = None if importer.images[layer].channel == along else along
    importer.emit(record, kind(axis=given), layer, shape=shape)


def dropout(importer: Importer, record: Record, rate: float) -> None:
    """Add a dropout; what no rate can be, and what a constant drops, is left out."""
    if record.inputs[0] in importer.constants or not 0 <= rate < 1:
        importer.alias(record)
    else:
        elementwise(importer, record, Dropout(rate=rate))


def behind(importer: Importer, name: str, axes: int) -> int:
    """So many last axes of a foreign tensor as those of its image, in which one axis besides the
    batch is the channels of a 1x1 map."""
    shape = importer.source(name).shape
    batch = int(bool(shape) and shape[0] == importer.batch)
    return axes + len(importer.image(shape)) - (len(shape) - batch)


def scale(
    importer: Importer, record: Record, name: str, *, factor: float = 1.0, shift: float = 0.0
) -> None:
    """Add ``factor * name + shift``."""
    if not (math.isfinite(factor) and math.isfinite(shift)):
        raise Unsupported
    complement = (factor, shift) == (-1, 1)
    op = Complement() if complement else Scale(factor=factor, shift=shift)
    elementwise(importer, record, op, name)


def combine(importer: Importer, record: Record, kind: str, *, also: str = "") -> None:
    """Add a function of all inputs, of which at least one is computed: an operator's ``kind``.

    Constants are stored, and read as parameters are. ``also`` is the kind that takes one computed
    input and a plain number, where that is all there is.
    """
    names = [name for name in record.inputs if name]
    held = [name for name in names if name in importer.constants]
    if len(held) == len(names):
        raise Unsupported
    numbers = [name for name in held if is_number(importer.constants[name])]
    if also and len(names) - len(numbers) == 1:
        (name,) = (name for name in names if name not in numbers)
        elementwise(importer, record, OPERATORS[also](), name)
        return
    layers, sizes, shape = _aligned(importer, names)
    images = tuple(importer.images[each] for each in layers)
    if not held:
        importer.emit(record, OPERATORS[kind](), *layers, shape=shape)
        return
    places = tuple(at for at, name in enumerate(names) if name in importer.constants)
    output = Parametric(function=kind, shapes=sizes).output_shape(images)
    shapes = tuple(_told(each, output) for each in sizes)
    if kind == "add" and places == (1,) and _shifts(importer, record, shapes):
        return
    if kind == "addcmul" and places[0] == 0 and shapes == ("channel", "channel"):
        importer.emit(record, ScaleShift(), *layers, shape=shape, parameters=held)
        return
    last = places == tuple(range(len(layers), len(names)))
    op = Parametric(function=kind, shapes=shapes, places=() if last else places)
    importer.emit(record, op, *layers, shape=shape, parameters=held)


def is_number(constant: Constant) -> bool:
    """Whether a constant is one number that nobody learns."""
    return math.prod(constant.shape) == 1 and not constant.learned


def _shifts(importer: Importer, record: Record, shapes: tuple[Held, ...]) -> bool:
    """Make one operator of a factor and a summand per channel, where a graph spells out what
    other graphs call a batch norm; graphs whose operators run one by one are taken by their word.
    """
    name = record.inputs[0]
    node = importer.nodes[importer.source(name).layer]
    scaled = isinstance(node.op, Parametric) and node.op == Parametric(function="mul")
    if importer.ownership.exact or shapes != ("channel",) or not scaled:
        return False
    if importer.image(importer.source(name).shape) != importer.images[node.name]:
        return False
    if not importer.only_reader(name):
        return False
    importer.swap(node.name, ScaleShift())
    importer.own(node.name, record.inputs[1:])
    importer.values[record.outputs[0]] = importer.source(name)
    return True


def _told(sizes: Dims, output: Shape) -> Held:
    """The axes of a stored tensor, or that it has one number for each channel."""
    whole = (1,) * (len(output) - len(sizes)) + sizes
    channels = output[output.channel]
    if channels > 1 and whole == tuple(
        channels if axis == output.channel else 1 for axis in range(len(output))
    ):
        return "channel"
    return sizes


def _aligned(importer: Importer, names: Sequence[str]) -> tuple[list[str], tuple[Dims, ...], Dims]:
    """The layers of computed values and the sizes of constants, aligned at their last axes, and
    the shape of what they are together."""
    shapes = [
        importer.constants[name].shape
        if name in importer.constants
        else importer.source(name).shape
        for name in names
    ]
    shape = broadcast("an elementwise operator", tuple(shapes))
    rank, whole = len(shape), importer.image(shape)
    batched = shape[:1] == (importer.batch,)
    layers, sizes, views = [], [], []
    for name, each in zip(names, shapes, strict=True):
        full = (1,) * (rank - len(each)) + each
        held = name in importer.constants
        if importer.batch > 1 and not (batched and full[0] == (1 if held else importer.batch)):
            raise Unsupported  # a tensor of its own for each image
        image = full[1:] if batched else full
        image = image if len(image) > 1 else (*image, 1, 1, 1)[:3]
        if held:
            sizes.append(_short(image))
        elif importer.batch == 1:
            views.append((name, image))
        layers += [] if held else [importer.layer(name)]
    images = (*(tuple(importer.images[each]) for each in layers), *sizes)
    if views and not _fits(images, whole):
        layers = [importer.seen(name, image) for name, image in views]
    return layers, tuple(sizes), shape


def _fits(images: tuple[Dims, ...], whole: Shape) -> bool:
    try:
        return broadcast("", images) == whole
    except ShapeError:
        return False


def _short(sizes: Dims) -> Dims:
    """Sizes without leading ones, but at least one."""
    first = next((axis for axis, size in enumerate(sizes) if size > 1), len(sizes) - 1)
    return sizes[first:]


def prelu(importer: Importer, record: Record, slopes: Dims) -> None:
    """Add a PReLU whose slopes are aligned with the first input at the last axis."""
    name = record.inputs[0]
    shape = importer.source(name).shape
    full = (1,) * (len(shape) - len(slopes)) + slopes
    if broadcast("prelu", (shape, full)) != shape or full[0] > 1:
        raise Unsupported
    layer = importer.layer(name)
    image = importer.images[layer]
    sizes = _short((*full[1:], 1, 1)[:3] if len(shape) == 2 else full[-len(image) :])
    importer.emit(record, PRelu(slope=_told(sizes, image)), layer, shape=shape)


def gate(importer: Importer, record: Record, axis: int) -> None:
    """Add one half of the first input along an axis times the sigmoid of the other half."""
    name = record.inputs[0]
    shape = importer.source(name).shape
    layer = importer.layer(name)
    along, half = importer.axis(shape, axis), shape[axis] // 2
    stated = None if importer.images[layer].channel == along else along
    scope = record.scope or record.target
    parts = [
        importer.add(f"{scope}.half", Slice(start=start, stop=start + half, axis=stated), (layer,))
        for start in (0, half)
    ]
    cut = (*shape[:axis], half, *shape[axis + 1 :])
    importer.emit(record, OPERATORS["gated"](), *parts, shape=cut)
