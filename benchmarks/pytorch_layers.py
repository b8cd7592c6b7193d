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
from collections.abc import Iterator

import numpy as np

import memsim
from memsim.files import read_table
from memsim.program.library.onednn.runtime import BARE, Runtime
from memsim.results.pytorch import PytorchTraffic
from memsim.validation.pytorch_traffic import OLD_MODES

RUNS = {
    ("hardnet68", "fused"): "hardnet68_fused",
    ("hardnet68", "eager"): "hardnet68_eager",
    ("resnet18", "eager"): "resnet18_eager",
}
"""Runs whose kernels are modelled, with their files."""

SIZES = [f"{1 << power}KiB" for power in range(8, 16)]

BETWEEN = ("start", "concat", "add", "dropout")
"""Kinds of calls that the measurement counts as between two layers."""

Counts = tuple[int, int, int]


def predict(network: str, mode: str, runtime: Runtime) -> PytorchTraffic:
    built = memsim.load(network).with_options(input_shape=(3, 112, 112))
    return memsim.pytorch_traffic(built, OLD_MODES[mode], SIZES, runtime=runtime)


def pairs(
    network: str, mode: str, size: int, traffic: PytorchTraffic
) -> Iterator[tuple[str, str, Counts, Counts, Counts, Counts]]:
    """Label, kind, first-level misses measured and predicted, last-level ones likewise."""
    number = SIZES.index(f"{size}KiB")
    calls = list(zip(traffic.calls, traffic.misses.last[1, number], traffic.misses.first[1],
                     strict=True))  # fmt: skip
    for row in read_table("memsim.validation", f"pytorch_layers/{RUNS[network, mode]}"):
        label = row["label"]
        between = label.startswith("pre:") or label in ("END", "drop")
        taken = []
        while calls and (calls[0][0].kind in BETWEEN) == between:
            taken.append(calls.pop(0))
            if not between:
                break
        last = np.sum([call[1] for call in taken], axis=0) if taken else np.zeros(3)
        first = np.sum([call[2] for call in taken], axis=0) if taken else np.zeros(3)
        kind = taken[0][0].kind if taken else "nothing"
        yield (
            label,
            kind,
            tuple(int(row[f"d1{name}"]) for name in ("rm", "wm", "wb")),
            tuple(map(int, first)),
            tuple(int(row[f"{name}{size}"]) for name in ("rm", "wm", "wb")),
            tuple(map(int, last)),
        )


def show(network: str, mode: str, size: int, worst: int) -> None:
    rows = list(pairs(network, mode, size, predict(network, mode, Runtime())))
    if worst:
        rows.sort(key=lambda row: -abs(sum(row[4]) - sum(row[5])))
    header = ("first reads", "first writes", "loads", "stores", "write-backs")
    print(f"{'':30}" + "".join(f"{name:>18}" for name in header))
    for label, _, first, first_ours, last, last_ours in rows[: worst or len(rows)]:
        columns = [*zip(first[:2], first_ours[:2], strict=True), *zip(last, last_ours, strict=True)]
        print(f"{label:30}" + "".join(f"{real:9}{ours:9}" for real, ours in columns))
    off = sum(abs(sum(row[4]) - sum(row[5])) for row in rows)
    print(f"WAPE over layers: {100 * off / sum(sum(row[4]) for row in rows):.1f} %")


def floors() -> None:
    for network, mode in RUNS:
        traffic = predict(network, mode, BARE)
        for size in (256, 32768):
            found: dict[str, list[tuple[int, int]]] = {}
            for _, kind, _, _, last, ours in pairs(network, mode, size, traffic):
                found.setdefault(kind, []).append((last[0] - ours[0], last[1] - ours[1]))
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
