"""Predicted and measured misses of PyTorch runs, layer by layer.

    python benchmarks/pytorch_layers.py hardnet68 fused --size 1024 --worst 20
    python benchmarks/pytorch_layers.py --floors

The first prints, for one measured run and one size of the last-level cache in KiB, counts of
64 B lines: what misses the first level, then load misses, store misses and write-backs of the
last one, measured beside predicted. The second prints how much more than its tensors each kind
of layer touches: what the floors of ``memsim.program.library.onednn.runtime`` were read off.
"""

from __future__ import annotations

import argparse

import numpy as np

import memsim
from memsim.program.library.onednn.runtime import BARE, Runtime
from memsim.results.pytorch import PytorchTraffic
from memsim.validation.pytorch_traffic import OLD_MODES
from memsim.validation.traffic.layers import RUNS, pairs

SIZES = [f"{1 << power}KiB" for power in range(8, 16)]


def predict(network: str, mode: str, runtime: Runtime) -> PytorchTraffic:
    built = memsim.load(network).with_options(input_shape=(3, 112, 112))
    return memsim.pytorch_traffic(built, OLD_MODES[mode], SIZES, runtime=runtime)


def show(network: str, mode: str, size: int, worst: int) -> None:
    rows = list(pairs(network, mode, size, predict(network, mode, Runtime())))
    if worst:
        rows.sort(key=lambda row: -abs(sum(row.last) - sum(row.last_predicted)))
    header = ("first reads", "first writes", "loads", "stores", "write-backs")
    print(f"{'':30}" + "".join(f"{name:>18}" for name in header))
    for row in rows[: worst or len(rows)]:
        first = zip(row.first[:2], row.first_predicted[:2], strict=True)
        columns = [*first, *zip(row.last, row.last_predicted, strict=True)]
        print(f"{row.label:30}" + "".join(f"{real:9}{ours:9}" for real, ours in columns))
    off = sum(abs(sum(row.last) - sum(row.last_predicted)) for row in rows)
    print(f"WAPE over layers: {100 * off / sum(sum(row.last) for row in rows):.1f} %")


def floors() -> None:
    for network, mode in RUNS:
        traffic = predict(network, mode, BARE)
        for size in (256, 32768):
            found: dict[str, list[tuple[int, int]]] = {}
            for row in pairs(network, mode, size, traffic):
                last, ours = row.last, row.last_predicted
                found.setdefault(row.kind, []).append((last[0] - ours[0], last[1] - ours[1]))
            for kind, excess in sorted(found.items()):
                low = np.percentile(np.array(excess), (0, 10, 25, 50), axis=0).astype(int)
                print(f"{network:10} {mode:6} {size:6} KiB {kind:15} {len(excess):4} rows"
                      f"  reads {low[:, 0]}  writes {low[:, 1]}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", default="hardnet68")
    parser.add_argument("mode", nargs="?", default="fused")
    parser.add_argument("--size", type=int, default=1024, help="KiB")
    parser.add_argument("--worst", type=int, default=0, help="only so many, the worst first")
    parser.add_argument("--floors", action="store_true")
    options = parser.parse_args()
    if options.floors:
        floors()
    else:
        show(options.network, options.mode, options.size, options.worst)


if __name__ == "__main__":
    main()
