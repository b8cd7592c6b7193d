"""Layer orders by name, and the programs of a network listed in one. A new one is one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.least_traffic import PEAK_SETS, least_traffic_order
from memsim.errors import MemsimError
from memsim.machine.cache import Cache
from memsim.network.graph import Network
from memsim.program import Program
from memsim.program.ordering import Found, Steps
from memsim.program.ordering.depth import depth_first_order
from memsim.program.ordering.peak import least_peak_order
from memsim.progress import counted, stage
from memsim.registry import Registry

EXACT, BEAM = "exact", "beam"
"""What is said of a search: no order costs less, or it does not know how good its order is."""

MOST_GROUPED = 3
"""Of the orders that are found kernel after kernel, in so many groups are looked for."""

LAYER_BY_LAYER = "layer_by_layer"
"""The schedule in which orders are searched: kernel after kernel."""

Programs = dict[str, Program]
Build = Callable[[Network, bool], Programs]
"""The programs of a network by their task order; kernel after kernel, if so asked."""


@dataclass(frozen=True, slots=True)
class LayerOrder:
    """A way to order layers.

    Attributes
    ----------
    find : callable
        The orders to choose from, given the steps of the file's program and the cache.
    cost : callable
        What is least in the one that is chosen; None where the first is taken as it is.
    of_cache : bool
        Whether it depends on the cache.
    told : str
        What is said of it.
    """

    find: Callable[[Steps, Cache], Found]
    cost: Callable[[Program, Cache], int] | None = None
    of_cache: bool = False
    told: str = ""

    @property
    def searches(self) -> bool:
        """Whether it is chosen by what it costs."""
        return self.cost is not None


def peak(program: Program, cache: Cache) -> int:
    """The most bytes of feature maps that are live at once."""
    return int(program.live_bytes.max(initial=0))


def traffic(program: Program, cache: Cache) -> int:
    """DRAM bytes."""
    moved = cache_pass(program, cache)
    return moved.read_bytes + moved.write_bytes


LAYER_ORDERS: Registry[LayerOrder] = Registry("layer order")
"""Every layer order by name."""

for _name, _order in (
    ("file", LayerOrder(lambda steps, cache: Found(()), told="As the network's file lists them.")),
    (
        "dfs",
        LayerOrder(
            lambda steps, cache: depth_first_order(steps),
            told="Branch after branch, each as far as it goes.",
        ),
    ),
    (
        "min_peak",
        LayerOrder(
            lambda steps, cache: least_peak_order(steps),
            peak,
            told="The fewest bytes of feature maps live at once.",
        ),
    ),
    (
        "min_traffic",
        LayerOrder(
            least_traffic_order,
            traffic,
            of_cache=True,
            told="The least DRAM traffic at the machine's cache.",
        ),
    ),
):
    LAYER_ORDERS.add(_name, _order)


def ordered(name: str, network: Network, cache: Cache, build: Build) -> Programs:
    """Build the programs of a network whose layers are listed in an order.

    Each found order is built and counts by what it costs then, beside the file's. So none is
    chosen that costs more. Where groups are looked for in each, which takes longer, the best few
    kernel after kernel are tried, and the orders that need no cache.

    Parameters
    ----------
    name : str
        A key of :data:`LAYER_ORDERS`.
    network : Network
    cache : Cache
    build : callable
        (network, whether kernel after kernel) -> programs.

    Returns
    -------
    dict of str to Program
        As ``build`` makes them. Options ``layer_order`` and ``layer_order_search`` tell the order
        and how it was found, and ``file_order`` is the program in the file's order.
    """
    order = LAYER_ORDERS[name]
    file = build(network, False)
    plain = next(iter(file.values()))
    if plain.options["schedule"] != LAYER_BY_LAYER:
        plain = next(iter(build(network, True).values()))
    steps = Steps(plain.one_frame)
    with stage(f"search for the layer order {name}"):
        found = order.find(steps, cache)
    chosen, cost = file, _cost(order, file, cache)
    told_groups = str(next(iter(file.values())).options.get("groups"))
    grouped = order.searches and told_groups.startswith("auto")
    listings = _to_group(order, steps, found, cache, build) if grouped else found.orders
    for listing in counted(listings, "layer orders tried"):
        if grouped and cost == plain.compulsory_bytes:
            break
        try:
            programs = build(steps.listed(listing), False)
        except MemsimError:  # groups by hand are none in this listing
            if not order.searches:
                raise
            continue
        less = _cost(order, programs, cache)
        if less is None or cost is None or less < cost:
            chosen, cost = programs, less
    told: dict[str, str | int] = {"layer_order": name}
    if found.search:
        same = plain.frames == 1 and any(plain is each for each in file.values())
        if grouped:  # nothing else is known of orders and groups together
            sure = steps.forced or cost == plain.compulsory_bytes
            told["layer_order_search"] = EXACT if sure else BEAM
        else:
            told["layer_order_search"] = found.search if same else BEAM
    return {
        each: replace(program, options={**program.options, **told}, file_order=file[each])
        for each, program in chosen.items()
    }


def _to_group(
    order: LayerOrder, steps: Steps, found: Found, cache: Cache, build: Build
) -> tuple[tuple[int, ...], ...]:
    """The orders in which groups are looked for, beside the file's."""
    if steps.forced:
        return ()
    best = found.orders
    if len(best) > MOST_GROUPED:
        costs = [_cost(order, build(steps.listed(each), True), cache) or 0 for each in best]
        best = tuple(best[n] for n in sorted(range(len(best)), key=costs.__getitem__))
    others = depth_first_order(steps).orders + least_peak_order(steps, PEAK_SETS).orders
    tried = dict.fromkeys((*best[:MOST_GROUPED], *others))
    tried.pop(tuple(range(len(steps))), None)
    return tuple(tried)


def _cost(order: LayerOrder, programs: Mapping[str, Program], cache: Cache) -> int | None:
    if order.cost is None:
        return None
    return order.cost(next(iter(programs.values())), cache)
