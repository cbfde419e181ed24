import pytest
import torch
from torch import nn

from sklearn_ard.nn.activations import (
    ACTIVATIONS,
    ELEMENTWISE,
    activation_of,
    make_activation,
)

Z = torch.linspace(-6, 6, 121, dtype=torch.float64)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_functions_are_those_of_the_modules_and_slopes_their_derivatives(name):
    activation, z = ACTIVATIONS[name], Z.clone().requires_grad_()
    assert type(make_activation(name)) is activation.module
    h = activation.function(z)
    torch.testing.assert_close(h, activation.module()(z))
    (slope,) = torch.autograd.grad(h.sum(), z)
    torch.testing.assert_close(activation.slope(z, h), slope)


@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_the_table_says_which_functions_are_monotone(kind):
    activation, module = ELEMENTWISE[kind], kind()
    rising = (module(Z.clone()).diff() >= 0).all()
    assert rising == activation.monotone
    assert activation.parameter is None or hasattr(module, activation.parameter)
    assert activation_of(module) is activation


class OwnReLU(nn.ReLU):
    pass


@pytest.mark.parametrize("module", [nn.GELU("tanh"), OwnReLU(), nn.Softmax(1)])
def test_what_is_not_exactly_in_the_table_has_no_entry(module):
    assert activation_of(module) is None
