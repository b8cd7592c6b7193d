"""The words of the table of networks: what it shows, and why a number differs."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["INTRODUCTION", "note"]

INTRODUCTION = (
    "Every model with random weights, imported by `memsim.from_torch`. *Parameters*: the elements",
    "of the distinct `Parameter`s that the forward pass reads, counted by watching its operators.",
    "*MACs*: half of what PyTorch's `FlopCounterMode` counts on shapes alone, with formulas added",
    "for the few operators that it lacks; one image a batch. Seconds are those of the processor",
    "for the import alone, MB what it adds to the peak of memory. `benchmarks/zoo.py` makes the",
    "table.",
    "",
)

NOTES: dict[str, str] = {}
"""Why a model's numbers differ from the count."""


def note(row: Mapping[str, str]) -> str:
    """Why a row's numbers are what they are; empty where nothing is to be said."""
    parts = [NOTES[row["model"]]] if row["model"] in NOTES else []
    if row["all_params"] != row["true_params"]:
        names = row["unused"].split()
        unused = int(row["all_params"]) - int(row["true_params"])
        listed = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        parts.append(f"{unused:,} parameters are not read: {listed}")
    return "; ".join(parts)
