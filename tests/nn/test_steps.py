"""Modules that compaction has to see through, each in the place where it is hard."""

import pytest
import torch
from torch import nn

from sklearn_ard.nn import Conv1dARD, LinearARD, ard_layers, compact


@torch.no_grad()
def certain(*modules):
    """A network in evaluation mode whose weights are all kept."""
    model = nn.Sequential(*modules).eval()
    for layer in ard_layers(model):
        layer.log_sigma2.fill_(-30.0)
    return model


def assert_compact_is_the_same(model, x):
    network, inputs, _ = compact(model)
    torch.testing.assert_close(network(x[:, inputs]), model(x), rtol=1e-5, atol=1e-6)
    return network


def test_a_flatten_in_front_takes_rows_that_are_flat():
    model = certain(nn.Flatten(), LinearARD(6, 2))
    assert_compact_is_the_same(model, torch.randn(5, 6))


def test_pooling_in_front_of_a_flatten_is_not_seen_through():
    model = certain(nn.MaxPool1d(2), nn.Flatten(), LinearARD(6, 2))
    with pytest.warns(UserWarning, match="pooling in front of"):
        network, inputs, _ = compact(model)
    x = torch.randn(4, 2, 6)
    torch.testing.assert_close(network(x[:, inputs]), model(x))


def test_constant_units_pass_batch_norm_without_weights_and_an_unflatten():
    model = certain(
        LinearARD(4, 6),
        nn.BatchNorm1d(6, affine=False),
        nn.Unflatten(1, (2, 3)),
        Conv1dARD(2, 3, 2),
        nn.ReLU(),
        nn.Flatten(),
        LinearARD(6, 1),
    )
    with torch.no_grad():
        model[0].mask[:3] = 0  # the first channel is constant
        model[0].bias[:3] = 0.7
        model[1].running_mean.uniform_(-1, 1)
        model[1].running_mean[:3] = 0.2
        model[1].running_var[:3] = 2.0
    network = assert_compact_is_the_same(model, torch.randn(7, 4))
    convolution = next(m for m in network if isinstance(m, nn.Conv1d))
    assert convolution.in_channels == 1  # the constant one is a part of the bias


def test_pixels_of_a_channel_that_are_constant_but_not_alike_stay():
    model = certain(
        LinearARD(4, 6), nn.Unflatten(1, (2, 3)), Conv1dARD(2, 3, 2), nn.Flatten(),
        LinearARD(6, 1),
    )  # fmt: skip
    with torch.no_grad():
        model[0].mask[:3] = 0
        model[0].bias[:3] = torch.tensor([0.1, 0.2, 0.3])
    assert_compact_is_the_same(model, torch.randn(7, 4))
