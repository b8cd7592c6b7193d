"""What an import costs: CPU time of a module of 1,000 layers and of a file of 1,000 nodes.

Run it as ``python benchmarks/import_speed.py`` (half a minute). Each figure is the CPU time of a
process of its own, the least of three: of a module from the call on, of which tracing by
``torch.export`` alone is told beside it; of a file with everything that has to be imported for it.
The targets beside them are the project's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

LAYERS = 1000

MODULE = """
import sys, time, torch, memsim
from torch import nn
from memsim.formats.foreign.torch.capture import capture
from memsim.formats.foreign.torch.examples import Examples

def chain(layers):
    parts = []
    while len(parts) < layers:
        parts += [nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts[:layers]).eval()

example = [torch.zeros(1, 16, 8, 8)]
memsim.from_torch(chain(3), example)
module = chain(int(sys.argv[1]))
begin = time.process_time()
network = memsim.from_torch(module, example)
whole = time.process_time() - begin
assert len(network) == int(sys.argv[1]) + 1
begin = time.process_time()
capture(torch, module, Examples.of(torch, module, example))
print(whole, time.process_time() - begin)
"""

FILE = """
import sys, time
begin = time.process_time()
import memsim
network = memsim.load(sys.argv[1])
print(time.process_time() - begin, len(network))
"""


def write_file(path: Path, nodes: int) -> None:
    """An ONNX file of convolutions, batch norms and activations in a row."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    made, held, last = [], [], "x"
    while len(made) < nodes:
        number = len(made)
        held.append(numpy_helper.from_array(np.zeros((16, 16, 3, 3), np.float32), f"w{number}"))
        norms = [f"{letter}{number}" for letter in "sbmv"]
        held += [numpy_helper.from_array(np.ones(16, np.float32), name) for name in norms]
        made += [
            helper.make_node("Conv", [last, f"w{number}"], [f"c{number}"], pads=[1, 1, 1, 1]),
            helper.make_node("BatchNormalization", [f"c{number}", *norms], [f"n{number}"]),
            helper.make_node("Relu", [f"n{number}"], [f"r{number}"]),
        ]
        last = f"r{number}"
    made = made[:nodes]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", (1, 16, 8, 8)), (made[-1].output[0], None))
    ]
    graph = helper.make_graph(made, "chain", ends[:1], ends[1:], held)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)


def figures(code: str, argument: object) -> list[float]:
    """What a process prints, of three the one with the least first figure."""
    runs = []
    for _ in range(3):
        words = [sys.executable, "-c", code, str(argument)]
        told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        runs.append([float(word) for word in told.split()])
    return min(runs)


def main() -> None:
    """Print both figures."""
    whole, traced = figures(MODULE, LAYERS)
    print(f"module of {LAYERS:,} layers: {whole:.2f} s, tracing {traced:.2f} s of it (target 5 s)")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.onnx"
        write_file(path, LAYERS)
        spent, _ = figures(FILE, path)
    print(f"file of {LAYERS:,} nodes: {spent:.2f} s (target 1 s)")


if __name__ == "__main__":
    main()
