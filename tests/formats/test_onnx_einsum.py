"""Products in Einstein's notation: sizes and MACs by hand, values by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import memsim
from tests.formats.test_onnx_fused import load, shape_of

pytestmark = pytest.mark.needs("onnx")

A, B, C = (2, 3, 4), (4, 5), (5, 6)

EINSUMS = {
    # equation, computed, stored, output, MACs, parameters
    "bij,jk->bik": ({"x": A}, {"w": B}, (2, 3, 5), 2 * 3 * 4 * 5, 20),
    "bij,jk": ({"x": A}, {"w": B}, (2, 3, 5), 2 * 3 * 4 * 5, 20),
    "bij,jk->bki": ({"x": A}, {"w": B}, (2, 5, 3), 2 * 3 * 4 * 5, 20),
    "...j,jk->...k": ({"x": A}, {"w": B}, (2, 3, 5), 2 * 3 * 4 * 5, 20),
    "bij,jk,kl->bil": ({"x": A}, {"w": B, "v": C}, (2, 3, 6), 6 * (4 * 5 + 5 * 6), 50),
    "bij,bkj->bik": ({"x": A, "y": (2, 7, 4)}, {}, (2, 3, 7), 2 * 3 * 7 * 4, 0),
    "...ij,...kj->...ik": ({"x": A, "y": (2, 7, 4)}, {}, (2, 3, 7), 2 * 3 * 7 * 4, 0),
    "bij,bij->b": ({"x": A, "y": A}, {}, (2,), 2 * 3 * 4, 0),
    "bij,bij->bij": ({"x": A, "y": A}, {}, A, 0, 0),
    "bij,bj->bij": ({"x": A, "y": (2, 4)}, {}, A, 0, 0),
    "bij,bkl->bijkl": ({"x": A, "y": (2, 5, 6)}, {}, (2, 3, 4, 5, 6), 0, 0),
    "bij->b": ({"x": A}, {}, (2,), 0, 0),
    "bij->bji": ({"x": A}, {}, (2, 4, 3), 0, 0),
    "bii->bi": ({"x": (2, 5, 5)}, {}, (2, 5), 0, 0),
    "bii->b": ({"x": (2, 5, 5)}, {}, (2,), 0, 0),
    "jk,bij->bik": ({"x": A}, {"w": B}, (2, 3, 5), 2 * 3 * 4 * 5, 20),
    "bhid,bhjd->bhij": ({"x": (2, 3, 5, 4), "y": (2, 3, 7, 4)}, {}, (2, 3, 5, 7), 840, 0),
}  # fmt: skip


def network_of(folder, equation):
    inputs, weights, *_ = EINSUMS[equation]
    names = [*inputs, *weights]
    if equation == "jk,bij->bik":
        names.reverse()
    node = ("Einsum", " ".join(names), "y_", {"equation": equation})
    return load(folder, [node], inputs, weights, outputs=("y_",)), names


@pytest.mark.parametrize("equation", EINSUMS)
def test_sizes_and_work(tmp_path, equation):
    _, _, shape, macs, params = EINSUMS[equation]
    network, _ = network_of(tmp_path, equation)
    assert shape_of(network, network.outputs[0]) == shape
    assert network.macs == macs
    assert network.params == params


@pytest.mark.needs("torch")
@pytest.mark.parametrize("equation", [each for each in EINSUMS if not EINSUMS[each][1]])
def test_what_is_multiplied_is_what_numpy_multiplies(tmp_path, equation):
    import torch

    network, names = network_of(tmp_path, equation)
    inputs, _, shape, *_ = EINSUMS[equation]
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=dims) for name, dims in inputs.items()}
    module = memsim.to_torch(network).double()
    sizes = [network[name].output.shape for name in network.inputs]
    arrays = [values[name].reshape(size) for name, size in zip(network.inputs, sizes, strict=True)]
    found = module(*map(torch.from_numpy, arrays)).detach().numpy().reshape(shape)
    np.testing.assert_allclose(found, np.einsum(equation, *(values[name] for name in names)))


def test_letters_that_do_not_fit_are_told(tmp_path):
    node = ("Einsum", "x w", "y_", {"equation": "bi,jk->bk"})
    with pytest.raises(memsim.InputError, match="bi names 2 axes of 3"):
        load(tmp_path, [node], {"x": A}, {"w": B}, outputs=("y_",))
