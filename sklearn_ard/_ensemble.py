"""Several trained networks as the one net of an estimator."""

import math
from functools import partial

import numpy as np
import torch

from sklearn_ard._trained import Trained, narrow
from sklearn_ard.nn import Ensemble


def join(members: list[Trained], build) -> Trained:
    """One net whose output is the mean of those of several.

    Parameters
    ----------
    members : list of Trained
        All of them weighed. The first may read columns that it has no use for; the
        others read those that are left.
    build : callable
        Takes a number of inputs and returns an initialised net.

    Returns
    -------
    Trained
        Bound, KL divergence, relevance of the columns and variance of the noise are
        means over the members. The history is that of all, one after the other.
    """
    first, *others = members
    columns = others[0].columns
    modules = [member.net.module_ for member in members]
    if len(columns) < len(first.columns):
        kept = np.searchsorted(first.columns, columns)
        modules[0] = narrow(build, first.net, kept).module_
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
        support=np.any([member.support for member in members], axis=0),
        elbo=float(np.mean([member.elbo for member in members])),
        kl=float(np.mean([member.kl for member in members])),
        relevance=np.mean([member.relevance for member in members], axis=0),
        interrupted=any(member.interrupted for member in members),
    )


@torch.no_grad()
def _average_noise(criteria, criterion):
    """Set the variance of the noise, whose logarithm is all that a likelihood learns"""
    all_of_them = zip(*(c.likelihood.parameters() for c in criteria), strict=True)
    mean = criterion.likelihood.parameters()
    for value, values in zip(mean, all_of_them, strict=True):
        value.copy_(torch.stack(values).logsumexp(dim=0) - math.log(len(values)))


def _make_ensemble(make, n_networks):
    return Ensemble([make() for _ in range(n_networks)])
