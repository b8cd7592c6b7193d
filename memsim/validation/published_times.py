"""Published times beside those of the machines that were fitted to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from memsim.calibration.calibration import calibrate_published
from memsim.calibration.published import PUBLISHED, Published
from memsim.validation.check import Check, CheckRow, Claim, goal, same_order

Named = dict[str, CheckRow]


def gtx1080() -> Check:
    """The classifiers of Table 4 on a GTX 1080."""
    return _times("imagenet", "Table 4 on a GTX 1080", (0.04, 0.025), _faster_than_resnet)


def titan_v() -> Check:
    """The segmentation networks of Table 2 on a Titan V."""
    return _times("camvid", "Table 2 on a Titan V", (0.08, 0.06), _fc_pairs)


def jetson_nano() -> Check:
    """The networks with depthwise convolutions of Table 4 on a Jetson Nano."""
    return _times("nano", "Table 4 on a Jetson Nano", (), lambda rows: ())


def _times(
    name: str, title: str, most: tuple[float, ...], pairs: Callable[[Named], tuple[Claim, ...]]
) -> Check:
    """A check of published times; ``most``: errors that are aimed at, by network and by family."""
    found, published = calibrate_published(name), PUBLISHED[name]
    rows = tuple(
        CheckRow(
            row.name,
            1e3 * row.measured_s,
            1e3 * row.left_out_s,
            1e3 * row.simulated_s,
            None if row.family_out_s is None else 1e3 * row.family_out_s,
        )
        for row in found.networks
    )
    fitted = len(found.fit.fitted)
    check = Check(
        name=published.machine,
        title=f"Time: {title}",
        unit="ms",
        sample="left out",
        facts=(
            ("measured", f"{published.title}: {published.conditions}"),
            ("predicted", f"lowering {published.lowering}, memsim's engine on a machine fitted "
                          f"without the row's network{_variants(published)}; family: without any "
                          "of its relatives"),
            ("parameters", f"{fitted} fitted to {len(rows)} times: {', '.join(found.fit.fitted)}"),
            ("chosen", published.chosen),
        ),
        rows=rows,
        parameters=fitted,
        chosen=published.by_looking,
    )  # fmt: skip
    errors = (("MAPE", check.score), ("MAPE by family", check.family_score))
    goals = (
        goal(text, score.mape, limit)
        for (text, score), limit in zip(errors, most, strict=False)
        if score is not None
    )
    claims = (*goals, same_order(rows), *pairs({row.name: row for row in rows}))
    return replace(check, claims=claims)


def _variants(published: Published) -> str:
    """Which variants were run, where they are not the files' own."""
    if not published.variants:
        return ""
    named = ", ".join(f"{name}@{variant}" for name, variant in published.variants.items())
    return f"; run as {named}, the variants with the parameters that are printed"


def _faster_than_resnet(rows: Named) -> tuple[Claim, ...]:
    ours, other = rows["hardnet68"], rows["resnet50"]
    return (
        Claim(
            "hardnet68 below resnet50",
            _saved(ours.predicted, other.predicted),
            ours.predicted < other.predicted,
            _saved(ours.measured, other.measured),
        ),
    )


def _fc_pairs(rows: Named) -> tuple[Claim, ...]:
    fast, slow = rows["fc_hardnet84"], rows["fc_densenet103"]
    small, large = rows["fc_hardnet68"], rows["fc_densenet56"]
    half = small.predicted / large.predicted
    return (
        Claim(
            "fc_hardnet84 35-41 % below fc_densenet103",
            _saved(fast.predicted, slow.predicted),
            0.35 <= round(1 - fast.predicted / slow.predicted, 2) <= 0.41,
            _saved(fast.measured, slow.measured),
        ),
        Claim(
            "fc_hardnet68 about half of fc_densenet56",
            f"{100 * half:.1f} %",
            0.45 <= half <= 0.55,
            f"{100 * small.measured / large.measured:.1f} %",
        ),
    )


def _saved(one: float, other: float) -> str:
    return f"{100 * (one / other - 1):+.1f} %"
