"""How far long work has come: who works says so, whoever listens is told, and nothing is printed.

Work is made where a result is first asked for something, often long after its verb has returned,
and deep in rooms that know of no terminal. So who wants to know says so for a stretch of time, and
not to each call. Where nobody listens a stage costs less than a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["Listener", "Stage", "counted", "listening", "stage"]

Item = TypeVar("Item")


class Stage:
    """A piece of work that may take long.

    Attributes
    ----------
    what : str
        What is made or counted, as somebody reads it who waits.
    done, total : int
        How much is done, of how much; the unit is the stage's. 0 in all: nobody knows how much
        there is.
    ended : bool
        Whether it is over, with or without success.
    """

    __slots__ = ("_listener", "done", "ended", "total", "what")

    def __init__(self, what: str, total: int = 0, listener: Listener | None = None) -> None:
        self.what, self.done, self.total, self.ended = what, 0, total, False
        self._listener = listener

    def tell(self, done: int, total: int | None = None) -> None:
        """Say how far it is, and how much there is where that was not known before."""
        if self._listener is None:
            return
        self.done = done
        if total is not None:
            self.total = total
        self._listener(self)

    def __repr__(self) -> str:
        return f"<Stage {self.what}: {self.done} of {self.total}{' ended' * self.ended}>"


Listener = Callable[[Stage], object]
"""What is called with a stage when it begins, now and then while it lasts, and when it has ended.

A stage may begin inside another one, and ends before it.
"""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)

SELDOM = 256
"""Items between two calls of a listener: it may look at a stage by itself at any time."""


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Tell a listener of the stages that begin while a block runs; None: nobody.

    Parameters
    ----------
    listener : callable, optional
        Called with a :class:`Stage` when that begins, while it lasts, and when it has ended.

    Examples
    --------
    >>> told = []
    >>> with listening(lambda now: told.append((now.what, now.done, now.total, now.ended))):
    ...     with stage("cache sizes", 3) as now:
    ...         now.tell(1)
    >>> told
    [('cache sizes', 0, 3, False), ('cache sizes', 1, 3, False), ('cache sizes', 1, 3, True)]
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def stage(what: str, total: int = 0) -> Iterator[Stage]:
    """Do a piece of work that may take long.

    Examples
    --------
    >>> def work():
    ...     with stage("cache accesses", 2) as now:
    ...         now.tell(2)
    >>> with listening(print):
    ...     work()
    <Stage cache accesses: 0 of 2>
    <Stage cache accesses: 2 of 2>
    <Stage cache accesses: 2 of 2 ended>
    >>> work()  # nobody listens
    """
    listener = _listener.get()
    now = Stage(what, total, listener)
    if listener is None:
        yield now
        return
    listener(now)
    try:
        yield now
    finally:
        now.ended = True
        listener(now)


def counted(items: Iterable[Item], what: str, total: int = 0) -> Iterable[Item]:
    """The same items; going through them is a stage.

    Parameters
    ----------
    items : iterable
    what : str
    total : int, optional
        How many there are, where that is not the length of ``items``.

    Examples
    --------
    >>> with listening(print):
    ...     list(counted("ab", "letters"))
    <Stage letters: 0 of 2>
    <Stage letters: 2 of 2 ended>
    ['a', 'b']
    """
    if _listener.get() is None:
        return items
    return _told(items, what, total or _length(items))


def _told(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    with stage(what, total) as now:
        for number, item in enumerate(items):
            now.done = number
            if number and not number % SELDOM:
                now.tell(number)
            yield item
        now.done = total


def _length(items: Iterable[object]) -> int:
    return len(items) if isinstance(items, Sized) else 0
