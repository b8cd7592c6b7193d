"""What is said of what rules the time."""

from __future__ import annotations

from memsim.sheets.sheet import Grid, Sheet
from memsim.validation.rule import Rule, Rules

NAMES = {
    "macs": "MACs",
    "cio": "CIO",
    "traffic": "traffic",
    "feature_maps": "maps",
    "kernels": "kernels",
}


def rules_sheet(facts: Rules, layers: int | None = None) -> Sheet:
    """Lay out what rules the time; ``layers`` does not apply."""
    return Sheet(
        title=f"What rules the time of {facts.networks} networks",
        facts=(
            ("number", "Spearman's rank correlation of the time with each; 1: the same order"),
            ("networks", "those of the HarDNet paper's Table 4, each as the machine runs it"),
            ("CIO", "elements that convolutions read and write (arXiv:1909.00948)"),
            ("traffic", "DRAM bytes, as memsim has them; maps: all of them but weights"),
            ("kernels", "how many there are: each costs its overhead"),
            (
                "predicted",
                "such a time is made of MACs, traffic and kernels: its ranks say what "
                "rules in the model, and those of a measured one what ruled",
            ),
            *_findings(facts),
        ),
        grids=(
            Grid(
                "time, predicted where it is not called measured",
                ("", "input", "dtype", *NAMES.values(), "ruled by"),
                tuple(_row(rule) for rule in facts.rules),
            ),
        ),
    )


def _row(rule: Rule) -> tuple[str, ...]:
    numbers = (f"{value:.2f}" if value else "-" for value in rule.by.values())
    return (_name(rule), str(rule.size), rule.dtype, *numbers, NAMES[rule.ruler])


def _name(rule: Rule) -> str:
    return f"{rule.machine}, measured" if rule.measured else rule.machine


def _findings(facts: Rules) -> tuple[tuple[str, str], ...]:
    """Where each of them rules."""
    places: dict[str, list[str]] = {}
    for rule in facts.rules:
        places.setdefault(rule.ruler, []).append(f"{_name(rule)} {rule.size}")
    return tuple(
        (f"ruled by {NAMES[name]}", "; ".join(places[name])) for name in NAMES if name in places
    )
