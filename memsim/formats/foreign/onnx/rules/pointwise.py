"""ONNX's elementwise operators as memsim's."""

from __future__ import annotations

import math
from dataclasses import replace

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.elementwise import (
    clamp,
    combine,
    dropout,
    elementwise,
    is_number,
    leaky_relu,
    plain,
    prelu,
    scale,
)
from memsim.formats.foreign.onnx.arguments import RULES, decimal, operand, rule
from memsim.formats.foreign.records import NO_PADS, Constant, Record, Unsupported
from memsim.network.ops import OPERATORS
from memsim.network.ops.pointwise import Pow

PLAIN = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Silu": "silu",
    "Swish": "silu",
    "HardSwish": "hardswish",
    "HardSigmoid": "hardsigmoid",
    "Gelu": "gelu",
    "com.microsoft.Gelu": "gelu",
    "com.microsoft.QuickGelu": "gelu",
    "BatchNormalization": "batchnorm",
    "Abs": "abs",
    "Neg": "neg",
    "Sign": "sign",
    "Sqrt": "sqrt",
    "Reciprocal": "reciprocal",
    "Exp": "exp",
    "Log": "log",
    "Erf": "erf",
    "Sin": "sin",
    "Cos": "cos",
    "Tan": "tan",
    "Asin": "asin",
    "Acos": "acos",
    "Atan": "atan",
    "Sinh": "sinh",
    "Cosh": "cosh",
    "Asinh": "asinh",
    "Acosh": "acosh",
    "Atanh": "atanh",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "round",
    "Elu": "elu",
    "Selu": "selu",
    "Celu": "celu",
    "Mish": "mish",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Shrink": "softshrink",
    "IsNaN": "isnan",
    "IsInf": "isinf",
    "Not": "logical_not",
    "BitwiseNot": "bitwise_not",
}
"""Operators of one tensor whose attributes change nothing that memsim counts."""

COMBINED = {
    "Mod": ("remainder", "modulo"),
    "BitShift": ("bit_shift", "shift"),
    "BitwiseAnd": ("bitwise_and", "shift"),
    "BitwiseOr": ("bitwise_or", "shift"),
    "BitwiseXor": ("bitwise_xor", "shift"),
    "And": ("logical_and", "compare"),
    "Or": ("logical_or", "compare"),
    "Xor": ("logical_xor", "compare"),
    "Equal": ("equal", "compare"),
    "Greater": ("greater", "compare"),
    "GreaterOrEqual": ("greater_equal", "compare"),
    "Less": ("less", "compare"),
    "LessOrEqual": ("less_equal", "compare"),
}
"""Operators of two tensors: memsim's, and what takes a number in place of one."""

MANY = {"Min": "minimum", "Max": "maximum", "Mean": "average"}
"""Operators of any number of tensors."""

NUMPY = {
    "fp64": "float64", "fp32": "float32", "fp16": "float16", "bf16": "float32", "int64": "int64",
    "int32": "int32", "int16": "int16", "int8": "int8", "uint8": "uint8", "bool": "bool",
}  # fmt: skip
"""What NumPy calls the data types in which small constants are computed with."""

RULES.update(plain(PLAIN))


@rule(*COMBINED)
def _combined(importer: Importer, record: Record) -> None:
    kind, also = COMBINED[record.target]
    combine(importer, record, kind, also=also)


@rule(*MANY)
def _many(importer: Importer, record: Record) -> None:
    if len(record.inputs) == 1:
        importer.alias(record)
        return
    constants = [name for name in record.inputs if name in importer.constants]
    if record.target == "Mean" or len(record.inputs) > 2 or len(constants) != 1:
        combine(importer, record, MANY[record.target])
        return
    name = next(name for name in record.inputs if name not in constants)
    bound = importer.constants[constants[0]]
    if not is_number(bound) or bound.values is None:
        combine(importer, record, MANY[record.target])
        return
    number = float(importer.numbers(constants[0])[0])
    low, high = (number, math.inf) if record.target == "Max" else (-math.inf, number)
    clamp(importer, record, low, high, name)


@rule("Clip")
def _clip(importer: Importer, record: Record) -> None:
    bounds = []
    for position, name in enumerate(("min", "max"), 1):
        if operand(record, position) in importer.values:
            one = "maximum" if position == 1 else "minimum"
            combine(importer, record, "where" if operand(record, 3 - position) else one)
            return
        if operand(record, position):
            bounds.append(decimal(importer.numbers(record.inputs[position])[0]))
        else:
            bounds.append(record.attributes.get(name, math.inf if name == "max" else -math.inf))
    clamp(importer, record, bounds[0], bounds[1])


@rule("CastLike")
def _cast_like(importer: Importer, record: Record) -> None:
    importer.alias(record)  # the other tensor's type is all that it asks for
    held = importer.constants.get(record.outputs[0])
    wanted = NUMPY.get(importer.kinds.get(record.inputs[1]) or "")
    if held is not None and held.values is not None and wanted:
        importer.constants[record.outputs[0]] = replace(held, values=held.values.astype(wanted))


@rule("LeakyRelu")
def _leaky_relu(importer: Importer, record: Record) -> None:
    leaky_relu(importer, record, decimal(record.attributes.get("alpha", 0.01)))


@rule("PRelu")
def _prelu(importer: Importer, record: Record) -> None:
    if record.inputs[1] in importer.constants:
        slopes = importer.constants[record.inputs[1]].shape or (1,)
        if record.attributes.get("channelwise") and len(slopes) == 1:  # as before operator set 7
            slopes = (*slopes, *(1,) * (len(importer.source(record.inputs[0]).shape) - 2))
        prelu(importer, record, slopes)
    else:
        combine(importer, record, "leak")


@rule("ThresholdedRelu")
def _threshold(importer: Importer, record: Record) -> None:
    at = decimal(record.attributes.get("alpha", 1.0))
    elementwise(importer, record, OPERATORS["threshold"].model_validate({"threshold": at}))


@rule("Pow")
def _pow(importer: Importer, record: Record) -> None:
    power = importer.constants.get(record.inputs[1])
    if power is not None and is_number(power) and power.values is not None:
        elementwise(importer, record, Pow(exponent=float(importer.numbers(record.inputs[1])[0])))
    else:
        combine(importer, record, "power", also="pow")


@rule("Where")
def _where(importer: Importer, record: Record) -> None:
    numbers = [
        name
        for name in record.inputs
        if name in importer.constants and is_number(importer.constants[name])
    ]
    if len(numbers) == 1:
        kept = tuple(name for name in record.inputs if name not in numbers)
        combine(importer, replace(record, inputs=kept), "masked")
    else:
        combine(importer, record, "where", also="compare")


@rule("Dropout")
def _dropout(importer: Importer, record: Record) -> None:
    if len(record.outputs) > 1 and record.outputs[1]:  # what inference keeps: everything
        importer.constants[record.outputs[1]] = Constant(importer.source(record.inputs[0]).shape)
    rate = record.attributes.get("ratio", 0.5)
    if operand(record, 1) and importer.constant(record.inputs[1]).values is not None:
        rate = importer.numbers(record.inputs[1])[0]
    if isinstance(rate, int | float):
        dropout(importer, record, decimal(rate))
    else:
        importer.alias(record)


ARITHMETIC = {"Add": "add", "Sum": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}


@rule(*ARITHMETIC)
def _arithmetic(importer: Importer, record: Record) -> None:
    held = [name for name in record.inputs if name in importer.constants]
    computed = [name for name in record.inputs if name and name not in importer.constants]
    if len(record.inputs) == 1 and record.target == "Sum":
        importer.alias(record)
        return
    if len(held) == len(computed) == 1:
        operands = (importer, record, computed[0], held[0])
        if _with_number(*operands) or _bias(*operands):
            return
    combine(importer, record, ARITHMETIC[record.target])


def _bias(importer: Importer, record: Record, name: str, held: str) -> bool:
    """Give a product the bias that is added behind it."""
    value, constant = importer.source(name), importer.constant(held)
    node = importer.nodes[value.layer]
    biased = node.op.multiplies and "bias" in type(node.op).model_fields and not node.op.biased
    if not (record.target == "Add" and biased and importer.only_reader(name)):
        return False
    full = (1,) * (len(value.shape) - len(constant.shape)) + constant.shape
    image = importer.images[value.layer]
    if value.pads != NO_PADS or importer.image(value.shape) != image or len(full) < 2:
        return False
    sizes = (*full[1:], 1, 1)[:3] if len(full) == 2 else full[-len(image) :]
    channels = image[image.channel]
    one_each = tuple(channels if axis == image.channel else 1 for axis in range(len(image)))
    if len(full) != len(value.shape) or full[0] > 1 or sizes != one_each:
        return False
    importer.swap(value.layer, node.op.model_copy(update={"bias": True}))
    importer.own(value.layer, [held])
    importer.values[record.outputs[0]] = value
    return True


def _with_number(importer: Importer, record: Record, name: str, held: str) -> bool:
    """Add an operator with a plain number; whether the constant is one."""
    constant, swapped = importer.constant(held), record.inputs[0] == held
    rank = len(importer.source(name).shape)
    if math.prod(constant.shape) != 1 or len(constant.shape) > rank:
        return False
    number = float(importer.numbers(held)[0]) if constant.values is not None else 1.0
    if record.target in ("Add", "Sum"):
        scale(importer, record, name, shift=number)
    elif record.target == "Sub" and swapped:
        scale(importer, record, name, factor=-1.0, shift=number)
    elif record.target == "Sub":
        scale(importer, record, name, shift=-number)
    elif record.target == "Mul":
        scale(importer, record, name, factor=number)
    elif swapped:
        elementwise(importer, record, Pow(exponent=-1.0, factor=number), name)
    elif math.isfinite(number):
        scale(importer, record, name, factor=1 / number if number else 0.0)
    else:
        raise Unsupported
    return True
