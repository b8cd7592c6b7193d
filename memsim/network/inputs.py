"""The sizes of a network's inputs, as a caller gives them: one, or one by name.

The same words serve Python and the command line: ``(3, 224, 224)`` or ``"3x224x224"``, and
``"128:int64"`` where the data type matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.ops import Operator
from memsim.network.ops.shape import Input

__all__ = ["Given", "Size", "assign", "input_of", "size_of", "told"]

MOST_AXES = 16

_WRITTEN = re.compile(r"([0-9]{1,15}(?:[x,][0-9]{1,15})*)(?::([a-z]+[0-9]*))?")


class Size(NamedTuple):
    """The size of an input of one image.

    Attributes
    ----------
    axes : tuple of int
        Without the batch, such as channels, height and width.
    dtype : str
        PyTorch's name of its data type, where one is said.
    """

    axes: tuple[int, ...]
    dtype: str = ""


Given = str | Sequence[int] | Mapping[str, str | Sequence[int]]
"""A size, or sizes by the names of inputs."""


def size_of(given: str | Sequence[int], path: str = "") -> Size:
    """What a size stands for.

    Raises
    ------
    InputError
        If it is none; ``path`` is where it was given.

    Examples
    --------
    >>> size_of("3x224x224"), size_of((197, 192)), size_of("128:int64")
    (Size(axes=(3, 224, 224), dtype=''), Size(axes=(197, 192), dtype=''), Size(axes=(128,), \
dtype='int64'))
    >>> size_of("3x0x4")
    Traceback (most recent call last):
    memsim.errors.InputError: '3x0x4' is no input size; expected axes of at least 1 without the \
batch (such as 3x224x224 for images, 197x192 for tokens, 1x16000 for sound)
    """
    axes: tuple[int, ...] = ()
    dtype = ""
    if isinstance(given, str):
        found = _WRITTEN.fullmatch(given.strip())
        if found is not None:
            axes = tuple(map(int, re.split("[x,]", found[1])))
            dtype = found[2] or ""
    elif isinstance(given, Sequence) and all(type(axis) is int for axis in given):
        axes = tuple(map(int, given))
    if not 0 < len(axes) <= MOST_AXES or min(axes) < 1:
        shown = repr(given) if len(repr(given)) <= 60 else f"{repr(given)[:57]}..."
        message = f"{shown} is no input size; expected axes of at least 1 without the batch"
        hint = "such as 3x224x224 for images, 197x192 for tokens, 1x16000 for sound"
        raise InputError(Problem(message, path, hint))
    return Size(axes, dtype)


def input_of(size: Size, like: Operator | None = None) -> Input:
    """The operator of an input of a size, with the channels of another one if there was one.

    Raises
    ------
    InputError
        If memsim has no input of so many or such large axes.
    """
    try:
        return Input(shape=size.axes, channel=getattr(like, "channel", None))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"memsim has no input of {told(size.axes)}: {first['msg']}"
        raise InputError(Problem(message, "--input")) from None


def told(axes: Iterable[object]) -> str:
    """Axes as they are written.

    >>> told((3, 224, 224))
    '3x224x224'
    """
    return "x".join(map(str, axes))


def assign(
    given: Given,
    inputs: Mapping[str, Sequence[int] | None],
    whose: str,
    *,
    dtypes: bool = False,
) -> dict[str, Size]:
    """Find the input that each size is for.

    Parameters
    ----------
    given : str, sequence or mapping
    inputs : mapping
        The axes of each input without the batch, None where any are taken.
    whose : str
        The network's name.
    dtypes : bool
        Whether an input may have a data type of its own.

    Raises
    ------
    InputError
        For a size that is none, an unknown name, a size without a name where there are several
        inputs, and another number of axes than the input has.

    Examples
    --------
    >>> known = {"image": (3, 224, 224), "state": (2, 1, 128)}
    >>> assign({"image": "3x64x64"}, known, "net")
    {'image': Size(axes=(3, 64, 64), dtype='')}
    >>> assign({"imag": "3x64x64"}, known, "net")
    Traceback (most recent call last):
    memsim.errors.InputError: --input: net has no input 'imag' (did you mean 'image'?)
    >>> assign("3x64x64", known, "net")
    Traceback (most recent call last):
    memsim.errors.InputError: --input: net has 2 inputs, image 3x224x224 and state 2x1x128; which \
is 3x64x64? (such as --input image=3x64x64)
    >>> assign({"image": "197x192"}, known, "net")
    Traceback (most recent call last):
    memsim.errors.InputError: --input: image has 3 axes without the batch, such as 3x224x224; \
197x192 has 2
    """
    by_name = given if isinstance(given, Mapping) else {"": given}
    problems: list[Problem] = []
    sizes: dict[str, Size] = {}
    for word, value in by_name.items():
        size = size_of(value, "--input")
        name = word
        if not word and len(inputs) == 1:
            (name,) = inputs
        elif not word:
            listed = [f"{n} {told(axes)}" if axes else n for n, axes in inputs.items()]
            some = ", ".join(listed[:-1])
            all_ = f"{some} and {listed[-1]}" if some else "".join(listed)
            message = f"{whose} has {len(inputs)} inputs, {all_}; which is {told(size.axes)}?"
            fits = [n for n, axes in inputs.items() if axes and len(axes) == len(size.axes)]
            first = next(iter([*fits, *inputs]), "")
            hint = f"such as --input {first}={told(size.axes)}" if first else ""
            problems.append(Problem(message, "--input", hint))
            continue
        if name not in inputs:
            hint = did_you_mean(name, inputs)
            problems.append(Problem(f"{whose} has no input {name!r}", "--input", hint))
            continue
        axes = inputs[name]
        if axes is not None and len(axes) != len(size.axes):
            message = (
                f"{name} has {len(axes)} axes without the batch, such as {told(axes)}; "
                f"{told(size.axes)} has {len(size.axes)}"
            )
            problems.append(Problem(message, "--input"))
        elif size.dtype and not dtypes:
            message = f"{name} has the network's data type, not one of its own ({size.dtype})"
            problems.append(Problem(message, "--input", "--dtype chooses it"))
        sizes[name] = size
    if problems:
        raise InputError(*problems)
    return sizes
