"""Vela, the compiler for Arm's Ethos-U: an int8 TFLite file and its report of memory traffic.

``prepare GRAPH FOLDER`` writes the TFLite file, ``run FOLDER CACHE`` compiles it and leaves
``result.json``. Runs in an environment of its own, see requirements-vela.txt.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

MODEL = "network.tflite"
ACCELERATOR = "ethos-u85-512"
SYSTEM = "Ethos_U85_SYS_DRAM_Mid"
ACTIVATION_SCALE = 6 / 255
WEIGHT_SCALE = 0.01


def prepare(graph: dict[str, Any], folder: Path) -> None:
    """Write the network as a TFLite file, int8 with weights drawn from a normal distribution."""
    (folder / MODEL).write_bytes(_Model(graph).bytes())


class _Model:
    """A TFLite flatbuffer in the making."""

    def __init__(self, graph: dict[str, Any]) -> None:
        import flatbuffers
        import numpy as np

        self.random = np.random.default_rng(0)
        self.builder = flatbuffers.Builder(1 << 20)
        self.buffers: list[int] = [self._buffer(None)]
        self.tensors: list[int] = []
        self.operators: list[int] = []
        self.codes: list[int] = []
        self.shapes: dict[str, list[int]] = {}
        self.index: dict[str, int] = {}
        ends: list[int] = []
        for operator in graph["operators"]:
            name = operator["name"]
            channels, height, width = self.shapes[name] = operator["shape"]
            shape = [1, channels] if operator["kind"] == "linear" else [1, height, width, channels]
            self.index[name] = self._activation(name, shape)
            if operator["kind"] == "input":
                ends.append(self.index[name])
            else:
                self._operator(operator)
        self.inputs, self.outputs = ends, [self.index[graph["operators"][-1]["name"]]]

    def bytes(self) -> bytes:
        """The finished file."""
        from ethosu.vela.tflite import Model, OperatorCode, SubGraph

        build = self.builder
        codes = []
        for code in self.codes:
            OperatorCode.Start(build)
            OperatorCode.AddDeprecatedBuiltinCode(build, code)
            OperatorCode.AddBuiltinCode(build, code)
            OperatorCode.AddVersion(build, 3)
            codes.append(OperatorCode.End(build))
        columns = [
            self._vector(self.tensors),
            self._ints(self.inputs),
            self._ints(self.outputs),
            self._vector(self.operators),
        ]
        SubGraph.Start(build)
        SubGraph.AddTensors(build, columns[0])
        SubGraph.AddInputs(build, columns[1])
        SubGraph.AddOutputs(build, columns[2])
        SubGraph.AddOperators(build, columns[3])
        graphs = self._vector([SubGraph.End(build)])
        codes_at, buffers = self._vector(codes), self._vector(self.buffers)
        Model.Start(build)
        Model.AddVersion(build, 3)
        Model.AddOperatorCodes(build, codes_at)
        Model.AddSubgraphs(build, graphs)
        Model.AddBuffers(build, buffers)
        build.Finish(Model.End(build), b"TFL3")
        return bytes(build.Output())

    def _operator(self, operator: dict[str, Any]) -> None:
        kind, name = operator["kind"], operator["name"]
        inputs = [self.index[source] for source in operator["inputs"]]
        if kind in ("conv", "linear"):
            inputs += self._parameters(operator)
        code, options, set_options = self._options(operator)
        build = self.builder
        if kind == "linear" and self.shapes[operator["inputs"][0]][1:] != [1, 1]:
            raise SystemExit(f"{name}: a linear layer reads a 1x1 map")
        from ethosu.vela.tflite import BuiltinOptions, Operator

        if code not in self.codes:
            self.codes.append(code)
        chosen = set_options()
        read, written = self._ints(inputs), self._ints([self.index[name]])
        Operator.Start(build)
        Operator.AddOpcodeIndex(build, self.codes.index(code))
        Operator.AddInputs(build, read)
        Operator.AddOutputs(build, written)
        Operator.AddBuiltinOptionsType(build, getattr(BuiltinOptions.BuiltinOptions, options))
        Operator.AddBuiltinOptions(build, chosen)
        self.operators.append(Operator.End(build))

    def _options(self, operator: dict[str, Any]) -> tuple[int, str, Any]:
        """Operator code, name of its options' table, and what writes them."""
        from ethosu.vela.tflite import (
            AddOptions,
            ConcatenationOptions,
            Conv2DOptions,
            FullyConnectedOptions,
            Pool2DOptions,
        )
        from ethosu.vela.tflite.ActivationFunctionType import ActivationFunctionType as Act
        from ethosu.vela.tflite.BuiltinOperator import BuiltinOperator as Code
        from ethosu.vela.tflite.Padding import Padding

        build = self.builder
        activation = {None: Act.NONE, "relu": Act.RELU, "relu6": Act.RELU6}[
            operator.get("activation")
        ]
        same = Padding.SAME if any(operator.get("padding", ())) else Padding.VALID

        def convolution() -> int:
            Conv2DOptions.Start(build)
            Conv2DOptions.AddPadding(build, same)
            Conv2DOptions.AddStrideH(build, operator["stride"][0])
            Conv2DOptions.AddStrideW(build, operator["stride"][1])
            Conv2DOptions.AddFusedActivationFunction(build, activation)
            return int(Conv2DOptions.End(build))

        def pool() -> int:
            Pool2DOptions.Start(build)
            Pool2DOptions.AddPadding(build, same)
            Pool2DOptions.AddStrideH(build, operator["stride"][0])
            Pool2DOptions.AddStrideW(build, operator["stride"][1])
            Pool2DOptions.AddFilterHeight(build, operator["kernel"][0])
            Pool2DOptions.AddFilterWidth(build, operator["kernel"][1])
            return int(Pool2DOptions.End(build))

        def add() -> int:
            AddOptions.Start(build)
            AddOptions.AddFusedActivationFunction(build, activation)
            return int(AddOptions.End(build))

        def concat() -> int:
            ConcatenationOptions.Start(build)
            ConcatenationOptions.AddAxis(build, 3)
            return int(ConcatenationOptions.End(build))

        def linear() -> int:
            FullyConnectedOptions.Start(build)
            return int(FullyConnectedOptions.End(build))

        return {
            "conv": (Code.CONV_2D, "Conv2DOptions", convolution),
            "maxpool": (Code.MAX_POOL_2D, "Pool2DOptions", pool),
            "global_avgpool": (Code.AVERAGE_POOL_2D, "Pool2DOptions", pool),
            "add": (Code.ADD, "AddOptions", add),
            "concat": (Code.CONCATENATION, "ConcatenationOptions", concat),
            "linear": (Code.FULLY_CONNECTED, "FullyConnectedOptions", linear),
        }[operator["kind"]]

    def _parameters(self, operator: dict[str, Any]) -> list[int]:
        """Weights and bias of a convolution or a linear layer."""
        import numpy as np

        out, into = operator["shape"][0], self.shapes[operator["inputs"][0]][0]
        shape = [out, *operator["kernel"], into] if operator["kind"] == "conv" else [out, into]
        drawn = self.random.normal(0, 127 / 4, shape)  # the largest of a channel near four sigma
        weights = np.clip(np.rint(drawn), -127, 127).astype(np.int8)
        bias = self.random.integers(-1000, 1000, out).astype(np.int32)
        scales = [WEIGHT_SCALE] if operator["kind"] == "linear" else [WEIGHT_SCALE] * out
        both = [scale * ACTIVATION_SCALE for scale in scales]
        return [
            self._tensor(f"{operator['name']}.weight", shape, "INT8", weights, scales),
            self._tensor(f"{operator['name']}.bias", [out], "INT32", bias, both),
        ]

    def _activation(self, name: str, shape: list[int]) -> int:
        return self._tensor(name, shape, "INT8", None, [ACTIVATION_SCALE], zero=-128)

    def _tensor(
        self,
        name: str,
        shape: list[int],
        kind: str,
        data: Any,
        scales: list[float],
        zero: int = 0,
    ) -> int:
        """One more tensor; its number."""
        from ethosu.vela.tflite import QuantizationParameters, Tensor, TensorType

        build = self.builder
        buffer = 0
        if data is not None:
            buffer = len(self.buffers)
            self.buffers.append(self._buffer(data))
        title, dims = build.CreateString(name), self._ints(shape)
        QuantizationParameters.StartScaleVector(build, len(scales))
        for scale in reversed(scales):
            build.PrependFloat32(scale)
        scale_at = build.EndVector()
        QuantizationParameters.StartZeroPointVector(build, len(scales))
        for _ in scales:
            build.PrependInt64(zero)
        zero_at = build.EndVector()
        QuantizationParameters.Start(build)
        QuantizationParameters.AddScale(build, scale_at)
        QuantizationParameters.AddZeroPoint(build, zero_at)
        quantization = QuantizationParameters.End(build)
        Tensor.Start(build)
        Tensor.AddShape(build, dims)
        Tensor.AddType(build, getattr(TensorType.TensorType, kind))
        Tensor.AddBuffer(build, buffer)
        Tensor.AddName(build, title)
        Tensor.AddQuantization(build, quantization)
        self.tensors.append(Tensor.End(build))
        return len(self.tensors) - 1

    def _buffer(self, data: Any) -> int:
        from ethosu.vela.tflite import Buffer

        build = self.builder
        at = None
        if data is not None:
            build.StartVector(1, data.nbytes, 16)
            build.head -= data.nbytes
            build.Bytes[build.head : build.head + data.nbytes] = data.tobytes()
            at = build.EndVector()
        Buffer.Start(build)
        if at is not None:
            Buffer.AddData(build, at)
        return int(Buffer.End(build))

    def _ints(self, numbers: list[int]) -> int:
        self.builder.StartVector(4, len(numbers), 4)
        for number in reversed(numbers):
            self.builder.PrependInt32(number)
        return int(self.builder.EndVector())

    def _vector(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())


def run(folder: Path, cache: int) -> None:
    """Compile for a cache of so many bytes and keep what Vela reports."""
    from ethosu.vela import vela

    options = [
        f"--accelerator-config={ACCELERATOR}",
        "--config=Arm/vela.ini",
        f"--system-config={SYSTEM}",
        "--memory-mode=Dedicated_Sram",
        f"--arena-cache-size={cache}",
        "--optimise=Performance",
        f"--output-dir={folder}",
        "--verbose-performance",
    ]
    vela.main([*options, str(folder / MODEL)])
    (summary,) = folder.glob("*summary*.csv")
    with summary.open() as file:
        (row,) = csv.DictReader(file)
    (folder / "result.json").write_text(json.dumps(row))


if __name__ == "__main__":
    command, first, second = sys.argv[1:]
    if command == "prepare":
        prepare(json.loads(Path(first).read_text()), Path(second))
    else:
        run(Path(first), int(second))
