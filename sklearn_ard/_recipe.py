"""The training recipe: which networks are trained, in what order, on which inputs.

1. Train a network on all inputs; the KL divergence comes in slowly (KLWarmup).
2. Prune weights by the prior, weigh every input by evidence and drop those that are not
   worth their price. Readmit dropped inputs that the residuals ask for.
3. If any input went: train a new network from scratch on those that are left. Twice.
   If all went: train it on all inputs again, with the KL divergence coming in later.
   (On a parity of three, 4 fits of 4 found the three with it, 1 of 2 without; pure
   noise still comes out empty.)
4. Polish: go on at half the rate, weigh and prune again.

What was measured for it, on `selection_panel.py`, 64-64, batches of 64, seeds 0 to 2
(about thirty variants were tried on these, so the figures flatter the choice a little):

| change (one after the other)                        | mean F1 | mean score |
|-----------------------------------------------------|--------:|-----------:|
| one network, polished twice, price 2 log d          |   0.953 |      0.785 |
| a second network from scratch                       |   0.947 |      0.797 |
| readmission by residuals, a third network           |   0.972 |      0.810 |
| initial noise relative to the weights (log α = -2)* |   0.981 |      0.808 |
| price log d instead of 2 log d                      |   0.979 |      0.810 |
| linear skip connection                              |   0.983 |      0.813 |
| 3,000 steps instead of 4,000                        |   0.983 |      0.812 |

(* with inputs weighed by the NLL alone, which made little difference.)

Did not help: batches of 128 (false picks), a price of ½ log d (false picks); and, tried
on the four real data sets alone, tanh, initial log α = -4, a slow KL ramp (noise is
fitted first) and the per-weight ARD prior.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from sklearn_ard._net import ARDNet, Batches
from sklearn_ard.nn import (
    KLWarmup,
    elbo,
    input_layers,
    live_inputs,
    mask_unread_units_,
    prune_,
    weigh_inputs,
)


@dataclass(frozen=True)
class Stage:
    """One stretch of training, after which weights are pruned."""

    share: float  # of all steps
    restart: bool = False  # with new weights, on the inputs that are left
    weigh: bool = True  # inputs by evidence at its end
    readmit: bool = False  # inputs that the residuals ask for at its end


STAGES = (
    Stage(0.3, restart=True, readmit=True),
    Stage(0.2, restart=True, readmit=True),
    Stage(0.3, restart=True),
    Stage(0.1),
    Stage(0.1, weigh=False),
)
N_STEPS = 3000  # of all stages together
MIN_EPOCHS, MAX_EPOCHS = 10, 1000  # bounds on what that makes for many or few rows
MIN_STEPS = 800  # below, a single network is trained
DECAY_FROM = 0.6  # share of a restarted stage after which the learning rate falls
POLISH = 0.5  # learning rate of the other stages, as a share
READMISSION = 2.0  # prices that a dropped input has to be worth to come back
PATIENT = KLWarmup(0.3, 0.7)  # for another try where no input seemed worth its price
SAMPLE = 20_000  # rows that are enough to estimate the bound and the residuals
_EPS = 1e-12


@dataclass
class Trained:
    """What came out of training."""

    net: ARDNet
    columns: np.ndarray  # indices of the columns that the network reads
    support: np.ndarray  # of all columns, True for those that are in use
    relevance: np.ndarray  # nats, one per column
    elbo: float  # nats, on scaled targets
    interrupted: bool


def plan(max_iter, n_batches):
    """The stages of a fit, with the epochs of each.

    Parameters
    ----------
    max_iter : int or "auto"
        Epochs of all stages together.
    n_batches : int
        Steps per epoch.

    Returns
    -------
    list of (Stage, int)
        A single network where there is no time for several, and no weighing of inputs
        where there is not even time for one: an untrained network is better without
        any input.
    """
    if max_iter == "auto":
        max_iter = round(min(max(N_STEPS / n_batches, MIN_EPOCHS), MAX_EPOCHS))
    n_steps = max_iter * n_batches
    if n_steps < MIN_STEPS:
        return [(Stage(1.0, restart=True, weigh=n_steps >= MIN_STEPS / 4), max_iter)]
    shares = np.cumsum([0.0] + [stage.share for stage in STAGES])
    epochs = np.diff(np.round(shares * max_iter).astype(int)).tolist()
    return [(stage, n) for stage, n in zip(STAGES, epochs, strict=True) if n > 0]


def train(
    build: Callable[[int], ARDNet],
    batches: Batches,
    varies: np.ndarray,
    *,
    resizable: bool,
    max_iter,
    learning_rate: float,
    cost: float,
    previous: tuple[ARDNet, np.ndarray] | None = None,
    progress=None,
) -> Trained:
    """Train networks until one is left that reads the right inputs.

    Parameters
    ----------
    build : callable
        Takes a number of inputs and returns an initialised net.
    batches : Batches
        The training data, with all columns.
    varies : bool ndarray of shape (n_features,)
        False for constant columns, which no network is to read.
    resizable : bool
        Whether `build` can make networks that read fewer inputs; where it can not,
        dropped inputs are masked.
    max_iter : int or "auto"
        Epochs of all stages together.
    learning_rate : float
        Of the stages that start from scratch.
    cost : float
        Price of an input, in nats; 0 leaves all pruning to the prior.
    previous : (ARDNet, ndarray), optional
        A trained net and the columns it reads, to go on from.
    progress : Callback, optional
        Is told of every epoch.

    Returns
    -------
    Trained
        The network and what it says of the inputs.
    """
    data, columns, support = batches, np.arange(len(varies)), varies
    net, interrupted = None, False
    warmup = KLWarmup()
    if previous is not None:
        net = _embed(build, len(varies), *previous)
    try:
        for stage, epochs in plan(max_iter, batches.n_batches):
            if not varies.any() or not (support.any() or stage.restart):
                break
            if not support.any():
                support, warmup = varies, PATIENT
            # a network that still reads everything has nothing to gain by a restart
            changed = not np.array_equal(support, varies) or warmup is PATIENT
            restart = net is None or (stage.restart and changed and previous is None)
            if restart:
                history = [] if net is None else list(net.history)
                if resizable:
                    columns = np.flatnonzero(support)
                    data = batches.select(columns)
                net = build(len(columns))
                net.history.extend(history)
                _mask_inputs(net, data, support[columns])
            net.train(
                data,
                epochs,
                learning_rate=learning_rate * (1 if restart else POLISH),
                warmup=warmup if restart else None,
                decay_from=DECAY_FROM if restart else 0.0,
                progress=progress,
            )
            support = _prune(net, data, columns, varies, cost if stage.weigh else 0)
            if stage.readmit and cost > 0 and previous is None:
                missed = readmission(net, data, batches) > READMISSION * cost
                support = support | (varies & missed)
    except KeyboardInterrupt:
        interrupted = True
    if net is None:
        net = build(len(columns))
    support = _prune(net, data, columns, varies, 0)
    return _trained(net, data, columns, support, interrupted)


def train_online(
    build: Callable[[int], ARDNet],
    batches: Batches,
    n_features: int,
    *,
    learning_rate: float,
    cost: float,
    previous: tuple[ARDNet, np.ndarray] | None,
    n_steps: float,
    progress=None,
) -> tuple[Trained, float]:
    """Train one network on all inputs for one pass over a chunk of the data.

    Weights and inputs are masked as they would be if this was the last chunk; the next
    call lifts the masks, so that nothing is lost which a later chunk needs.

    Parameters
    ----------
    build, batches, learning_rate, cost, previous, progress
        As in :func:`train`.
    n_features : int
        Number of columns.
    n_steps : float
        Steps of all calls before, which the KL warm-up is measured by.

    Returns
    -------
    trained : Trained
        As from :func:`train`.
    n_steps : float
        Steps so far.
    """
    columns = np.arange(n_features)
    if previous is None:
        net = build(n_features)
    else:
        net = _embed(build, n_features, *previous)
        net.history.extend(previous[0].history)
        net.resume_optimizer(previous[0])
    stage_steps = STAGES[0].share * N_STEPS
    warmup = KLWarmup()
    interrupted = False
    try:
        net.train(
            batches,
            epochs=1,
            learning_rate=learning_rate * POLISH,
            warmup=warmup,
            decay_from=None,
            first_step=n_steps,
            n_steps=stage_steps,
            progress=progress,
        )
    except KeyboardInterrupt:
        interrupted = True
    n_steps += batches.n_batches
    varies = np.ones(n_features, dtype=bool)
    if warmup(n_steps / stage_steps) < 1:
        cost = 0.0  # what an input is worth shows under the whole KL divergence only
    support = _prune(net, batches, columns, varies, cost)
    return _trained(net, batches, columns, support, interrupted), n_steps


def _trained(net, data, columns, support, interrupted):
    return Trained(
        net,
        columns,
        support,
        relevance=_relevance(net, data, columns, support),
        elbo=elbo(net.module_, net.criterion_, *_sample(data)),
        interrupted=interrupted,
    )


def _prune(net, data, columns, varies, cost):
    """Prune weights, then inputs that are not worth `cost`; the support of all columns.

    Without a price no input goes that the prior has not pruned.
    """
    module = net.module_
    prune_(module)
    if cost > 0:
        weigh_inputs(module, net.criterion_, *_sample(data), cost=cost)
        mask_unread_units_(module)
    support = np.zeros_like(varies)
    support[columns] = _to_columns(_live(net, data), len(columns)) & varies[columns]
    return support


def _live(net, data):
    """Which inputs of a net are in use; all of them where it can not be known."""
    layers = input_layers(net.module_, data.head())
    return live_inputs(layers).cpu().numpy() if layers else np.ones(1, dtype=bool)


def _mask_inputs(net, data, support):
    """Mask the inputs of a net that reads more than the `support`."""
    if support.all():
        return
    for layer in input_layers(net.module_, data.head()):
        n_units = len(layer.per_input(layer.mask))
        live = support.reshape(n_units, -1).any(axis=1)
        layer.mask_inputs_(torch.from_numpy(live).to(layer.mask.device))


def _to_columns(units, n_columns):
    """A value per column from a value per column or per channel."""
    return np.repeat(units, n_columns // len(units))


def _relevance(net, data, columns, support):
    """Nats that each column is worth; a channel's are shared by its pixels."""
    relevance = np.zeros(len(support))
    if support.any():
        units = weigh_inputs(net.module_, net.criterion_, *_sample(data))
        units = units.cpu().numpy()
        if len(units):
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
    with torch.no_grad():
        output = net.module_.eval()(x)
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


def _sample(data):
    x, (target, weight) = data.sample(SAMPLE)
    return x, target, weight


def _embed(build, n_features, net, columns):
    """A net that reads all columns, with the weights of one that reads some of them.

    Pruned weights and inputs get a new chance: no mask is taken over.
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
            if name.split(".")[-1] == "mask":
                continue
            if value.shape == state[name].shape:
                state[name] = value
            else:
                state[name][:, columns] = value
        part.load_state_dict(state)
    return new
