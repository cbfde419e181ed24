"""Random networks for the property-based tests."""

import torch
from hypothesis import strategies as st
from torch import nn

import sklearn_ard.nn as ard
from sklearn_ard.nn import ard_layers

CONVOLUTIONS = {1: ard.Conv1dARD, 2: ard.Conv2dARD, 3: ard.Conv3dARD}
NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAXIMA = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVERAGES = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
ACTIVATIONS = [
    nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.SiLU, nn.GELU, nn.Softplus, nn.ELU,
    nn.Hardsigmoid, nn.Identity,
]  # fmt: skip


@torch.no_grad()
def randomise(model, density):
    """Random weights, masks and statistics."""
    for layer in ard_layers(model):
        layer.mask.copy_(torch.rand_like(layer.mask) < density)
        layer.log_sigma2.fill_(-30.0)
        if layer.bias is not None:
            layer.bias.uniform_(-1, 1)
    for norm in model.modules():
        if hasattr(norm, "running_var"):
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
            norm.weight.uniform_(-1, 1)
            norm.bias.uniform_(-1, 1)
    return model.eval()


@st.composite
def dense_networks(draw):
    sizes = draw(st.lists(st.integers(1, 7), min_size=2, max_size=5))
    modules = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        modules.append(ard.LinearARD(n_in, n_out, bias=draw(st.booleans())))
        if draw(st.booleans()):
            modules.append(nn.BatchNorm1d(n_out))
        modules.append(draw(st.sampled_from(ACTIVATIONS))())
        if draw(st.booleans()):
            modules.append(nn.Dropout())
    if draw(st.booleans()):
        modules = [nn.Sequential(*modules)]
    return nn.Sequential(*modules), torch.randn(4, sizes[0])


@st.composite
def conv_networks(draw):
    n_dims = draw(st.integers(1, 3))
    size = draw(st.integers(4, 6))
    channels = n_in = draw(st.sampled_from([1, 2, 4]))
    modules, shape = [], torch.zeros(1, n_in, *[size] * n_dims)
    for _ in range(draw(st.integers(1, 3))):
        n_out = draw(st.sampled_from([2, 4, 6]))
        padding = draw(st.integers(0, 1))
        groups = [g for g in (1, 2, 4) if n_in % g == n_out % g == 0]
        layer = CONVOLUTIONS[n_dims](
            n_in,
            n_out,
            draw(st.integers(1, 2)),
            draw(st.integers(1, 2)),
            padding=padding,
            groups=draw(st.sampled_from(groups)),
            padding_mode=draw(st.sampled_from(["zeros", "replicate", "circular"])),
            bias=draw(st.booleans()),
        )  # fmt: skip
        added = [layer]
        if draw(st.booleans()):
            added.append(NORMS[n_dims](n_out))
        added.append(draw(st.sampled_from(ACTIVATIONS))())
        pool = draw(st.sampled_from([None, MAXIMA, AVERAGES]))
        if pool:
            added.append(pool[n_dims](2, 1, padding=draw(st.integers(0, 1))))
        try:
            shape = nn.Sequential(*added).eval()(shape)
        except RuntimeError:  # the images have become too small
            break
        modules += added
        n_in = n_out
    if not modules or draw(st.booleans()):
        n_in = shape.flatten(1).shape[1]
        modules += [
            nn.Flatten(),
            ard.LinearARD(n_in, 3),
            nn.ReLU(),
            ard.LinearARD(3, 2),
        ]
    return nn.Sequential(*modules), torch.randn(3, channels, *[size] * n_dims)


DENSITIES = st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.0])
SEEDS = st.integers(0, 2**31)
