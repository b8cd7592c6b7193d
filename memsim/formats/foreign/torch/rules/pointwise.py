"""Elementwise operators in ATen."""

from __future__ import annotations

import math
from dataclasses import replace

from memsim.formats.foreign.importer import Importer, Rule
from memsim.formats.foreign.layers.elementwise import (
    clamp,
    combine,
    dropout,
    elementwise,
    gate,
    is_number,
    leaky_relu,
    plain,
    prelu,
    scale,
)
from memsim.formats.foreign.records import Constant, Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import RULES, axis_of, rule
from memsim.network.ops import OPERATORS
from memsim.network.ops.pointwise import Pow

NONE = Constant((0,))

PLAIN = {
    "relu": "relu",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "silu": "silu",
    "hardswish": "hardswish",
    "hardsigmoid": "hardsigmoid",
    "gelu": "gelu",
}
"""Elementwise operators without attributes."""


RULES.update(plain(PLAIN))


SAME_NAME = (
    "abs", "neg", "sign", "square", "sqrt", "rsqrt", "reciprocal", "exp", "exp2", "expm1", "log",
    "log2", "log10", "log1p", "erf", "erfc", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "asinh", "acosh", "atanh", "floor", "ceil", "round", "trunc", "frac", "elu", "celu",
    "selu", "mish", "softplus", "softsign", "logit", "hardshrink", "softshrink", "threshold",
    "isnan", "isinf", "isfinite", "nan_to_num", "logical_not", "bitwise_not",
)  # fmt: skip
"""Functions of one tensor that memsim calls as ATen does."""

OTHER_NAME = {
    "negative": "neg",
    "absolute": "abs",
    "sgn": "sign",
    "fix": "trunc",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "special_exp2": "exp2",
    "special_expm1": "expm1",
    "special_log1p": "log1p",
    "special_erf": "erf",
    "special_erfc": "erfc",
    "special_expit": "sigmoid",
    "special_logit": "logit",
    "log_sigmoid": "logsigmoid",
    "log_sigmoid_forward": "logsigmoid",
    "isposinf": "isinf",
    "isneginf": "isinf",
}
"""Functions of one tensor by the name that ATen has for memsim's."""

RULES.update(plain({**dict(zip(SAME_NAME, SAME_NAME, strict=True)), **OTHER_NAME}))

COMBINED = {
    "maximum": "maximum",
    "minimum": "minimum",
    "fmax": "maximum",
    "fmin": "minimum",
    "atan2": "atan2",
    "arctan2": "atan2",
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_xor": "logical_xor",
    "addcmul": "addcmul",
    "addcdiv": "addcdiv",
}
"""Functions of several tensors; none of them takes a number in place of one."""

COMPARED = {
    "eq": "equal",
    "ne": "not_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "lt": "less",
    "le": "less_equal",
    "not_equal": "not_equal",
    "greater": "greater",
    "greater_equal": "greater_equal",
    "less": "less",
    "less_equal": "less_equal",
}
"""Comparisons, with a tensor or with a number."""

MODULO = ("remainder", "fmod", "floor_divide")

BITS = {
    "bitwise_and": "bitwise_and",
    "bitwise_or": "bitwise_or",
    "bitwise_xor": "bitwise_xor",
    "bitwise_left_shift": "bit_shift",
    "bitwise_right_shift": "bit_shift",
    "__and__": "bitwise_and",
    "__or__": "bitwise_or",
    "__xor__": "bitwise_xor",
    "__lshift__": "bit_shift",
    "__rshift__": "bit_shift",
}


def _combined(kind: str, also: str) -> Rule:
    def combined(importer: Importer, record: Record) -> None:
        tensors = [name for name in record.inputs if name]
        if len(tensors) == 1 and also:
            elementwise(importer, record, OPERATORS[also]())
        else:
            combine(importer, record, kind, also=also)

    return combined


RULES.update({name: _combined(kind, "") for name, kind in COMBINED.items()})
RULES.update({name: _combined(kind, "compare") for name, kind in COMPARED.items()})
RULES.update({name: _combined("remainder", "modulo") for name in MODULO})
RULES.update({name: _combined(kind, "shift") for name, kind in BITS.items()})


@rule("hardtanh", "clamp", "clamp_min", "clamp_max", "clip")
def _clamp(importer: Importer, record: Record) -> None:
    if len(record.inputs) > 1 and any(record.inputs[1:]):
        _bounded(importer, record)
        return
    low = record.attributes.get("min_val", record.attributes.get("min"))
    high = record.attributes.get("max_val", record.attributes.get("max"))
    low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
    clamp(importer, record, low, high)


def _bounded(importer: Importer, record: Record) -> None:
    """A clamp between tensors."""
    bounds = [name for name in record.inputs[1:] if name]
    if len(bounds) == 2:
        combine(importer, record, "where")  # reads as many
    elif record.target == "clamp_min" or (record.target != "clamp_max" and record.inputs[1]):
        combine(importer, record, "maximum")
    else:
        combine(importer, record, "minimum")


@rule("leaky_relu")
def _leaky_relu(importer: Importer, record: Record) -> None:
    leaky_relu(importer, record, float(record.attributes["negative_slope"]))


@rule("rrelu")
def _rrelu(importer: Importer, record: Record) -> None:
    lower, upper = record.attributes["lower"], record.attributes["upper"]
    leaky_relu(importer, record, float(lower + upper) / 2)  # as at inference


@rule("prelu", "_prelu_kernel")
def _prelu(importer: Importer, record: Record) -> None:
    if record.inputs[1] not in importer.constants:
        combine(importer, record, "leak")
        return
    slopes = importer.constants[record.inputs[1]].shape
    rank = len(importer.source(record.inputs[0]).shape)
    if record.target == "prelu" and math.prod(slopes) > 1:  # one for each place of the second axis
        slopes = (math.prod(slopes), *(1,) * (rank - 2))
    prelu(importer, record, slopes if math.prod(slopes) > 1 else (1,))


@rule("glu")
def _glu(importer: Importer, record: Record) -> None:
    gate(importer, record, axis_of(record, importer))


@rule("pow", "float_power")
def _pow(importer: Importer, record: Record) -> None:
    exponent = record.attributes.get("exponent")
    if isinstance(exponent, int | float):
        elementwise(importer, record, Pow(exponent=exponent))
    elif "self" in record.attributes:
        elementwise(importer, record, OPERATORS["exp2"]())  # another base than 2
    else:
        combine(importer, record, "power", also="pow")


@rule("where")
def _where(importer: Importer, record: Record) -> None:
    if len(record.inputs) == 1:
        elementwise(importer, record, OPERATORS["compare"]())
    else:
        combine(importer, record, "where" if len(record.inputs) == 3 else "masked")


@rule("masked_fill")
def _masked(importer: Importer, record: Record) -> None:
    names = record.inputs[:2]
    if len(record.inputs) == 3 and not is_number(importer.constants.get(record.inputs[2], NONE)):
        names = record.inputs
    kind = "masked" if len(names) == 2 else "where"
    combine(importer, replace(record, inputs=names), kind)


@rule("lerp")
def _lerp(importer: Importer, record: Record) -> None:
    combine(importer, record, "blend" if len(record.inputs) == 2 else "lerp")


@rule("dropout", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout",
      "feature_alpha_dropout", "native_dropout")  # fmt: skip
def _dropout(importer: Importer, record: Record) -> None:
    dropout(importer, record, record.attributes.get("p", 0.5))


ARITHMETIC = {
    "add": "add",
    "sub": "sub",
    "rsub": "sub",
    "mul": "mul",
    "div": "div",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
}


@rule(*ARITHMETIC)
def _arithmetic(importer: Importer, record: Record) -> None:
    number = record.attributes.get("other")
    if len(record.inputs) == 1 and isinstance(number, int | float):
        _scalar(importer, record, float(number))
    elif len(record.inputs) == 2:
        if record.target == "rsub":
            record = replace(record, inputs=record.inputs[::-1])
        combine(importer, record, ARITHMETIC[record.target])
    else:
        raise Unsupported


def _scalar(importer: Importer, record: Record, number: float) -> None:
    alpha = float(record.attributes.get("alpha", 1))
    name, kind = record.inputs[0], ARITHMETIC[record.target]
    if kind == "add":
        scale(importer, record, name, shift=number * alpha)
    elif record.target == "rsub":
        scale(importer, record, name, factor=-alpha, shift=number)
    elif kind == "sub":
        scale(importer, record, name, shift=-number * alpha)
    elif kind == "mul":
        scale(importer, record, name, factor=number)
    else:
        scale(importer, record, name, factor=1 / number if number else 0.0)
