"""Looks: the colours and hatches of the figures, on light and on dark ground."""

from __future__ import annotations

from typing import Any

from memsim.plot.style import BLACK, CAUSES, MEMORY, ROLES, Look, series

ON_DARK = {
    BLACK: "#e6e6e6",
    "#4d4d4d": "#c9ced6",
    "#9a9a9a": "#7d8590",
    "#d9d9d9": "#565d68",
    "#0072B2": "#1f80c4",
    "#56B4E9": "#8accf2",
    "#D55E00": "#ea7422",
    "#b84400": "#e05f1e",
    "#009E73": "#19b489",
}
"""What replaces a colour that is too dark, or too bright, on dark ground."""

DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
}

MEANING = {
    "weight": "parameters",
    "input": "the network's input",
    "activation": "feature maps, written back and read by the layer that needs them",
    "residual": "the second operand of an addition or product",
    "concat": "copies that a concatenation makes",
    "output": "the network's output",
    "scratch": "what a library keeps besides tensors: packed copies, objects of its own",
    "compulsory": "weights and inputs fetched once, outputs written once: the same at every size",
    "reload": "fetched again, because it was evicted while still needed",
    "spill": "written back, because it was evicted while still needed",
    "chain": "kept for the next reader",
    "waiting": "kept for a later reader: what shortcuts cost",
    "copy": "what a concatenation writes, for the next layer",
    "stays": "stays on chip",
    "travels": "goes to DRAM and back, at least in part",
}
"""What the words of the legends mean."""


def looks(names: list[str]) -> dict[str, Any]:
    """The look of each role, cause and use, and of each network in order.

    Examples
    --------
    >>> table = looks(["hardnet68"])
    >>> table["role"][0]["name"], table["role"][0]["light"], table["series"][0]["dash"]
    ('weight', '#0072B2', 'solid')
    """
    lives = {
        "stays": MEMORY["held"],
        "travels": Look(CAUSES["reload"].colour, CAUSES["reload"].hatch),
    }
    uses = {use: MEMORY[use] for use in ("chain", "waiting", "copy")}
    return {
        "role": [_look(name, look) for name, look in ROLES.items()],
        "cause": [_look(name, CAUSES[name]) for name in ("compulsory", "reload", "spill")],
        "use": [_look(name, look) for name, look in uses.items()],
        "life": [_look(name, look) for name, look in lives.items()],
        "series": [_look(name, series(number, name)) for number, name in enumerate(names)],
    }


def _look(name: str, look: Look) -> dict[str, str]:
    if isinstance(look.line, str):
        dash = DASHES[look.line]
    else:
        dash = ",".join(f"{2 * length}px" for length in look.line[1])
    return {
        "name": name,
        "light": look.colour,
        "dark": ON_DARK.get(look.colour, look.colour),
        "hatch": look.hatch[:1],
        "dash": dash,
        "symbol": SYMBOLS[look.marker],
        "meaning": MEANING.get(name, ""),
    }
