"""``memsim import`` and ``memsim graph``, and ONNX files in every command."""

from __future__ import annotations

import json
import sys

import pytest

import memsim as package
from memsim.cli.main import run

SOURCE = """\
import torch

class Inverse(torch.nn.Module):
    def forward(self, x):
        return torch.cholesky_inverse(x)

whole = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), Inverse())

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
    def forward(self, x):
        return torch.relu(self.conv(x))

class Aux(Net):
    def __init__(self):
        super().__init__()
        self.aux = torch.nn.Conv2d(3, 2, 1)
    def forward(self, x):
        self.aux(x)
        return super().forward(x)

class holder:
    make = Net

class Sound(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(1, 8, 3)
    def forward(self, sound):
        return self.conv(sound)

class Words(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(100, 16)
    def forward(self, ids):
        return self.embedding(ids)

class Two(Net):
    def forward(self, image, state):
        return torch.relu(self.conv(image)), torch.relu(state)

class Whole(Net):
    def forward(self, image, state):
        assert state.shape == (2, 1, 8)
        return torch.relu(self.conv(image)), torch.relu(state)

def fails():
    raise KeyError("nothing here")

def stops():
    raise SystemExit(3)

def three():
    return 3

number = 3
"""


@pytest.fixture(name="memsim")
def _memsim(capsys, tmp_path, monkeypatch):
    """Run the command line in an empty directory; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*args):
        code = run([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture(name="model")
def _model(tmp_path, needs):
    """An ONNX file with an unknown operator."""
    needs("onnx")
    from onnx import TensorProto, helper

    def value(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, 8, 8))

    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="first"),
        helper.make_node("Mystery", ["r"], ["y"], name="second", axis=1),
    ]
    trace = nodes[1].metadata_props.add()
    trace.key = "pkg.torch.onnx.stack_trace"
    trace.value = (
        'File "shuffle.py", line 41, in forward\n  y\nFile "/a/torch/nn/b.py", line 3, in c'
    )
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")])
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize("command", [["run"], ["describe"], ["expand"], ["import"]])
def test_unknown_operators_end_every_command_unless_allowed(memsim, model, command):
    code, out, err = memsim(*command, "model.onnx")
    assert (code, out) == (1, "")
    assert err.splitlines()[0] == (
        "memsim: model.onnx: memsim does not know the operator Mystery: once, layer second "
        "(3 of 3, line 41 of shuffle.py): 1x3x8x8 to 1x3x8x8 (axis 1)"
    )
    code, out, err = memsim(*command, "model.onnx", "--allow-unknown")
    assert (code, err) == (
        0,
        "memsim: note: model.onnx: memsim does not know the operator Mystery: once, "
        "layer second (3 of 3, line 41 of shuffle.py): 1x3x8x8 to 1x3x8x8 (axis 1)\n",
    )
    assert out


def test_an_imported_file_is_the_same_network(memsim, model):
    code, out, _ = memsim("import", model, "-o", "new.yaml", "--allow-unknown")
    assert (code, out) == (0, "new.yaml: model, 3 layers, 0 parameters, 0 MACs\n")
    assert package.load("new.yaml") == package.load(model, allow_unknown=True)


def test_a_shipped_network_as_onnx_runs_alike(memsim, tmp_path, needs):
    needs("onnx")
    from tests.formats.onnx_writer import to_onnx

    (tmp_path / "resnet18.onnx").write_bytes(to_onnx(package.load("resnet18")).SerializeToString())
    code, out, err = memsim("run", "resnet18.onnx", "--cache", "2MB", "--layers", "0")
    assert (code, err) == (0, "")
    assert out == memsim("run", "resnet18", "--cache", "2MB", "--layers", "0")[1]


@pytest.fixture(name="mine")
def _mine(tmp_path, memsim, needs):
    """A Python module in the current directory."""
    needs("torch")
    (tmp_path / "mine_to_import.py").write_text(SOURCE)
    yield "mine_to_import"
    sys.modules.pop("mine_to_import", None)


@pytest.mark.parametrize("name", ["Net", "holder.make"])
def test_a_module_of_the_current_directory(memsim, mine, name):
    before = list(sys.path)
    code, out, err = memsim("import", f"{mine}:{name}", "--input", "3x16x16", "--dtype", "fp16")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:4] == [
        f"name: {name.rpartition('.')[2]}", "inputs: {x: [3, 16, 16]}", "dtype: fp16", "layers:"
    ]  # fmt: skip
    assert lines[4:] == [
        "  - {name: conv, conv: {out: 8, kernel: 3, bias: true}, from: x}",
        "  - {name: relu, relu: {}, from: conv}",
    ]
    assert sys.path == before


def test_what_no_output_needs_is_told(memsim, mine):
    code, _, err = memsim("import", f"{mine}:Aux", "--input", "3x16x16", "-o", "aux.yaml")
    assert code == 0
    assert err == (
        "memsim: note: left out: 1,536 MACs, 8 parameters that no output needs: "
        "aux (conv, 1,536 MACs, 8 parameters)\n"
    )


def test_an_input_of_any_size(memsim, mine):
    code, out, _ = memsim("import", f"{mine}:Net", "--input", "3x200000x200000")
    assert (code, "[3, 200000, 200000]" in out) == (0, True)


def test_unknown_operators_of_a_module(memsim, mine):
    code, out, err = memsim("import", f"{mine}:whole", "--input", "3x8x8", "-o", "x.yaml")
    assert (code, out) == (1, "")
    assert "memsim does not know the operator cholesky_inverse: once, layer 2" in err
    code, _, err = memsim("import", f"{mine}:whole", "--input", "3x8x8", "--allow-unknown")
    assert (code, err.count("note:")) == (0, 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Nett", "mine_to_import:Nett: mine_to_import has no 'Nett' (did you mean 'Net'?)"),
        ("fails", "mine_to_import:fails: raises KeyError: 'nothing here'"),
        ("stops", "mine_to_import:stops: raises SystemExit: 3"),
        ("three", "mine_to_import:three: returns no torch.nn.Module, but int"),
        ("number", "mine_to_import:number: is neither a module nor callable, but int"),
    ],
)
def test_sources_that_give_no_module(memsim, mine, name, expected):
    code, out, err = memsim("import", f"{mine}:{name}", "--input", "3x8x8")
    assert (code, out, err) == (2, "", f"memsim: {expected}\n")


def test_sources_that_cannot_be_imported(memsim, mine, tmp_path):
    code, _, err = memsim("import", "no_such_module:x", "--input", "3x8x8")
    assert code == 2
    assert err.startswith("memsim: no_such_module: there is no module 'no_such_module'")
    (tmp_path / "half_a_module.py").write_text("def x(:")
    code, _, err = memsim("import", "half_a_module:x", "--input", "3x8x8")
    assert code == 2
    assert err.startswith("memsim: half_a_module: cannot be imported: SyntaxError")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Sound", "the size of its input (such as --input 1x16000)"),
        ("Words", "the size of its input (such as --input 128:int64)"),
        ("Two", "the sizes of its inputs image and state "
                "(such as 3x224x224: --input image=SIZE --input state=SIZE)"),
    ],
)  # fmt: skip
def test_a_module_that_does_not_look_at_images_needs_an_input(memsim, mine, name, hint):
    code, _, err = memsim("import", f"{mine}:{name}")
    assert (code, err) == (2, f"memsim: --input: a PyTorch module needs {hint}\n")


def test_a_module_of_images_runs_like_a_file_in_every_command(memsim, mine):
    code, out, err = memsim("describe", f"{mine}:Net", "--format", "json")
    assert (code, err) == (0, "memsim: note: no --input is given, and 3x224x224 is assumed\n")
    assert json.loads(out)["network"]["macs"] == 8 * 27 * 224 * 224
    for command in ("run", "curve", "expand", "memory"):
        code, out, err = memsim(command, f"{mine}:Net", "--input", "3x16x16", "--batch", "2")
        assert (code, err, "Net" in out) == (0, "", True), command
    code, out, _ = memsim("compare", f"{mine}:Net", "resnet18", "--input", "3x64x64")
    assert (code, "Net" in out and "resnet18" in out) == (0, True)
    assert memsim("check", f"{mine}:Net")[0] == 0
    assert package.load(f"{mine}:Net", input_shape=(3, 16, 16)).macs == 8 * 27 * 16 * 16


def test_inputs_by_name_with_and_without_a_batch(memsim, mine):
    two = f"{mine}:Two"
    code, out, _ = memsim(
        "describe", two, "--input", "image=3x16x16", "--input", "state=2x1x8", "--format", "csv"
    )
    assert (code, "image" in out and "state" in out) == (0, True)
    code, out, err = memsim("describe", two, "--input", "imag=3x16x16")
    assert (code, out) == (2, "")
    assert err == "memsim: --input: Two has no input 'imag' (did you mean 'image'?)\n"
    code, _, err = memsim("describe", two, "--input", "image=3x16x16")
    assert err == (
        "memsim: --input: Two needs the size of its input state, too (--input state=SIZE)\n"
    )
    code, _, err = memsim("describe", two, "--input", "3x16x16")
    assert err == (
        "memsim: --input: Two has 2 inputs, image and state; which is 3x16x16? "
        "(such as --input image=3x16x16)\n"
    )


def test_a_state_is_taken_as_it_stands_where_the_module_runs_so_alone(memsim, mine):
    network = package.load(f"{mine}:Whole", input_shape={"image": "3x8x8", "state": (2, 1, 8)})
    assert [network[name].output.size for name in network.inputs] == [192, 16]


def test_a_part_of_a_module(memsim, mine):
    code, out, _ = memsim("import", f"{mine}:Net", "--submodule", "conv", "--input", "3x8x8")
    assert (code, out.splitlines()[0]) == (0, "name: Net.conv")
    code, _, err = memsim("import", f"{mine}:Net", "--submodule", "cov", "--input", "3x8x8")
    assert (code, err) == (
        2, "memsim: submodule: Net has no submodule 'cov' (did you mean 'conv'?)\n"
    )  # fmt: skip
    code, _, err = memsim("run", "resnet18", "--submodule", "conv")
    assert (code, err) == (
        2, "memsim: submodule: resnet18 has no submodules (it is for PyTorch modules)\n"
    )  # fmt: skip


def test_data_types_of_inputs(memsim, mine):
    code, _, err = memsim("describe", f"{mine}:Words", "--input", "8", "--allow-unknown")
    assert (code, "--input NAME=128:int64" in err) == (2, True)
    code, _, err = memsim("describe", f"{mine}:Words", "--input", "8:int46", "--allow-unknown")
    assert "PyTorch has no data type 'int46' (did you mean 'int64'?)" in err
    code, _, _ = memsim("describe", f"{mine}:Words", "--input", "ids=8:int64", "--allow-unknown")
    assert code == 0
    code, _, err = memsim("describe", "resnet18", "--input", "3x64x64:float16")
    assert (code, err) == (
        2,
        "memsim: --input: input has the network's data type, not one of its own (float16) "
        "(--dtype chooses it)\n",
    )


def test_sizes_that_do_not_say_which_input(memsim):
    for words, told in {
        ("3x8x8", "3x9x9"): "of several sizes each needs the name of its input, not '3x9x9' alone",
        ("a=3x8x8", "a=3x9x9"): "a is given two sizes, 3x8x8 and 3x9x9",
        ("a=",): "'' is no input size",
        ("3x8x8x",): "'3x8x8x' is no input size",
    }.items():
        code, _, err = memsim("run", "resnet18", *(w for word in words for w in ("--input", word)))
        assert (code, told in err) == (2, True), err


@pytest.mark.parametrize(
    ("ending", "start"),
    [
        ("svg", b"<?xml"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("dot", b'digraph "resnet18" {'),
        ("gv", b'digraph "resnet18" {'),
        ("graphml", b"<graphml"),
    ],
)
def test_graphs_in_every_format(memsim, tmp_path, ending, start):
    assert memsim("graph", "resnet18", "-o", f"g.{ending}", "--cache", "1MB") == (0, "", "")
    assert (tmp_path / f"g.{ending}").read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [f"g.{ending}"]


def test_exported_graphs_carry_the_traffic(memsim, tmp_path):
    memsim("graph", "resnet18", "-o", "g.graphml", "--cache", "1MB")
    assert "dram_bytes" in (tmp_path / "g.graphml").read_text()
    memsim("graph", "resnet18", "-o", "g.dot", "--colour", "moc")
    assert (tmp_path / "g.dot").read_text().count("fillcolor=") == 1 + 20


def test_graphs_that_cannot_be_written(memsim, tmp_path):
    code, _, err = memsim("graph", "resnet18", "-o", "g.jpg")
    assert (code, err) == (
        2,
        "memsim: g.jpg: a graph is not written with the ending '.jpg' "
        "(known: .svg, .png, .pdf, .dot, .gv, .graphml)\n",
    )
    code, _, err = memsim("graph", "resnet18", "-o", "g.svg", "--colour", "red")
    assert (code, err.startswith("memsim: --colour: unknown colour 'red'")) == (2, True)
    code, _, err = memsim("graph", "resnet18", "-o", "no/such/g.svg")
    assert (code, "cannot be written" in err) == (2, True)
    assert not list(tmp_path.iterdir())
