"""What is said of the traffic of the paper's networks."""

from __future__ import annotations

from memsim.paper.traffic import REFERENCE, PaperTraffic, TrafficRow
from memsim.results.sheets.configuration import configuration
from memsim.sheets.sheet import Grid, Sheet


def traffic_sheet(table: PaperTraffic, layers: int | None = None) -> Sheet:
    """Lay out the table; ``layers`` does not apply, all rows are shown."""
    said = dict(configuration(table.program, table.machine))
    ratios = [row.ratio for row in table.entries]
    best = table.by_name["fc_hardnet84"]
    traffic, cio = table.against(best)
    return Sheet(
        title="HarDNet (arXiv:1909.00948), CamVid: feature-map traffic and CIO, 3x352x480",
        facts=(
            ("machine", f"{table.machine.name}, fp32, one image"),
            *((label, said[label]) for label in ("cache", "buffers", "program")),
        ),
        grids=(
            Grid(
                "feature maps and CIO in MB",
                ("network", "moved", "CIO", "ratio", "of convs", "printed", "ratio to it"),
                tuple(_row(row) for row in table.entries),
            ),
            Grid(
                f"against {REFERENCE}",
                ("network", "moved", "CIO, printed", "weights"),
                tuple(_against(table, row) for row in table.entries),
            ),
        ),
        more=(
            ("ratio", f"{min(ratios):.2f} to {max(ratios):.2f}"),
            (
                best.network,
                f"{traffic:+.1%} in feature maps moved against {REFERENCE}; in the printed CIO "
                f"{cio:+.1%}",
            ),
        ),
        notes=(
            "Moved: DRAM traffic of all that is no weight. CIO: the paper's eq. 1, what each "
            "convolution reads and writes, once. With no cache and one tile per layer the "
            "convolutions move exactly that. A cache saves some of it, tiles read the rows at "
            "their edges twice, and pooling, which CIO leaves out, comes on top: of convs is "
            "the ratio of what convolutions alone move. Printed: the CIO of the paper's Table 2, "
            "which counts the 1x1 convolution of a transition down once though it is read and "
            "written, and so lies below eq. 1 for networks that have one.",
        ),
    )


def _row(row: TrafficRow) -> tuple[str, ...]:
    moved, cio = row.feature_map_bytes / 1e6, row.cio_bytes / 1e6
    return (
        row.network,
        f"{moved:.1f}",
        f"{cio:.1f}",
        f"{row.ratio:.3f}",
        f"{row.convolution_ratio:.3f}",
        f"{row.cio_paper_bytes / 1e6:.0f}",
        f"{row.ratio_paper:.3f}",
    )


def _against(table: PaperTraffic, row: TrafficRow) -> tuple[str, ...]:
    if row.network == REFERENCE:
        return (row.network, "-", "-", f"{row.weight_bytes / 1e6:.1f} MB")
    traffic, cio = table.against(row)
    return (row.network, f"{traffic:+.1%}", f"{cio:+.1%}", f"{row.weight_bytes / 1e6:.1f} MB")
