"""Is there a HarDNet-68 of equal MACs and parameters that moves less of its feature maps?

    python -m benchmarks.hardnet68_search [TRIALS]

The growth of its five stages and the multiplier are varied; MACs and parameters stay within 1 % of
the published network's. Feature-map traffic is that of the textbook machine (buffers beside the
cache, fused kernels) at 1 MiB and at 2 MiB, both at once. What comes out is kept in
``benchmarks/results/hardnet68_search.md``.
"""

from __future__ import annotations

import sys

import memsim

PUBLISHED = {"multiplier": 1.7, "growth1": 14, "growth2": 16, "growth3": 20, "growth4": 40,
             "growth5": 160}  # fmt: skip
SPACE = {
    "multiplier": "1.5,1.55,1.6,1.65,1.7,1.75,1.8,1.85,1.9",
    "growth1": "8:22:2",
    "growth2": "8:26:2",
    "growth3": "12:32:2",
    "growth4": "28:52:2",
    "growth5": "80:240:8",
}
OBJECTIVES = [f"dram_feature_map_bytes at {size}" for size in ("1MiB", "2MiB")]


def main(trials: int) -> None:
    """Print a table: the published network, and the front of what was found."""
    network = memsim.load("hardnet68")
    near = [
        f"{name} {sign} {value * share // 100}"
        for name, value in (("macs", network.macs), ("params", network.params))
        for sign, share in ((">=", 99), ("<=", 101))
    ]
    common = {"machine": "textbook", "subject_to": near}
    own = memsim.search("hardnet68", {name: [value] for name, value in PUBLISHED.items()},
                        OBJECTIVES, sampler="grid", **common)  # fmt: skip
    found = memsim.search("hardnet68", SPACE, OBJECTIVES, trials=trials, sampler="nsga2", **common)
    tpe = memsim.search("hardnet68", SPACE, OBJECTIVES, trials=trials, **common)
    print("| network | growth | multiplier | MACs | parameters | 1 MiB | 2 MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, result in (("published", own), ("nsga2", found), ("tpe", tpe)):
        for trial in result.best:
            growth = " ".join(str(trial.parameters[f"growth{n}"]) for n in range(1, 6))
            moved = " | ".join(f"{value / 1e6:.2f} MB" for value in trial.values)
            print(f"| {name} | {growth} | {trial.parameters['multiplier']} | {trial.macs:,} "
                  f"| {trial.params:,} | {moved} |")  # fmt: skip
        kept = sum(trial.feasible for trial in result.trials)
        print(f"<!-- {name}: {len(result.trials)} trials, {kept} within 1 % -->")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
