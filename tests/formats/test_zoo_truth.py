"""The counts that networks are held against, held against counts by hand."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.needs("torch"), pytest.mark.xdist_group("torch")]


@pytest.fixture(name="count")
def _count():
    from benchmarks.zoo_truth import count

    return count


def test_a_convolution_that_two_places_use_has_its_parameters_once(torch, count):
    class Twice(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(8, 8, 3, padding=1)
            self.other = self.conv
            self.unread = torch.nn.Linear(8, 8)

        def forward(self, x):
            return self.other(self.conv(x))

    truth = count(Twice(), [torch.zeros(1, 8, 5, 5)])
    assert truth.params == 8 * 8 * 9 + 8
    assert truth.all_params == truth.params + 8 * 8 + 8
    assert truth.unused == ["unread.weight", "unread.bias"]
    assert truth.macs == 2 * 8 * 8 * 9 * 25


def test_attention_is_its_matrix_products(torch, count):
    module = torch.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    truth = count(module, [torch.zeros(1, 10, 8)])
    weights = 8 * 24 + 8 * 8 + 2 * 8 * 16
    assert truth.macs == 10 * weights + 2 * 10 * 10 * 8
    assert truth.params == truth.all_params


def test_both_matrices_of_an_lstm_at_every_step_and_in_both_directions(torch, count):
    class Outputs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)

        def forward(self, x):
            return self.lstm(x)[0]

    first, second = 4 * 5 * 6 + 4 * 5 * 5, 4 * 5 * 10 + 4 * 5 * 5
    assert count(Outputs(), [torch.zeros(1, 7, 6)]).macs == 7 * 2 * (first + second)


def test_a_transposed_convolution_counts_by_its_input(torch, count):
    module = torch.nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2)
    assert count(module, [torch.zeros(1, 4, 5, 5)]).macs == 25 * 4 * 3 * 9


def test_products_that_depend_on_no_input_are_told_apart(torch, count):
    class Biased(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.places = torch.nn.Parameter(torch.zeros(5, 2))
            self.bias, self.body = torch.nn.Linear(2, 8), torch.nn.Linear(8, 8)

        def forward(self, x):
            return self.body(x) + self.bias(self.places)

    truth = count(Biased(), [torch.zeros(1, 5, 8)])
    assert (truth.macs, truth.constant_macs) == (5 * 8 * 8 + 5 * 2 * 8, 5 * 2 * 8)


@pytest.mark.needs("torchvision")
def test_a_deformable_convolution_counts_as_a_convolution(torch, count):
    from torchvision.ops import DeformConv2d

    module = DeformConv2d(4, 6, 3, padding=1)
    truth = count(module, [torch.zeros(1, 4, 5, 5), torch.zeros(1, 18, 5, 5)])
    assert (truth.macs, truth.params) == (25 * 4 * 6 * 9, 4 * 6 * 9 + 6)


@pytest.fixture(name="torch")
def _torch():
    import torch

    return torch
