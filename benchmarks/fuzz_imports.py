"""Load broken ONNX files and PyTorch graphs; each must end in a network or in memsim's error.

    python -m benchmarks.fuzz_imports onnx 20000
    python -m benchmarks.fuzz_imports torch 20000
    python -m benchmarks.fuzz_imports onnx 1 --first 4711    # one of them again, with its traceback

A number makes its file, on every machine alike. ONNX files begin as one of the ``onnx`` package's
own test models, PyTorch graphs as the records of a small module; then bytes or fields are changed.
Told are tracebacks, files that take longer than 20 s, and those that need more than 2 GB.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

SECONDS = 20
MEMORY = 2 << 30
BATCH = 500

Attempt = Callable[[random.Random, Path], None]
"""Make a broken input and load it; memsim's own errors are raised."""

SIZES = (-(1 << 63), -1000, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 16, 1000, 1 << 16, 1 << 31, 1 << 40)


# -- ONNX -----------------------------------------------------------------------------------------


def onnx_seeds() -> list[Any]:
    """Small models of all operators of inference, and whole networks without weights."""
    from benchmarks import onnx_backend

    seeds = []
    for case in onnx_backend.cases():
        bound = onnx_backend.bound(case)
        for model in (case.model, bound):
            if model is not None and model.ByteSize() < 200_000:
                seeds.append(model.SerializeToString())
    return seeds


def onnx_attempt(seeds: Sequence[bytes]) -> Attempt:
    import onnx

    import memsim

    operators = sorted({n.op_type for s in seeds for n in onnx.ModelProto.FromString(s).graph.node})

    def attempt(draw: random.Random, folder: Path) -> None:
        raw = draw.choice(seeds)
        if draw.random() < 0.3:
            raw = broken_bytes(draw, raw)
        else:
            model = onnx.ModelProto.FromString(raw)
            for _ in range(draw.randint(1, 4)):
                break_model(draw, model, operators)
            raw = model.SerializeToString()
        path = folder / "broken.onnx"
        path.write_bytes(raw)
        memsim.load(str(path), allow_unknown=draw.random() < 0.7)

    return attempt


def broken_bytes(draw: random.Random, raw: bytes) -> bytes:
    """A few bytes changed, a piece cut out or doubled."""
    data = bytearray(raw)
    for _ in range(draw.randint(1, 6)):
        start = draw.randrange(len(data) or 1)
        stop = min(len(data), start + draw.randint(0, 12))
        piece = bytes(draw.randrange(256) for _ in range(draw.randint(0, 4)))
        data[start:stop] = draw.choice([b"", bytes(data[start:stop]) * 2, piece])
    return bytes(data)


def break_model(draw: random.Random, model: Any, operators: Sequence[str]) -> None:
    """Change one thing of a model in place."""
    graph = model.graph
    node = draw.choice(graph.node) if graph.node else None
    names = [name for each in graph.node for name in (*each.input, *each.output)] or ["x"]
    names += [each.name for each in graph.initializer] + ["", "nowhere"]
    what = draw.randrange(13)
    if what == 0 and node:
        node.op_type = draw.choice(operators)
    elif what == 1 and node and node.input:
        node.input[draw.randrange(len(node.input))] = draw.choice(names)
    elif what == 2 and node:
        draw.choice([node.input, node.output]).append(draw.choice(names))
    elif what == 3 and node and node.input:
        node.input.pop()
    elif what == 4 and node and node.attribute:
        break_attribute(draw, draw.choice(node.attribute))
    elif what == 5 and node and node.attribute:
        node.attribute.pop(draw.randrange(len(node.attribute)))
    elif what == 6 and graph.initializer:
        tensor = draw.choice(graph.initializer)
        change_sizes(draw, tensor.dims)
    elif what == 7 and graph.initializer:
        tensor = draw.choice(graph.initializer)
        tensor.data_type = draw.randrange(25)
    elif what == 8 and graph.initializer:
        tensor = draw.choice(graph.initializer)
        tensor.raw_data = broken_bytes(draw, tensor.raw_data or b"\0" * 8)
    elif what == 9 and graph.input:
        value = draw.choice(graph.input)
        dims = value.type.tensor_type.shape.dim
        if dims and draw.random() < 0.7:
            dims[draw.randrange(len(dims))].dim_value = draw.choice(SIZES)
        elif dims and draw.random() < 0.5:
            dims.pop()
        else:
            dims.add().dim_value = draw.choice(SIZES)
    elif what == 10 and len(graph.node) > 1:
        graph.node.pop(draw.randrange(len(graph.node)))
    elif what == 11 and node:
        graph.node.add().CopyFrom(node)
    elif model.opset_import:
        model.opset_import[0].version = draw.choice([1, 6, 9, 11, 13, 17, 18, 21, 99])


def break_attribute(draw: random.Random, attribute: Any) -> None:
    """Another value, or another kind of value."""
    if attribute.type == 2:
        attribute.i = draw.choice(SIZES)
    elif attribute.type == 7:
        change_sizes(draw, attribute.ints)
    elif attribute.type == 3:
        attribute.s = draw.choice([b"", b"SAME_UPPER", b"VALID", b"cubic", b"\xff", b"x" * 50])
    elif attribute.type == 1:
        attribute.f = draw.choice([float("nan"), float("inf"), -1.0, 0.0, 1e30])
    if draw.random() < 0.2:
        attribute.type = draw.randrange(15)
    if draw.random() < 0.1:
        attribute.name = draw.choice(["axis", "axes", "pads", "kernel_shape", "x"])


def change_sizes(draw: random.Random, sizes: Any) -> None:
    if sizes and draw.random() < 0.6:
        sizes[draw.randrange(len(sizes))] = draw.choice(SIZES)
    elif sizes and draw.random() < 0.5:
        sizes.pop()
    else:
        sizes.append(draw.choice(SIZES))


# -- PyTorch --------------------------------------------------------------------------------------


def torch_seeds() -> list[Any]:
    """Records of small networks, as the reader of PyTorch's graphs gives them."""
    import torch

    from benchmarks import zoo
    from memsim.formats.foreign.torch import capture, examples, trace

    seeds = []
    for name in ("test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_mambaout",
                 "test_nfnet", "test_coatnet", "test_vit_relpos", "test_byobnet"):  # fmt: skip
        module, inputs = zoo.make(f"timm:{name}")
        given = examples.Examples.of(torch, module, inputs)
        captured = capture.capture(torch, module, given)
        seeds.append(trace.Graph(torch, module, captured.traced, captured.tensors))
    return seeds


def torch_attempt(seeds: Sequence[Any]) -> Attempt:
    from memsim.formats.foreign.importer import Importer
    from memsim.formats.foreign.torch.rules import RULES
    from memsim.formats.foreign.unknown import refuse_unknown

    targets = sorted({record.target for seed in seeds for record in seed.records} | set(RULES))

    def attempt(draw: random.Random, folder: Path) -> None:
        seed = draw.choice(seeds)
        first = draw.randrange(len(seed.records))
        records = list(seed.records)
        for _ in range(draw.randint(1, 4)):
            at = min(len(records) - 1, draw.choice([first, draw.randrange(len(records))]))
            break_records(draw, records, at, targets)
        importer = Importer(RULES, exact=True, whole=draw.random() < 0.2)
        importer.hold(seed.constants)
        for name, shape in seed.inputs:
            importer.input(name, shape)
        importer.run(records, seed.outputs)
        network = importer.network("broken", seed.outputs, dtype=seed.dtype)
        refuse_unknown(network, draw.random() < 0.7)

    return attempt


def break_records(draw: random.Random, records: list[Any], at: int, targets: Sequence[str]) -> None:
    """Change one thing of one record."""
    record = records[at]
    what = draw.randrange(7)
    values: tuple[Any, ...] = (*SIZES, None, True, 0.5, "same", "x", [], [1, 1], [2, 2, 2], [-1, 0])
    if what == 0:
        records[at] = replace(record, target=draw.choice(targets))
    elif what == 1 and record.attributes:
        name = draw.choice(sorted(record.attributes))
        records[at] = replace(record, attributes={**record.attributes, name: draw.choice(values)})
    elif what == 2 and record.attributes:
        name = draw.choice(sorted(record.attributes))
        left = {key: value for key, value in record.attributes.items() if key != name}
        records[at] = replace(record, attributes=left)
    elif what == 3 and record.inputs:
        other = records[draw.randrange(at + 1)]
        names = (*other.inputs, *other.outputs, "", "nowhere")
        inputs = list(record.inputs)
        inputs[draw.randrange(len(inputs))] = draw.choice(names)
        records[at] = replace(record, inputs=tuple(inputs))
    elif what == 4:
        records[at] = replace(record, inputs=record.inputs[: draw.randint(0, len(record.inputs))])
    elif what == 5 and record.shapes and record.shapes[0]:
        sizes = list(record.shapes[0])
        change_sizes(draw, sizes)
        sizes = [size for size in sizes if size >= 0]
        records[at] = replace(record, shapes=(tuple(sizes), *record.shapes[1:]))
    else:
        records.pop(at)
        if not records:
            records.append(record)


# -- many of them ---------------------------------------------------------------------------------


def batch(attempt: Attempt, numbers: Sequence[int], sender: Any) -> None:
    """Try some numbers in this process; tell what is bad of each, and a count of the rest."""
    import memsim

    def late(*_: Any) -> None:
        raise TimeoutError(f"longer than {SECONDS} s")

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, late)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, used + MEMORY))
    words: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            sender.send(("at", number, ""))
            draw = random.Random(number)
            signal.alarm(SECONDS)
            try:
                attempt(draw, Path(folder))
                words["network"] += 1
            except memsim.MemsimError:
                words["memsim's error"] += 1
            except BaseException as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{Path(last.filename).name}:{last.lineno}"
                sender.send(("bad", number, f"{type(error).__name__} at {where}: {error}"[:160]))
                words["bad"] += 1
            finally:
                signal.alarm(0)
    sender.send(("end", 0, words))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("importer", choices=("onnx", "torch"))
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    if options.importer == "onnx":
        attempt = onnx_attempt(onnx_seeds())
    else:
        from benchmarks import zoo

        zoo.warm()
        attempt = torch_attempt(torch_seeds())
    if options.count == 1:
        with tempfile.TemporaryDirectory() as folder:
            attempt(random.Random(options.first), Path(folder))
        return
    words: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    start, number, end = time.monotonic(), options.first, options.first + options.count
    context = multiprocessing.get_context("fork")
    while number < end:
        receiver, sender = context.Pipe(duplex=False)
        numbers = range(number, min(end, number + BATCH))
        process = context.Process(target=batch, args=(attempt, numbers, sender))
        process.start()
        sender.close()
        done = number
        try:
            while receiver.poll(2 * SECONDS):
                kind, at, what = receiver.recv()
                if kind == "at":
                    done = at
                elif kind == "bad":
                    bad[what] += 1
                    print(f"{at}: {what}")
                else:
                    words.update(what)
                    done = numbers[-1]
                    break
            else:
                raise EOFError
        except EOFError:  # it hung where no alarm helps, or died
            print(f"{done}: its process hung or died")
            bad["hung or died"] += 1
        process.kill()
        process.join()
        number = done + 1
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    listed = ", ".join(f"{count} {word}" for word, count in words.most_common())
    print(f"{options.count} in {time.monotonic() - start:.0f} s: {listed}; peak {peak} MB")
    for what, count in bad.most_common():
        print(f"  {count} x {what}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
