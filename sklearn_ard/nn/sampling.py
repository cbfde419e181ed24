"""Variance of the outputs under the posterior of the weights.

A network and inputs come in; the variance of every output goes out.
"""

import copy
import math

import torch
from torch import Tensor, nn

from sklearn_ard.nn.ensemble import Ensemble
from sklearn_ard.nn.layers import ard_layers


@torch.no_grad()
def output_variance(
    model: nn.Module,
    x: Tensor,
    n_draws: int = 100,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Variance of the outputs under the posterior of the kept weights.

    Whole networks are drawn, so that the positions of a convolution share their
    weights, as they do; all else is as in evaluation mode. The draws are the same for
    all rows. An :class:`Ensemble` is a mixture of its networks: the mean of their
    variances, and the variance of their outputs.

    Parameters
    ----------
    model : Module
        A network with ARD layers, or an ensemble of such; it is not changed.
    x : Tensor of shape (n, ...)
        Inputs.
    n_draws : int, default=100
        Number of draws, shared by the networks of an ensemble. The standard error of a
        standard deviation is a share of 1 / sqrt(2 · n_draws) of it, 7 % for 100.
    generator : torch.Generator, optional
        Where the draws come from, on the device of the network; torch's global one by
        default.

    Returns
    -------
    Tensor of shape (n, n_outputs)
        Of type float64 on the CPU, in squared units of the outputs, around the outputs
        of the posterior means.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import LinearARD, output_variance
    >>> output_variance(LinearARD(3, 2), torch.ones(5, 3)).shape
    torch.Size([5, 2])
    """
    if type(model) is Ensemble:
        networks = copy.deepcopy(model).eval().networks
        n_each = math.ceil(n_draws / len(networks))
        within = [output_variance(part, x, n_each, generator) for part in networks]
        between = torch.stack([part(x) for part in networks]).cpu().double()
        return torch.stack(within).mean(dim=0) + between.var(dim=0, correction=0)
    model = copy.deepcopy(model).eval()
    layers = ard_layers(model)
    moments = []
    for layer in layers:
        layer.prune_()
        layer.deterministic = True  # the drawn weights are not pruned again
        std = torch.exp(0.5 * layer.log_sigma2) * layer.mask
        moments.append((layer.weight.clone(), std))
    center = model(x)
    # on the CPU: not every accelerator has float64
    total = torch.zeros(center.shape, dtype=torch.float64, device="cpu")
    for _ in range(n_draws):
        for layer, (mean, std) in zip(layers, moments, strict=True):
            noise = torch.empty_like(std).normal_(generator=generator)
            layer.weight.copy_(mean + std * noise)
        total += (model(x) - center).cpu().double().square()
    return total / n_draws
