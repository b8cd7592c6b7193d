"""The shipped architectures: exact numbers, the flat form, what an editor and a list need."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from memsim.errors import InputError
from memsim.formats import check, dump, json_schema, load, names
from memsim.formats.architecture.file import from_text
from memsim.formats.library import path_of
from memsim.network import Network
from memsim.yaml.text import load as load_yaml
from memsim.yaml.text import read
from tests.shipped import on_shipped

SHIPPED = [entry.name for entry in names()]

EXACT = {
    "hardnet68": (17_565_348, 4_246_114_304, 11_468_940),
    "hardnet39ds": (3_488_228, 429_471_474, 9_818_424),
    "hardnet68ds": (4_180_602, 775_281_526, 17_324_440),
    "hardnet85": (36_670_212, 9_074_081_584, 17_469_284),
    "densenet121": (7_978_856, 2_834_161_664, 21_864_192),
    "resnet18": (11_689_512, 1_814_073_344, 4_666_368),
    "mobilenetv2": (3_504_872, 300_774_272, 13_444_032),
    "resnet50": (25_557_032, 3_857_973_248, 20_722_688),
}

# arXiv:1909.00948, Table 2, recomputed: millions of parameters, GFLOP (twice the MACs), and
# the CIO in MB of fp32 with the 1x1 of a transition down counted once.
SEGMENTATION = {"fc_densenet103": (9.322, 135.2, 2152), "fc_hardnet84": (8.35, 100.5, 1266)}


@cache
def network(name: str) -> Network:
    return load(name)


@pytest.mark.parametrize("name", EXACT)
def test_params_macs_and_cio_are_exact(name):
    net = network(name)
    assert (net.params, net.macs, net.cio) == EXACT[name]
    assert net[net.outputs[0]].output.shape == (1, 1000, 1, 1)


def test_resnet50_strides_in_the_3x3_as_v1_5():
    net = load("resnet50", variant="v1.5")
    assert (net.params, net.macs, net.cio) == (25_557_032, 4_089_184_256, 21_776_384)
    explicit = load("resnet50", variant="v1")
    assert explicit == network("resnet50")


@pytest.mark.parametrize("name", SEGMENTATION)
def test_fc_networks_equal_the_paper_with_its_accounting(name):
    net = network(name)
    params, gflop, cio_mb = SEGMENTATION[name]
    assert net.params / 1e6 == pytest.approx(params, abs=0.005)
    assert 2 * net.macs / 1e9 == pytest.approx(gflop, abs=0.05)
    # The paper counts a transition down once, we count what it reads and what it writes.
    transitions = [net[f"down.{stage}.conv1.conv"] for stage in range(1, 6)]
    assert all(layer.inputs[0].shape == layer.output.shape for layer in transitions)
    once = net.cio - sum(layer.output.size for layer in transitions)
    assert once * 4 / 1e6 == pytest.approx(cio_mb, abs=0.5)
    assert net[net.outputs[0]].output.shape == (1, 11, 352, 480)


def test_the_harmonic_blocks_of_hardnet_have_the_published_widths():
    net = network("hardnet68")
    widths = [net[f"block1.{layer}.conv"].output.shape[1] for layer in range(1, 9)]
    inputs = [net[f"block1.{layer}.conv"].inputs[0].shape[1] for layer in range(1, 9)]
    assert widths == [14, 24, 14, 40, 14, 24, 14, 68]
    assert inputs == [64, 78, 24, 102, 40, 54, 24, 142]
    outputs = {
        "hardnet68": [124, 262, 328, 654, 782],
        "hardnet39ds": [72, 292, 518, 730],
        "hardnet85": [214, 392, 458, 588, 784, 1252],
    }
    for name, channels in outputs.items():
        blocks = [network(name)[f"block{i + 1}.concat"] for i in range(len(channels))]
        assert [block.output.shape[1] for block in blocks] == channels


@pytest.fixture
def validator(needs):
    return needs("jsonschema").Draft7Validator(json_schema())


@pytest.mark.parametrize("name", SHIPPED)
class TestEveryFile:
    def test_it_is_sound_in_every_variant(self, name):
        assert check(name) == []

    def test_its_flat_form_reads_back_to_an_equal_network(self, name):
        text = dump(network(name))
        again = from_text(text)
        assert again == network(name)
        assert dump(again) == text

    def test_it_starts_with_the_modeline_of_its_schema(self, name):
        path = path_of(name)
        first = read(path).splitlines()[0]
        prefix = "# yaml-language-server: $schema="
        assert first.startswith(prefix)
        assert (path.parent / first.removeprefix(prefix)).resolve().name == "schema.json"
        assert (path.parent / first.removeprefix(prefix)).is_file()

    def test_it_is_named_like_its_file_and_described(self, name):
        data = load_yaml(read(path_of(name)), name).data
        assert data["name"] == name
        entry = next(entry for entry in names() if entry.name == name)
        assert (entry.description, entry.source) == (data["description"], data["source"])
        assert entry.description
        assert entry.source

    def test_its_names_fit_a_table_of_80_columns(self, name):
        assert max(len(layer.name) for layer in network(name)) <= 24

    def test_it_fits_the_json_schema(self, name, validator):
        assert list(validator.iter_errors(load_yaml(read(path_of(name)), name).data)) == []


@pytest.mark.parametrize("name", on_shipped())
def test_the_flat_form_fits_the_json_schema(name, validator):
    assert list(validator.iter_errors(load_yaml(dump(network(name)), name).data)) == []


def test_the_schema_file_is_the_schema():
    file = path_of("hardnet68").with_name("schema.json")
    assert json.loads(file.read_text(encoding="utf-8")) == json_schema()


def test_fc_hardnet84_fits_on_a_screen():
    assert len(read(path_of("fc_hardnet84")).splitlines()) <= 40


class TestLoad:
    def test_options_override_the_file(self):
        net = load("resnet18", batch=2, dtype="int8", input_shape=(3, 64, 96))
        assert (net.batch, net.dtype) == (2, "int8")
        assert net["input"].output.shape == (2, 3, 64, 96)

    def test_a_block_of_another_input_shape_is_expanded_for_it(self):
        assert load("hardnet39ds", input_shape=(1, 224, 224)).params == 3_488_228 - 2 * 9 * 24

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("hardnet86", "unknown network 'hardnet86' (did you mean 'hardnet85'?)"),
            ("", "unknown network '' (a name, or the path of a file)"),
            ("mobilenetv2.1", "unknown network 'mobilenetv2.1' (did you mean 'mobilenetv2'?)"),
            ("./hardnet68", "./hardnet68: no such file"),
            ("no.yaml", "no.yaml: no such file"),
        ],
    )
    def test_an_unknown_name_or_file(self, given, message):
        with pytest.raises(InputError) as error:
            load(given)
        assert str(error.value) == message

    def test_a_file_of_another_kind(self, tmp_path: Path):
        file = tmp_path / "net.prototxt"
        file.write_text("x")
        with pytest.raises(InputError, match=r"reads no files with the ending '\.prototxt'"):
            load(file)

    def test_a_directory(self, tmp_path: Path):
        with pytest.raises(InputError, match="is a directory, not a file"):
            load(tmp_path)
        folder = tmp_path / "net.yaml"
        folder.mkdir()
        with pytest.raises(InputError, match="is a directory, not a file"):
            load(str(folder))

    def test_a_file_by_its_path(self, tmp_path: Path):
        file = tmp_path / "net.YML"
        file.write_text("name: t\ninput: [1, 2, 2]\nlayers: [relu]\n")
        assert load(str(file)).name == load(file).name == "t"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"variant": "v2"}, "unknown variant 'v2' (known: v1, v1.5)"),
            ({"parameters": {"strid_1x1": 1}},
             "unknown parameter 'strid_1x1' (did you mean 'stride_1x1'?)"),
            ({"parameters": {"stride_1x1": [1]}},
             "the parameter 'stride_1x1' must be a number or a word"),
        ],
    )  # fmt: skip
    def test_an_unknown_variant_or_parameter(self, options, message):
        with pytest.raises(InputError) as error:
            load("resnet50", **options)
        assert str(error.value).endswith(message)

    @pytest.mark.parametrize(
        "options",
        [{"dtype": "fp31"}, {"batch": 0}, {"input_shape": (3, 0, 224)}, {"variant": "v1"}],
    )
    def test_an_option_that_is_wrong(self, options):
        with pytest.raises(InputError):
            load("hardnet68", **options)
