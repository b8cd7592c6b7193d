"""What the questions the other way round cost: CPU time and memory of whole processes.

Run it as ``python -m benchmarks.inverse_cost``. Every figure is the least of three runs, imports
and the loading of compiled loops included; the targets beside them are the project's.
"""

from __future__ import annotations

from benchmarks.run_cost import process_cost

NETWORKS = ("hardnet68", "resnet50", "mobilenetv2")
ASKED = (*NETWORKS, "--fps", "30", "--dtype", "int8", "--machine", "edge")

PROCESSES = (
    (("size", *ASKED), "3 s"),
    (("size", *ASKED, "--over", "bandwidth"), "3 s"),
    (("size", *ASKED, "--over", "macs"), "3 s"),
    (("design", *ASKED, "--minimise", "sram,bandwidth"), "3 s"),
    (("design", *ASKED, "--minimise", "sram,bandwidth,macs"), ""),
)


def main() -> None:
    """Print the figures."""
    for args, target in PROCESSES:
        costs = [process_cost(args) for _ in range(3)]
        seconds, memory = min(cost[0] for cost in costs), min(cost[1] for cost in costs)
        told = f"   (at most {target})" if target else ""
        print(f"{seconds:6.2f} s CPU {memory:6.0f} MB   memsim {' '.join(args)}{told}")


if __name__ == "__main__":
    main()
