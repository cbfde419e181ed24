"""The training recipe: which networks are trained, in what order, on which inputs.

1. Train a network on all inputs; the KL divergence comes in slowly (KLWarmup).
2. Prune weights by the prior, weigh every input by evidence and drop those that are not
   worth their price. Readmit dropped inputs that the residuals ask for.
3. If any input went: train a new network from scratch on those that are left.
   If all went: train it on all inputs again, with the KL divergence coming in later.
   (On a parity of three, 4 fits of 4 found the three with it, 1 of 2 without; pure
   noise still comes out empty.)
   Each network may be trained densely first: without noise and without the prior.
4. Train a third network from scratch on what is left, and anneal it: the KL divergence
   rises geometrically, so that the network fits the data before it is pruned.
5. Polish: go on at half the rate, weigh and prune again.

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
| the third network annealed (five seeds)             |   0.981 |      0.817 |

(* with inputs weighed by the NLL alone, which made little difference.)

The annealing was chosen on real sets with little noise, where the third network used to
be stuck: test RMSE on UCI's energy 1.44 before (two of the standard splits), 0.52 with
it (three), concrete 6.36 and 5.36, Boston 2.65 and 2.61; evidence lower bound of energy
-1321 and -815 nats. Without a new start where no
input went (concrete) it does nothing. A rise from 0.1 is as good on most, worse on
concrete (5.57); from 0.02 it prunes less.

With `shrink` dense networks are no wider than they need to be: the first has at most
SCOUT units per layer, a later one GROWTH times as many as were connected at the end of
the one before, at least ROOM, at most what was asked for. Measured (means of two to
four seeds, one thread; "full" is without):

| network, data             | seconds, full | seconds | score, full | score |
|---------------------------|--------------:|--------:|------------:|------:|
| 1024-1024, Friedman 5,000 |            41 |       5 |       0.953 | 0.957 |
| 512-512, digits           |            12 |       3 |       0.961 | 0.963 |
| 512-512, kin8nm           |            12 |       4 |       0.917 | 0.919 |

(Friedman in full width: one seed.) With GROWTH = 4 digits had 0.966, and Friedman a
quarter more weights and a bound worse by 108 nats. SCOUT = 128 was as good on Friedman
and kin8nm, and worse on digits (0.958). A first network of full width took 15 s on
Friedman, and in its 750 steps pruned all but six units, or all.

Fewer steps at a higher rate are as good on the panel, and are not the default because
of tables with little noise (five seeds; RMSE on the first four standard splits):

| steps, rate  | mean F1 | mean score | Boston | concrete | energy | yacht | kin8nm |
|--------------|--------:|-----------:|-------:|---------:|-------:|------:|-------:|
| 3,000, 0.01  |   0.983 |      0.816 |   2.60 |     5.41 |   0.51 |  0.73 |  0.074 |
| 2,000, 0.015 |   0.974 |      0.818 |   2.49 |     5.65 |   0.52 |  0.81 |  0.078 |
| 1,500, 0.02  |   0.976 |      0.817 |   2.68 |     6.12 |   0.54 |  0.95 |  0.081 |

Did not help: batches of 128 (false picks), a price of ½ log d (false picks); and, tried
on the four real data sets alone, tanh, initial log α = -4, a slow linear KL ramp (noise
is fitted first) and the per-weight ARD prior.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_ard.data.batches import Batches
from sklearn_ard.nn import KLWarmup, deterministic
from sklearn_ard.nn.fast.live_network import begin_narrow_, connected_units
from sklearn_ard.training.inputs import mask_inputs, prune, readmission
from sklearn_ard.training.net import ARDNet
from sklearn_ard.training.trained import Trained, embed, judged, weighed


@dataclass(frozen=True)
class Stage:
    """One stretch of training, after which weights are pruned."""

    share: float  # of all steps
    restart: bool = False  # with new weights, on the inputs that are left
    weigh: bool = True  # inputs by evidence at its end
    readmit: bool = False  # inputs that the residuals ask for at its end
    anneal: bool = False  # under a KL divergence that rises geometrically


STAGES = (
    Stage(0.25, restart=True, readmit=True),
    Stage(0.15, restart=True, readmit=True),
    Stage(0.4, restart=True, anneal=True),
    Stage(0.1),
    Stage(0.1, weigh=False),
)
N_STEPS = 3000  # of all stages together
MIN_EPOCHS, MAX_EPOCHS = 10, 1000  # bounds on what that makes for many or few rows
MIN_STEPS = 800  # below, a single network is trained
DECAY_FROM = 0.6  # share of a restarted stage after which the learning rate falls
POLISH = 0.5  # learning rate of the other stages, as a share
SCOUT = 256  # units per hidden layer of a first network, at most
GROWTH = 2  # units of a later one for each connected unit of the one before
ROOM = 64  # units of a later one, at least
READMISSION = 2.0  # prices that a dropped input has to be worth to come back
DENSE = KLWarmup(1.0, 2.0)  # the KL divergence does not count before the end
PATIENT = KLWarmup(0.3, 0.7)  # for another try where no input seemed worth its price
ANNEALED = KLWarmup(0.1, 0.8, first=0.05)  # for the network that stays


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
    stages: list[tuple[Stage, int]],
    dense_iter: int,
    shrink: bool,
    learning_rate: float,
    cost: float,
    previous: tuple[ARDNet, np.ndarray] | None = None,
    before: ARDNet | None = None,
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
        Whether `build` can make networks that read fewer inputs; where it cannot,
        dropped inputs are masked.
    stages : list of (Stage, int)
        What to do, and for how many epochs; see :func:`plan`.
    dense_iter : int
        Epochs of dense training in front of every stage that starts from scratch.
    shrink : bool
        Whether networks are only as wide as they need to be; see :func:`room_after`.
    learning_rate : float
        Of the stages that start from scratch.
    cost : float
        Price of an input, in nats; 0 leaves all pruning to the prior.
    previous : (ARDNet, ndarray), optional
        A trained net and the columns it reads, to go on from.
    before : ARDNet, optional
        A net that says how wide the first one needs to be.
    progress : Callback, optional
        Is told of every epoch.

    Returns
    -------
    Trained
        The network and what it says of the inputs.
    """
    data, columns, support = batches, np.arange(len(varies)), varies
    net, interrupted = None, False
    patient = False
    narrow = shrink and resizable  # a network that was given is left as it is
    if previous is not None:
        net = embed(build, len(varies), *previous)
    try:
        for stage, epochs in stages:
            if not varies.any() or not (support.any() or stage.restart):
                break
            if not support.any():
                support, patient = varies, True
            # one that still reads everything has nothing to gain by the same again
            changed = patient or stage.anneal or not np.array_equal(support, varies)
            restart = net is None or (stage.restart and changed and previous is None)
            warmup = PATIENT if patient else ANNEALED if stage.anneal else KLWarmup()
            decay_from = max(warmup.stop, DECAY_FROM)
            if restart:
                history = []
                if net is not None:
                    before, history = net, list(net.history)
                if resizable:
                    columns = np.flatnonzero(support)
                    data = batches.select(columns)
                net = build(len(columns))
                net.history.extend(history)
                if narrow and before is not None:
                    begin_narrow_(net.module_, room_after(before))
                elif narrow and len(stages) > 1:
                    n_layers = len(connected_units(net.module_))
                    begin_narrow_(net.module_, [SCOUT] * n_layers)
                mask_inputs(net, data, support[columns])
                if dense_iter:
                    with deterministic(net.module_):
                        net.train(
                            data,
                            dense_iter,
                            learning_rate=learning_rate,
                            warmup=DENSE,
                            progress=progress,
                        )
            net.train(
                data,
                epochs,
                learning_rate=learning_rate * (1 if restart else POLISH),
                warmup=warmup if restart else None,
                decay_from=decay_from if restart else 0.0,
                shrink=shrink,
                progress=progress,
            )
            support = prune(net, data, columns, varies, cost if stage.weigh else 0)
            if stage.readmit and cost > 0 and previous is None:
                missed = readmission(net, data, batches) > READMISSION * cost
                support = support | (varies & missed)
    except KeyboardInterrupt:
        interrupted = True
    if net is None:
        net = build(len(columns))
    support = prune(net, data, columns, varies, 0)
    return weighed(judged(net, data, columns, support, interrupted), data)


def of_member(stages):
    """The stages of a further network on inputs that are known, of those of a fit."""
    first = (i for i, (stage, _) in enumerate(stages) if stage.anneal)
    return stages[next(first, 0) :]


def room_after(net: ARDNet) -> list[int]:
    """Hidden units per layer that are room enough for the next network."""
    units = connected_units(net.module_)
    return [max(ROOM, GROWTH * int(connected.sum())) for connected in units]
