"""How networks run on a machine, and what its numbers were fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from memsim.machine import fields

Share = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, strict=True)]
Count = Annotated[int, Field(ge=1, le=10**9, strict=True)]
Shape = tuple[Count, Count, Count]
Text = Annotated[str, Field(min_length=1, max_length=300)]
Variant = Annotated[str, Field(pattern=r"^[^@]+@[^@]+$", max_length=200)]


class ProgramHabit(BaseModel):
    """How networks become programs on this machine, unless an option says otherwise.

    A machine that was fitted is right for the program it was fitted with and for no other, so the
    two belong together. All are names in the registries of :mod:`memsim.program`.

    Attributes
    ----------
    lowering : str
        How layers become kernels.
    order : str
        In which order the tasks inside of a kernel run.
    tile : str
        ``auto``: tasks that are cut for the buffers; ``whole``: one task per kernel.
    images : str
        Of a batch: whether a task may hold small maps of several images, ``together`` or ``apart``.
    schedule : str
        In which order kernels run: one by one, or groups of them strip by strip.
    rows : str
        ``touched`` or ``streamed``: which rows of a feature map a task reads.
    library : str
        ``none``, or the library whose kernels run as they are, instead of tasks that are cut for
        the buffers: a name in the registry of :mod:`memsim.program.library`.
    register_tile : RegisterTile or None
        Outputs that accumulate in registers, ``PIXELSxCHANNELS`` in a file: each such tile goes
        through the weights of its channels anew, as the kernels of processors do. None: kernels
        are cut for the buffers alone.
    kernel_scratch : int
        Bytes that every kernel reads and writes besides tensors, the same for all of them: objects
        of the runtime that calls them. 0: none, as ideal kernels.
    dtype : str
        The data type that networks run in where neither their file nor an option says one.
    variants : tuple of str
        ``NAME@variant``: which variant of a shipped network runs here, where it is not the file's
        own default.

    Examples
    --------
    >>> from memsim.machine import load_machine
    >>> load_machine("gtx1080").program.lowering
    'eager_cudnn'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    lowering: fields.Name = "fused"
    order: fields.Name = "rows_outer"
    tile: fields.Name = "auto"
    images: fields.Name = "together"
    schedule: fields.Name = "layer_by_layer"
    rows: fields.Name = "touched"
    library: fields.Name = "none"
    register_tile: fields.Registers = None
    kernel_scratch: fields.Bytes = 0
    dtype: Literal["fp32", "fp16", "bf16", "int8"] = "fp32"
    variants: tuple[Variant, ...] = ()

    def variant_of(self, network: str) -> str | None:
        """The variant of a shipped network that runs here; None for the file's default."""
        return dict(each.split("@") for each in self.variants).get(network)

    @property
    def options(self) -> dict[str, Any]:
        """The options of a program that the machine decides, where no library does."""
        names = ("lowering", "order", "tile", "images", "schedule", "rows")
        said: dict[str, Any] = {name: getattr(self, name) for name in names}
        if self.register_tile is not None:
            said["register_tile"] = str(self.register_tile)
        if self.kernel_scratch:
            said["kernel_scratch"] = self.kernel_scratch
        return said


class Calibrated(BaseModel):
    """What a machine's numbers were fitted to, and how wrong its times are.

    Attributes
    ----------
    networks : int
        Different networks.
    times : int
        Measured times, of whole networks or of their kernels.
    level : str
        ``network`` or ``kernel``: what was timed.
    inputs : tuple of (int, int, int)
        Channels, height and width of the inputs, each once.
    batches : tuple of int
        Images per inference.
    dtype : str
        The data type that the networks ran in.
    classes : tuple of str
        Classes of operators that the networks had; see :mod:`memsim.engines.clock.rates`.
    left_out : float
        Mean relative error of the time of a network that was left out of the fit.
    worst : float
        The largest of these errors.
    family_out : float or None
        Mean relative error of a network of whose family the fit had seen none; None where it is
        not known.
    family_worst : float or None
        The largest of these errors.
    cpu : str or None
        The processor that was timed; None where it was no CPU, or is not known.
    vectors : str or None
        Its vector instructions, so far as the libraries used them.
    clock : str or None
        Which clock's times were fitted, where the file of runs had more than one.

    Examples
    --------
    >>> from memsim.machine import load_machine
    >>> fitted = load_machine("gtx1080").calibrated
    >>> fitted.networks, fitted.inputs, round(fitted.left_out, 3)
    (16, ((3, 1024, 1024),), 0.023)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    networks: Count
    times: Count
    level: fields.Name
    inputs: tuple[Shape, ...]
    batches: tuple[Count, ...]
    dtype: fields.Name
    classes: tuple[fields.Name, ...]
    left_out: Share
    worst: Share
    family_out: Share | None = None
    family_worst: Share | None = None
    cpu: Text | None = None
    vectors: Text | None = None
    clock: Text | None = None

    def outside(
        self,
        *,
        dtype: str,
        batch: int,
        inputs: Mapping[str, int],
        classes: Sequence[str],
    ) -> tuple[str, ...]:
        """What of a question lies outside of what was measured, a phrase each.

        ``inputs`` are the pixels of each size.

        Examples
        --------
        >>> from memsim.machine import load_machine
        >>> fitted = load_machine("gtx1080").calibrated
        >>> asked = {"dtype": "fp32", "batch": 8, "classes": ["conv"]}
        >>> fitted.outside(inputs={"3x224x224": 224 * 224}, **asked)
        ('batch 8, fitted at 1', 'input 3x224x224, fitted at 3x1024x1024')
        """
        phrases = []
        if dtype != self.dtype:
            phrases.append(f"dtype {dtype}, fitted in {self.dtype}")
        if not min(self.batches) <= batch <= max(self.batches):
            phrases.append(f"batch {batch}, fitted at {_range(self.batches)}")
        fitted = [height * width for _, height, width in self.inputs]
        for size, pixels in inputs.items():
            if not min(fitted) <= pixels <= max(fitted):
                sizes = sorted(self.inputs, key=lambda each: each[1] * each[2])
                told = " to ".join("x".join(map(str, each)) for each in _ends(sizes))
                phrases.append(f"input {size}, fitted at {told}")
        unseen = sorted(set(classes) - set(self.classes))
        if unseen:
            phrases.append(f"operators of class {', '.join(unseen)}, of which none was timed")
        return tuple(phrases)


def _ends(ordered: Sequence[Any]) -> Sequence[Any]:
    """First and last; one alone where they are equal."""
    return ordered[:1] if ordered[0] == ordered[-1] else (ordered[0], ordered[-1])


def _range(numbers: Sequence[int]) -> str:
    return " to ".join(map(str, _ends(sorted(numbers))))
