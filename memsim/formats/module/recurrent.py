"""How PyTorch runs recurrent layers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError
from memsim.formats.module.layers import LAYERS, Operands
from memsim.network import Layer

if TYPE_CHECKING:
    from memsim.formats.module.draft import Draft

__all__ = ["LAYERS"]

MODULES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}


def _recurrent(kind: str) -> Callable[[Draft, Layer, Operands], Any]:
    def translate(draft: Draft, layer: Layer, operands: Operands) -> Any:
        op: Any = layer.op
        if len(operands) > 1:
            message = "begins with states that another layer writes; they are not built in PyTorch"
            raise InputError(layer.node.problem(message))
        tokens, features = layer.shapes[0][-2:]
        about = {"proj_size": op.projection or 0} if kind == "lstm" else {}
        module = getattr(draft.torch.nn, MODULES[kind])(
            features, op.hidden, bias=op.bias, batch_first=True, bidirectional=op.both, **about
        )
        (source,) = operands
        reshape = draft.torch.reshape
        if len(layer.shapes[0]) > 2:  # sequences of one image are more of the batch
            source = draft.call(layer, reshape, source, (-1, tokens, features))
        both = draft.module(layer, module, source)
        output = draft.call(layer, operator.getitem, both, 0)
        if len(layer.shapes[0]) > 2:
            output = draft.call(layer, reshape, output, (-1, *layer.output.image))
        return output

    return translate


for _kind in MODULES:
    LAYERS.add(_kind, _recurrent(_kind))
