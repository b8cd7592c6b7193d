"""Counterfactuals: what could be otherwise, one file and one line each.

A counterfactual proposes changes to a question, the likeliest first; each is run, and the one that
saves most is told. One that cannot be made (the network has no concat, the machine refuses the
data type) proposes nothing, or its run fails, which is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memsim.explanations.counterfactuals.bandwidth import twice_the_bandwidth
from memsim.explanations.counterfactuals.cache import more_cache
from memsim.explanations.counterfactuals.concats import concats_as_views
from memsim.explanations.counterfactuals.dtypes import fp16, int8, int8_weights
from memsim.explanations.counterfactuals.fused import fused_layers
from memsim.explanations.counterfactuals.groups import groups_of_layers
from memsim.explanations.counterfactuals.image import smaller_input
from memsim.explanations.counterfactuals.order import layers_in_another_order
from memsim.explanations.counterfactuals.parameters import other_parameters
from memsim.explanations.counterfactuals.shortcuts import shortcut_less
from memsim.explanations.counterfactuals.stages import halved_stage
from memsim.explanations.question import Change, Question
from memsim.registry import Registry
from memsim.results.run import Result

__all__ = ["COUNTERFACTUALS", "Counterfactual"]

Counterfactual = Callable[[Question, Result], Iterator[Change]]

COUNTERFACTUALS: Registry[Counterfactual] = Registry("counterfactual")
"""All of them: (question, what its run told) -> changes to try."""

COUNTERFACTUALS.add("concat_view", concats_as_views)
COUNTERFACTUALS.add("fused", fused_layers)
COUNTERFACTUALS.add("cache", more_cache)
COUNTERFACTUALS.add("bandwidth", twice_the_bandwidth)
COUNTERFACTUALS.add("int8", int8)
COUNTERFACTUALS.add("fp16", fp16)
COUNTERFACTUALS.add("int8_weights", int8_weights)
COUNTERFACTUALS.add("shortcut", shortcut_less)
COUNTERFACTUALS.add("stage", halved_stage)
COUNTERFACTUALS.add("input", smaller_input)
COUNTERFACTUALS.add("parameter", other_parameters)
COUNTERFACTUALS.add("groups", groups_of_layers)
COUNTERFACTUALS.add("layer_order", layers_in_another_order)
