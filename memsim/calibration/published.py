"""Published times as runs: what the HarDNet paper timed, and under which conditions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from memsim.calibration.runs import Run, RunSet
from memsim.files import read_table
from memsim.machine.load import machine_file
from memsim.registry import Registry


@dataclass(frozen=True, slots=True)
class Published:
    """A column of times in a table of the paper.

    Attributes
    ----------
    name, title : str
    machine : str
        The preset that is fitted to it; ``bases/<machine>.yaml`` holds the limits.
    table, column : str
        The data file of :mod:`memsim.paper` and its column.
    seconds : Fraction
        What one of the column stands for.
    input_shape : tuple of int
    lowering : str
    parameters : tuple of str
        What is fitted.
    conditions, date : str
        How and when it was measured, as far as it is said.
    chosen : str
        What of the machine's form was chosen by looking at these times, and what was not.
    by_looking : tuple of str
        The names of what was chosen by looking at these times.
    variants : mapping of str to str
        Which variant of a network was timed, where it is another than for the other columns.
    """

    name: str
    title: str
    machine: str
    table: str
    column: str
    seconds: Fraction
    input_shape: tuple[int, int, int]
    lowering: str
    parameters: tuple[str, ...]
    conditions: str
    date: str
    chosen: str
    by_looking: tuple[str, ...] = ()
    variants: Mapping[str, str] = field(default_factory=dict)

    @property
    def base(self) -> Path:
        """The file of the base machine: the published peak figures."""
        return base_file(self.machine)

    def runs(self) -> RunSet:
        """The times, of the networks that memsim has.

        Examples
        --------
        >>> [(run.name, run.seconds) for run in PUBLISHED["nano"].runs().runs][:2]
        [('hardnet39ds', 0.0325), ('mobilenetv2', 0.0379)]
        """
        runs = tuple(
            Run(
                network=row["shipped"],
                input_shape=self.input_shape,
                lowering=self.lowering,
                seconds=float(Fraction(row[self.column]) * self.seconds),
                variant=self.variants.get(row["shipped"], row["variant"]),
                label=row["network"],
            )
            for row in read_table("memsim.paper", self.table)
            if row["shipped"] and row[self.column]
        )
        facts = {
            "data": f"{self.title}: {self.conditions}",
            "date": self.date,
            "lowering": self.lowering,
            "chosen": self.chosen,
        }
        return RunSet(runs, facts)


PUBLISHED: Registry[Published] = Registry("published times")
"""Published times by name."""


def base_file(name_or_path: str | os.PathLike[str]) -> Path:
    """The file whose numbers are the limits of a fit.

    Of a shipped machine that was itself fitted, this is the one that it was fitted from, with the
    published peak figures.

    Examples
    --------
    >>> from memsim.machine import load_machine
    >>> float(load_machine(base_file("gtx1080")).dram.efficiency)
    1.0
    """
    limits = {path.stem: path for path in Path(__file__).with_name("bases").glob("*.yaml")}
    return limits.get(os.fspath(name_or_path)) or machine_file(name_or_path)


_DATE = "published 2019-09-03 (arXiv:1909.00948); when they were measured is not said"

for _published in (
    Published(
        name="imagenet",
        title="HarDNet (arXiv:1909.00948), Table 4, GPU time",
        machine="gtx1080",
        table="imagenet",
        column="gpu_ms",
        seconds=Fraction(1, 1000),
        input_shape=(3, 1024, 1024),
        lowering="eager_cudnn",
        parameters=("bandwidth", "conv", "conv3x3", "unaligned", "depthwise", "overhead"),
        conditions="GTX 1080, PyTorch 1.1, fp32, batch 1, 1024x1024",
        date=_DATE,
        chosen="overlap, channel_tile, vector and wave were chosen by looking at these 16 times "
        "(wave, of 12 forms, also at the nine of the Titan V, left out by family); "
        "leaving one out does not undo that. About a thousand forms were compared (buffers, tile, "
        "vector, classes, sum or maximum); without each network in turn the same tile and vector "
        "are best. vector rests on four networks: SqueezeNet and the "
        "HarDNet-s, which were never released. Forms were compared while kernels were taken to "
        "stream whole ranges of rows, which fits a little better (left out 2.1 %); that they read "
        "the rows which they touch was not chosen by times, and tile and vector are best with it, "
        "too",
        by_looking=("overlap", "channel_tile", "vector", "wave"),
    ),
    Published(
        name="camvid",
        title="HarDNet (arXiv:1909.00948), Table 2, GPU time",
        machine="titan_v",
        table="camvid",
        column="gpu_s",
        seconds=Fraction(1, 233),  # the time of all images of the test set
        input_shape=(3, 352, 480),
        lowering="eager",
        parameters=("bandwidth", "overhead"),
        conditions="Titan V, PyTorch 1.0.1, batch 1, 352x480, mean of 233 images",
        date=_DATE,
        chosen="overlap, channel_tile and vector are those chosen for the GTX 1080, wave by its "
        "rule; MAC rates are the published peaks', which nine times do not show to be missed; "
        "biases are taken as free, since it is not known which of the networks that were timed "
        "had them",
        by_looking=("wave",),
        # The variant with the parameters that are printed; see the files of the networks.
        variants=dict.fromkeys(
            ("fc_hardnet68", "fc_hardnet76", "fc_hardnet84", "fc_hardnet_ref100"), "pre"
        ),
    ),
    Published(
        name="nano",
        title="HarDNet (arXiv:1909.00948), Table 4, Nano time",
        machine="jetson_nano",
        table="imagenet",
        column="nano_ms",
        seconds=Fraction(1, 1000),
        input_shape=(3, 320, 320),
        lowering="concat_in_place",
        parameters=("conv", "depthwise"),
        conditions="Jetson Nano, TensorRT, batch 1, 320x320; fp32 assumed",
        date=_DATE,
        chosen="two parameters, since there are four times; overlap is that chosen for the "
        "GTX 1080. kernel_overhead was chosen from 5, 10, 15, 20, 25 and 30 us by looking at these "
        "times; leaving one out does not undo that. The lowering was not: it is what TensorRT's "
        "build logs show",
        by_looking=("kernel_overhead",),
    ),
):
    PUBLISHED.add(_published.name, _published)
