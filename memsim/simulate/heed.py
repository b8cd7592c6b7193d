"""Which verb heeds which option: one table, for Python, for the command line and for figures.

An option that cannot change an answer is an error, since who gives it expects it to. The table
says what a verb does not heed, and why; all else it heeds. What only a hardware cache heeds is
decided when the machine is known: see :attr:`memsim.engines.cache.managements.Management.heeds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from memsim.errors import InputError, Problem, did_you_mean
from memsim.simulate.options import OPTIONS, RUN_OPTIONS

__all__ = ["VERBS", "Verb", "heeded", "idle", "refuse", "why_not"]

Why = tuple[str, str]
"""What an option does nothing for, and what to do instead."""

NO_TIMES = ("changes times alone, of which nothing is told here", "memsim run tells them")
NO_SIZES = ("changes times alone, which are told at chosen cache sizes", "choose sizes, too")
BOTH_CLOCKS = ("chooses how times are found, and both ways find the same", "leave it out")
EVERY_SIZE = ("is one size, and the answer is for every size", "choose sizes to look at")
IS_ASKED = ("is what is asked for", "leave it out, or ask memsim run")
EVERY_POLICY = ("is one policy, and the answer is of all of them", "leave it out")
BOTH_POLICIES = ("is one policy, and two are looked at side by side", "leave it out")
NO_CACHE = ("changes what a cache keeps, which nothing here depends on", "memsim run tells it")
NO_LINES = ("is for a hardware cache, and this is about a scratchpad", "memsim run heeds it")
NO_TASKS = ("changes the tasks of kernels, and kernels alone are shown", "colour traffic heeds it")
NOT_SHOWN = ("changes nothing of what is shown here", "leave it out")
ONE_FRAME = ("is of several inferences, and this is about one", "memsim run heeds it")
PLANNED = ("is of kernels that place their tensors themselves", "memsim run heeds it")
NO_MACHINE = ("is of a machine, and a network alone is looked at here", "memsim run heeds it")

TIMES = ("bandwidth", "macs")
"""What decides when bytes move, and never which."""

SCHEDULE = ("schedule", "group", "groups", "strip", "overlap")
"""What decides in which order kernels run."""

TASKS = (*SCHEDULE, "buffer", "order", "register_tile", "tile", "images", "rows")
"""What decides how kernels are cut into tasks, and when these run."""

ADDRESSES = ("layout", "allocator")
"""What decides where tensors lie, where no library does."""

HEAP = ("heap",)
"""What decides it where a library does."""

CACHE = ("cache", "policy", "management")
"""What decides which bytes stay on chip, in any cache."""

LINES = ("ways", "fetch_on_write", "layout", "allocator")
"""What a cache heeds, if at all, because its unit is a line of an address space."""


@dataclass(frozen=True, slots=True)
class Verb:
    """What one verb does with the options of :mod:`memsim.simulate.options`.

    Attributes
    ----------
    refuses : mapping of str to (str, str)
        Options that cannot change its answer: why, and what to do instead.
    always : tuple of str
        Options that it heeds whatever the cache is.
    of_addresses : bool
        Whether it tells where bytes lie, which parts of rows do not in memsim.
    """

    refuses: Mapping[str, Why] = field(default_factory=dict)
    always: tuple[str, ...] = ()
    of_addresses: bool = False


def _all(why: Why, *options: str) -> dict[str, Why]:
    return dict.fromkeys(options, why)


_CLOCK = _all(BOTH_CLOCKS, "clock")
_NO_TIMES = {**_all(NO_TIMES, *TIMES), "clock": NO_TIMES}
_PLAN = {**_NO_TIMES, **_all(NO_CACHE, *CACHE, *LINES)}
_MINIMISED = {"sram": "cache", "bandwidth": "bandwidth", "macs": "macs"}
_NETWORK = _all(NO_MACHINE, *RUN_OPTIONS)

VERBS: dict[str, Verb] = {
    "run": Verb(),
    "compare": Verb(),
    "explain": Verb(_CLOCK),
    "curve": Verb({**_CLOCK, "cache": EVERY_SIZE}),
    "curve without sizes": Verb({**_CLOCK, **_all(NO_SIZES, *TIMES), "cache": EVERY_SIZE}),
    "size": Verb(_CLOCK),
    "size by traffic": Verb({**_NO_TIMES, "cache": IS_ASKED}),
    "size by time": Verb({**_CLOCK, "cache": IS_ASKED}),
    "size of bandwidth": Verb({**_CLOCK, "bandwidth": IS_ASKED}),
    "size of macs": Verb({**_CLOCK, "macs": IS_ASKED}),
    "design": Verb(_CLOCK),
    **{
        f"design of {' '.join(minimised)}": Verb(
            {**_CLOCK, **{_MINIMISED[name]: IS_ASKED for name in minimised}}
        )
        for count in (1, 2, 3)
        for minimised in combinations(_MINIMISED, count)
    },
    "bounds": Verb(
        {
            **_CLOCK,
            "policy": EVERY_POLICY,
            **_all(NO_LINES, *LINES, "library", "heap"),
        }
    ),
    "memory": Verb(
        {
            **_all(ONE_FRAME, "frames"),
            **{n: why for n, why in _PLAN.items() if n != "allocator"},
            **_all(PLANNED, "library", "heap"),
        },
        always=("allocator",),
    ),
    "microscope": Verb(
        {
            **_CLOCK,
            "policy": BOTH_POLICIES,
            **_all(ONE_FRAME, "frames"),
            **_all(NO_LINES, *LINES, "library", "heap"),
        }
    ),
    "search": Verb(_CLOCK),
    "diff": Verb(_CLOCK),
    "check": Verb(_CLOCK),
    "report": Verb({**_CLOCK, "frames": ONE_FRAME}),
    "sweep": Verb(_CLOCK),
    "trace": Verb(),
    "trace of requests": Verb(of_addresses=True),
    "trace of requests without times": Verb(_NO_TIMES, of_addresses=True),
    "graph": Verb(_NO_TIMES),
    "graph of kernels": Verb(
        {
            **_PLAN,
            **_all(NO_TASKS, *TASKS, "library", "heap"),
            **_all(NOT_SHOWN, "layer_order", "frames", "batch", "dtype"),
        }
    ),
    "graph of layers": Verb({**_NETWORK, **_all(NOT_SHOWN, "batch", "dtype")}),
    "figure": Verb(_CLOCK),
    "figure of traffic": Verb(_NO_TIMES),
    "figure of lives": Verb(
        {**_all(ONE_FRAME, "frames"), **{n: why for n, why in _PLAN.items() if n != "cache"}}
    ),
    "figure of a network": Verb({**_NETWORK, "dtype": NOT_SHOWN}),
    "network": Verb(_NETWORK),
}
"""What each verb does not heed. A verb that is asked in two ways has two lines.

``batch`` and ``dtype``, which say how a network is loaded, stand where they do nothing.
"""

MANY_SIZES = ("report", "sweep")
"""Verbs that take a cache, and answer for others with the same program."""


def heeded(verb: str) -> Iterator[str]:
    """The options that can change a verb's answer, on one machine or another.

    Examples
    --------
    >>> list(heeded("memory"))
    ['machine', 'buffer', 'lowering', 'layer_order', 'schedule', 'group', 'groups', 'strip',
    'overlap', 'order', 'register_tile', 'tile', 'images', 'rows', 'scores', 'allocator']
    """
    return (name for name in RUN_OPTIONS if name not in VERBS[verb].refuses)


def why_not(verb: str, option: str) -> Problem | None:
    """Why a verb does not heed an option; None where it does.

    Examples
    --------
    >>> print(why_not("size by traffic", "macs"))
    macs: changes times alone, of which nothing is told here (memsim run tells them)
    """
    why = VERBS[verb].refuses.get(option)
    return None if why is None else Problem(why[0], path=option, hint=why[1])


def refuse(verb: str, options: Mapping[str, object], own: Iterable[str] = ()) -> None:
    """Refuse options that a verb does not have, and those that do nothing for it.

    Parameters
    ----------
    verb : str
        A line of :data:`VERBS`.
    options : mapping
        As they were given; None stands for an option that was not.
    own : iterable of str
        What the verb can be told beyond :class:`memsim.simulate.Options`.

    Raises
    ------
    InputError
        With each of them, and why, or which option was perhaps meant.

    Examples
    --------
    >>> refuse("run", {"cach": "2MB"})
    Traceback (most recent call last):
    memsim.errors.InputError: unknown option 'cach' (did you mean 'cache'?)
    >>> refuse("bounds", {"policy": "fifo"})
    Traceback (most recent call last):
    memsim.errors.InputError: policy: is one policy, and the answer is of all of them (leave it out)
    """
    meant = [*OPTIONS, *own]
    problems = []
    for name, value in options.items():
        if name not in RUN_OPTIONS and name not in meant:
            hint = did_you_mean(name, meant)
            problems.append(Problem(f"unknown option {name!r}", hint=hint))
        elif value is not None and (problem := why_not(verb, name)):
            problems.append(problem)
    if problems:
        raise InputError(*problems)


def idle_with(library: str, options: Iterable[str]) -> list[Problem]:
    """What is wrong with options that a library decides by itself, or that only one heeds.

    Examples
    --------
    >>> print(*idle_with("onednn-avx2", ["order", "cache"]))
    order: is for kernels that are cut for buffers, and those of onednn-avx2 run (--library none)
    """
    if library == "none":
        message, hint = "is for the kernels of a library", "--library onednn-avx2"
        return [Problem(message, path=name, hint=hint) for name in options if name in HEAP]
    message = f"is for kernels that are cut for buffers, and those of {library} run"
    return [
        Problem(message, path=name, hint="--library none")
        for name in options
        if name in (*TASKS, *ADDRESSES)
    ]


def idle(
    verb: str, options: Iterable[str], management: str, heeds: Iterable[str], machine: str
) -> list[Problem]:
    """What is wrong with options that only another kind of cache heeds.

    Parameters
    ----------
    verb : str
    options : iterable of str
        Those that were given.
    management : str
        Of the machine's cache.
    heeds : iterable of str
        What that management heeds.
    machine : str
        Its name.

    Examples
    --------
    >>> print(*idle("run", ["ways"], "scratchpad", (), "edge"))
    ways: is for a hardware cache, and that of edge is a scratchpad (choose management hardware)
    """
    known = {*heeds, *VERBS[verb].always}
    return [
        Problem(
            f"is for a hardware cache, and that of {machine} is a {management}",
            path=name,
            hint="choose management hardware",
        )
        for name in options
        if name in LINES and name not in known
    ]
