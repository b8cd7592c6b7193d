"""Products in Einstein's notation, of any number of tensors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.onnx.arguments import rule, wrong
from memsim.formats.foreign.parts import Parts
from memsim.formats.foreign.records import Record, Unsupported

FIRST_FREE = 0x100
"""Where the letters begin that stand for the axes of an ellipsis: behind all that files use."""


@dataclass(frozen=True, slots=True)
class _Operand:
    name: str
    letters: str


class _Notation:
    """Writes a product out, with a size for each letter."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.sizes: dict[str, int] = {}

    def many(self, letters: Iterable[str]) -> int:
        return math.prod(self.sizes[letter] for letter in letters)

    def plain(self, operand: _Operand) -> _Operand:
        """Take the diagonal of axes of one letter."""
        name, letters = operand.name, operand.letters
        for letter, count in Counter(letters).items():
            for _ in range(count - 1):
                others = letters.replace(letter, "", 2)
                first = letters.index(letter)
                second = letters.index(letter, first + 1)
                order = [axis for axis in range(len(letters)) if axis not in (first, second)]
                turned = self.parts("Transpose", name, perm=[*order, first, second])
                shape, size = self.parts.shape(turned), self.parts.shape(name)[first]
                flat = self.parts("Reshape", turned, shape=[*shape[:-2], size * size])
                places = self.parts.numbers([at * (size + 1) for at in range(size)])
                name = self.parts("Gather", flat, places, axis=len(shape) - 2)
                letters = others + letter
        return _Operand(name, letters)

    def summed(self, operand: _Operand, kept: Iterable[str]) -> _Operand:
        """Sum over axes whose letters nobody else has."""
        kept = {*kept}
        axes = [at for at, letter in enumerate(operand.letters) if letter not in kept]
        if not axes:
            return operand
        name = self.parts("ReduceSum", operand.name, axes=axes, keepdims=0)
        return _Operand(name, "".join(each for each in operand.letters if each in kept))

    def turned(self, operand: _Operand, letters: Sequence[str], shape: Sequence[int]) -> str:
        """The operand with its axes in an order, seen in a shape."""
        order = [operand.letters.index(letter) for letter in letters]
        name = operand.name
        if order != sorted(order):
            name = self.parts("Transpose", name, perm=order)
        if self.parts.shape(name) != tuple(shape):
            name = self.parts("Reshape", name, shape=[*shape])
        return name

    def product(self, left: _Operand, right: _Operand, kept: Iterable[str]) -> _Operand:
        """Multiply two operands, and sum over the letters of both that are not kept."""
        kept, held = {*kept}, self.parts.importer.constants
        both = [letter for letter in left.letters if letter in right.letters]
        batch = [letter for letter in both if letter in kept]
        inner = [letter for letter in both if letter not in kept]
        if inner and not batch and left.name in held:
            left, right = right, left  # weights stand on the right
        rows = [letter for letter in left.letters if letter not in both]
        columns = [letter for letter in right.letters if letter not in both]
        sizes = [[self.sizes[each] for each in part] for part in (batch, rows, columns)]
        found = "".join([*batch, *rows, *columns])
        if not inner:
            one = self.turned(left, [*batch, *rows], [*sizes[0], *sizes[1], *[1] * len(columns)])
            other = self.turned(right, [*batch, *columns], [*sizes[0], *[1] * len(rows), *sizes[2]])
            return _Operand(self.parts("Mul", one, other), found)
        deep, wide = self.many(inner), self.many(columns)
        if batch:
            count = self.many(batch)
            one = self.turned(left, [*batch, *rows, *inner], [count, self.many(rows), deep])
            other = self.turned(right, [*batch, *inner, *columns], [count, deep, wide])
        else:
            one = self.turned(left, [*rows, *inner], [*(sizes[1] or [1]), deep])
            other = self.turned(right, [*inner, *columns], [deep, wide])
        name = self.parts("MatMul", one, other, scope="product")
        shape = [*sizes[0], *sizes[1], *sizes[2]] or [1]
        if self.parts.shape(name) != tuple(shape):
            name = self.parts("Reshape", name, shape=shape)
        return _Operand(name, found)


def _lettered(parts: Parts, equation: str) -> tuple[list[str], str]:
    """Letters for each operand and the output, with some for the axes of an ellipsis."""
    left, arrow, out = equation.replace(" ", "").partition("->")
    operands = left.split(",")
    names = parts.record.inputs
    if len(operands) != len(names):
        message = f"{equation} is of {len(operands)} operands, not of {len(names)}"
        raise wrong(parts.importer, parts.record, message)
    more, most = [], 0
    for name, letters in zip(names, operands, strict=True):
        rank, given = len(parts.shape(name)), len(letters.replace("...", ""))
        if rank < given or (rank > given and "..." not in letters):
            message = f"{letters} names {given} axes of {rank}"
            raise wrong(parts.importer, parts.record, message)
        more.append(rank - given)
        most = max(most, rank - given)
    free = [chr(FIRST_FREE + at) for at in range(most)]
    found = [
        letters.replace("...", "".join(free[most - count :]))
        for letters, count in zip(operands, more, strict=True)
    ]
    if not arrow:
        counts = Counter(left.replace("...", "").replace(",", ""))
        out = "..." + "".join(sorted(each for each, count in counts.items() if count == 1))
    return found, out.replace("...", "".join(free))


@rule("Einsum")
def _einsum(importer: Importer, record: Record) -> None:
    with Parts(importer, record) as parts:
        listed, out = _lettered(parts, str(record.attributes.get("equation", "")))
        notation = _Notation(parts)
        for name, letters in zip(record.inputs, listed, strict=True):
            for letter, size in zip(letters, parts.shape(name), strict=True):
                if notation.sizes.setdefault(letter, size) != size:
                    raise Unsupported  # an axis of size 1 that is repeated, or no product
        operands = [
            notation.plain(_Operand(name, letters))
            for name, letters in zip(record.inputs, listed, strict=True)
        ]
        result = operands[0]
        for at, operand in enumerate(operands):
            later = {letter for each in operands[at + 1 :] for letter in each.letters}
            if at:
                own = {*operand.letters} | {*result.letters}
                result = notation.product(
                    notation.summed(result, {*out} | later | {*operand.letters}),
                    notation.summed(operand, {*out} | later | {*result.letters}),
                    (own & {*out}) | (own & later),
                )
        result = notation.summed(result, out)
        shape = [notation.sizes[letter] for letter in out]
        parts.give(notation.turned(result, out, shape))
