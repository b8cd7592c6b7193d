"""What is said of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsim.program.kernel import Cause, Role
from memsim.program.parts import Part, chosen, compulsory
from memsim.readable import format_bytes, format_count, format_rate, format_time
from memsim.results.details.layer_order import OrderGain, order_gain
from memsim.results.frames import Frame
from memsim.results.layer import LayerResult
from memsim.results.run import STALLS, Result
from memsim.results.sheets.accuracy import accuracy, beside
from memsim.results.sheets.configuration import configuration
from memsim.sheets.sheet import Grid, Sheet

if TYPE_CHECKING:
    from memsim.results.band import Band


def result_sheet(result: Result, layers: int | None = 10) -> Sheet:
    """Lay out a result.

    Parameters
    ----------
    layers : int or None
        How many rows the table of layers has, the heaviest first; None: all.
    """
    network, config = result.network, result.config
    shapes = ", ".join("x".join(map(str, shape)) for shape in config["input_shapes"])
    return Sheet(
        title=f"{network.name} ({shapes}, {network.dtype}) on {result.machine.name}",
        facts=configuration(result.program, result.machine),
        grids=(_traffic(result), _layers(result, layers)),
        more=_totals(result),
        notes=_notes(result),
    )


def _traffic(result: Result) -> Grid:
    table = result.by_role_and_cause
    causes = [cause.name.lower() for cause in Cause]
    rows = []
    for role in Role:
        row = table[role.name.lower()]
        if any(row.values()):
            amounts = [row[cause] for cause in causes]
            rows.append((role.name.lower(), *map(_bytes, [*amounts, sum(amounts)])))
    sums = []
    if result.only is not Part.WEIGHTS:
        maps = chosen(result.moved, Part.FEATURE_MAPS).sum(axis=(0, 1))
        sums.append((Part.FEATURE_MAPS.words, *map(_bytes, [*maps.tolist(), int(maps.sum())])))
    if result.only is None:
        amounts = [result.by_cause[cause] for cause in causes]
        sums.append(("total", *map(_bytes, [*amounts, result.dram_bytes])))
    title = "DRAM traffic" if result.only is None else f"DRAM traffic of {result.only.words}"
    return Grid(title, ("role", *causes, "total"), (*rows, *sums), total=len(sums))


def _bytes(amount: int) -> str:
    return format_bytes(amount) if amount else "-"


def _totals(result: Result) -> tuple[tuple[str, str], ...]:
    totals, network = result.totals, result.network
    frames = result.program.frames
    return (
        ("traffic", _moved(result)),
        *([("layer order", _order(gain))] if (gain := order_gain(result)) else []),
        *([("policy", _gap(result))] if result.traffic.at_least else []),
        *([("placement", _placement(result.band))] if result.band else []),
        *([] if result.only is Part.WEIGHTS else [("CIO", _cio(result))]),
        (
            "network",
            f"{format_count(network.macs)} MACs{' a frame' if frames > 1 else ''}, "
            f"{format_count(network.params)} parameters",
        ),
        *([("recomputed", _recomputed(result))] if "recomputed_macs" in totals else []),
        *([(f"frames {frames}", _frames(result))] if frames > 1 else []),
        (
            "time",
            f"{format_time(result.time_ps)}{beside(result.accuracy)}: compute busy "
            f"{totals['compute_utilization']:.0%}, DRAM busy {totals['dram_utilization']:.0%}, "
            f"stalled {format_time(int(totals['time_ps'] - sum(result.steps.compute)))}",
        ),
        ("accuracy", accuracy(result.accuracy, result.machine.name)),
        (
            "bandwidth",
            f"{_rate(totals['bandwidth_average_bytes_per_s'])} on average{_demand(result)}",
        ),
        *_energy(totals),
        (
            "memory",
            f"peak in cache {format_bytes(int(totals['peak_occupancy_bytes']))}; peak live "
            f"activations {format_bytes(int(totals['peak_live_activation_bytes']))}, "
            f"weights {format_bytes(int(totals['weight_bytes']))}",
        ),
        ("SRAM", f"{format_bytes(int(totals['sram_bytes']))}: {_on_chip(result)}"),
    )


def _recomputed(result: Result) -> str:
    """What strips compute again, beside what the network takes."""
    again: int = result.totals["recomputed_macs"]
    return f"{format_count(again)} MACs, {again / (result.program.macs - again):.1%} more"


def _on_chip(result: Result) -> str:
    """The memories that the SRAM is made of."""
    front = result.machine.cache.first_level
    cache = "cache" if front is None else "cache, its first level"
    return cache.replace(",", " and") if result.program.spans else f"{cache} and buffers"


def _moved(result: Result) -> str:
    """All of what moves, and its parts, each with how much more than compulsory it is."""
    parts = {part.words: (result.by_part[part], sum(compulsory(result.program, part)))
             for part in Part if result.only in (None, part)}  # fmt: skip
    told = []
    for name, (moved, least) in parts.items():
        times = f" ({moved / least:.2f} x compulsory)" if least else ""
        told.append(f"{name} {format_bytes(moved)}{times}")
    whole = f"{format_bytes(result.dram_bytes)}: " if result.only is None else ""
    return whole + ", ".join(told)


def _order(gain: OrderGain) -> str:
    """An order of layers beside the file's."""
    least = {"min_peak": "a lower peak", "min_traffic": "less traffic"}.get(gain.name)
    if not gain.moved_kernels:
        if least is None:
            return f"{gain.name} is the order of the file"
        known = "no order has" if gain.search == "exact" else "a beam search found none with"
        return f"{gain.name}: {known} {least} than the file's"
    peaks = (gain.peak_live_bytes, gain.file_peak_live_bytes)
    moved = (gain.dram_bytes, gain.file_dram_bytes)
    searched = f" ({gain.search})" if gain.search else ""
    return (
        f"{gain.name}{searched}: peak live {_beside_file(*peaks)}, traffic {_beside_file(*moved)}"
    )


def _beside_file(here: int, there: int) -> str:
    told = format_bytes(here)
    return f"{told} as in the file" if here == there else f"{told}, {format_bytes(there)} by file"


def _gap(result: Result) -> str:
    """How far the policy is from the best one, where it knows a bound."""
    moved, least = int(result.traffic.traffic.sum()), result.traffic.at_least
    name = result.machine.cache.policy
    if moved == least:
        return f"{name} is exact: no policy moves less in this order of tasks"
    above = -(-10_000 * (moved - least) // least) / 100  # rounded up
    return (
        f"{name} moves at most {above:g}% more than the best: no policy moves less than "
        f"{format_bytes(least)} in this order of tasks"
    )


def _placement(band: Band) -> str:
    """What the traffic depends on beyond the network and the machine."""
    low, high = format_bytes(band.low), format_bytes(band.high)
    return (
        f"{low} to {high}, by where the heap puts tensors, into memory that was freed last or "
        "never used, and by what the process touches besides"
    )


def _cio(result: Result) -> str:
    """CIO, beside what it estimates: the feature maps of a lowering that copies no concat."""
    network = result.network
    cio = network.cio * result.program.frames
    nbytes = network.cio_bytes * result.program.frames
    told = f"{format_count(cio)} elements = {format_bytes(nbytes)}"
    if result.program.options["lowering"] != "concat_free":
        return f"{told}, about what feature maps move under concat_free, without reuse"
    maps = result.by_part[Part.FEATURE_MAPS]
    return f"{told}; feature maps move {maps / nbytes:.2f} x that" if nbytes else told


def _frames(result: Result) -> str:
    """The first inference and the last one, apart."""
    frames = result.frames
    first, last = (
        f"{_of_frame(each, result.only)} in {format_time(each.time_ps)}"
        for each in (frames.first, frames.steady)
    )
    return f"the first {first}; {'a steady one' if frames.settled else 'the last'} {last}"


def _of_frame(frame: Frame, only: Part | None) -> str:
    if only is not None:
        return _bytes(frame.dram_bytes)
    return f"{format_bytes(frame.dram_bytes)} (weights {_bytes(frame.weight_bytes)})"


def _demand(result: Result) -> str:
    """At which bandwidths the compute engine would hardly wait."""
    tenth, hundredth = (result.bandwidth_for(share) for share in STALLS)
    if tenth is None:
        return "; no bandwidth keeps stalls below 10% of the time"
    more = "no bandwidth below 1%" if hundredth is None else f"{format_rate(hundredth)} below 1%"
    return f"; {format_rate(tenth)} would keep stalls below 10% of the time, {more}"


def _rate(value: float) -> str:
    return format_rate(round(value)) if value else "0"


def _energy(totals: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The energy, where the machine knows all of it."""
    if totals["energy_j"] is None:
        return ()
    whole, dram, onchip, macs = (
        joules_text(totals[f"energy_{part}j"]) for part in ("", "dram_", "onchip_", "mac_")
    )
    return (("energy", f"{whole}: DRAM {dram}, on chip {onchip}, MACs {macs}"),)


def joules_text(value: float) -> str:
    """Joules as people read them.

    Examples
    --------
    >>> joules_text(0.0123), joules_text(2.0)
    ('12.3 mJ', '2 J')
    """
    for unit, scale in (("J", 1.0), ("mJ", 1e-3), ("uJ", 1e-6), ("nJ", 1e-9)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-12:.3g} pJ"


def _layers(result: Result, count: int | None) -> Grid:
    heaviest = sorted(result.layers, key=lambda layer: -layer.dram_bytes)
    shown = heaviest if count is None else heaviest[:count]
    rows = [_layer(layer) for layer in shown]
    rest = heaviest[len(shown) :]
    title = "layers, the heaviest first"
    if rest:
        title = f"the {len(shown)} heaviest of {len(heaviest)} layers"
        rows.append(_sum(f"{len(rest)} others", rest))
    rows.append(_sum("total", heaviest))
    columns = ("layer", "weights", "maps read", "written", "MACs", "MoC", "time", "bound")
    hidden = _HIDDEN[result.only]
    kept = [place for place, column in enumerate(columns) if column not in hidden]
    return Grid(
        title,
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
        total=2 if rest else 1,
    )


_HIDDEN: dict[Part | None, tuple[str, ...]] = {
    None: (),
    Part.WEIGHTS: ("maps read", "written"),
    Part.FEATURE_MAPS: ("weights",),
}
"""Columns of the layers that are empty where one part alone is told."""


def _layer(layer: LayerResult) -> tuple[str, ...]:
    return (
        layer.name,
        *_split([layer]),
        format_count(layer.macs) if layer.macs else "-",
        f"{layer.moc:.1f}" if layer.moc is not None else "-",
        format_time(layer.time_ps),
        layer.bound,
    )


def _sum(name: str, layers: list[LayerResult]) -> tuple[str, ...]:
    macs = sum(layer.macs for layer in layers)
    return (
        name,
        *_split(layers),
        format_count(macs) if macs else "-",
        "",
        format_time(sum(layer.time_ps for layer in layers)),
        "",
    )


def _split(layers: list[LayerResult]) -> tuple[str, str, str]:
    """Weights fetched, feature maps fetched and feature maps written back or out."""
    weights = sum(layer.dram_weight_bytes for layer in layers)
    read = sum(layer.dram_read_bytes for layer in layers)
    return (
        _bytes(weights),
        _bytes(read - weights),
        _bytes(sum(la.dram_write_bytes for la in layers)),
    )


def _notes(result: Result) -> tuple[str, ...]:
    said = result.assumptions
    return (
        f"Assumed: {'; '.join(said['assumed'])}. Not counted: {'; '.join(said['not_counted'])}.",
    )
