"""Machine code that is kept on disk: loaded without the compiler, and never the wrong one."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memsim.engines.compiled import compiled
from memsim.engines.kept_code import Loop

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform != "linux",
    reason="machine code is kept by Numba on other processors and systems",
)

SIGNATURE = "UniTuple(int64, 2)(Array(int32, 1, 'C', True), int64[:,::1], boolean)"


def rows(given: np.ndarray, sums: np.ndarray, twice: bool) -> tuple[int, int]:
    """Add what is given to both rows, the second in reverse, and count it."""
    total = 0
    for at in range(len(given)):
        amount = 2 * given[at] if twice else given[at]
        sums[0, at] += amount
        sums[1, len(given) - 1 - at] -= amount
        total += amount
    return len(given), total


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


def made_anew(function: Callable[..., object] = rows, text: str = SIGNATURE) -> bool:
    """Whether a loop is compiled, and not only loaded; either way it does what Python does."""
    loop = Loop.of(function, text, {})
    assert loop
    compiles = []
    with pytest.MonkeyPatch.context() as patch:
        real = Loop._compiled
        patch.setattr(Loop, "_compiled", lambda self: compiles.append(1) or real(self))
        call = loop.machine_code()
    assert call
    given = np.array([3, -5, 7], np.int32)
    given.flags.writeable = False
    for twice in (False, True):
        told, plain = np.zeros((2, 2, 3), np.int64)
        assert call(given, told, twice) == function(given, plain, twice)
        assert told.tolist() == plain.tolist()
    return bool(compiles)


def test_it_is_compiled_once_and_whatever_is_damaged_anew(folder: Path) -> None:
    assert made_anew()
    assert not made_anew()
    loop = Loop.of(rows, SIGNATURE, {})
    assert loop
    [kept] = folder.iterdir()
    whole = kept.read_bytes()
    flipped = bytes([whole[0] ^ 1]) + whole[1:]
    for damaged in (b"", whole[:-1], whole[:40], flipped, whole[:-3] + b"abc"):
        kept.write_bytes(damaged)
        assert loop._kept() is None
    assert made_anew()
    assert loop._kept()
    assert [each.name for each in folder.iterdir()] == [kept.name]  # and nothing beside it


def test_where_nothing_can_be_kept_it_is_compiled_every_time(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", "/dev/null/folder")
        assert compiled("int64(int64)")(lambda number: 2 * number)(21) == 42
    assert not list(folder.iterdir())


def test_it_is_of_this_source_and_of_what_the_source_names(folder: Path) -> None:
    def scaled(factor: int, body: str = "factor * number") -> Callable[[int], int]:
        names: dict[str, object] = {"factor": factor}
        exec(f"def scale(number):\n    return {body}", names)
        return compiled("int64(int64)")(names["scale"])  # type: ignore[no-any-return,arg-type]

    assert [scaled(2)(21), scaled(3)(21)] == [42, 63]
    assert scaled(2, "factor + number")(21) == 23


CALLING = """
def inner(x):
    return x * amount

def outer(x):
    return inner(x) + 1

def loop(x):
    return outer(x)
"""


def calling(amount: int) -> Callable[[int], int]:
    """A loop that calls a function that calls one that names the amount."""
    names: dict[str, object] = {"amount": amount}
    exec(CALLING, names)
    return names["loop"]  # type: ignore[return-value]


def test_it_is_of_the_functions_that_it_calls(folder: Path) -> None:
    sources = []
    for amount in (2, 3, 2):
        loop = Loop.of(calling(amount), "int64(int64)", {})
        assert loop
        sources.append(loop._source())
        call = loop.machine_code()
        assert call
        assert call(7) == 7 * amount + 1 == loop.function(7)
    assert sources[0] == sources[2] != sources[1]


@pytest.mark.slow
def test_it_is_so_where_numba_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On other processors, and in a file of its own that does not change."""
    monkeypatch.setattr(Loop, "of", lambda *_: None)
    file = tmp_path / "loop.py"
    file.write_text(CALLING)
    for amount in (2, 3, 2):
        names: dict[str, object] = {"amount": amount, "__name__": "loop", "__file__": str(file)}
        exec(compile(CALLING, str(file), "exec"), names)
        assert compiled("int64(int64)")(names["loop"])(7) == 7 * amount + 1  # type: ignore[arg-type]
    assert len(list((tmp_path / "__pycache__").glob("*.nbc"))) == 2


def test_arrays_that_it_was_not_compiled_for_are_refused(folder: Path) -> None:
    call = compiled(SIGNATURE)(rows)
    given, sums = np.zeros(3, np.int32), np.zeros((2, 3), np.int64)
    assert call(given, sums, False) == (3, 0)
    locked = sums.copy()
    locked.flags.writeable = False
    wrong = (
        (given.astype(np.int64), sums), (given[::2], sums), (given, sums[0]),
        (given, np.zeros((3, 2), np.int64).T), (given, locked),
    )  # fmt: skip
    for pair in wrong:
        with pytest.raises(TypeError, match="the loop is compiled for"):
            call(*pair, False)
    with pytest.raises(ValueError, match="shorter"):
        call(given, sums)


def test_a_loop_that_needs_more_than_its_arguments_is_left_to_the_compiler(folder: Path) -> None:
    def summed(number: int) -> int:
        return int(np.full(number, 2).sum())  # an array of its own

    loop = Loop.of(summed, "int64(int64)", {})
    assert loop
    assert [loop.machine_code(), loop.machine_code()] == [None, None]
    assert compiled("int64(int64)")(summed)(21) == 42


def test_what_divides_by_zero_says_so(folder: Path) -> None:
    halves = compiled("int64(int64, int64)")(lambda one, other: one // other)
    assert halves(42, 2) == 21
    with pytest.raises(ArithmeticError, match="divided by zero"):
        halves(42, 0)


def test_a_curve_of_a_process_that_finds_it_needs_no_compiler(folder: Path) -> None:
    code = (
        "import sys; import numpy as np; from memsim.engines.curve import kernel;"
        "zero = lambda *shape: np.zeros(shape, np.int64);"
        "told = kernel.compact(zero(8, 3), zero(1, 8), zero(8), zero(8), zero(8), zero(9));"
        "print(told, 'numba' in sys.modules)"
    )
    found = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        for _ in range(2)
    ]
    assert [each.stdout for each in found] == ["0 True\n", "0 False\n"]
