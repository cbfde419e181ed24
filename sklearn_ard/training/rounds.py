"""Single stretches of training: for walks over reg_factor, and for chunks of data."""

from collections.abc import Callable

import numpy as np

from sklearn_ard.data.batches import Batches
from sklearn_ard.nn import KLWarmup
from sklearn_ard.nn.fast.live_network import begin_narrow_, narrow_
from sklearn_ard.training.inputs import mask_inputs, prune, readmission, readmit_inputs
from sklearn_ard.training.net import ARDNet
from sklearn_ard.training.recipe import (
    DECAY_FROM,
    N_STEPS,
    POLISH,
    READMISSION,
    STAGES,
    room_after,
)
from sklearn_ard.training.trained import Trained, embed, judged, narrow, weighed

RISE_UNTIL = 0.8  # share of a stretch after which reg_factor has risen


def start(
    build: Callable[[int], ARDNet],
    batches: Batches,
    varies: np.ndarray,
    support: np.ndarray,
    before: Trained,
    *,
    resizable: bool,
    shrink: bool,
    epochs: int,
    learning_rate: float,
    cost: float,
) -> Trained:
    """Train a new network on some of the inputs.

    Parameters
    ----------
    build, batches, varies, resizable, shrink, learning_rate, cost
        As in :func:`train`.
    support : bool ndarray of shape (n_features,)
        True for the inputs.
    before : Trained
        A network that says how wide the new one needs to be.
    epochs : int
        How long.

    Returns
    -------
    Trained
        The network; its columns are not weighed.
    """
    data, columns = batches, np.arange(len(varies))
    if resizable and support.any():
        columns = np.flatnonzero(support)
        data = batches.select(columns)
    net = build(len(columns))
    if shrink and resizable:
        begin_narrow_(net.module_, room_after(before.net))
    mask_inputs(net, data, support[columns])
    if support.any():
        net.train(
            data,
            epochs,
            learning_rate=learning_rate,
            warmup=KLWarmup(),
            decay_from=DECAY_FROM,
            shrink=shrink,
        )
    support = prune(net, data, columns, varies, cost)
    return judged(net, data, columns, support)


def go_on(
    trained: Trained,
    build: Callable[[int], ARDNet],
    batches: Batches,
    varies: np.ndarray,
    *,
    resizable: bool,
    shrink: bool,
    epochs: int,
    learning_rate: float,
    cost: float,
    rise: float,
) -> Trained:
    """Train a network a little longer, at another reg_factor.

    Dropped inputs come back if the residuals ask for them.

    Parameters
    ----------
    trained : Trained
        Where to begin; it is not changed.
    build, batches, varies, resizable, shrink, learning_rate, cost
        As in :func:`train`, for the new reg_factor.
    epochs : int
        How long.
    rise : float
        The new reg_factor over the old one. Where it rises it does so little by little;
        where it falls every pruned weight gets a new chance.

    Returns
    -------
    Trained
        The new network; its columns are not weighed.
    """
    net, columns, support = trained.net, trained.columns, trained.support
    data = batches.select(columns) if resizable else batches
    back = varies & ~support
    if cost > 0:
        back &= readmission(net, data, batches) > READMISSION * cost
    elif rise >= 1:
        back[:] = False
    support = support | back
    if not support.any():
        return trained
    room = room_after(net)
    net = embed(build, len(varies), net, columns, masks=rise >= 1)
    if shrink and resizable:
        narrow_(net.module_, room)
    data, columns = batches, np.arange(len(varies))
    readmit_inputs(net, data, back)
    mask_inputs(net, data, support)
    if resizable:
        columns = np.flatnonzero(support)
        net, data = narrow(build, net, columns), batches.select(columns)
    net.train(
        data,
        epochs,
        learning_rate=learning_rate * POLISH,
        warmup=KLWarmup(0.0, RISE_UNTIL, first=1 / rise) if rise > 1 else None,
        shrink=shrink,
    )
    support = prune(net, data, columns, varies, cost)
    return judged(net, data, columns, support)


def train_online(
    build: Callable[[int], ARDNet],
    batches: Batches,
    n_features: int,
    *,
    shrink: bool,
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
    build, batches, shrink, learning_rate, cost, previous, progress
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
        net = embed(build, n_features, *previous)
        net.history.extend(previous[0].history)
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
            shrink=shrink,
            resume=None if previous is None else previous[0],
            progress=progress,
        )
    except KeyboardInterrupt:
        interrupted = True
    n_steps += batches.n_batches
    varies = np.ones(n_features, dtype=bool)
    if warmup(n_steps / stage_steps) < 1:
        cost = 0.0  # what an input is worth shows under the whole KL divergence only
    support = prune(net, batches, columns, varies, cost)
    trained = judged(net, batches, columns, support, interrupted)
    return weighed(trained, batches), n_steps
