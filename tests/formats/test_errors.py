"""Wrong architecture files: every fault at its place, in words that tell the remedy, at once."""

from __future__ import annotations

import pytest

from memsim.errors import InputError
from memsim.formats.architecture.file import check_architecture, from_text

HEAD = "name: t\ninput: [3, 8, 8]\nlayers:\n"  # the first layer is on line 4

GOLDEN = {
    "unknown keys, keywords and patterns": (
        HEAD + """\
  - conv: {out: 4, kernl: 3}
  - cnov: 3
  - block: {pattern: harmonik, layers: 3, growth: 4}
  - conv: {out: 4, act: rellu}
""",
        """\
f.yaml:4:20: layers[0].conv.kernl: unknown key 'kernl' (did you mean 'kernel'?)
f.yaml:5:5: layers[1].cnov: unknown layer 'cnov' (did you mean 'conv'?)
f.yaml:6:13: layers[2].block.pattern: unknown pattern 'harmonik' (did you mean 'harmonic'?)
f.yaml:7:20: layers[3].conv.act: unknown activation 'rellu' (did you mean 'relu'?)""",
    ),
    "the top of the file": (
        "nam: t\ninput: [3, 0, 8]\nbatch: 0\ndtype: fp31\nlayer: [relu]\n",
        """\
f.yaml:1:1: nam: unknown key 'nam' (did you mean 'name'?)
f.yaml:2:12: input[1]: expected at least 1, not 0
f.yaml:3:1: batch: expected at least 1, not 0
f.yaml:4:1: dtype: unknown data type 'fp31' (did you mean 'fp32'?)
f.yaml:5:1: layer: unknown key 'layer' (did you mean 'layers'?)""",
    ),
    "the kinds of values at the top": (
        "name: 3\ninput: []\nvariants: {a: 3}\nparameters: {p: [1]}\noutputs: x\nlayers: []\n",
        """\
f.yaml:1:1: name: expected text, not 3 (put it in quotes)
f.yaml:2:1: input: expected a list of at least 1, not []
f.yaml:3:12: variants.a: expected a mapping, not 3
f.yaml:4:14: parameters.p: expected a number or a word, not [1]
f.yaml:5:1: outputs: expected a list, not 'x'
f.yaml:6:1: layers: expected a list of at least 1, not []""",
    ),
    "no mapping at all": (
        "[relu]",
        "f.yaml:1:1: expected a mapping with name, input and layers, not ['relu']",
    ),
    "input and inputs": (
        "name: t\ninput: [3, 8, 8]\ninputs: {a: [3, 8, 8]}\nvariant: v1\nlayers: [relu]\n",
        """\
f.yaml:3:1: inputs: a network has 'input' or 'inputs', not both
f.yaml:4:1: variant: unknown variant 'v1'""",
    ),
    "no input": (
        "name: t\nlayers: [relu, conv: 3]\n",
        "f.yaml:1:1: a network needs 'input' (such as 'input: [3, 224, 224]')",
    ),
    "nothing above with two inputs": (
        "name: t\ninputs: {a: [1, 2, 2], b: [1, 2, 2]}\nlayers: [relu]\n",
        "f.yaml:3:10: layers[0].relu: there is no layer above it to read (say what: from: NAME)",
    ),
    "channels at add": (
        HEAD + "  - conv: 4\n  - add: input\n",
        "f.yaml:5:5: layers[1].add (add1): add needs equal channels, not 4 and 3",
    ),
    "sizes at concat": (
        HEAD + "  - conv: {out: 4, stride: 2}\n  - concat: input\n",
        "f.yaml:5:5: layers[1].concat (concat1): concat needs equal sizes, not 4x4 and 8x8",
    ),
    "kernel larger than the padded input": (
        HEAD + "  - conv: {out: 4, kernel: 9, padding: 0}\n  - relu\n"
        "  - maxpool: 9\n    from: input\n",
        """\
f.yaml:4:5: layers[0].conv (conv1): a kernel that reaches over 9 is larger than the padded height 8
f.yaml:6:5: layers[2].maxpool (maxpool1): a kernel that reaches over 9 is larger than the padded \
height 8""",
    ),
    "groups": (
        HEAD + "  - conv: {out: 4, groups: 2}\n",
        "f.yaml:4:5: layers[0].conv (conv1): 3 input channels do not divide into 2 groups",
    ),
    "linear on a map": (
        HEAD + "  - linear: 10\n",
        "f.yaml:4:5: layers[0].linear (linear1): linear takes a 1x1 feature map, not 3x8x8; "
        "put global_avgpool or flatten before it",
    ),
    "a cycle": (
        HEAD + "  - {name: a, add: {}, from: [input, c]}\n  - {name: b, relu: {}}\n"
        "  - {name: c, relu: {}}\n",
        "f.yaml:4:15: layers[0].add (a): layers form a cycle: a -> b -> c -> a",
    ),
    "a layer that reads itself": (
        HEAD + "  - {name: a, relu: {}, from: a}\n",
        "f.yaml:4:15: layers[0].relu (a): layers form a cycle: a -> a",
    ),
    "a layer that reads what it is inside of": (
        HEAD + "  - name: stage\n    repeat: 2\n    layers: [{relu: {}, from: stage}]\n",
        "f.yaml:6:15: layers[0].layers[0].relu (stage.2): layers form a cycle: stage.2 -> stage.2",
    ),
    "dangling names": (
        HEAD + "  - {name: skip, relu: {}}\n  - {name: b, relu: {}, from: skp}\n"
        "  - concat: [skip, zzz]\noutputs: [bb]\n",
        """\
f.yaml:5:25: layers[1].from: there is no layer 'skp' (did you mean 'skip'?)
f.yaml:6:20: layers[2].concat[1]: there is no layer 'zzz' (known: b, concat1, input, skip)
f.yaml:7:11: outputs[0]: there is no layer 'bb' (did you mean 'b'?)""",
    ),
    "duplicate names": (
        HEAD + "  - {name: a, relu: {}}\n  - {name: a, tanh: {}}\n  - {name: input, tanh: {}}\n",
        """\
f.yaml:5:15: layers[1].tanh: the name 'a' is taken (first on line 4)
f.yaml:6:19: layers[2].tanh: the name 'input' is taken (first on line 2)""",
    ),
    "names that cannot be": (
        HEAD + "  - {name: previous, relu: {}}\n  - {name: 3, relu: {}}\n"
        "  - {name: '', relu: {}}\n",
        """\
f.yaml:4:6: layers[0].name: 'previous' means the layer above; it cannot be a name
f.yaml:5:6: layers[1].name: expected a name, not 3 (put it in quotes)
f.yaml:6:6: layers[2].name: a name has from 1 to 200 characters""",
    ),
    "zero, negative and YAML 1.1": (
        HEAD + """\
  - conv: {out: 0, kernel: -1, stride: [1, 0]}
  - conv: {out: 1_000, kernel: 3x3}
  - conv: {out: 4.0, bias: on, bn: no, order: psot, padding: smae}
  - conv: {out: 4, kernel: [1, 2, 3], padding: [1, -1]}
  - maxpool: {kernel: 010, stride: 2.0, padding: [1, 1, 1]}
  - leaky_relu: .nan
  - dropout: .inf
""",
        """\
f.yaml:4:12: layers[0].conv.out: expected at least 1 and at most 16777216, not 0
f.yaml:4:20: layers[0].conv.kernel: expected at least 1, not -1
f.yaml:4:44: layers[0].conv.stride[1]: expected at least 1, not 0
f.yaml:5:12: layers[1].conv.out: expected a whole number, 'same', or a factor such as x0.5, \
not '1_000' (write 1000)
f.yaml:5:24: layers[1].conv.kernel: expected a whole number or a list, not '3x3'
f.yaml:6:12: layers[2].conv.out: expected a whole number, 'same', or a factor such as x0.5, \
not 4.0 (write 4)
f.yaml:6:22: layers[2].conv.bias: expected true or false, not 'on' (write true)
f.yaml:6:32: layers[2].conv.bn: expected true or false, not 'no' (write false)
f.yaml:6:40: layers[2].conv.order: expected 'post' or 'pre', not 'psot' (did you mean 'post'?)
f.yaml:6:53: layers[2].conv.padding: expected a whole number, a list, 'same' or 'valid', \
not 'smae' (did you mean 'same'?)
f.yaml:7:52: layers[3].conv.padding[1]: expected at least 0, not -1
f.yaml:8:15: layers[4].maxpool.kernel: expected a whole number or a list, not '010' (write 10)
f.yaml:8:28: layers[4].maxpool.stride: expected a whole number or a list, not 2.0 (write 2)
f.yaml:9:5: layers[5].leaky_relu: expected at most 1, not nan
f.yaml:10:5: layers[6].dropout: expected below 1, not inf""",
    ),
    "what an item is": (
        HEAD + """\
  - conv: 3
    relu: {}
  - kernel: 3
    conv: 3
  - {}
  - 3
  - {name: a}
  - layers: [relu]
  - maxpool
  - repeat: 3
  - relu: 3
""",
        """\
f.yaml:5:5: layers[0].relu: an item holds one layer, not conv and relu \
(begin the second with a dash of its own)
f.yaml:6:5: layers[1].kernel: unknown key 'kernel' (put it inside: conv: {kernel: ...})
f.yaml:8:5: layers[2]: expected a layer, not an empty mapping (such as 'conv: {out: 64}' or relu)
f.yaml:9:5: layers[3]: expected a layer, not 3 (such as 'conv: {out: 64}' or relu)
f.yaml:10:5: layers[4]: there is no layer in this item (such as 'conv: {out: 64}')
f.yaml:11:5: layers[5]: layers without a keyword (such as 'repeat: 3' beside them)
f.yaml:12:5: layers[6].maxpool: maxpool needs 'kernel' (window size, or [height, width])
f.yaml:13:5: layers[7].repeat: repeat needs 'layers' (what is repeated)
f.yaml:14:5: layers[8].relu: relu takes a mapping of attributes, not 3""",
    ),
    "how many are read": (
        HEAD + """\
  - {relu: {}, from: [input, input]}
  - {add: {}, from: input}
  - {concat: a, from: input}
  - {relu: {}, from: []}
  - {concat: [3], name: b}
""",
        """\
f.yaml:4:6: layers[0].relu: relu takes 1 input(s), not 2
f.yaml:5:6: layers[1].add: add takes at least 2 input(s), not 1 (name the others: add: NAME)
f.yaml:6:6: layers[2].concat: what it reads is given twice, behind concat and behind from \
(with from, write concat: {})
f.yaml:7:16: layers[3].from: expected the name of a layer, or several, not an empty list
f.yaml:8:15: layers[4].concat[0]: expected the name of a layer, not 3 (put it in quotes)""",
    ),
    "defaults are blamed once": (
        "name: t\ninput: [3, 8, 8]\ndefaults:\n  conv: {krenel: 3, bn: on}\n  cnov: {}\n"
        "layers: [conv: 3, conv: 4]\n",
        """\
f.yaml:4:10: defaults.conv.krenel: unknown key 'krenel' (did you mean 'kernel'?)
f.yaml:4:21: defaults.conv.bn: expected true or false, not 'on' (write true)
f.yaml:5:3: defaults.cnov: unknown layer 'cnov' (did you mean 'conv'?)""",
    ),
    "parameters": (
        "name: t\ninput: [3, 8, 8]\nparameters: {width: 0, a: $b, b: $a}\nlayers:\n"
        "  - conv: {out: $widht}\n  - conv: $a\n  - conv: {out: 3, kernel: $width}\n",
        """\
f.yaml:5:12: layers[0].conv.out: unknown parameter '$widht' (did you mean 'width'?)
f.yaml:6:5: layers[1].conv: the parameter '$a' stands for itself
f.yaml:7:20: layers[2].conv.kernel: expected at least 1, not 0""",
    ),
    "shares of channels": (
        HEAD + "  - conv: x0.1\n  - {conv: x0, from: input}\n  - {conv: half, from: input}\n",
        """\
f.yaml:4:5: layers[0].conv: x0.1 of 3 channels is 0 channels
f.yaml:5:6: layers[1].conv: expected a whole number, 'same', or a factor such as x0.5, not 'x0'
f.yaml:6:6: layers[2].conv: expected a whole number, 'same', or a factor such as x0.5, \
not 'half'""",
    ),
    "what must be known is described above": (
        HEAD + "  - {name: a, conv: same, from: b}\n  - {name: b, relu: {}, from: input}\n",
        "f.yaml:4:15: layers[0].conv: needs the shape of what it reads; describe 'b' above it",
    ),
    "shapes of layers that read one further down": (
        HEAD + "  - {name: x, add: {}, from: [b, input]}\n  - {name: b, conv: 4, from: input}\n"
        "  - {name: c, conv: {out: 0}}\n",
        """\
f.yaml:4:15: layers[0].add (x): add needs equal channels, not 4 and 3
f.yaml:6:22: layers[2].conv.out: expected at least 1 and at most 16777216, not 0""",
    ),
    "residual": (
        HEAD + """\
  - residual: {layers: [conv: {out: 4, kernel: 3, padding: 0}]}
  - {residual: {layers: [relu], shortcut: ident}, from: input}
  - {residual: {layers: [conv: 5], shortcut: identity}, from: input}
  - residual: {layers: []}
""",
        """\
f.yaml:4:5: layers[0].residual: no stride of a 1x1 shortcut leads from 8x8 to 6x6; \
describe 'shortcut'
f.yaml:5:33: layers[1].residual.shortcut: expected auto, identity or a list of layers, \
not 'ident' (did you mean 'identity'?)
f.yaml:6:6: layers[2].residual (residual3.add): add needs equal channels, not 5 and 3
f.yaml:7:16: layers[3].residual.layers: expected a list of at least 1, not []""",
    ),
    "repeat": (
        HEAD + """\
  - {repeat: {a: [1, 2], b: [1]}, layers: [conv: $a]}
  - {repeat: {a: 3}, layers: [relu]}
  - {repeat: {times: 2, a: [1, 2, 3]}, layers: [relu]}
  - {repeat: {a: [0, 1]}, layers: [conv: $a]}
  - {repeat: 1_0, layers: [relu]}
  - {repeat: 0, layers: [relu]}
""",
        """\
f.yaml:4:6: layers[0].repeat: the lists must be equally long: $a has 2, $b has 1 \
(or say times: how often)
f.yaml:5:6: layers[1].repeat: $a needs a list of values, not 3
f.yaml:6:6: layers[2].repeat: $a has 3 values for 2 rounds
f.yaml:7:36: layers[3].layers[0].conv: expected at least 1 and at most 16777216, not 0
f.yaml:8:6: layers[4].repeat: expected a number, or names with a list of values each, \
not '1_0' (write 10)
f.yaml:9:6: layers[5].repeat: expected at least 1 and at most 100,000, not 0""",
    ),
    "a repeat that explodes": (
        HEAD + "  - relu\n  - repeat: 1000\n    layers:\n      - repeat: 1000\n"
        "        layers: [relu]\n",
        "f.yaml:5:5: layers[1].repeat: expands to more than 100,000 layers",
    ),
    "a repeat that explodes and is faulty": (
        HEAD + "  - repeat: 100_000\n    layers: [relu]\n"
        "  - repeat: 100000\n    layers: [cnov, tnah]\n",
        """\
f.yaml:4:5: layers[0].repeat: expected a number, or names with a list of values each, \
not '100_000' (write 100000)
f.yaml:6:5: layers[1].repeat: expands to more than 100,000 layers
f.yaml:7:14: layers[1].layers[0]: unknown layer 'cnov' (did you mean 'conv'?)
f.yaml:7:20: layers[1].layers[1]: unknown layer 'tnah' (did you mean 'tanh'?)""",
    ),
    "links that explode": (
        HEAD + "  - repeat: 3\n    layers: [block: {pattern: dense, layers: 1000, growth: 1}]\n",
        "f.yaml:4:5: layers[0].repeat: expands to layers that read more than 1,000,000 tensors",
    ),
    "larger than anything": (
        HEAD + "  - upsample: 10000000\n"
        "  - {block: {pattern: harmonic, layers: 1000, growth: 10000, multiplier: 90},\n"
        "     from: input}\n",
        """\
f.yaml:4:5: layers[0].upsample (upsample1): larger than memsim simulates (17592186044416 elements)
f.yaml:5:6: layers[1].block: conv with out 81000000 is out of range""",
    ),
    "a fault inside a fault is told, what follows from it is not": (
        HEAD + "  - conv: 0\n  - repeat: 2\n    layers: [{conv: {out: 3, kernel: 0}}, relu]\n"
        "  - add: conv1\n  - linear: 5\n",
        """\
f.yaml:4:5: layers[0].conv: expected at least 1 and at most 16777216, not 0
f.yaml:6:30: layers[1].layers[0].conv.kernel: expected at least 1, not 0""",
    ),
    "an item over several lines": (
        HEAD + "  - name: a\n    from: input\n    conv:\n      out: 3\n      kernel: 99\n"
        "      padding: -1\n",
        "f.yaml:9:7: layers[0].conv.padding: expected at least 0, not -1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GOLDEN)
def test_every_fault_is_told_once_at_its_place(case):
    text, message = GOLDEN[case]
    with pytest.raises(InputError) as error:
        from_text(text, "f.yaml")
    assert str(error.value) == message


def test_a_file_of_nothing_but_faults_tells_the_first_fifty():
    with pytest.raises(InputError) as error:
        from_text(HEAD + "  - cnov\n" * 5000)
    assert len(error.value.problems) == 50


def test_check_tells_the_problems_of_every_variant(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(
        "name: t\ninput: [3, 8, 8]\nvariant: good\n"
        "variants: {good: {k: 3}, bad: {k: 0}, worse: {k: x}}\nlayers: [maxpool: $k]\n"
    )
    assert [(p.line, p.message) for p in check_architecture(file)] == [
        (5, "expected at least 1, not 0"),
        (5, "expected a whole number or a list, not 'x'"),
    ]


def test_check_tells_what_is_wrong_with_the_text(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text("a: [")
    assert [p.line for p in check_architecture(file)] == [1]
    file.write_text("3")
    assert "expected a mapping" in check_architecture(file)[0].message


def test_a_fault_on_top_does_not_hide_those_of_the_layers():
    text = "input: [3, 8, 8]\ninpt: 3\nlayers:\n  - conv: {out: 8, kernal: 3}\n  - rellu\n"
    with pytest.raises(InputError) as error:
        from_text(text, "f.yaml")
    assert str(error.value).splitlines() == [
        "f.yaml:1:1: a network needs 'name' (the network's name)",
        "f.yaml:2:1: inpt: unknown key 'inpt' (did you mean 'input'?)",
        "f.yaml:4:20: layers[0].conv.kernal: unknown key 'kernal' (did you mean 'kernel'?)",
        "f.yaml:5:5: layers[1]: unknown layer 'rellu' (did you mean 'relu'?)",
    ]
