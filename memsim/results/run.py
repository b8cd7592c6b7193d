"""Results: the facts of one simulation, derived from its arrays when asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from memsim.engines.bounds.communication import convolution_bounds
from memsim.engines.cache.cachepass import CachePass, read_bytes, transfers, write_bytes
from memsim.engines.clock.demand import Demand
from memsim.engines.clock.steps import Steps, Timeline, first_of_kernel
from memsim.machine import Machine
from memsim.network.graph import Network
from memsim.program.kernel import Cause, Role
from memsim.program.parts import Part, chosen, compulsory
from memsim.program.program import Program
from memsim.results.accuracy import Accuracy
from memsim.results.configuration import identity, resolved
from memsim.results.details.assumptions import assumptions
from memsim.results.details.groups import Group, groups_of
from memsim.results.details.layer_order import order_facts
from memsim.results.details.structure import of_kernels, without_kernel
from memsim.results.details.tensors import TensorResult, tensors_of
from memsim.results.energy import joules, mac_joules, with_sum
from memsim.results.frames import Frames
from memsim.results.layer import LayerResult
from memsim.sheets.facts import Facts
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memsim.engines.cache.transfers import Transfers
    from memsim.results.band import Band

SCHEMA = "memsim.result/2"

STALLS = (Fraction(1, 10), Fraction(1, 100))
"""Shares of the time of which every report tells at which bandwidth stalls fall to them."""


@dataclass(frozen=True)
class Result(Facts):
    """What one network moves and how long it takes on one machine.

    Attributes
    ----------
    program : Program
    machine : Machine
    traffic : CachePass
        Bytes per task, kernel, role, cause and tensor.
    steps : Steps
        Durations per task.
    timeline : Timeline
        When each task loads, computes and stores.
    only : Part or None
        The part of the traffic that is told; times are those of all of it.
    each : Transfers or None
        Each transfer behind the traffic, where they were found with it.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", cache="2MB")
    >>> result.dram_bytes == sum(layer.dram_bytes for layer in result.layers)
    True
    >>> result.to_dict()["schema"]
    'memsim.result/2'
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.run:result_sheet"

    program: Program
    machine: Machine
    traffic: CachePass
    steps: Steps
    timeline: Timeline
    only: Part | None = None
    each: Transfers | None = field(default=None, repr=False, compare=False)

    @property
    def network(self) -> Network:
        """The network that was simulated."""
        return self.program.network

    @cached_property
    def moved(self) -> NDArray[np.int64]:
        """The traffic that is told: bytes, kernels x roles x causes."""
        return chosen(self.traffic.traffic, self.only)

    @property
    def dram_read_bytes(self) -> int:
        """Bytes read from DRAM."""
        return int(read_bytes(self.moved).sum())

    @property
    def dram_write_bytes(self) -> int:
        """Bytes written to DRAM."""
        return int(write_bytes(self.moved).sum())

    @property
    def by_part(self) -> dict[str, int]:
        """DRAM bytes of weights and of feature maps, which are all but weights."""
        return {each.value: int(chosen(self.moved, each).sum()) for each in Part}

    @property
    def compulsory_bytes(self) -> int:
        """What of the traffic that is told no cache can save."""
        return sum(compulsory(self.program, self.only))

    @property
    def dram_bytes(self) -> int:
        """Bytes read from and written to DRAM."""
        return self.dram_read_bytes + self.dram_write_bytes

    @property
    def time_ps(self) -> int:
        """Latency in picoseconds."""
        return self.timeline.end

    @property
    def time_s(self) -> float:
        """Latency in seconds."""
        return self.time_ps / PICOSECONDS

    @cached_property
    def transfers(self) -> Transfers:
        """Each fetch, write-back and network output behind :attr:`traffic`.

        Where they are not there, a second cache pass finds them: totals do not need them.
        """
        return self.each or transfers(self.program, self.machine.cache)

    @cached_property
    def frames(self) -> Frames:
        """What each inference moves, and how long it takes, where there are several in a row."""
        return Frames.of(self.program, self.transfers, self.timeline, self.only)

    @cached_property
    def band(self) -> Band | None:
        """What moves by where tensors lie, where a library runs and no heap was asked for.

        It takes two more cache passes, of the best and of the worst heap; None where they would
        take long, which options ``heap hottest`` and ``heap coldest`` can still ask for.
        """
        if self.only is not None or not self.program.spans:
            return None
        from memsim.results.band import quick_band

        return quick_band(self.program, self.machine.cache)

    @property
    def by_role(self) -> dict[str, int]:
        """DRAM bytes per role: weight, input, activation, residual, concat, output."""
        sums = self.moved.sum(axis=(0, 2))
        return {role.name.lower(): int(sums[role]) for role in Role}

    @property
    def by_cause(self) -> dict[str, int]:
        """DRAM bytes per cause: compulsory, reload, spill."""
        sums = self.moved.sum(axis=(0, 1))
        return {cause.name.lower(): int(sums[cause]) for cause in Cause}

    @property
    def by_role_and_cause(self) -> dict[str, dict[str, int]]:
        """DRAM bytes per role and cause."""
        sums = self.moved.sum(axis=0)
        return {
            role.name.lower(): {cause.name.lower(): int(sums[role, cause]) for cause in Cause}
            for role in Role
        }

    @cached_property
    def layers(self) -> tuple[LayerResult, ...]:
        """One row per kernel, in the order in which they run."""
        program = self.program
        kernels = len(program.kernels)

        def per_kernel(column: Any) -> list[int]:
            sums = np.zeros(kernels, np.int64)
            np.add.at(sums, program.task_kernel, np.asarray(column, np.int64))
            listed: list[int] = sums.tolist()
            return listed

        ends = self.timeline.compute_end
        share = np.diff(np.concatenate([[0], ends]))
        if len(share):
            share[-1] += self.timeline.end - ends[-1]
        time, compute = per_kernel(share), per_kernel(self.steps.compute)
        dram = per_kernel(np.add(self.steps.load, self.steps.store))
        stall = per_kernel(self.timeline.stall)
        starts = per_kernel(first_of_kernel(program))
        overhead = [self.machine.kernel_overhead_ps * each for each in starts]
        frames, network, least = program.frames, self.network, self._communication
        structure = of_kernels(program)
        return tuple(
            LayerResult.of(
                kernel,
                self.moved[number],
                **structure[number],
                macs=kernel.macs * frames,
                cio_elements=frames * network[kernel.name].cio if kernel.macs else 0,
                communication_bytes=least.get(kernel.name),
                time_ps=time[number],
                compute_ps=compute[number],
                dram_ps=dram[number],
                stall_ps=stall[number],
                overhead_ps=overhead[number],
            )
            for number, kernel in enumerate(program.kernels)
        )

    @cached_property
    def _communication(self) -> dict[str, int]:
        """What each convolution by itself moves at least, with all memory on chip."""
        on_chip = self.machine.cache_bytes + self.machine.buffer_bytes
        return {
            bound.layer: bound.dram_bytes for bound in convolution_bounds(self.program, on_chip)
        }

    def by_group(self, by: int | str) -> tuple[Group, ...]:
        """What each group of layers costs; every column sums to the total.

        ``by`` is a number of parts of the layers' dotted names, or ``stage``, ``block`` or
        ``module``: see :func:`memsim.network.stages.grouped`. A kernel belongs to the group of
        its first layer.
        """
        return groups_of(self.network, self.layers, by)

    @cached_property
    def tensors(self) -> tuple[TensorResult, ...]:
        """Every tensor: its bytes, who writes and reads it, how long it lives, what of it moves."""
        return tensors_of(self.program, self.traffic.tensor_traffic, self.only)

    @cached_property
    def totals(self) -> dict[str, Any]:
        """All totals, with units in the keys: numbers, and None for an energy that is not known.

        ``stall_s`` is the time in which the compute engine does not compute: waiting for a
        load, for an output buffer to be stored, or, in the end, for the last stores. At
        ``bandwidth_over_compute_bytes_per_s``, bytes over the time of computing alone, it would
        still wait: :meth:`bandwidth_for` tells at which bandwidth it hardly does.
        """
        program, machine = self.program, self.machine
        least = compulsory(program, self.only)
        weights = (0, 0) if self.only is Part.FEATURE_MAPS else compulsory(program, Part.WEIGHTS)
        time, compute = self.time_ps, sum(self.steps.compute)
        dram = sum(self.steps.load) + sum(self.steps.store)
        onchip = int(program.touch_bytes.sum())
        whole = int(self.traffic.traffic.sum())
        energy = {
            "energy_dram_j": joules(whole, machine.dram_pj_per_byte),
            "energy_onchip_j": joules(onchip, machine.onchip_pj_per_byte),
            "energy_mac_j": mac_joules(program, machine),
        }
        return {
            "dram_bytes": self.dram_bytes,
            "dram_read_bytes": self.dram_read_bytes,
            "dram_write_bytes": self.dram_write_bytes,
            "dram_weight_bytes": self.by_part[Part.WEIGHTS],
            "dram_feature_map_bytes": self.by_part[Part.FEATURE_MAPS],
            "compulsory_bytes": self.compulsory_bytes,
            "compulsory_read_bytes": least[0],
            "compulsory_write_bytes": least[1],
            "compulsory_weight_bytes": weights[0],
            "compulsory_feature_map_bytes": sum(least) - weights[0],
            "time_s": self.time_s,
            "time_ps": time,
            "compute_s": compute / PICOSECONDS,
            "dram_busy_s": dram / PICOSECONDS,
            "stall_s": (time - compute) / PICOSECONDS,
            "stall_on_load_s": self.stalls["load"] / PICOSECONDS,
            "stall_on_store_s": self.stalls["store"] / PICOSECONDS,
            "compute_utilization": compute / time if time else 0.0,
            "dram_utilization": dram / time if time else 0.0,
            "bandwidth_average_bytes_per_s": whole / self.time_s if time else 0.0,
            "bandwidth_over_compute_bytes_per_s": (
                whole / compute * PICOSECONDS if compute else 0.0
            ),
            **with_sum(energy),
            "onchip_bytes": onchip,
            "sram_bytes": machine.sram_bytes(buffers=not program.spans),
            "peak_occupancy_bytes": self.traffic.peak_occupancy,
            "peak_live_activation_bytes": int(program.live_bytes.max(initial=0)),
            "weight_bytes": program.weight_bytes,
            **({"recomputed_macs": again} if (again := sum(program.recomputed_macs)) else {}),
            "tasks": program.tasks,
            "accesses": program.accesses,
            "blocks": len(program.block_bytes),
        }

    def bandwidth_for(self, stalls: Fraction) -> int | None:
        """The least DRAM bandwidth at which stalls take no more than a share of the time.

        Bytes per second; None where no bandwidth does it.
        """
        return self._demand.bandwidth_for(stalls)

    @cached_property
    def _demand(self) -> Demand:
        """What was found of times at other bandwidths."""
        return Demand(self.program, self.traffic, self.machine)

    @cached_property
    def stalls(self) -> dict[str, int]:
        """Picoseconds in which the compute engine waits, by what it waits for longest."""
        line = self.timeline
        arrived = line.load_end + np.array(self.steps.latency, dtype=np.int64)
        emptied = np.concatenate([[0, 0], line.store_end])[: len(arrived)]
        on_store, stall = emptied > arrived, line.stall
        tail = self.time_ps - int(line.compute_end[-1])
        return {
            "load": int(stall[~on_store].sum()),
            "store": int(stall[on_store].sum()) + tail,
        }

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration: machine and program options."""
        network = self.network
        return {
            **resolved(self.program, self.machine),
            "batch": network.batch,
            "dtype": network.dtype,
            **({} if self.only is None else {"only": self.only.value}),
            "input_shapes": [list(network[name].output.shape) for name in network.inputs],
        }

    @cached_property
    def accuracy(self) -> Accuracy:
        """What stands behind the times: what the machine was fitted to, and what was asked."""
        return Accuracy.of(self.program, self.machine)

    @property
    def assumptions(self) -> dict[str, list[str]]:
        """What was ``assumed`` and what was ``not_counted``, a phrase each."""
        return assumptions(self.program)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values, ``"schema": "memsim.result/2"``.

        Bytes, seconds and elements are named in the keys; ``by_role`` and ``by_cause`` are
        DRAM bytes. ``bandwidth_for_stalls_bytes_per_s`` holds :meth:`bandwidth_for` by share of
        the time, null where no bandwidth does it.
        ``at_least_bytes`` is there where the policy knows a bound: none moves less in this order.
        ``placement`` is there where a library's kernels run: :class:`memsim.results.band.Band`.
        Where there are several frames, totals and layers are those of all of them,
        and ``frames`` tells them apart.
        """
        network = self.network
        return {
            "schema": SCHEMA,
            "network": {
                "name": network.name,
                "source": network.source,
                "layers": len(network),
                "params": network.params,
                "macs": network.macs,
                "cio_elements": network.cio,
            },
            "config": self.config,
            "accuracy": self.accuracy.to_dict(),
            "totals": self.totals,
            "left_out": {layer.name: layer.macs for layer in self.program.left_out},
            "bandwidth_for_stalls_bytes_per_s": {
                f"{float(share):.0%}": self.bandwidth_for(share) for share in STALLS
            },
            **({"at_least_bytes": self.traffic.at_least} if self.traffic.at_least else {}),
            "by_role": self.by_role,
            "by_cause": self.by_cause,
            "by_role_and_cause": self.by_role_and_cause,
            "layers": [layer.to_dict() for layer in self.layers],
            "without_kernel": without_kernel(self.program),
            **order_facts(self),
            **({"placement": self.band.to_dict()} if self.band else {}),
            **({"frames": self.frames.to_dict()} if self.program.frames > 1 else {}),
            **self.assumptions,
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per kernel, with the run that it is of: what csv and data frames hold."""
        said = identity(self.config, self.network.name)
        return [{**layer.row(), **said} for layer in self.layers]

    def __repr__(self) -> str:
        return (
            f"<Result {self.network.name} on {self.machine.name}: "
            f"{self.dram_bytes:,} B DRAM, {self.time_s:.6f} s>"
        )
