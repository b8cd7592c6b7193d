"""Compiling the few loops that are too long for Python, when they are first called.

The machine code is kept on disk, so that a computer compiles each loop once, and later processes
load it without the compiler. It lies in ``__pycache__`` beside the module or, where that cannot be
written, in the user's cache directory; the environment variable ``NUMBA_CACHE_DIR`` names another
place. Where nothing can be written the loop is compiled anew by every process, and what is damaged
is replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from pathlib import Path
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

    Numba is imported then and not before, and not at all where the machine code is on disk. The
    function may call plain functions by their names: these are compiled into it.

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
            from memsim.engines.kept_code import Loop, source_digest, with_callees

            kept = Loop.of(function, signature, options)
            if kept and (found := kept.machine_code()):
                return found
            import numba

            with_callees(function)
            try:
                made: Any = numba.njit(cache=True, **options)(function)
            except (RuntimeError, OSError) as error:
                if "cannot cache" not in str(error) and not isinstance(error, OSError):
                    raise
                return numba.njit(signature, **options)(function)  # type: ignore[no-any-return]
            with suppress(AttributeError):  # a Numba that keeps them otherwise
                _watch(made, source_digest(function))
            made.compile(signature)
            made.disable_compile()
            return made  # type: ignore[no-any-return]

        @wraps(function)
        def call(*arguments: Any) -> Any:
            return machine_code()(*arguments)

        return call  # type: ignore[return-value]  # the same parameters and result

    return decorate


def _watch(made: Any, source: bytes) -> None:
    """Let a loop be compiled where what is kept is damaged, of other source or cannot be written.

    Numba looks at the loop's own file, and not at those of what the loop calls and names. Its cache
    raises whatever its reader of damaged files raises, and writes the index, which names a file of
    machine code, before that file: where another version's lies there still, and the process is
    killed in between, the next one would run the other version. So that file goes first.

    Parameters
    ----------
    made : Numba's dispatcher
    source : bytes
        A digest of all that the machine code is made of.
    """
    kept = made._cache
    find, keep, files = kept.load_overload, kept.save_overload, kept._cache_file
    write_index, key_of = files._save_index, kept._index_key

    def load_overload(*asked: Any) -> Any:
        try:
            return find(*asked)
        except Exception:  # whatever a pickle that is cut short or overwritten raises
            with suppress(Exception):
                kept.flush()
            return None

    def save_overload(*compiled: Any) -> None:
        with suppress(Exception):  # a full disk, or an index that can be neither read nor replaced
            keep(*compiled)

    def save_index(named: dict[Any, str]) -> None:
        for name in [*named.values()][-1:]:
            Path(files._data_path(name)).unlink(missing_ok=True)
        write_index(named)

    kept.load_overload, kept.save_overload = load_overload, save_overload
    files._save_index, kept._index_key = save_index, lambda *asked: (key_of(*asked), source)


def plain_will_do(accesses: int, most: int = LOADED_AFTER) -> bool:
    """Whether a plain loop serves so many rounds: few, in a process without the compiler."""
    return accesses <= most and "llvmlite" not in sys.modules


def load_compiler() -> None:
    """Load it now: passes that have a plain loop for short traces then take the compiled one.

    For who runs many of them, or needs the compiler anyway.
    """
    import llvmlite.binding  # noqa: F401
