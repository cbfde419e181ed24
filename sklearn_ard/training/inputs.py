"""Columns in use: their pruning, price, readmission and relevance.

Input: a trained net and its task. Output: masks of the columns, or nats per column.
"""

import math

import numpy as np
import torch

from sklearn_ard.nn import (
    input_layers,
    live_inputs,
    mask_unread_units_,
    prune_,
    weigh_inputs,
)
from sklearn_ard.nn.fast.live_network import LiveNetwork
from sklearn_ard.training.build import make_likelihood

SAMPLE = 20_000  # rows from which the bound and the residuals are estimated
READMISSION = 2.0  # prices that a dropped column has to be worth to be readmitted
MAX_COLUMNS = 20_000  # that a network begins with; of more, some are chosen before
MIN_SCREENED = 1_000  # columns that are chosen then, at least
_EPS = 1e-12
_LOG_OF_NOTHING = -30.0  # logit of a class without rows


def price_of_column(feature_cost, n_features):
    """Price of a column in nats, at a `reg_factor` of 1.

    Parameters
    ----------
    feature_cost : float or "auto"
        "auto" is log(n_features), the cost of encoding the index of a column.
    n_features : int
        Number of columns of X.

    Returns
    -------
    float
        In nats.

    References
    ----------
    Chen, Chen (2008). Extended Bayesian information criteria for model selection with
    large model spaces. Biometrika 95.
    """
    return math.log(max(n_features, 2)) if feature_cost == "auto" else feature_cost


def prune(task, net, columns, price):
    """Prune weights, then inputs that are not worth a price.

    Parameters
    ----------
    task : Task
        What was trained.
    net : ARDNet
        It is changed.
    columns : ndarray of int
        Columns that it reads.
    price : float
        In nats. With 0 only inputs that the prior has pruned are dropped.

    Returns
    -------
    bool ndarray of shape (n_features,)
        True for the columns in use.
    """
    module, data = net.module_, task.batches.select(columns)
    prune_(module)
    if price > 0:
        live = LiveNetwork(module)
        _weigh(live, net, data, task.generators, price)
        live.write_masks_back()
        mask_unread_units_(module)
    support = np.zeros(task.n_features, dtype=bool)
    support[columns] = in_use(module, data.head()) & task.varies[columns]
    return support


def in_use(module, x):
    """Which inputs of a network are in use; all of them where this is unknown.

    Parameters
    ----------
    module : Module
        A network.
    x : Tensor of shape (n, n_inputs)
        A few rows of inputs.

    Returns
    -------
    bool ndarray of shape (n_inputs,)
        True for those that a live weight reads, or that are read elsewhere.
    """
    layers = input_layers(module, x)
    live = live_inputs(layers).cpu().numpy() if layers else np.ones(1, dtype=bool)
    return _to_columns(live, x.shape[1]) | _read_elsewhere(module, x)


def _read_elsewhere(module, x):
    """Inputs on which the outputs depend, also by paths without ARD layers."""
    # a copy, for modules that work in place; weights, since outputs may sum to 1
    x = x.clone().requires_grad_()
    output = module.eval()(x.clone())
    output = (output * torch.arange(1, output.shape[1] + 1, device=x.device)).sum()
    (slope,) = torch.autograd.grad(output, x, allow_unused=True, materialize_grads=True)
    return (slope != 0).any(dim=0).cpu().numpy()


def relevance_of(task, net, columns, support):
    """Nats that each column is worth; a channel's are shared by its pixels.

    Parameters
    ----------
    task, net, columns
        As in :func:`prune`.
    support : bool ndarray of shape (n_features,)
        True for the columns in use.

    Returns
    -------
    ndarray of shape (n_features,)
        0 for columns that are not in use.
    """
    relevance = np.zeros(task.n_features)
    if support.any():
        live, data = LiveNetwork(net.module_), task.batches.select(columns)
        units = _weigh(live, net, data, task.generators).cpu().numpy()
        if len(units):
            if live.inputs is not None:
                columns = columns[live.inputs.cpu().numpy()]
            units = units.astype(np.float64) * len(units) / len(columns)
            relevance[columns] = _to_columns(units, len(columns)).clip(min=0)
    return np.where(support, relevance, 0.0)


def _weigh(live, net, data, generators, price=None):
    """As :func:`weigh_inputs` for the live network: one value per live input."""
    x, target, weight = data.sample(SAMPLE, generators.cpu)
    x = live.rows(x)
    if x.shape[1] == 0:
        return x.new_zeros(0)
    return weigh_inputs(
        live.network,
        net.criterion_,
        x,
        target,
        weight,
        cost=price,
        generator=generators.device,
    )


def _to_columns(units, n_columns):
    """A value per column from a value per column or per channel."""
    return np.repeat(units, n_columns // len(units))


def readmitted(task, net, columns):
    """Columns that the residuals of a network depend on at twice the price.

    A score test: the gradient of the NLL with respect to the outputs of the network is
    the residual. A dropped column is readmitted if it or its square is correlated with
    the residual.

    Parameters
    ----------
    task, net, columns
        As in :func:`prune`.

    Returns
    -------
    bool ndarray of shape (n_features,)
        True for columns for which -N/2 · log(1 - r²) exceeds the price twice, with the
        larger r² of the two terms and of all outputs.

    References
    ----------
    Rao (1948). Large sample tests of statistical hypotheses concerning several
    parameters. Proc. Cambridge Phil. Soc. 44.
    """
    data = task.batches.select(columns)
    rows = data.draw(SAMPLE, task.generators.cpu)
    x, (target, weight) = data.rows(rows)
    live = LiveNetwork(net.module_)
    with torch.no_grad():
        output = live.network.eval()(live.rows(x))
    nats = _score_test(task, rows, output, target, weight, net.criterion_.likelihood)
    return (nats > READMISSION * task.price) & task.varies


def offered(task):
    """Columns that the first network of a fit reads: all, unless they are very many.

    Of more than 20,000 columns those are taken that a score test against the model
    without inputs finds worth half a price, but at least 1,000 and at most 20,000. Of
    the others, those that depend on what a network leaves unexplained are readmitted
    later; one that matters in an interaction only, with neither its value nor its
    square, is lost.

    Parameters
    ----------
    task : Task
        What is to be trained.

    Returns
    -------
    bool ndarray of shape (n_features,)
        True for the columns.
    """
    if task.varies.sum() <= MAX_COLUMNS:
        return task.varies
    rows = torch.arange(len(task.batches), device=task.device)
    target, weight = task.batches.target, task.batches.weight
    output = torch.from_numpy(task.targets.empty_output_).float().to(task.device)
    output = output.clamp(min=_LOG_OF_NOTHING).expand(len(rows), -1).contiguous()
    likelihood = make_likelihood(task.targets).to(task.device)
    nats = _score_test(task, rows, output, target, weight, likelihood)
    nats = np.where(task.varies, nats, -1.0)
    n_worth = int((nats > 0.5 * task.price).sum())
    n_offered = min(max(n_worth, MIN_SCREENED), MAX_COLUMNS)
    chosen = np.zeros(task.n_features, dtype=bool)
    chosen[np.argsort(-nats, kind="stable")[:n_offered]] = True
    return chosen & task.varies


def _score_test(task, rows, output, target, weight, likelihood):
    """Nats that a linear or a squared term of each column would add to the fit."""
    output = output.detach().requires_grad_()
    likelihood(output, target).sum().backward()
    residual = output.grad.cpu().double().numpy()
    weight = weight.cpu().double().numpy()[:, None]
    total = weight.sum()
    residual -= (weight * residual).sum(axis=0) / total
    residual *= weight / np.sqrt((weight * residual**2).sum(axis=0) / total + _EPS)
    nats = np.zeros(task.n_features)
    for variance, covariance in task.batches.moments(rows, weight, residual):
        r2 = covariance**2 / (variance + _EPS)
        r2 = r2.max(axis=1).clip(max=1 - _EPS)
        nats = np.maximum(nats, -0.5 * total * np.log1p(-r2))
    return nats
