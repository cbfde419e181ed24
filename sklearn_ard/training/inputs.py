"""What becomes of the inputs: pruned, priced or readmitted, and what each is worth."""

import numpy as np
import torch

from sklearn_ard.nn import (
    input_layers,
    live_inputs,
    mask_unread_units_,
    prune_,
    weigh_inputs,
)
from sklearn_ard.nn.fast.live_network import Slim

SAMPLE = 20_000  # rows that are enough to estimate the bound and the residuals
_EPS = 1e-12


def prune(net, data, columns, varies, cost):
    """Prune weights, then inputs that are not worth `cost`; the support of all columns.

    Without a price no input goes that the prior has not pruned.
    """
    module = net.module_
    prune_(module)
    if cost > 0:
        slim = Slim(module)
        _weigh(slim, net, data, cost)
        slim.write_masks_back()
        mask_unread_units_(module)
    support = np.zeros_like(varies)
    support[columns] = in_use(module, data.head()) & varies[columns]
    return support


def in_use(module, x):
    """Which inputs of a network are in use; all of them where it cannot be known.

    Parameters
    ----------
    module : Module
        A network.
    x : Tensor of shape (n, n_inputs)
        A few rows, to try it on.

    Returns
    -------
    bool ndarray of shape (n_inputs,)
        True for those that a live weight leaves, or that are read elsewhere.
    """
    layers = input_layers(module, x)
    live = live_inputs(layers).cpu().numpy() if layers else np.ones(1, dtype=bool)
    return _to_columns(live, x.shape[1]) | _read_elsewhere(module, x)


def _read_elsewhere(module, x):
    """Inputs that the outputs depend on whatever is masked: past the ARD layers."""
    # a copy, for modules that work in place; outputs that sum to 1 do not cancel
    x = x.clone().requires_grad_()
    output = module.eval()(x.clone())
    output = (output * torch.arange(1, output.shape[1] + 1, device=x.device)).sum()
    (slope,) = torch.autograd.grad(output, x, allow_unused=True, materialize_grads=True)
    return (slope != 0).any(dim=0).cpu().numpy()


def mask_inputs(net, data, support):
    """Mask the inputs of a net that reads more than the `support`."""
    if support.all():
        return
    for layer in input_layers(net.module_, data.head()):
        n_units = len(layer.per_input(layer.mask))
        live = support.reshape(n_units, -1).any(axis=1)
        layer.mask_inputs_(torch.from_numpy(live).to(layer.mask.device))


def readmit_inputs(net, data, back):
    """Lift the masks of the weights that leave some inputs."""
    if not back.any():
        return
    for layer in input_layers(net.module_, data.head()):
        n_units = len(layer.per_input(layer.mask))
        units = back.reshape(n_units, -1).any(axis=1)
        units = torch.from_numpy(units).to(layer.mask.device)
        layer.mask.add_(layer.leaves_inputs(units)).clamp_(max=1)


def _weigh(slim, net, data, cost=None):
    """As :func:`weigh_inputs`, asked of what is live: one value per live input."""
    x, target, weight = sample(data)
    x = slim.rows(x)
    if x.shape[1] == 0:
        return x.new_zeros(0)
    return weigh_inputs(slim.network, net.criterion_, x, target, weight, cost=cost)


def _to_columns(units, n_columns):
    """A value per column from a value per column or per channel."""
    return np.repeat(units, n_columns // len(units))


def relevance_of(net, data, columns, support):
    """Nats that each column is worth; a channel's are shared by its pixels."""
    relevance = np.zeros(len(support))
    if support.any():
        slim = Slim(net.module_)
        units = _weigh(slim, net, data).cpu().numpy()
        if len(units):
            if slim.inputs is not None:
                columns = columns[slim.inputs.cpu().numpy()]
            units = units.astype(np.float64) * len(units) / len(columns)
            relevance[columns] = _to_columns(units, len(columns)).clip(min=0)
    return np.where(support, relevance, 0.0)


def readmission(net, data, batches):
    """Nats that a linear or a squared term of each column would add to the fit.

    A score test: the gradient of the NLL with respect to the network's outputs is what
    the network leaves unexplained, and a column that it is correlated with was dropped
    too soon.

    Parameters
    ----------
    net : ARDNet
        A trained net.
    data, batches : Batches
        The training data, with the columns that `net` reads and with all.

    Returns
    -------
    ndarray of shape (n_features,)
        -N/2 · log(1 - r²), the larger one of the two terms and of all outputs.

    References
    ----------
    Rao (1948). Large sample tests of statistical hypotheses concerning several
    parameters. Proc. Cambridge Phil. Soc. 44.
    """
    rows = data.draw(SAMPLE)
    x, (target, weight) = data.rows(rows)
    slim = Slim(net.module_)
    with torch.no_grad():
        output = slim.network.eval()(slim.rows(x))
    output.requires_grad_()
    net.criterion_.likelihood(output, target).sum().backward()
    residual = output.grad.cpu().double().numpy()
    weight = weight.cpu().double().numpy()[:, None]
    total = weight.sum()
    residual -= (weight * residual).sum(axis=0) / total
    residual *= weight / np.sqrt((weight * residual**2).sum(axis=0) / total + _EPS)

    columns = batches.columns(rows)
    nats = np.zeros(columns.shape[1])
    for term in (columns, columns * columns):
        mean = term.T @ weight / total
        variance = (term * term).T @ weight / total - mean**2
        covariance = term.T @ residual / total  # the residuals have mean 0
        r2 = covariance**2 / (variance + _EPS)
        r2 = r2.max(axis=1).clip(max=1 - _EPS)
        nats = np.maximum(nats, -0.5 * total * np.log1p(-r2))
    return nats


def sample(data):
    """Rows, targets and weights that are enough to judge by."""
    x, (target, weight) = data.sample(SAMPLE)
    return x, target, weight
