"""Modules as people write them, and modules that cannot be read."""

from __future__ import annotations

import dataclasses
import logging
import re
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.errors import InputError, SimulationError
from memsim.formats.module.module import example_inputs
from tests.formats.plain_form import plain_form

pytestmark = pytest.mark.needs("torch")


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    """Not a line per tensor that is traced: pytest would keep them all."""
    trace = logging.getLogger("torch.__trace")
    trace.disabled, before = True, trace.disabled
    yield
    trace.disabled = before


@pytest.fixture(name="torch")
def _torch(needs):
    return needs("torch")


@pytest.fixture(name="Block")
def _block(torch):
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):
        """In-place activations, a chunk, a shortcut, a squeeze-and-excitation."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(8)
            self.relu = nn.ReLU(inplace=True)
            self.layers = nn.Sequential(nn.Conv2d(8, 8, 3, padding="same"), nn.ReLU6())
            self.gate = nn.Conv2d(8, 8, 1)
            self.fc = nn.Linear(12, 10)

        def forward(self, x):
            x = self.bn(self.conv(x))
            y = self.relu(x)  # from here on x is y
            y = self.layers(y) + x
            y = y * torch.sigmoid(self.gate(functional.adaptive_avg_pool2d(y, 1)))
            first, second = y.chunk(2, dim=1)
            y = torch.cat([second, first, second], 1)
            y = functional.interpolate(y, scale_factor=2)
            y = functional.max_pool2d(functional.pad(y, (0, 1, 0, 1)), 3, 2)
            y = functional.dropout(y.mean((2, 3)), 0.3, self.training)
            return self.fc(y)

    return Block


BLOCK = """\
name: Block
inputs: {x: [3, 8, 8]}
layers:
  - {name: conv, conv: {out: 8, kernel: 3}, from: x}
  - {name: bn, batchnorm: {}, from: conv}
  - {name: relu, relu: {inplace: true}, from: bn}
  - {name: layers.0, conv: {out: 8, kernel: 3, bias: true}, from: relu}
  - {name: layers.1, relu6: {}, from: layers.0}
  - {name: add, add: {}, from: [layers.1, relu]}
  - {name: adaptive_avg_pool2d, global_avgpool: {}, from: add}
  - {name: gate, conv: {out: 8, bias: true}, from: adaptive_avg_pool2d}
  - {name: sigmoid, sigmoid: {}, from: gate}
  - {name: mul, mul: {}, from: [add, sigmoid]}
  - {name: chunk, slice: {stop: 4}, from: mul}
  - {name: chunk.slice, slice: {start: 4, stop: 8}, from: mul}
  - {name: cat, concat: {}, from: [chunk.slice, chunk, chunk.slice]}
  - {name: upsample_nearest2d, upsample: {factor: 2}, from: cat}
  - {name: max_pool2d, maxpool: {kernel: 3, stride: 2, padding: [0, 0, 1, 1]}, from: upsample_nearest2d}
  - {name: mean, global_avgpool: {}, from: max_pool2d}
  - {name: dropout, dropout: {rate: 0.3}, from: mean}
  - {name: fc, linear: {out: 10}, from: dropout}
held:
  bn: fc
  mul: fc
"""  # noqa: E501


def test_a_module_as_people_write_it(torch, Block):
    assert memsim.dump(memsim.from_torch(Block(), torch.zeros(1, 3, 8, 8))) == BLOCK


def test_the_module_is_left_as_it_was(torch, Block):
    module = Block()
    module.bn.eval()
    memsim.from_torch(module, torch.zeros(2, 3, 8, 8))
    assert module.training
    assert not module.bn.training


def test_a_module_is_traced_as_it_evaluates(torch):
    def forward(self, x):
        return torch.sigmoid(x) if self.training else torch.relu(x)

    module = _module(torch, forward)
    assert module.training
    network = memsim.from_torch(module, torch.zeros(1, 3, 8, 8))
    assert [layer.op.kind for layer in network] == ["input", "relu"]


def test_an_unknown_operator_reads_all_tensors_of_a_list_with_gaps(torch):
    def forward(self, x, rows):
        return x[:, :, rows]  # which ATen writes as index(x, [None, None, rows])

    arguments = torch.zeros(4, 3, 8, 8), torch.zeros(4, dtype=torch.int64)
    network = memsim.from_torch(_module(torch, forward), arguments, allow_unknown=True)
    assert [len(layer.inputs) for layer in network] == [0, 0, 2]


def _no_export(*arguments, **options):
    raise RuntimeError("not today")


@pytest.mark.parametrize("name", ["resnet18", "hardnet39ds", "ssd512_hardnet68"])
def test_fx_gives_the_same_network_where_export_fails(name, torch, monkeypatch):
    monkeypatch.setattr(torch.export, "export", _no_export)
    network = memsim.load(name)
    found = memsim.from_torch(memsim.to_torch(network), example_inputs(network))
    assert plain_form(found) == plain_form(network)
    assert "conv1.conv" in found or "block1.1.conv" in found


def test_fx_gives_the_same_network_of_a_module(torch, Block, monkeypatch):
    exported = memsim.from_torch(Block(), torch.zeros(1, 3, 8, 8))
    monkeypatch.setattr(torch.export, "export", _no_export)
    found = memsim.from_torch(Block(), torch.zeros(1, 3, 8, 8))
    assert plain_form(found) == plain_form(exported)
    assert [layer.name for layer in found if layer.params] == [
        layer.name for layer in exported if layer.params
    ]


def test_a_network_of_half_precision(torch, Block):
    network = memsim.from_torch(Block().half(), torch.zeros(2, 3, 8, 8, dtype=torch.float16))
    assert (network.dtype, network.batch) == ("fp16", 2)


def test_weights_may_be_on_the_meta_device(torch):
    with torch.device("meta"):
        module = torch.nn.Conv2d(3, 1000, 99)
    network = memsim.from_torch(module, torch.empty(1, 3, 999, 999, device="meta"))
    assert network.macs == 3 * 1000 * 99**2 * 901**2


def test_unknown_operators_are_refused_and_listed(torch):
    nn = torch.nn

    class Inverses(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 1)

        def forward(self, x):
            return torch.cholesky_inverse(torch.cholesky_inverse(self.conv(x)).relu())

    module = Inverses()
    with pytest.raises(SimulationError) as caught:
        memsim.from_torch(module, torch.zeros(1, 3, 8, 8), "mine")
    first, second = str(caught.value).splitlines()
    assert first.endswith(
        "memsim does not know the operator cholesky_inverse: 2 times, layers cholesky_inverse "
        "(3 of 5), cholesky_inverse_1 (5 of 5): 1x8x8x8 to 1x8x8x8"
    )
    assert second == (
        "mine is not understood (allow_unknown (--allow-unknown) counts their tensors, 8.19 kB "
        "as traffic, not their MACs)"
    )
    network = memsim.from_torch(module, torch.zeros(1, 3, 8, 8), allow_unknown=True)
    assert network.params == sum(parameter.numel() for parameter in module.parameters())
    assert memsim.run(network, cache=0).dram_bytes > 0


def _module(torch, forward):
    class Custom(torch.nn.Module):
        pass

    Custom.forward = forward
    return Custom()


def _error(torch, forward, *shapes):
    with pytest.raises(InputError) as caught:
        memsim.from_torch(
            _module(torch, forward), tuple(torch.ones(s) for s in shapes or [(1, 3, 8, 8)])
        )
    return str(caught.value)


def test_what_is_no_module(torch):
    with pytest.raises(InputError, match=r"expected a torch\.nn\.Module, not function"):
        memsim.from_torch(_no_export, torch.zeros(1, 3, 8, 8))
    with pytest.raises(InputError, match=r"must be tensors or shapes.*not set"):
        memsim.from_torch(torch.nn.ReLU(), [{3, 224}])


def test_a_module_that_raises(torch):
    def forward(self, x):
        raise KeyError("no such layer")

    place, _, message = _error(torch, forward).partition(": ")
    assert (Path(place.split(":")[0]).name, place.split(":")[2]) == ("test_torch_import.py", "9")
    assert message.startswith(
        "Custom cannot be traced: KeyError: 'no such layer', in `raise KeyError(\"no such layer\")`"
    )


def test_inputs_that_do_not_fit(torch):
    with pytest.raises(InputError, match=r"Conv2d cannot be traced: RuntimeError: .*channels"):
        memsim.from_torch(torch.nn.Conv2d(4, 4, 1), torch.zeros(1, 3, 8, 8))


def test_a_branch_that_depends_on_the_data(torch):
    def forward(self, x):
        return x if x.sum() > 0 else -x

    message = _error(torch, forward)
    assert "Custom cannot be traced" in message
    assert "`return x if x.sum() > 0 else -x` depends on the values of its input" in message


def test_a_shape_that_depends_on_the_data(torch):
    def forward(self, x):
        return x[x > 0]

    message = _error(torch, forward)
    assert "depends on the data" in message or "depends on the values" in message
    assert "index" in message


def test_no_output_that_is_computed(torch):
    assert "has no output that depends on an input" in _error(torch, lambda self, x: 3)
    assert "has no output" in _error(torch, lambda self, x: torch.ones(3))


def test_an_input_without_a_batch_beside_one_with_it(torch):
    module = _module(torch, lambda self, image, state: (image.relu(), state.relu()))
    network = memsim.from_torch(module, ((1, 3, 8, 8), (2, 1, 128)))
    assert [network[name].output.size for name in network.inputs] == [192, 256]


class Detector:
    """Made where PyTorch is: a backbone, and a head that looks at values."""

    @staticmethod
    def of(torch, looks: bool):
        class Detector(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.backbone = torch.nn.Conv2d(3, 4, 3)
                self.head = torch.nn.Conv2d(4, 2, 1)

            def forward(self, x):
                y = self.backbone(x)
                if looks:
                    boxes = y[y > 0].nonzero()
                    for _ in range(int(boxes[0, 0])):
                        y = y + 1
                return Found(self.head(y), [{"features": y}, None])

        return Detector()


@dataclasses.dataclass
class Found:
    """What a detector gives: tensors in data classes, lists and dicts."""

    scores: Any
    rest: list[Any]


def test_a_detector_names_the_line_and_its_parts_and_nothing_else(torch, capfd):
    with pytest.raises(InputError) as caught:
        memsim.from_torch(Detector.of(torch, looks=True), (1, 3, 8, 8))
    message = str(caught.value)
    assert re.match(
        r"(.*/)?test_torch_import\.py:[0-9]+:[0-9]+: Detector cannot be traced", message
    )
    assert "`for _ in range(int(boxes[0, 0])):` depends on the values" in message
    assert message.endswith("--submodule backbone; it has backbone, head)")
    assert capfd.readouterr() == ("", "")


def test_outputs_may_be_nested(torch):
    module = Detector.of(torch, looks=False)
    network = memsim.from_torch(module, torch.zeros(1, 3, 8, 8))
    assert network.outputs == ("head", "backbone")
    assert isinstance(module(torch.zeros(1, 3, 8, 8)), Found), "the module is left as it was"


def test_examples_in_every_form(torch):
    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)

        def forward(self, image, other=None, *, scale=1.0):
            return self.conv(image) if other is None else self.conv(image) + self.conv(other)

    tensor, shape = torch.zeros(2, 3, 8, 8), (2, 3, 8, 8)
    one = {4 * 27 * 36 * 2}
    assert {memsim.from_torch(Two(), each).macs for each in (
        tensor, shape, (tensor,), [shape], {"image": tensor}, {"image": shape, "scale": 2.0},
        (shape, None),
    )} == one  # fmt: skip
    for each in ((tensor, tensor), [shape, shape], {"image": shape, "other": tensor}):
        network = memsim.from_torch(Two(), each)
        assert (network.batch, network.inputs) == (2, ("image", "other"))
    with pytest.raises(InputError, match=r"Two has no input 'imag' \(did you mean 'image'\?\)"):
        memsim.from_torch(Two(), {"imag": shape})


def test_an_input_that_is_a_dict(torch):
    module = _module(torch, lambda self, batch: batch["left"] + batch["right"])
    network = memsim.from_torch(module, {"left": (1, 3, 8, 8), "right": (1, 3, 8, 8)})
    assert network.inputs == ("batch_left", "batch_right")


@pytest.mark.parametrize(
    ("layer", "shape", "fits"),
    [
        (("Conv1d", 1, 8, 3), (1, 3, 9, 9), "1x16000 fits its first layer, a Conv1d"),
        (("Conv3d", 3, 8, 3), (1, 3, 9), "3x16x112x112 fits its first layer, a Conv3d"),
        (("Linear", 784, 10), (1, 3, 9), "784 fits its first layer, a Linear"),
    ],
)
def test_hints_fit_the_module(torch, layer, shape, fits):
    kind, *sizes = layer
    with pytest.raises(InputError) as caught:
        memsim.from_torch(getattr(torch.nn, kind)(*sizes), shape)
    assert fits in str(caught.value)
    assert "3x224x224" not in str(caught.value)


def test_what_is_not_known_of_an_operator_is_told_at_the_users_line(torch):
    def forward(self, x):
        x = torch.permute(x, (0, 2, 3, 1))
        x = torch.special.airy_ai(x)
        return torch.special.airy_ai(x[:, 1:]).relu()

    first = forward.__code__.co_firstlineno
    with pytest.raises(SimulationError) as caught:
        memsim.from_torch(_module(torch, forward), (1, 3, 8, 6), "mine")
    told = {problem.message.partition(":")[0]: problem for problem in caught.value.problems}
    sums = told["memsim does not know the operator special_airy_ai"]
    assert (Path(sums.file).name, sums.line) == ("test_torch_import.py", first + 2)
    assert f"line {first + 3})" in sums.message
    assert "1x8x6x3 to 1x8x6x3; 1x7x6x3 to 1x7x6x3" in sums.message


def test_how_long_memory_is_held_does_not_depend_on_computing_a_batch_norm(torch, monkeypatch):
    """It is passed over where only shapes matter: its output is as large as its input."""
    from memsim.formats.foreign.torch import frames
    from memsim.formats.foreign.torch.examples import Examples

    class Held(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3, stride=2)
            self.norms = torch.nn.ModuleList(torch.nn.BatchNorm2d(4) for _ in range(2))

        def forward(self, x):
            first = self.conv(x)
            second = self.norms[0](first)
            third = torch.relu(second)
            del second
            return self.norms[1](third) + first

    module = Held().eval()
    examples = Examples.of(torch, module, torch.zeros(2, 3, 9, 9))
    found = frames.watch_calls(torch, module, examples)
    monkeypatch.setattr(frames, "_result", lambda torch, func, args, named: func(*args, **named))
    told = frames.watch_calls(torch, module, examples)
    assert (found.order, found.made, found.freed) == (told.order, told.made, told.freed)
    assert len(found.made) == 5
    assert found.freed
