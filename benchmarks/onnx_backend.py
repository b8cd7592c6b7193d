"""Load the test models of the ``onnx`` package and compare the shapes of their outputs.

    python -m benchmarks.onnx_backend              # writes results/onnx_backend.md
    python -m benchmarks.onnx_backend 'conv*'      # prints some of them

The models are ONNX's definition of its operators: one small graph a form, with inputs and outputs.
Their weights, axes and sizes are inputs of the graph as a rule, which no network has; so each is
loaded as it is and, where that is refused, with all inputs but the first bound to the test's
values.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import numpy_helper

PAGE = Path(__file__).parent / "results" / "onnx_backend.md"

SECONDS = 20

KINDS = {
    "convolution": "Conv ConvTranspose DeformConv CausalConvWithState Col2Im",
    "pooling": "AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool MaxUnpool "
               "RoiAlign MaxRoiPool",
    "normalisation": "BatchNormalization InstanceNormalization GroupNormalization LRN "
                     "LayerNormalization RMSNormalization LpNormalization "
                     "MeanVarianceNormalization Softmax LogSoftmax Hardmax",
    "elementwise": "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitwiseAnd BitwiseNot BitwiseOr "
                   "BitwiseXor Cast CastLike Ceil Celu Clip Cos Cosh Div Dropout Elu Equal Erf Exp "
                   "Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN "
                   "LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow "
                   "Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt "
                   "Sub Sum Swish SwiGLU Tan Tanh ThresholdedRelu Where Xor BitShift",
    "shape": "Concat DepthToSpace Expand Flatten Gather GatherElements GatherND Reshape Shape Size "
             "Slice SpaceToDepth Split Squeeze Tile Transpose Unsqueeze Constant ConstantOfShape "
             "Range OneHot Trilu EyeLike ReverseSequence CenterCropPad",
    "reduction": "ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax "
                 "ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare CumSum TopK",
    "matmul": "Einsum Gemm MatMul",
    "attention": "Attention RotaryEmbedding LinearAttention FlexAttention",
    "resize": "Resize Upsample GridSample AffineGrid",
    "pad": "Pad",
    "quantisation": "QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearConv "
                    "QLinearMatMul ConvInteger MatMulInteger",
}  # fmt: skip
"""Operators of inference; tests of others (training, text, sequences, recursion) are left out."""

KIND_OF = {operator: kind for kind, listed in KINDS.items() for operator in listed.split()}


REASONS = {
    r"has no output that depends on an input": "all outputs are constants: nothing is moved",
    r"no elements": "a tensor without elements is an input or an output of the graph",
    r"the values of the input|Range|Loop|ConstantOfShape": "sizes depend on the values of an input",
    r"LinearAttention|Scan": "a recurrence of matrices, of which memsim has no operator",
    r"BatchNormalization": "training: statistics of the batch are computed",
    r"has the shape unknown": "sequences and optional values, which are no tensors",
    r"Split.*does not split|cannot be seen as|has the shape \[": "shapes of inputs of other values",
    r"Col2Im": "more spatial axes than an operator has",
    r"Einsum": "a number of no axes",
}
"""Why models are refused, by what the message says."""


def reason_of(message: str) -> str:
    """The reason in a few words."""
    found = (reason for part, reason in REASONS.items() if re.search(part, message))
    return next(found, "other")


@dataclass
class Case:
    """A model of the package, and arrays that go in and come out (None where it does not tell).

    Attributes
    ----------
    kind : str
        The heading it belongs to.
    """

    name: str
    kind: str
    model: Any
    inputs: list[Any]
    outputs: list[Any]


@dataclass
class Verdict:
    """What came of a case: ``right``, ``wrong``, ``refused`` or ``broken``, and why."""

    case: Case
    word: str
    form: str = "as it is"
    why: str = ""


def cases() -> Iterator[Case]:
    """All that concern operators of inference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        nodes = collect_testcases(None)
    named = {case.name for case in nodes}
    for case in nodes:
        base = case.name.partition("_expanded")[0]
        first = operator_of(next((c for c in nodes if c.name == base), case)
                            if base in named else case)  # fmt: skip
        if first in KIND_OF and case.data_sets:
            ins, outs = case.data_sets[0]
            yield Case(case.name, KIND_OF[first], case.model, list(ins), list(outs))
    data = Path(onnx.__file__).parent / "backend" / "test" / "data"
    for folder in ("pytorch-converted", "pytorch-operator", "simple"):
        for path in sorted((data / folder).glob("*/model.onnx")):
            model = onnx.load(path)
            known = {*KIND_OF, "Constant"}
            if {
                node.op_type for node in model.graph.node
            } <= known and "gradient" not in path.parent.name:
                sets = path.parent / "test_data_set_0"
                yield Case(f"{folder}/{path.parent.name}", folder, model,
                           arrays(sets, "input", model.graph.input),
                           arrays(sets, "output", model.graph.output))  # fmt: skip
    for path in sorted((data / "light").glob("*.onnx")):
        model = onnx.load(path)
        outputs = path.with_name(f"{path.stem}_output_0.pb")
        yield Case(path.stem, "light networks", model, [], [array(outputs)])


def operator_of(case: Any) -> str:
    """The operator that a test is of: its last node's, or the one before constants and casts."""
    operators = [node.op_type for node in case.model.graph.node]
    named = [each for each in operators if each.lower() in case.name.replace("_", "")]
    return (named or operators or [""])[0]


def array(path: Path) -> Any:
    """A tensor from a file of the test data; None where it is something else."""
    tensor = onnx.TensorProto()
    try:
        tensor.ParseFromString(path.read_bytes())
        return numpy_helper.to_array(tensor)
    except Exception:  # a sequence, or none
        return None


def arrays(folder: Path, prefix: str, values: Any) -> list[Any]:
    return [array(folder / f"{prefix}_{number}.pb") for number in range(len(values))]


def bound(case: Case) -> Any:
    """The model with all inputs but the first (of which some element is read) as constants."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    inputs = list(model.graph.input)
    held = {each.name for each in model.graph.initializer}
    free = [value for value in inputs if value.name not in held]
    if len(free) < 2 or len(case.inputs) < len(free):
        return None
    for value, values in list(zip(free, case.inputs, strict=False))[1:]:
        if isinstance(values, onnx.TensorProto):
            model.graph.initializer.add().CopyFrom(values)
            model.graph.initializer[-1].name = value.name
        elif hasattr(values, "dtype"):
            model.graph.initializer.append(numpy_helper.from_array(values, value.name))
        else:
            return None
        model.graph.input.remove(value)
    return model


def shapes_of(network: Any) -> list[tuple[int, ...]]:
    return [tuple(network[name].output.shape) for name in network.outputs]


def is_same(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Whether a tensor of the network has the shape that was computed.

    A network's tensors are images of a batch: N x C is N x C x 1 x 1 there, and a first axis of
    several rows an image is written as two.

    >>> is_same((3, 4, 1, 1), (3, 4)), is_same((2, 3, 20), (6, 20)), is_same((3, 4, 1, 1), (4, 3))
    (True, True, False)
    """
    rows = (found[0] * found[1], *found[2:]) if len(found) > 1 else found
    wanted = [size for size in expected if size != 1]
    return any([size for size in each if size != 1] == wanted for each in (found, rows))


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of an array, a number, or a tensor as ONNX writes it; None of anything else."""
    if isinstance(value, onnx.TensorProto):
        return tuple(value.dims)
    shape = getattr(value, "shape", () if isinstance(value, (int, float)) else None)
    return None if shape is None else tuple(shape)


def judged(case: Case, folder: str) -> Verdict:
    """Load a case and compare."""
    verdict = loaded(case, case.model, folder)
    if verdict.word == "refused":
        other = bound(case)
        if other is not None:
            again = loaded(case, other, folder)
            again.form = "bound"
            return again
    return verdict


def loaded(case: Case, model: Any, folder: str) -> Verdict:
    import memsim

    path = Path(folder) / "model.onnx"
    onnx.save(model, path)
    signal.alarm(SECONDS)
    try:
        network = memsim.load(str(path))
        found = shapes_of(network)
    except memsim.MemsimError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = " / ".join(line.replace(str(path), "").strip(": ") for line in lines)
        return Verdict(case, "refused", why=why[:300])
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Verdict(case, "broken", why=f"{type(error).__name__}: {error}"[:300])
    finally:
        signal.alarm(0)
    # An output that depends on no input is a constant, and no tensor of the network.
    expected = [shape for shape in map(shape_of, case.outputs) if shape is not None]
    left = list(expected)
    for shape in found:
        same = next((each for each in left if is_same(shape, each)), None)
        if same is None:
            break
        left.remove(same)
    else:
        return Verdict(case, "right")
    return Verdict(case, "wrong", why=f"{found}, not {expected}")


def page(verdicts: list[Verdict]) -> str:
    """What came out, as Markdown."""
    words = Counter(each.word for each in verdicts)
    listed = ", ".join(f"{count} {word}" for word, count in words.most_common())
    lines = [
        "# ONNX's own test models",
        "",
        f"The models that the `onnx` package {onnx.__version__} tests backends with, as far as",
        "they concern operators of inference, loaded by `memsim.load` with nothing unknown",
        "allowed. *Right*: every output has the shape that the package computed, where N x C is",
        "the same as N x C x 1 x 1, and a first axis of several rows an image is written as two.",
        "*Bound*: their weights, axes and sizes are inputs of the graph, which is refused, and",
        "right with all inputs but the first bound to the test's values.",
        "`benchmarks/onnx_backend.py` makes the table.",
        "",
        f"{len(verdicts)} models: {listed}.",
        "",
        "| kind | models | right | of them bound | refused | wrong |",
        "| :-- | --: | --: | --: | --: | --: |",
    ]
    for kind in dict.fromkeys(each.case.kind for each in verdicts):
        of = [each for each in verdicts if each.case.kind == kind]
        right = [each for each in of if each.word == "right"]
        wrong = [each for each in of if each.word in ("wrong", "broken")]
        lines.append(
            f"| {kind} | {len(of)} | {len(right)} | {sum(e.form == 'bound' for e in right)} | "
            f"{len(of) - len(right) - len(wrong)} | {len(wrong)} |"
        )
    refused = [each for each in verdicts if each.word == "refused"]
    if refused:
        lines += ["", "## Reasons", "", "| why models are refused | models |", "| :-- | --: |"]
        told = Counter(reason_of(each.why) for each in refused)
        lines += [f"| {reason} | {count} |" for reason, count in told.most_common()]
    for word, title in (("broken", "Broken"), ("wrong", "Wrong"), ("refused", "Refused")):
        of = [each for each in verdicts if each.word == word]
        if of:
            lines += ["", f"## {title}", "", "| model | why |", "| :-- | :-- |"]
            lines += [f"| {e.case.name} | {e.why.replace('|', chr(92) + '|')} |" for e in of]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="names or patterns; all if left out")
    options = parser.parse_args()

    def late(*_: Any) -> None:
        raise TimeoutError(f"longer than {SECONDS} s")

    signal.signal(signal.SIGALRM, late)
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            name = case.name.removeprefix("test_")
            if not options.models or any(fnmatch.fnmatch(name, each) for each in options.models):
                verdicts.append(judged(case, folder))
                if options.models:
                    print(f"{name}: {verdicts[-1].word} ({verdicts[-1].form}) {verdicts[-1].why}")
    if not options.models:
        PAGE.write_text(page(verdicts))
    words = Counter(each.word for each in verdicts)
    print(", ".join(f"{count} {word}" for word, count in words.most_common()))
    sys.exit(bool(words["broken"] or words["wrong"]))


if __name__ == "__main__":
    main()
