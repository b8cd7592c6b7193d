"""Recurrent layers in ATen."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.recurrent import Level, last_states, recurrent
from memsim.formats.foreign.parts import Parts
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import rule

KINDS = {"lstm": "lstm", "gru": "gru", "rnn_tanh": "rnn", "rnn_relu": "rnn"}


@rule(*KINDS)
def _recurrent(importer: Importer, record: Record) -> None:
    about, kind = record.attributes, KINDS[record.target]
    if "batch_first" not in about:
        raise Unsupported  # sequences of several lengths, packed
    count = about["num_layers"]
    ways, states = (2 if about["bidirectional"] else 1), (2 if kind == "lstm" else 1)
    first, weights = record.inputs[1 : 1 + states], record.inputs[1 + states :]
    each, left = divmod(len(weights), count * ways)
    with Parts(importer, record) as parts:
        if left or any(name not in importer.constants for name in weights):
            raise Unsupported
        hidden = parts.shape(weights[1])[-1]
        options: dict[str, Any] = {"both": ways == 2, "bias": bool(about["has_biases"])}
        gates = parts.shape(weights[0])[0]
        options["hidden"] = gates // {"lstm": 4, "gru": 3, "rnn": 1}[kind]
        if hidden != options["hidden"]:
            options["projection"] = hidden
        given = [name for name in first if not _zero(importer, name)]
        levels = []
        for number in range(count):
            own = weights[number * each * ways : (number + 1) * each * ways]
            mine = [parts.cut(name, 0, number * ways, (number + 1) * ways) for name in given]
            levels.append(Level(own, options, tuple(mine)))
        name, shape = record.inputs[0], parts.shape(record.inputs[0])
        turned = len(shape) == 3 and not about["batch_first"]
        if turned:
            name = parts.turned(name, (1, 0, 2))
        elif len(shape) == 2:
            name = parts.seen(name, (1, *shape))
        written = recurrent(parts, name, kind, levels)
        output = written[-1].name
        if turned:
            output = parts.turned(output, (1, 0, 2))
        elif len(shape) == 2:
            output = parts.seen(output, parts.shape(output)[1:])
        parts.give(output)
        for number in range(1, 1 + states):
            if parts.read(number):
                if number == 2 and "projection" in options:
                    raise Unsupported
                last = last_states(parts, written)
                if len(shape) == 2:
                    size, _, features = parts.shape(last)
                    last = parts.seen(last, (size, features))
                parts.give(last, number)


def _zero(importer: Importer, name: str) -> bool:
    """Whether a first state is no tensor: a constant that nobody learns, such as zeros."""
    held = importer.constants.get(name)
    return held is not None and not held.learned
