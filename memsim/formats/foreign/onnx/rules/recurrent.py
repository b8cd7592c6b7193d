"""Recurrent layers in ONNX."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.recurrent import Level, last_states, recurrent
from memsim.formats.foreign.onnx.arguments import integer, operand, rule, wrong
from memsim.formats.foreign.parts import Parts
from memsim.formats.foreign.records import Record, Unsupported

WAYS = {"forward": 1, "reverse": 1, "bidirectional": 2}


@rule("LSTM", "GRU", "RNN", "com.microsoft.DynamicQuantizeLSTM")
def _recurrent(importer: Importer, record: Record) -> None:
    quantised = record.target.endswith("DynamicQuantizeLSTM")
    kind = "lstm" if quantised else record.target.lower()
    way = record.attributes.get("direction", "forward")
    if way not in WAYS:
        raise wrong(importer, record, f"has the direction {way}, none of {', '.join(WAYS)}")
    last = bool(integer(importer, record, "layout", 0))  # tokens behind the sequences
    weights = [operand(record, number) for number in (1, 2, 3)]
    with Parts(importer, record) as parts:
        if operand(record, 7) or any(each and each not in importer.constants for each in weights):
            raise Unsupported  # peepholes; weights that are computed
        hidden = parts.shape(weights[1])[1 if quantised else -1]
        options: dict[str, Any] = {
            "hidden": hidden,
            "both": way == "bidirectional",
            "bias": bool(weights[2]),
        }
        states = []
        for number in (5, 6):
            name = operand(record, number)
            if name and name in importer.values:
                states.append(parts.turned(name, (1, 0, 2)) if last else name)
        level = Level(
            tuple(filter(None, weights)), options, tuple(states), backwards=way == "reverse"
        )
        name = record.inputs[0]
        name = name if last else parts.turned(name, (1, 0, 2))
        written = recurrent(parts, name, kind, [level])
        if parts.read(0):
            images, tokens, _ = parts.shape(written[0].name)
            apart = parts.seen(written[0].name, (images, tokens, WAYS[way], hidden))
            parts.give(apart if last else parts.turned(apart, (1, 2, 0, 3)))
        for number in (1, 2):
            if parts.read(number):
                state = last_states(parts, written)
                parts.give(parts.turned(state, (1, 0, 2)) if last else state, number)
