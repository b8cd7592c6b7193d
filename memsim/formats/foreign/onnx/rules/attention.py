"""Attention in ONNX: the standard's operator, and those of ONNX Runtime.

Each becomes its projections, if it has any, and one kernel that keeps its scores on chip. Only
where a file asks for the scores themselves are they tensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.products import attention
from memsim.formats.foreign.onnx.arguments import integer, ints, operand, rule, wrong
from memsim.formats.foreign.parts import Parts
from memsim.formats.foreign.records import Record, Unsupported


@dataclass(frozen=True, slots=True)
class _Operands:
    """Names of queries, keys and values as images x heads x tokens x features, and of a mask."""

    query: str
    key: str
    value: str
    mask: str = ""


def _split(parts: Parts, name: str, heads: int) -> str:
    """Tokens x channels as heads x tokens x features."""
    shape = parts.shape(name)
    if len(shape) == 4:
        return name
    if len(shape) != 3 or heads < 1 or shape[-1] % heads:
        raise Unsupported
    apart = parts("Reshape", name, shape=[*shape[:2], heads, shape[2] // heads])
    return parts("Transpose", apart, perm=[0, 2, 1, 3])


def _joined(parts: Parts, name: str) -> str:
    """Heads x tokens x features as tokens x channels."""
    images, heads, tokens, features = parts.shape(name)
    turned = parts("Transpose", name, perm=[0, 2, 1, 3])
    return parts("Reshape", turned, shape=[images, tokens, heads * features])


def _fused(parts: Parts, operands: _Operands, flat: bool) -> None:
    """One kernel, the operator's first output."""
    names = [operands.query, operands.key, operands.value]
    names += [operands.mask] if operands.mask else []
    own = parts.record
    if not flat:
        attention(parts.importer, own, names)
        return
    output = f"{own.outputs[0]}/heads"
    kernel = Record(own.name, own.target, tuple(names), (output,), scope=own.scope, line=own.line)
    attention(parts.importer, kernel, names)
    parts.give(_joined(parts, output))


def _written(parts: Parts, operands: _Operands, flat: bool, mode: int, cap: float) -> None:
    """Products and a softmax, whose scores are tensors: what the fourth output is of them.

    Heads of queries that share a head of keys are one after the other, so that they are more
    rows of one product.
    """
    images, heads, tokens, features = parts.shape(operands.query)
    shared, places = parts.shape(operands.key)[1:3]
    if heads % shared:
        raise Unsupported
    rows = heads // shared * tokens
    query = parts("Reshape", operands.query, shape=[images, shared, rows, features])
    keys = parts("Transpose", operands.key, perm=[0, 1, 3, 2])
    product = parts("MatMul", query, keys, scope="scores")
    scores = [parts("Reshape", product, shape=[images, heads, tokens, places])]
    scores.append(parts("Tanh", scores[-1]) if cap else scores[-1])
    masked = parts("Add", scores[-1], operands.mask) if operands.mask else scores[-1]
    scores.append(masked)
    scores.append(parts("Softmax", masked, axis=-1))
    weights = parts("Reshape", scores[-1], shape=[images, shared, rows, places])
    output = parts("MatMul", weights, operands.value, scope="weighted")
    own = parts("Reshape", output, shape=[images, heads, tokens, parts.shape(operands.value)[-1]])
    parts.give(_joined(parts, own) if flat else own)
    parts.give(scores[mode], 3)


@rule("Attention")
def _attention(importer: Importer, record: Record) -> None:
    mode = integer(importer, record, "qk_matmul_output_mode", 0)
    if mode not in range(4):
        raise wrong(importer, record, f"has the qk_matmul_output_mode {mode}, none of 0 to 3")
    heads = [integer(importer, record, f"{which}_num_heads", 0) for which in ("q", "kv")]
    with Parts(importer, record) as parts:
        flat = len(parts.shape(record.inputs[0])) == 3
        query = _split(parts, record.inputs[0], heads[0])
        found = []
        for number in (1, 2):
            name, past = _split(parts, record.inputs[number], heads[1]), operand(record, 3 + number)
            found.append(parts("Concat", past, name, axis=2) if past else name)
            if parts.read(number):
                parts.give(found[-1], number)
        operands = _Operands(query, found[0], found[1], operand(record, 3))
        if parts.read(3):
            cap = bool(record.attributes.get("softcap"))
            _written(parts, operands, flat, mode, cap)
        else:
            _fused(parts, operands, flat)


@rule("ai.onnx.preview.FlexAttention")
def _flexible(importer: Importer, record: Record) -> None:
    """What its graphs make of the scores stays on chip, as far as they read nothing else."""
    if len(record.inputs) > 3:
        raise Unsupported
    with Parts(importer, record) as parts:
        _fused(parts, _Operands(*record.inputs), flat=False)


def _apart(parts: Parts, name: str, sizes: list[int], axis: int) -> list[str]:
    found, start = [], 0
    for size in sizes:
        found.append(parts.cut(name, axis, start, start + size))
        start += size
    return found


@rule("com.microsoft.Attention")
def _projected(importer: Importer, record: Record) -> None:
    """With the projections of one tensor to queries, keys and values."""
    heads = integer(importer, record, "num_heads", 0)
    if operand(record, 4) or not record.inputs[0]:
        raise Unsupported  # keys and values from before
    with Parts(importer, record) as parts:
        weights = parts.shape(operand(record, 1))
        sizes = ints(importer, record, "qkv_hidden_sizes", [weights[-1] // 3] * 3, 3)
        product = parts("MatMul", record.inputs[0], record.inputs[1], scope="projection")
        if operand(record, 2):
            product = parts("Add", product, record.inputs[2], scope="bias")
        query, key, value = (
            _split(parts, name, heads) for name in _apart(parts, product, sizes, 2)
        )
        if parts.read(1):
            raise Unsupported
        _fused(parts, _Operands(query, key, value, _bias(parts, 5, 3)), flat=True)


def _bias(parts: Parts, bias: int, mask: int) -> str:
    """What is added to the scores, as images x heads x queries x keys; how many tokens there are
    is no tensor."""
    name, padding = operand(parts.record, bias), operand(parts.record, mask)
    rank = len(parts.shape(padding)) if padding else 0
    if rank < 2:
        return name
    if name:
        raise Unsupported
    axes = {2: [1, 2], 3: [1]}.get(rank)
    return parts("Unsqueeze", padding, axes=axes) if axes else padding


@rule("com.microsoft.MultiHeadAttention")
def _heads(importer: Importer, record: Record) -> None:
    heads = integer(importer, record, "num_heads", 0)
    with Parts(importer, record) as parts:
        names = [operand(record, number) for number in range(3)]
        shape = parts.shape(names[0])
        if len(shape) == 5:  # images x tokens x heads x (query, key, value) x features
            names = [_place(parts, names[0], number) for number in range(3)]
        elif names[1] and len(parts.shape(names[1])) == 5:
            names = [names[0], *(_place(parts, names[1], number) for number in range(2))]
        if not all(names):
            raise Unsupported
        if operand(record, 3):
            sizes = [_width(parts, name) for name in names]
            pieces = _apart(parts, record.inputs[3], sizes, 0)
            names = [
                parts("Add", name, piece, scope="bias")
                for name, piece in zip(names, pieces, strict=True)
            ]
        split = [_split(parts, name, heads) for name in names]
        for number in (1, 2):
            past = operand(record, 5 + number)
            if past:
                split[number] = parts("Concat", past, split[number], axis=2)
            if parts.read(number):
                parts.give(split[number], number)
        if parts.read(3):
            raise Unsupported
        _fused(parts, _Operands(split[0], split[1], split[2], _bias(parts, 5, 4)), flat=True)


def _width(parts: Parts, name: str) -> int:
    """The features of all heads together."""
    shape = parts.shape(name)
    if len(shape) != 3:
        raise Unsupported
    return shape[-1]


def _place(parts: Parts, name: str, number: int) -> str:
    """One of queries, keys and values that lie beside each other, as tokens x channels."""
    images, tokens, heads, kinds, features = parts.shape(name)
    piece = _apart(parts, name, [1] * kinds, 3)[number]
    return parts("Reshape", piece, shape=[images, tokens, heads * features])


def _half(parts: Parts, name: str, axis: int, start: int, stop: int, step: int = 1) -> str:
    if step == 1:
        return parts.cut(name, axis, start, stop)
    return parts("Slice", name, starts=[start], ends=[stop], axes=[axis], steps=[step])


@rule("RotaryEmbedding", "com.microsoft.RotaryEmbedding")
def _rotary(importer: Importer, record: Record) -> None:
    """Pairs of features turned by an angle of their token: ``x * cos - y * sin`` and the rest.

    What a table holds for the tokens is read per token, once for all heads.
    """
    ours = record.target == "RotaryEmbedding"
    tables = (1, 2) if ours else (2, 3)
    places = operand(record, 3 if ours else 1)
    with Parts(importer, record) as parts:
        name, shape = record.inputs[0], parts.shape(record.inputs[0])
        turned = len(shape) == 4  # images x heads x tokens x features
        heads = integer(importer, record, "num_heads", 0)
        if not turned:
            heads = heads or 1
            name = parts("Reshape", name, shape=[*shape[:2], heads, shape[2] // heads])
        axis, whole = 3, parts.shape(name)
        size = integer(importer, record, "rotary_embedding_dim", 0) or whole[-1]
        tokens = whole[2] if turned else whole[1]
        angles = []
        for number in tables:
            table = record.inputs[number]
            if len(parts.shape(table)) == 2:
                if not places:
                    raise Unsupported
                if math.prod(parts.shape(places)) == 1 < tokens:  # where the first token lies
                    table = _half(parts, table, 0, 0, tokens)
                    table = parts("Unsqueeze", table, axes=[0])
                else:
                    table = parts("Gather", table, places, axis=0)
            angles.append(parts("Unsqueeze", table, axes=[1 if turned else 2]))
        if integer(importer, record, "interleaved", 0):
            pair = [_half(parts, name, axis, start, size, 2) for start in (0, 1)]
        else:
            pair = [
                _half(parts, name, axis, 0, size // 2),
                _half(parts, name, axis, size // 2, size),
            ]
        cos, sin = angles
        one = parts("Sub", parts("Mul", pair[0], cos), parts("Mul", pair[1], sin))
        other = parts("Add", parts("Mul", pair[0], sin), parts("Mul", pair[1], cos))
        if integer(importer, record, "interleaved", 0):
            apart = [parts("Unsqueeze", each, axes=[4]) for each in (one, other)]
            done = parts("Concat", *apart, axis=4)
            done = parts("Reshape", done, shape=[*whole[:3], size])
        else:
            done = parts("Concat", one, other, axis=axis)
        if size < whole[-1]:
            rest = _half(parts, name, axis, size, whole[-1])
            done = parts("Concat", done, rest, axis=axis)
        parts.give(parts("Reshape", done, shape=[*shape]))
