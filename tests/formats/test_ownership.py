"""Parameters that several operators of a module or a file read, and those that are computed on.

What counts is what is stored: the elements of all distinct parameters that an output depends on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

import memsim
from memsim.formats import dump
from memsim.network import Network

ROOM = "64MiB"
"""A cache that holds everything: each weight is fetched once."""


def weight_bytes(network: Network) -> int:
    return memsim.run(network, cache=ROOM, machine="textbook").by_role["weight"]


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    """Not a line per tensor that is traced: pytest would keep them all."""
    trace = logging.getLogger("torch.__trace")
    trace.disabled, before = True, trace.disabled
    yield
    trace.disabled = before


@pytest.mark.needs("torch")
class TestModules:
    @pytest.fixture(name="torch")
    def _torch(self, needs):
        return needs("torch")

    @pytest.fixture(name="module")
    def _module(self, torch) -> Callable[..., Any]:
        """A module of parts and a function of it and its inputs."""

        def made(forward: Callable[..., Any], **parts: Any) -> Any:
            class Made(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    for name, part in parts.items():
                        setattr(self, name, part)

                def forward(self, *inputs):
                    return forward(self, *inputs)

            return Made().eval()

        return made

    def agree(self, torch, module, *shapes, used: int | None = None) -> Network:
        """The network of a module, whose parameters are PyTorch's, on the way back too."""
        network = memsim.from_torch(module, [torch.zeros(shape) for shape in shapes])
        stored = sum(each.numel() for each in module.parameters())
        assert network.params == (stored if used is None else used)
        again = memsim.loads(dump(network))
        assert (again.params, weight_bytes(again)) == (network.params, weight_bytes(network))
        return network

    def test_a_convolution_that_runs_twice(self, torch, module):
        conv = torch.nn.Conv2d(8, 8, 3, padding=1, bias=False)
        twice = module(lambda m, x: m.c(torch.relu(m.c(x))), c=conv)
        network = self.agree(torch, twice, (1, 8, 16, 16))
        assert network.params == 576
        assert weight_bytes(network) == 2304
        result = memsim.run(network, cache=ROOM, machine="textbook")
        assert result.totals["compulsory_bytes"] == 2304 + 2 * 8 * 256 * 4

    def test_a_head_on_five_levels_of_a_pyramid(self, torch, module):
        # 3x3 of 16 channels, then 1x1 to 3 scores and 12 offsets, each with a bias.
        nn = torch.nn
        head = module(
            lambda m, *maps: [part(torch.relu(m.c(x))) for x in maps for part in (m.s, m.o)],
            c=nn.Conv2d(16, 16, 3, padding=1), s=nn.Conv2d(16, 3, 1), o=nn.Conv2d(16, 12, 1),
        )  # fmt: skip
        network = self.agree(torch, head, *((1, 16, size, size) for size in (16, 8, 4, 2, 1)))
        assert network.params == 2320 + 51 + 204
        assert weight_bytes(network) == 4 * network.params

    def test_a_shared_convolution_before_norms_of_their_own(self, torch, module):
        nn = torch.nn
        norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(3))
        head = module(
            lambda m, *maps: [torch.relu(n(m.c(x))) for x, n in zip(maps, m.n, strict=True)],
            c=nn.Conv2d(8, 8, 3), n=norms,
        )  # fmt: skip
        network = self.agree(torch, head, *((1, 8, size, size) for size in (9, 7, 5)))
        assert network.params == 584 + 3 * 16
        assert weight_bytes(network) == 4 * (576 + 3 * 16)  # the bias is part of the shifts

    def test_a_class_token_is_one_tensor_wherever_it_is_read(self, torch, module):
        """It stands before the tokens and is added to them: 8 numbers, once, and 6 x 8 besides."""
        tokens = module(
            lambda m, x: torch.cat([m.cls, m.p(x) + m.pos + m.cls], 1) * m.gain,
            p=torch.nn.Linear(4, 8, bias=False), cls=torch.nn.Parameter(torch.zeros(1, 1, 8)),
            pos=torch.nn.Parameter(torch.zeros(1, 6, 8)), gain=torch.nn.Parameter(torch.ones(())),
        )  # fmt: skip
        network = self.agree(torch, tokens, (1, 6, 4))
        assert network.params == 32 + 8 + 48 + 1
        for lowering in ("eager", "fused", "concat_free"):
            program = memsim.build(network, buffer="64KiB", lowering=lowering)
            assert program.compulsory_weight_bytes == 4 * network.params
        assert memsim.to_torch(network)(torch.zeros(1, 6, 4)).shape == (1, 7, 8)

    def test_a_norm_of_what_is_pooled_is_over_its_features(self, torch, module):
        nn = torch.nn
        head = module(lambda m, x: m.l(m.n(x.mean((2, 3)))), n=nn.LayerNorm(8), l=nn.Linear(8, 3))
        network = self.agree(torch, head, (1, 8, 5, 5))
        assert weight_bytes(network) == 4 * (16 + 27)

    def test_a_recurrent_block(self, torch, module):
        nn = torch.nn

        def steps(m, x):
            for _ in range(4):
                x = torch.relu(m.n(m.c(x)))
            return x

        block = module(steps, c=nn.Conv2d(8, 8, 3, padding=1, bias=False), n=nn.BatchNorm2d(8))
        network = self.agree(torch, block, (1, 8, 9, 9))
        assert weight_bytes(network) == 4 * (576 + 8)  # folded once, with a shift

    def test_one_weight_of_two_modules(self, torch, module):
        first, second = torch.nn.Linear(16, 16), torch.nn.Linear(16, 16)
        second.weight = first.weight
        network = self.agree(torch, module(lambda m, x: m.b(m.a(x)), a=first, b=second), (1, 16))
        assert network.params == 256 + 32
        assert weight_bytes(network) == 4 * network.params

    def test_a_decoder_with_its_encoders_weights(self, torch, module):
        linear = torch.nn.functional.linear
        coder = module(lambda m, x: linear(m.e(x), m.e.weight.t()), e=torch.nn.Linear(16, 8))
        assert weight_bytes(self.agree(torch, coder, (1, 16))) == 4 * 136
        up = torch.nn.functional.conv_transpose2d
        coder = module(lambda m, x: up(m.e(x), m.e.weight), e=torch.nn.Conv2d(3, 8, 3))
        assert weight_bytes(self.agree(torch, coder, (1, 3, 9, 9))) == 4 * 224

    def test_a_decoder_with_its_embeddings_table(self, torch, module):
        table, decoder = torch.nn.Embedding(100, 16), torch.nn.Linear(16, 100, bias=False)
        decoder.weight = table.weight
        tied = module(lambda m, words: m.d(torch.tanh(m.e(words))), e=table, d=decoder)
        network = memsim.from_torch(tied, torch.zeros(2, dtype=torch.long), allow_unknown=True)
        assert network.params == 1600
        assert weight_bytes(network) == 4 * 1600

    def test_standardised_weights_count_their_gains(self, torch, module):
        conv2d, nn = torch.nn.functional.conv2d, torch.nn
        parts = {
            "w": nn.Parameter(torch.ones(8, 3, 3, 3)), "gain": nn.Parameter(torch.ones(8, 1, 1, 1))
        }  # fmt: skip
        network = self.agree(torch, module(lambda m, x: conv2d(x, m.w * m.gain), **parts),
                             (1, 3, 9, 9))  # fmt: skip
        assert network.params == 216 + 8
        assert weight_bytes(network) == 4 * 216  # computed beforehand

        def standard(m, x):
            w = m.w
            w = (w - w.mean((1, 2, 3), keepdim=True)) / w.var((1, 2, 3), keepdim=True).sqrt()
            return conv2d(x, w * m.gain), conv2d(x, w)

        # Two tensors of 216 elements, both computed from w.
        network = self.agree(torch, module(standard, **parts), (1, 3, 9, 9))
        assert network.params == 216 + 8
        assert weight_bytes(network) == 2 * 4 * 216

    def test_weights_that_are_computed_alike_are_the_same(self, torch, module):
        conv2d, nn = torch.nn.functional.conv2d, torch.nn
        parts = {
            "w": nn.Parameter(torch.ones(3, 3, 1, 1)), "gain": nn.Parameter(torch.ones(3, 1, 1, 1))
        }  # fmt: skip
        twice = module(lambda m, x: conv2d(conv2d(x, m.w * m.gain), m.w * m.gain), **parts)
        assert weight_bytes(self.agree(torch, twice, (1, 3, 9, 9))) == 4 * 9

    def test_weight_norm_and_spectral_norm(self, torch, module):
        norms = torch.nn.utils.parametrizations
        net = module(
            lambda m, x: m.s(m.w(x)),
            w=norms.weight_norm(torch.nn.Linear(6, 4)),
            s=norms.spectral_norm(torch.nn.Linear(4, 5)),
        )
        network = self.agree(torch, net, (1, 6))
        assert network.params == (24 + 4 + 4) + (20 + 5)
        assert weight_bytes(network) == 4 * (28 + 25)

    def test_what_is_no_parameter_does_not_count(self, torch, module):
        conv2d = torch.nn.functional.conv2d
        blur = module(
            lambda m, x: conv2d(m.n(x), m.k, groups=3), n=torch.nn.BatchNorm2d(3, affine=False)
        )
        blur.register_buffer("k", torch.ones(3, 1, 3, 3))
        network = self.agree(torch, blur, (1, 3, 9, 9))
        assert network.params == 0
        assert sum(each.numel() for each in memsim.to_torch(network).parameters()) == 0

    def test_what_no_output_needs_is_told(self, torch, module):
        nn = torch.nn

        def forward(m, x):
            torch.relu(m.aux(m.c(x)))
            return m.c(x)

        parts = {"c": nn.Conv2d(3, 3, 1), "aux": nn.Conv2d(3, 9, 3), "never": nn.Linear(5, 5)}
        network = self.agree(torch, module(forward, **parts), (2, 3, 9, 9), used=12)
        # The convolution itself runs twice on the same input, and one of them is not needed.
        assert [str(each) for each in network.left_out] == [
            "c (conv, 1,458 MACs)",
            f"aux (conv, {2 * 9 * 27 * 49:,} MACs, 252 parameters)",
            "relu (relu)",
            "never (30 parameters)",
        ]
        assert network.with_options(batch=1).left_out[0].macs == 729
        facts = memsim.describe(network).to_dict()["network"]["left_out"]
        assert facts[1] == {"name": "aux", "kind": "conv", "macs": 23814, "params": 252}
        assert "parameters that no output needs: aux (conv" in str(memsim.describe(network))

    @pytest.mark.parametrize("lowering", ["eager", "fused"])
    def test_what_runs_in_pytorch_shares_as_well(self, torch, lowering: str):
        from memsim.measurement.run.runnable import prepare

        network = memsim.loads(
            "{name: n, input: [8, 9, 9], layers: [{name: a, conv: {out: 8, kernel: 3, bn: true}}, "
            "{name: b, conv: {out: 8, kernel: 3, bn: true}, weights: a}, "
            "{name: c, conv: {out: 8, kernel: 3, bias: true}, weights: {weight: a}}, "
            "global_avgpool, {name: e, linear: 4}, {name: d, linear: 8, weights: {weight: e}}]}"
        )
        module = memsim.to_torch(network)
        assert sum(each.numel() for each in module.parameters()) == network.params
        (image,) = runs = prepare(network, lowering).images.values()
        assert len(runs) == 1
        with torch.no_grad():
            expected = module(image.contiguous())
        (found,) = prepare(network, lowering).forward()
        assert torch.allclose(found, expected, atol=1e-4)
        back = memsim.from_torch(module, image)
        assert (back.params, weight_bytes(back)) == (network.params, weight_bytes(network))


@pytest.mark.needs("onnx")
class TestFiles:
    @pytest.fixture(name="onnx")
    def _onnx(self, needs):
        return needs("onnx")

    @pytest.fixture(name="read")
    def _read(self, onnx, tmp_path) -> Callable[..., Network]:
        """The network of a file of rows (operator, inputs, output, attributes)."""
        from onnx import TensorProto, helper

        def read(
            *rows: tuple[str, str, str, dict[str, Any]],
            held: dict[str, tuple[int, ...]],
            shape: tuple[int, ...],
            outputs: tuple[str, ...] = ("y",),
        ) -> Network:
            weights = []
            for name, dims in held.items():
                tensor = TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT)
                weights.append(tensor)
            nodes = [
                helper.make_node(target, inputs.split(), [output], name=output, **attributes)
                for target, inputs, output, attributes in rows
            ]
            value = helper.make_tensor_value_info
            graph = helper.make_graph(
                nodes, "g", [value("x", TensorProto.FLOAT, shape)],
                [value(name, TensorProto.FLOAT, None) for name in outputs], weights,
            )  # fmt: skip
            path = tmp_path / "model.onnx"
            onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)
            return memsim.load(path)

        return read

    def test_one_initializer_of_two_convolutions(self, read):
        network = read(
            ("Conv", "x w", "a", {"pads": [1] * 4}), ("Relu", "a", "b", {}),
            ("Conv", "b w", "y", {"pads": [1] * 4}),
            held={"w": (8, 8, 3, 3)}, shape=(1, 8, 16, 16),
        )  # fmt: skip
        assert (network.params, weight_bytes(network)) == (576, 2304)
        assert network["y"].weights_of == "a"

    def test_biases_of_their_own(self, read):
        network = read(
            ("Conv", "x w p", "a", {"pads": [1] * 4}), ("Conv", "a w q", "y", {"pads": [1] * 4}),
            held={"w": (8, 8, 3, 3), "p": (8,), "q": (8,)}, shape=(1, 8, 16, 16),
        )  # fmt: skip
        assert network.params == 576 + 16
        assert dump(network).count("weights: {weight: a}") == 1

    def test_one_initializer_of_two_products(self, read):
        network = read(
            ("Gemm", "x w p", "a", {"transB": 1}), ("Gemm", "a w p", "y", {"transB": 1}),
            held={"w": (16, 16), "p": (16,)}, shape=(1, 16),
        )  # fmt: skip
        assert network.params == 256 + 16
        assert weight_bytes(network) == 4 * 272

    def test_a_product_and_its_transpose(self, read):
        network = read(
            ("Gemm", "x w", "a", {"transB": 1}), ("Gemm", "a w", "y", {}),
            held={"w": (8, 16)}, shape=(1, 16),
        )  # fmt: skip
        assert network.params == 128
        assert weight_bytes(network) == 4 * 128
        network = read(
            ("Gemm", "x w", "a", {"transB": 1}), ("Transpose", "w", "t", {}),
            ("MatMul", "a v", "b", {}), ("Gemm", "b t", "y", {"transB": 1}),
            held={"w": (8, 16), "v": (8, 8)}, shape=(1, 16),
        )  # fmt: skip
        assert network.params == 128 + 64

    def test_a_bias_that_is_added_behind(self, read):
        network = read(
            ("MatMul", "x w", "a", {}), ("Add", "a p", "b", {}),
            ("MatMul", "b w", "c", {}), ("Add", "c q", "y", {}),
            held={"w": (8, 8), "p": (8,), "q": (8,)}, shape=(1, 8),
        )  # fmt: skip
        assert network.params == 64 + 16

    def test_weights_that_are_computed(self, read):
        network = read(
            ("Mul", "w gain", "v", {}), ("Conv", "x v", "y", {}),
            held={"w": (80, 3, 3, 3), "gain": (80, 1, 1, 1)}, shape=(1, 3, 9, 9),
        )  # fmt: skip
        assert network.params == 2160 + 80
        assert weight_bytes(network) == 4 * 2160

    def test_norms_that_are_shared(self, read):
        network = read(
            ("BatchNormalization", "x s b m v", "a", {}), ("Relu", "a", "r", {}),
            ("BatchNormalization", "r s b m v", "y", {}),
            held=dict.fromkeys("sbmv", (8,)), shape=(1, 8, 4, 4),
        )  # fmt: skip
        assert network.params == 16

    def test_what_no_output_needs_is_told(self, read):
        network = read(
            ("Conv", "x w", "y", {}), ("Conv", "x u", "aux", {}),
            held={"w": (4, 8, 1, 1), "u": (2, 8, 3, 3)}, shape=(1, 8, 4, 4),
        )  # fmt: skip
        assert [str(each) for each in network.left_out] == ["aux (conv, 576 MACs, 144 parameters)"]
