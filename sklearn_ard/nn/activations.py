"""The table of activations: every elementwise function that the package supports.

A module or a name comes in; its function, its derivative and its properties go out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Activation:
    """An elementwise function h(z) and its properties.

    Parameters
    ----------
    name : str
        In snake case; that of scikit-learn where it has one.
    module : type
        The class of torch.
    function : callable, optional
        z to h; None for functions that are only called as a module.
    slope : callable, optional
        (z, h) to the derivative dh/dz; None where autograd computes it.
    monotone : bool, default=False
        Whether h is non-decreasing, as long as `parameter` is not negative.
    parameter : str, optional
        Attribute of the module with the function's one parameter.
    """

    name: str
    module: type[nn.Module]
    function: Callable[[Tensor], Tensor] | None = None
    slope: Callable[[Tensor, Tensor], Tensor] | None = None
    monotone: bool = False
    parameter: str | None = None


def _slope_of_gelu(z: Tensor, h: Tensor) -> Tensor:
    density = torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + torch.erf(z / math.sqrt(2))) + z * density


_NAMED = (
    Activation("relu", nn.ReLU, torch.relu, lambda z, h: torch.sign(h), True),
    Activation("tanh", nn.Tanh, torch.tanh, lambda z, h: 1 - h * h, True),
    Activation("logistic", nn.Sigmoid, torch.sigmoid, lambda z, h: h - h * h, True),
    Activation("silu", nn.SiLU, F.silu, lambda z, h: torch.sigmoid(z) * (1 + z - h)),
    Activation("gelu", nn.GELU, F.gelu, _slope_of_gelu),
    Activation(
        "identity", nn.Identity, lambda z: z, lambda z, h: torch.ones_like(z), True
    ),
)
_OTHERS = (
    Activation("leaky_relu", nn.LeakyReLU, monotone=True, parameter="negative_slope"),
    Activation("elu", nn.ELU, monotone=True, parameter="alpha"),
    Activation("celu", nn.CELU, monotone=True, parameter="alpha"),
    Activation("selu", nn.SELU, monotone=True),
    Activation("relu6", nn.ReLU6, monotone=True),
    Activation("hardtanh", nn.Hardtanh, monotone=True),
    Activation("hardsigmoid", nn.Hardsigmoid, monotone=True),
    Activation("hardswish", nn.Hardswish),
    Activation("mish", nn.Mish),
    Activation("log_sigmoid", nn.LogSigmoid, monotone=True),
    Activation("softplus", nn.Softplus, monotone=True),
    Activation("softsign", nn.Softsign, monotone=True),
)

# The activations that users can choose by name.
ACTIVATIONS = {activation.name: activation for activation in _NAMED}
# Modules of one elementwise function without trained parameters: exactly these types.
ELEMENTWISE = {activation.module: activation for activation in _NAMED + _OTHERS}


def activation_of(module: nn.Module) -> Activation | None:
    """The entry of a module, by its exact type.

    None for any other module, and for the approximation of GELU by tanh.
    """
    if getattr(module, "approximate", "none") != "none":
        return None
    return ELEMENTWISE.get(type(module))


def make_activation(name: str) -> nn.Module:
    """A new module of one of the ACTIVATIONS; ValueError for any other name."""
    if name not in ACTIVATIONS:
        raise ValueError(
            f"The 'activation' parameter must be one of {sorted(ACTIVATIONS)}. "
            f"Got {name!r} instead."
        )
    return ACTIVATIONS[name].module()
