"""What a page carries, read back without the page's own program."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from itertools import accumulate, islice
from typing import Any

import numpy as np

from memsim.engines.curve.curve import Movement
from memsim.program.kernel import Cause, Role


def facts_of(text: str) -> dict[str, Any]:
    """The facts inside a page."""
    found = re.findall(r'<script type="text/plain" id="facts">(.*?)</script>', text, re.DOTALL)
    assert len(found) == 1
    facts: dict[str, Any] = unpacked(found[0])
    return facts


def unpacked(text: str) -> Any:
    """The value that a text holds."""
    return json.loads(gzip.decompress(b64decode(text)))


def numbers(text: str) -> list[int]:
    """Read varints one bit pattern at a time."""
    found, value, shift = [], 0, 0
    for digit in b64decode(text):
        value |= (digit & 127) << shift
        shift += 7
        if digit < 128:
            found.append(value)
            value = shift = 0
    return found


CAUSES = {
    Movement.FETCH: Cause.COMPULSORY,
    Movement.RELOAD: Cause.RELOAD,
    Movement.SPILL: Cause.SPILL,
    Movement.RESULT: Cause.COMPULSORY,
}


def traffic_at(packed: dict[str, Any], capacity: int, kernels: int) -> Any:
    """Kernels x roles x causes at a capacity, as :meth:`Curve.at` has it."""
    kernel = list(accumulate(numbers(packed["kernel"])))
    role, move, always = (numbers(packed[name]) for name in ("role", "move", "always"))
    found = np.zeros((kernels, len(Role), len(Cause)), np.int64)
    rows = zip(numbers(packed["threshold"]), numbers(packed["bytes"]), strict=True)
    for group, count in enumerate(numbers(packed["rows"])):
        threshold, moved = 0, always[group]
        for rise, nbytes in islice(rows, count):
            threshold += rise
            moved += nbytes if threshold > capacity else 0
        found[kernel[group], role[group], CAUSES[move[group]]] += moved
    assert next(rows, None) is None
    return found
