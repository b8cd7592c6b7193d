"""Load ONNX files and hold their MACs against a count of what ONNX Runtime runs.

    python -m benchmarks.onnx_files ~/models                      # every .onnx file below
    python -m benchmarks.onnx_files net.onnx --open 64 --rows 320  # sizes that a file leaves open

It needs ``onnxruntime``. One line a file: what memsim counts, what was counted beside it, and why
the file is refused where it is.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from benchmarks import onnx_truth, zoo


def closed(sizes: Sequence[int | str], options: Any) -> tuple[int, ...]:
    """Sizes with the open ones filled in: a batch of one, rows and columns of an image, others."""
    channels_last = len(sizes) == 4 and sizes[3] in (1, 3)
    filled = []
    for axis, size in enumerate(sizes):
        if isinstance(size, int):
            filled.append(size)
        elif axis == 0:
            filled.append(1)
        elif len(sizes) == 4 and axis == 1 and not channels_last:
            filled.append(3)
        elif len(sizes) == 4:
            filled.append(options.rows if axis == (1 if channels_last else 2) else options.columns)
        else:
            filled.append(options.open)
    return tuple(filled)


def told(path: Path, options: Any) -> zoo.Row:
    """What came of one file."""
    import memsim

    model = onnx.load(path, load_external_data=False)
    inputs = onnx_truth.free_inputs(model)
    shapes = {name: closed(sizes, options) for name, sizes in inputs.items()}
    row: dict[str, Any] = {"input": ", ".join(
        f"{name} {'x'.join(map(str, sizes))}" for name, sizes in inputs.items())}  # fmt: skip
    try:
        row["true_macs"], row["true_params"] = onnx_truth.count(str(path), shapes)
    except Exception as error:
        row["truth"] = f"does not run: {zoo.first_line(error)[:100]}"
    loading: dict[str, Any] = {}
    if any(isinstance(size, str) for sizes in inputs.values() for size in sizes[1:]):
        (only, *more) = shapes.values()
        loading = {"input_shape": only[1:] if not more else {n: s[1:] for n, s in shapes.items()}}
    try:
        network = memsim.load(str(path), **loading)
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        own = isinstance(error, memsim.MemsimError)
        row["error"] = ("" if own else f"BROKEN {type(error).__name__} ") + " / ".join(lines)
        row["error"] = row["error"].replace(f"{path}: ", "")
        return row
    return row | {"macs": network.macs, "params": network.params, "layers": len(network)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=320, help="open rows of an image")
    parser.add_argument("--columns", type=int, default=320)
    parser.add_argument("--open", type=int, default=64, help="any other open size")
    options = parser.parse_args()
    files = [each for path in options.paths
             for each in (sorted(path.rglob("*.onnx")) if path.is_dir() else [path])]  # fmt: skip
    warnings.simplefilter("ignore")
    for path in files:
        row = zoo.alone(lambda name: told(Path(name), options), str(path))
        if row.get("macs"):
            same = row["macs"] == row.get("true_macs")
            verdict = "equal" if same else "differs" if "true_macs" in row else "not compared"
        else:
            verdict = "refused"
        print(f"{path.parent.name}/{path.name}: {verdict}; input {row.get('input', '')}; "
              f"MACs {row.get('macs', '')} counted {row.get('true_macs', row.get('truth', ''))}; "
              f"parameters {row.get('params', '')} counted {row.get('true_params', '')}"
              f"{'; ' + row['error'] if row.get('error') else ''}"[:900])  # fmt: skip


if __name__ == "__main__":
    main()
