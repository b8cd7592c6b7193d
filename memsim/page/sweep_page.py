"""The page of a sweep: its numbers along any two of its axes, at any value of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from memsim.page.html_page import heading
from memsim.page.sweep_facts import sweep_facts
from memsim.page.template import PACKAGE, asset, filled
from memsim.plot.variables import value_text
from memsim.sweeps.dataset import failures

SCRIPTS = tuple(
    (PACKAGE, part)
    for part in (
        "unpack", "facts", "units", "search", "sweep_state", "page", "chart", "pointer",
        "download", "theme", "entered", "address", "plots", "sweep",
    )
)  # fmt: skip
"""The parts of the program, in order; each may use what those before it define."""

MOST_NAMES = 6
"""Networks that the heading names."""

MOST_REASONS = 10
"""Why points failed."""

TOLD = ("machine", "lowering", "schedule", "order", "management", "policy", "dtype", "batch")
"""What of the configuration is told at once, where it is the same at all points."""


def sweep_page(dataset: Any) -> str:
    """Build the page of a sweep.

    Parameters
    ----------
    dataset : xarray.Dataset
        As :func:`memsim.sweep` returns it and :func:`memsim.load_sweep` reads it.

    Returns
    -------
    str
        HTML that needs no other file and no network.

    Raises
    ------
    InputError
        As :func:`~memsim.page.sweep_facts.sweep_facts`.
    """
    facts = sweep_facts(dataset)
    names = [str(name) for name in dataset["network"].values.ravel()]
    told = names if len(names) <= MOST_NAMES else [f"{len(names):,} networks"]
    axes = ", ".join(f"{axis['label']} ({len(axis['texts']):,})" for axis in facts["axes"])
    parts = {
        "title": escape(f"a sweep of {', '.join(told)}"),
        "heading": heading(told),
        "beside": "",
        "lead": escape(
            f"A sweep along {axes}. Choose a "
            "number, what it is drawn along, and the values of all else. Every number is what a "
            "run of that point tells."
        ),
        "configuration": _configuration(dataset),
        "resolved": _resolved(dataset),
        "failures": _failures(dataset),
    }
    return filled(asset(PACKAGE, "sweep.html"), parts, facts, SCRIPTS)


def _configuration(dataset: Any) -> str:
    """What is the same at all points: axes of one value, and the machine."""
    config = json.loads(dataset.attrs.get("config", "{}"))
    single = {
        str(dataset[name].attrs.get("long_name", name)): value_text(
            dataset[name].expand_dims("_"), 0
        )
        for name in dataset.coords
        if not dataset[name].dims
    }
    told = {name: config[name] for name in TOLD if config.get(name) is not None}
    return _listed({**told, **single, "memsim": dataset.attrs.get("memsim_version", "")})


def _resolved(dataset: Any) -> str:
    """The resolved configuration as far as it is the same at all points, named as in JSON."""
    config = json.loads(dataset.attrs.get("config", "{}"))
    return _listed({name: value for name, value in config.items() if value is not None})


def _listed(facts: Mapping[str, Any]) -> str:
    """Facts as entries of a list of descriptions."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in facts.items()
    }
    return "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in texts.items()
    )


def _failures(dataset: Any) -> str:
    """Why points have no numbers, the most frequent reasons first."""
    reasons = failures(dataset).most_common(MOST_REASONS)
    items = "".join(f"<li>{count:,}: {escape(reason)}</li>" for reason, count in reasons)
    return f"<h3>Points that failed</h3><ul class='notes'>{items}</ul>" if reasons else ""
