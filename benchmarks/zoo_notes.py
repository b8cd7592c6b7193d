"""The words of the table of networks: what it shows, and why a number differs."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["INTRODUCTION", "explained", "note"]

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


def explained(row: Mapping[str, str]) -> bool:
    """Whether a row's numbers differ by what depends on no input, or as :data:`NOTES` says."""
    folded = int(row["constant_macs"] or 0)
    same = row["params"] == row["true_params"]
    return row["model"] in NOTES or (same and int(row["macs"]) + folded == int(row["true_macs"]))


def note(row: Mapping[str, str]) -> str:
    """Why a row's numbers are what they are; empty where nothing is to be said."""
    parts = [NOTES[row["model"]]] if row["model"] in NOTES else []
    if row["constant_macs"] and row["macs"] != row["true_macs"]:
        count = int(row["constant_macs"])
        parts.append(f"{count:,} MACs depend on no input: made once, not at every pass")
    if row["all_params"] != row["true_params"]:
        names = row["unused"].split()
        unused = int(row["all_params"]) - int(row["true_params"])
        listed = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        parts.append(f"{unused:,} parameters are not read: {listed}")
    return "; ".join(parts)
