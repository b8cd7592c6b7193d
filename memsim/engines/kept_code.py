"""Machine code of compiled loops, kept on disk and loaded without the compiler.

A loop over arrays needs nothing of Numba once it is compiled: its object file refers to no more
than ``memset``. Loading that through llvmlite, the part of Numba that speaks to LLVM, takes a sixth
of the time and 40 % of the memory that Numba takes to start. What is kept tells for which loop,
compiler and processor it is; whatever does not fit, or is damaged, is compiled anew.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from memsim.halves import clear_halves, half_file

F = TypeVar("F", bound=Callable[..., Any])

FORMAT = "machine code of memsim, 1"

_DIGEST = hashlib.sha256().digest_size

_C_TYPES = {
    "boolean": ctypes.c_uint8,
    "uint8": ctypes.c_uint8,
    "int32": ctypes.c_int32,
    "uint32": ctypes.c_uint32,
    "int64": ctypes.c_int64,
}

_CALLS_NOBODY = "NRT_MemInfo_call_dtor"
"""What frees an array that a loop owns. Loops are given arrays without an owner and make none, so
it is never called; but the linker asks where it is."""

_PARAMETER = re.compile(
    r"Array\((?P<read>\w+), (?P<axes>\d), 'C', True\)"
    r"|(?P<write>\w+)\[(?P<colons>(?::,)*)::1\]"
    r"|(?P<scalar>\w+)"
)

_RESULT = re.compile(r"(?:UniTuple\(int64, (?P<many>\d)\)|(?P<one>int64)|void)\((?P<rest>.*)\)$")

_DECLARED = re.compile(r'^declare [^@]*@"?([^"(]+)"?\(', re.MULTILINE)
"""In LLVM's language: what is called and defined elsewhere."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a loop: a number, or an array that is contiguous.

    Attributes
    ----------
    kind : str
        ``int64``, ``boolean`` and the like, of the number or of the array's elements.
    axes : int
        0 for a number.
    written : bool
        Whether the loop may write to the array.
    """

    kind: str
    axes: int = 0
    written: bool = False

    @property
    def c_types(self) -> list[Any]:
        """What the machine code takes: of an array owner, parent, elements and their bytes, the
        address, the shape and the strides."""
        if not self.axes:
            return [_C_TYPES[self.kind]]
        size = ctypes.c_int64
        return [
            ctypes.c_void_p,
            ctypes.c_void_p,
            size,
            size,
            ctypes.c_void_p,
            *(size,) * 2 * self.axes,
        ]

    def flat(self, given: Any) -> tuple[Any, ...]:
        """An argument as :attr:`c_types` say.

        Raises
        ------
        TypeError
            For another array than the loop was compiled for.
        """
        if not self.axes:
            return (int(given),)
        flags = given.flags
        if (
            given.dtype != np.dtype("bool" if self.kind == "boolean" else self.kind)
            or given.ndim != self.axes
            or not flags.c_contiguous
            or (self.written and not flags.writeable)
        ):
            found = f"{given.dtype}, {given.ndim} axes, contiguous: {flags.c_contiguous}"
            raise TypeError(f"the loop is compiled for {self}, and got an array of {found}")
        address = given.__array_interface__["data"][0]
        return (None, None, given.size, given.itemsize, address, *given.shape, *given.strides)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a loop takes and returns.

    Attributes
    ----------
    parameters : tuple of Parameter
    results : int
        How many int64 it returns.

    Examples
    --------
    >>> found = Signature.of("UniTuple(int64, 2)(Array(int32, 1, 'C', True), int64[:,::1])")
    >>> found.results, [(each.kind, each.axes, each.written) for each in found.parameters]
    (2, [('int32', 1, False), ('int64', 2, True)])
    """

    parameters: tuple[Parameter, ...]
    results: int

    @classmethod
    def of(cls, text: str) -> Signature | None:
        """That of a text in Numba's notation; None where it is of something else than these."""
        head = _RESULT.match(text)
        if not head:
            return None
        parameters = []
        for found in _PARAMETER.finditer(head["rest"]):
            kind = found["read"] or found["write"] or found["scalar"]
            axes = int(found["axes"] or 0) or (
                len(found["colons"]) // 2 + 1 if found["write"] else 0
            )
            if kind not in _C_TYPES:
                return None
            parameters.append(Parameter(kind, axes, bool(found["write"])))
        return cls(tuple(parameters), int(head["many"] or bool(head["one"])))

    @property
    def c_types(self) -> list[Any]:
        """What the machine code takes: where its results and an error go, then the arguments."""
        flat = [each for parameter in self.parameters for each in parameter.c_types]
        return [ctypes.c_void_p, ctypes.c_void_p, *flat]

    def bind(self, address: int, *, nogil: bool) -> Callable[..., Any]:
        """The function at an address."""
        kind = ctypes.CFUNCTYPE if nogil else ctypes.PYFUNCTYPE
        function = kind(ctypes.c_int32, *self.c_types)(address)
        parameters, results = self.parameters, self.results

        def call(*arguments: Any) -> Any:
            told, error = (ctypes.c_int64 * max(results, 1))(), ctypes.c_void_p()
            flat: list[Any] = []
            for parameter, argument in zip(parameters, arguments, strict=True):
                flat += parameter.flat(argument)
            status = function(ctypes.addressof(told), ctypes.addressof(error), *flat)
            if status not in (0, -2):  # -2: it returns None
                raise ArithmeticError("a compiled loop divided by zero or left its numbers' range")
            return told[0] if results == 1 else tuple(told) if results else None

        return call


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop whose machine code is kept.

    Attributes
    ----------
    function : callable
        The loop in Python.
    signature : Signature
    text : str
        The signature as it was given.
    options : dict
        More for the compiler.
    """

    function: Callable[..., Any]
    signature: Signature
    text: str
    options: dict[str, Any]

    @classmethod
    def of(cls, function: Callable[..., Any], text: str, options: dict[str, Any]) -> Loop | None:
        """None where its machine code cannot be kept: on processors and systems other than those
        that this was tried on, and where somebody wants no machine code."""
        tried = platform.machine() == "x86_64" and sys.platform == "linux"
        signature = Signature.of(text)
        if not tried or signature is None or os.environ.get("NUMBA_DISABLE_JIT", "0") not in "0":
            return None
        return cls(function, signature, text, options)

    def machine_code(self) -> Callable[..., Any] | None:
        """The loop from disk, or compiled and kept there; None where it needs Numba to run."""
        symbol, code = self._kept() or self._compiled()
        if not symbol:
            return None
        engine = _linked(code)
        address, nogil = engine.get_function_address(symbol), bool(self.options.get("nogil"))
        call = self.signature.bind(address, nogil=nogil)
        call.engine = engine  # type: ignore[attr-defined]  # it owns the memory of the code
        return call

    def _compiled(self) -> tuple[str, bytes]:
        """Its symbol and object file, both empty where it calls what is Numba's."""
        import numba

        bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        made = numba.njit(self.text, **bare, **self.options)(with_callees(self.function))
        found = made.overloads[made.signatures[0]]
        symbol, code = found.fndesc.llvm_func_name, b""
        if self._stands_alone(found.library, symbol):
            *_, (code, _) = found.library.serialize_using_object_code()
        else:
            symbol = ""
        self._keep(symbol, code)
        return symbol, code

    def _stands_alone(self, library: Any, symbol: str) -> bool:
        """Whether machine code takes what is expected, and calls nothing of Numba's."""
        taken = len(list(library.get_function(symbol).arguments))
        outside = {
            name
            for name in _DECLARED.findall(library.get_llvm_str())
            if not name.startswith("llvm.")
        }
        return taken == len(self.signature.c_types) and outside <= {_CALLS_NOBODY}

    # ---- on disk

    @property
    def _name(self) -> str:
        of = f"{self.function.__module__}.{self.function.__qualname__} {self.text}".encode()
        return f"{self.function.__name__}.{hashlib.sha256(of + _made_by()).hexdigest()[:16]}.code"

    def _folders(self) -> Iterator[Path]:
        """Where machine code may lie, as Numba has it: the first that can be written is taken."""
        if told := os.environ.get("NUMBA_CACHE_DIR"):
            yield Path(told)
            return
        yield Path(self.function.__code__.co_filename).parent / "__pycache__"
        with suppress(RuntimeError):  # nobody is at home
            home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
            yield Path(home) / "memsim"

    def _kept(self) -> tuple[str, bytes] | None:
        """Its symbol and object file from disk; None where they are not, or are of another loop."""
        for folder in self._folders():
            with suppress(OSError):
                content = (folder / self._name).read_bytes()
                digest, rest = content[:_DIGEST], content[_DIGEST:]
                if hashlib.sha256(rest).digest() == digest and rest.startswith(self._source()):
                    symbol, _, code = rest[_DIGEST:].partition(b"\0")
                    return symbol.decode(), code
        return None

    def _keep(self, symbol: str, code: bytes) -> None:
        """Write them, whole or not at all, where anything can be written."""
        rest = self._source() + symbol.encode() + b"\0" + code
        for folder in self._folders():
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                target = folder / self._name
                clear_halves(target)
                with half_file(target, 0o644) as file:
                    file.write(hashlib.sha256(rest).digest() + rest)
                return

    def _source(self) -> bytes:
        return source_digest(self.function, self.text, self.options)


def with_callees(function: F) -> F:
    """A loop, for Numba, which is told that the functions it calls are compiled, too.

    These are plain functions of Python that it names. In plain Python the loop calls them as they
    are, and Numba compiles them into it.
    """
    for each in _callees(function):
        _make_known(each)
    return function


@cache
def _make_known(function: FunctionType) -> None:
    from numba.extending import register_jitable

    register_jitable(with_callees(function))


def source_digest(function: Callable[..., Any], *more: Any) -> bytes:
    """A digest of what machine code is made of: a loop, what it names, what it calls, and more."""
    return hashlib.sha256(repr((*_parts(function), *more)).encode()).digest()


def _parts(function: Callable[..., Any]) -> tuple[Any, ...]:
    """The code of a function, the constants it names, and the same of the functions it calls."""
    code = function.__code__
    named = {name: function.__globals__.get(name) for name in sorted(code.co_names)}
    constants = {name: repr(value) for name, value in named.items() if isinstance(value, int)}
    called = [_parts(each) for each in _callees(function)]
    return code.co_code, code.co_consts, code.co_names, code.co_varnames, constants, called


def _callees(function: Callable[..., Any]) -> list[FunctionType]:
    """The functions that a function names, but for itself."""
    named = [function.__globals__.get(name) for name in sorted(function.__code__.co_names)]
    return [each for each in named if isinstance(each, FunctionType) and each is not function]


@cache
def _made_by() -> bytes:
    """The compiler and the processor that machine code is for."""
    binding = _llvm()
    features = binding.get_host_cpu_features().flatten()
    chosen = (os.environ.get(f"NUMBA_{name}", "") for name in ("CPU_NAME", "CPU_FEATURES", "OPT"))
    parts = (
        FORMAT, sys.version, version("numba"), version("llvmlite"), binding.get_host_cpu_name(),
        features, *chosen,
    )  # fmt: skip
    return "\n".join(parts).encode()


@cache
def _llvm() -> Any:
    """Llvmlite, ready to load machine code."""
    from llvmlite import binding

    with suppress(RuntimeError):  # newer ones do it by themselves, and say so
        binding.initialize()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


def _linked(code: bytes) -> Any:
    """An engine that holds an object file, ready to run."""
    binding = _llvm()
    if binding.address_of_symbol(_CALLS_NOBODY) is None:
        nobody = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value
        binding.add_symbol(_CALLS_NOBODY, nobody)
    target = binding.Target.from_default_triple().create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine
