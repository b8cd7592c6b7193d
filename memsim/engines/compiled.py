"""Compiling the few loops that are too long for Python, when they are first called.

The machine code is kept on disk, so that a computer compiles each loop once. It lies in
``__pycache__`` beside the module or, where that cannot be written, in the user's cache
directory; the environment variable ``NUMBA_CACHE_DIR`` names another place. Where nothing can
be written the loop is compiled anew by every process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

LOADED_AFTER = 2_100_000
"""Accesses that plain Python serves before a compiled loop is loaded, some 0.6 s."""

INFINITE = 2**63 - 1
"""A threshold that no capacity reaches: the access misses in every cache."""


def in_python(function: F) -> F:
    """What :func:`compiled` was given: the same loop for few rounds, without the compiler."""
    return function.__wrapped__  # type: ignore[attr-defined,no-any-return]


def compiled(signature: str, **options: Any) -> Callable[[F], F]:
    """Compile a function of integers and arrays for one signature, on its first call.

    Numba is imported then and not before: what needs no compiled loop does not pay for it.

    Parameters
    ----------
    signature : str
        In Numba's notation: ``"int64(int64[::1], int64)"``. ``Array(int64, 1, 'C', True)`` takes
        read-only arrays too.
    **options
        More for ``numba.njit``, such as ``nogil=True``.

    Examples
    --------
    >>> @compiled("int64(int64)")
    ... def twice(number):
    ...     return 2 * number
    >>> in_python(twice)(21)  # without Numba
    42
    """

    def decorate(function: F) -> F:
        @cache
        def machine_code() -> Callable[..., Any]:
            import numba

            try:
                return numba.njit(signature, cache=True, **options)(function)  # type: ignore[no-any-return]
            except RuntimeError as error:
                if "cannot cache" not in str(error):
                    raise
                return numba.njit(signature, **options)(function)  # type: ignore[no-any-return]

        @wraps(function)
        def call(*arguments: Any) -> Any:
            return machine_code()(*arguments)

        return call  # type: ignore[return-value]  # the same parameters and result

    return decorate


def plain_will_do(accesses: int, most: int = LOADED_AFTER) -> bool:
    """Whether a plain loop serves so many rounds: few, in a process without the compiler."""
    return accesses <= most and "numba" not in sys.modules


def load_compiler() -> None:
    """Load Numba now: passes that have a plain loop for short traces then take the compiled one.

    For who runs many of them, or needs the compiler anyway.
    """
    import numba  # noqa: F401
