"""The boundary: every error that a command ends with, as lines and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NoReturn

import click

from memsim.errors import MemsimError, Problem

__all__ = [
    "DEBUG",
    "INTERRUPTED",
    "TERMINATED",
    "UNFORESEEN",
    "as_far_as_it_is_read",
    "end_at_once",
    "end_when_told",
    "leave_at_once",
    "not_heeded",
    "open_streams",
    "told",
    "wants_traceback",
    "while_it_is_read",
]

DEBUG = "--debug"
"""The option before a command that lets what was not foreseen end with its traceback."""

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

TERMINATED = 143
"""The exit code after SIGTERM."""

REPORT = "please report it, with the command and what it prints as memsim --debug COMMAND ..."
UNFORESEEN = 3
"""The exit code where memsim itself is at fault."""


def wants_traceback(args: Sequence[str]) -> bool:
    """Whether ``--debug`` stands before the command.

    Examples
    --------
    >>> wants_traceback(["--debug", "run", "vgg16"]), wants_traceback(["run", "--debug"])
    (True, False)
    """
    for word in args:
        if not word.startswith("-"):
            return False
        if word == DEBUG:
            return True
    return False


def open_streams() -> None:
    """Give a process whose standard streams are closed some that lead nowhere.

    Else the next file that is opened would be taken for one of them. Standard error swallows all;
    writing to standard output fails, since an answer that nobody gets is none that was given.
    """
    while (handle := os.open(os.devnull, os.O_RDONLY)) < 3:
        pass
    os.close(handle)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


class Terminated(KeyboardInterrupt):
    """The system, or who started it, asks the process to end."""


def end_when_told() -> None:
    """Let SIGTERM unwind a command as Ctrl-C does, so that it leaves no temporary file behind.

    Only from the main thread, where alone a process can say what becomes of signals.
    """

    def terminate(number: int, frame: object) -> NoReturn:
        raise Terminated

    with suppress(ValueError):
        signal.signal(signal.SIGTERM, terminate)
        sys.unraisablehook = _until_it_is_heard


def end_at_once() -> None:
    """Let both signals end the process as the system does: there is nothing left to undo."""
    with suppress(ValueError):
        for each in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, signal.SIG_DFL)


def _until_it_is_heard(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal once more that came where Python lets no exception out, such as a callback."""
    if lost.exc_type is None or not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    import _thread  # a thread of threading is waited for until it runs, and signals come meanwhile

    kind: type[BaseException] = lost.exc_type
    while True:
        again = signal.SIGTERM if issubclass(kind, Terminated) else signal.SIGINT
        try:
            _thread.start_new_thread(_send_soon, (again,))
            return
        except KeyboardInterrupt as here:  # it came while this function runs, which lets none out
            kind = type(here)


SOON = 0.002
"""Seconds after which a signal that was lost is sent again: whoever lost it has returned then."""


def _send_soon(again: signal.Signals) -> None:
    time.sleep(SOON)
    os.kill(os.getpid(), again)


def leave_at_once(code: int) -> NoReturn:
    """End the process without giving its memory back first, which takes a second for gigabytes.

    What a command had to undo it has undone on the way here.
    """
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def told(error: BaseException) -> tuple[list[str], int]:
    """What is said of an error on standard error, and the exit code.

    Examples
    --------
    >>> told(MemsimError("no layers"))
    (['no layers'], 1)
    >>> told(KeyboardInterrupt())
    ([], 130)
    >>> for line in told(ZeroDivisionError("division by zero"))[0]:
    ...     print(line)
    this was not foreseen: ZeroDivisionError: division by zero
    please report it, with the command and what it prints as memsim --debug COMMAND ...
    """
    if (interrupted := _interruption(error)) is not None:
        return [], TERMINATED if isinstance(interrupted, Terminated) else INTERRUPTED
    match error:
        case MemsimError():
            return [_visible(str(problem)) for problem in error.problems], error.exit_code
        case MemoryError():
            return ["out of memory; try a smaller input or batch"], 1
        case OSError():
            if error.filename is None:  # nothing of ours is written without a name but the output
                _let_go_of_output()
                return [str(_not_printed(error))], 1
            reason = error.strerror or str(error) or type(error).__name__
            where = error.filename if isinstance(error.filename, str) else ""
            return [str(Problem(reason, file=where))], 1
        case RecursionError():
            return ["this is nested too deeply for Python's stack"], 1
    words = " ".join(str(error).split())[:300]
    kind = type(error).__name__
    return [f"this was not foreseen: {kind}{words and f': {words}'}", REPORT], UNFORESEEN


def _visible(text: str) -> str:
    r"""A message in which characters that would change a terminal, or the line, are escaped.

    Names in it are those of files and layers, and may hold anything.

    Examples
    --------
    >>> print(_visible("a.csv: \x1b[2Jconv\u2028: é"))
    a.csv: \x1b[2Jconv\u2028: é
    """
    shown = (c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
    return text if text.isprintable() else "".join(shown)


def not_heeded(error: click.ClickException) -> Problem | None:
    """Why a command has no such option, where that is one of simulations; else None."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return None
    from memsim.simulate.heed import VERBS, why_not
    from memsim.simulate.options import RUN_OPTIONS

    flag = error.option_name
    option = flag.removeprefix("--").removeprefix("no-").replace("-", "_")
    if option not in RUN_OPTIONS:
        return None
    command = error.ctx.info_name or ""
    verb = "figure" if command == "plot" else command
    if verb not in VERBS:
        return Problem(f"{command} simulates no machine", path=flag, hint="memsim run heeds it")
    why = why_not(verb, option)
    return replace(why, path=flag) if why else None


def _interruption(error: BaseException) -> KeyboardInterrupt | None:
    """The Ctrl-C or SIGTERM that an error is or came of, whatever a library made of it.

    Examples
    --------
    >>> try:
    ...     try:
    ...         raise Terminated
    ...     finally:
    ...         raise ImportError("half a module")
    ... except ImportError as error:
    ...     _interruption(error)
    Terminated()
    """
    at: BaseException | None = error
    found = None
    while at is not None:
        if isinstance(at, KeyboardInterrupt):
            found = at
        at = at.__context__ if at.__cause__ is None else at.__cause__
    return found or (KeyboardInterrupt() if isinstance(error, click.exceptions.Abort) else None)


def _not_printed(error: OSError) -> Problem:
    """Why standard output did not take the answer."""
    where = "standard output"
    if error.errno == errno.EBADF:
        return Problem("is closed, and the answer goes there", file=where, hint="-o writes a file")
    return Problem(f"cannot be written: {error.strerror or error}", file=where)


@contextmanager
def while_it_is_read() -> Iterator[None]:
    """End the command with 0 where the reader of what it prints has gone (``| head``).

    Click would end the process with 1, and in some versions without saying why.
    """
    try:
        yield
    except BrokenPipeError:
        _let_go_of_output()
        raise click.exceptions.Exit(0) from None


def _let_go_of_output() -> None:
    """Let the interpreter not complain at exit of what it could not write."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextmanager
def as_far_as_it_is_read() -> Iterator[None]:
    """Print within a block what somebody may stop to read; what comes behind it is done anyway."""
    try:
        yield
    except BrokenPipeError:
        _let_go_of_output()
