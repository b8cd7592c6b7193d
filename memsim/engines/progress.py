"""How far a long pass has come: an engine tells whoever listens, and prints nothing itself.

Passes are made where a result is first asked for something, often long after its verb has
returned. So who wants to know says so for a stretch of time and not to each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int], object]
"""What is called with how much of a pass is done, and how much there is; the unit is the pass's.

A pass tells growing numbers, and ends when all is done. One that fails ends without a word.
"""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener of the passes that are made while a block runs.

    Examples
    --------
    >>> heard = []
    >>> with listening(lambda done, total: heard.append((done, total))):
    ...     tell(1, 2)
    >>> tell(2, 2)  # nobody listens
    >>> heard
    [(1, 2)]
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(done: int, total: int) -> None:
    """Say how far a pass has come."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total)
