"""``{peers} NETWORK``: a network in other tools, as ``benchmarks/results/peers.json`` has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "peers.json"

TABLE = """\
| {network} | CPU s | peak MB | read MB | written MB | 64 more sizes, CPU s |
| :-- | --: | --: | --: | --: | --: |
"""


class Peers(SphinxDirective):
    """A table with a row for each tool, and the notes of those that need one."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(RESULTS))
        (network,) = self.arguments
        found = json.loads(RESULTS.read_text(encoding="utf-8"))
        rows = [row for rows in found.values() for row in rows if row["network"] == network]
        rows.sort(key=lambda row: (not row["tool"].startswith("memsim"), row["tool"]))
        text = TABLE.format(network=f"**{network}**") + "\n".join(map(line, rows))
        failed = [f"{row['tool']}: {row['note']}." for row in rows if row["read_bytes"] is None]
        return self.parse_text_to_nodes("\n\n".join([text, *failed, ""]))


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    sizes = "–"
    if row["sizes_cpu_s"] is not None:
        sizes = f"{row['sizes_cpu_s']:,.1f}" + ("" if row["sizes_how"] == "measured" else " *")
    moved = ["–" if row[key] is None else mega(row[key]) for key in ("read_bytes", "write_bytes")]
    cells = [row["tool"], f"{row['cpu_s']:,.2f}", mega(row["peak_bytes"]), *moved, sizes]
    return f"| {' | '.join(cells)} |"


def mega(number: int) -> str:
    """Bytes in MB, to three digits after the point where it is little."""
    return f"{number / 1e6:,.{0 if number >= 1e8 else 1 if number >= 1e5 else 3}f}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("peers", Peers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
