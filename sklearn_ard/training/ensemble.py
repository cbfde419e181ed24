"""Several trained networks as the one net of an estimator."""

import math
from functools import partial

import numpy as np
import torch

from sklearn_ard.nn import Ensemble, input_layers
from sklearn_ard.training.trained import Trained, embed, narrow


def join(members: list[Trained], build) -> Trained:
    """One net whose output is the mean of those of several.

    Parameters
    ----------
    members : list of Trained
        All of them weighed. They need not read the same columns.
    build : callable
        Takes a number of inputs and returns an initialised net.

    Returns
    -------
    Trained
        Bound, KL divergence, relevance of the columns and variance of the noise are
        means over the members. The history is that of all, one after the other.
    """
    columns, support = members[0].columns, np.any([m.support for m in members], axis=0)
    if not all(np.array_equal(member.columns, columns) for member in members):
        columns = np.flatnonzero(support)
    modules = [_reading(columns, member, build) for member in members]
    net = build(len(columns))
    net.module = partial(_make_ensemble, net.module, len(members))
    net.module_ = Ensemble(modules)
    net.initialize_criterion()
    _average_noise([member.net.criterion_ for member in members], net.criterion_)
    net.history.clear()
    for member in members:
        net.history.extend(member.net.history)
    return Trained(
        net,
        columns,
        support=support,
        elbo=float(np.mean([member.elbo for member in members])),
        kl=float(np.mean([member.kl for member in members])),
        relevance=np.mean([member.relevance for member in members], axis=0),
        interrupted=any(member.interrupted for member in members),
    )


def _reading(columns, member, build):
    """The network of a member, as one that reads some columns: all that it uses."""
    if np.array_equal(member.columns, columns):
        return member.net.module_
    n_features = len(member.support)
    net = embed(build, n_features, member.net, member.columns, masks=True)
    live = torch.from_numpy(member.support).to(net.device)
    for layer in input_layers(net.module_, torch.zeros(1, n_features).to(net.device)):
        layer.mask_inputs_(live)
    return narrow(build, net, columns).module_


@torch.no_grad()
def _average_noise(criteria, criterion):
    """Set the variance of the noise, whose logarithm is all that a likelihood learns"""
    all_of_them = zip(*(c.likelihood.parameters() for c in criteria), strict=True)
    mean = criterion.likelihood.parameters()
    for value, values in zip(mean, all_of_them, strict=True):
        value.copy_(torch.stack(values).logsumexp(dim=0) - math.log(len(values)))


def _make_ensemble(make, n_networks):
    return Ensemble([make() for _ in range(n_networks)])
