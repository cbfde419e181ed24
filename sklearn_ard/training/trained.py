"""What comes out of training, and how its weights are handed on to the next network."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_ard.nn import elbo, kl_divergence
from sklearn_ard.nn.fast.live_network import Slim, mask_untrained_
from sklearn_ard.training.inputs import relevance_of, sample
from sklearn_ard.training.net import ARDNet


@dataclass(frozen=True)
class Trained:
    """What came out of training."""

    net: ARDNet
    columns: np.ndarray  # indices of the columns that the network reads
    support: np.ndarray  # of all columns, True for those that are in use
    elbo: float  # nats, on scaled targets
    kl: float  # nats
    relevance: np.ndarray | None = None  # nats, one per column; None until weighed
    interrupted: bool = False


def judged(net, data, columns, support, interrupted=False):
    """What came out of training, with what its objective is made of."""
    slim = Slim(net.module_)
    x, target, weight = sample(data)
    return Trained(
        net,
        columns,
        support,
        elbo=elbo(slim.network, net.criterion_, slim.rows(x), target, weight),
        kl=float(kl_divergence(slim.network).detach()),
        interrupted=interrupted,
    )


def weighed(trained, data):
    """The same with the relevance of its columns; `data` has those that it reads."""
    relevance = relevance_of(trained.net, data, trained.columns, trained.support)
    return replace(trained, relevance=relevance)


def embed(build, n_features, net, columns, masks=False):
    """A net that reads all columns, with the weights of one that reads some of them.

    Without the `masks` pruned weights and inputs get a new chance, but not units that
    have never been trained.
    """
    new = build(n_features)
    for old_part, part in (
        (net.module_, new.module_),
        (net.criterion_, new.criterion_),
    ):
        state, old = part.state_dict(), old_part.state_dict()
        fits = state.keys() == old.keys() and all(
            value.shape == state[name].shape
            # a dense input layer, one column of weights per input
            or value.shape == state[name][:, columns].shape
            for name, value in old.items()
        )
        if not fits:
            raise ValueError(
                "warm_start=True and partial_fit go on with the weights of the last "
                "fit, which do not fit the network or the outputs that are asked for "
                "now. Set warm_start=False, or fit a clone."
            )
        for name, value in old.items():
            if name.split(".")[-1] == "mask" and not masks:
                continue
            if value.shape == state[name].shape:
                state[name] = value
            else:
                state[name][:, columns] = value
        part.load_state_dict(state)
    mask_untrained_(new.module_)
    return new


def narrow(build, net, columns):
    """A net that reads some columns, with the weights of one that reads them all."""
    new = build(len(columns))
    new.criterion_.load_state_dict(net.criterion_.state_dict())
    wide = net.module_.state_dict()
    new.module_.load_state_dict(
        {
            name: wide[name]
            if wide[name].shape == value.shape
            else wide[name][:, columns]
            for name, value in new.module_.state_dict().items()
        }
    )
    return new
