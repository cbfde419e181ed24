"""Callbacks of every training: schedule, statistics, progress.

skorch notifies them before and after every step and epoch; they set learning rate and
KL weight, and write the history.
"""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Self

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from sklearn_ard._callbacks import FitTask
from sklearn_ard.nn import KLWarmup, kl_divergence
from sklearn_ard.nn.layers import count_weights

STATISTICS_EVERY = 50  # steps, at most, between two computations of KL and sparsity


class Schedule(Callback):
    """Sets learning rate and KL weight before every step.

    The learning rate follows half a cosine to zero.

    Parameters
    ----------
    learning_rate : float
        At the start.
    warmup : KLWarmup, optional
        Weight of the KL divergence; 1 by default.
    decay_from : float or None, default=0.0
        Share of the schedule (0 to 1) after which the learning rate falls; None keeps
        it.
    first_step : float, default=0
        Step of the schedule at which the training begins.
    n_steps : float, optional
        Length of the schedule; by default it ends with the training.
    """

    def __init__(
        self,
        learning_rate: float,
        warmup: KLWarmup | None = None,
        decay_from: float | None = 0.0,
        first_step: float = 0,
        n_steps: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.warmup = KLWarmup(0.0, 0.0) if warmup is None else warmup
        self.decay_from = decay_from
        self.step = first_step
        self.n_steps = n_steps

    def on_batch_begin(
        self,
        net: NeuralNet,
        batch: Any = None,
        training: bool | None = None,
        **kwargs: Any,
    ) -> None:
        assert self.n_steps is not None  # train_epochs sets it
        progress = self.step / self.n_steps
        rate = self.learning_rate
        if self.decay_from is not None and progress > self.decay_from:
            past = (progress - self.decay_from) / (1 - self.decay_from)
            rate *= 0.5 * (1 + math.cos(math.pi * past))
        for group in net.optimizer_.param_groups:
            group["lr"] = rate
        net.criterion_.beta = self.warmup(progress)
        self.step += 1


class Statistics(Callback):
    """Records loss, NLL, KL (nats) and sparsity per epoch; stops at NaN.

    KL and sparsity may be up to 50 steps old, since computing them costs as much as a
    step. Those at the end of the training are exact.
    """

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.due, self.n_weights = 0, count_weights(net.module_)[1]

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.nll: list[torch.Tensor] = []

    def on_batch_end(
        self,
        net: NeuralNet,
        batch: Any = None,
        training: bool | None = None,
        **kwargs: Any,
    ) -> None:
        self.nll.append(net.criterion_.nll_.detach())

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        nll = float(torch.stack(self.nll).mean())
        self.due -= len(self.nll)
        if self.due <= 0:
            self.due = STATISTICS_EVERY
            self._compute(net)
        loss = nll + net.criterion_.kl_factor * self.kl
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"Training diverged: the loss is {loss} after {len(net.history)} "
                "epochs. Lower the 'learning_rate_init' parameter (at present "
                f"{net.lr:g}), or look for extreme values in X and y."
            )
        net.history.record("nll", nll)
        net.history.record("train_loss", loss)
        self._record(net)

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.due < STATISTICS_EVERY and not net.interrupted_:
            self._compute(net)
            self._record(net)

    def _compute(self, net: NeuralNet) -> None:
        # no KL divergence where its weight is 0: it would cost a step
        with torch.no_grad():
            live, beta = net.live_module(), net.criterion_.beta
            self.kl = float(kl_divergence(live)) if beta else 0.0
            self.sparsity = 1 - count_weights(live)[0] / self.n_weights

    def _record(self, net: NeuralNet) -> None:
        net.history.record("kl", self.kl)
        net.history.record("sparsity", self.sparsity)


def progress_bar(
    n_epochs: int, verbose: int
) -> "AbstractContextManager[ProgressBar | None]":
    """A context of a :class:`ProgressBar`, or of None if not `verbose`."""
    return ProgressBar(n_epochs) if verbose else nullcontext()


@contextmanager
def epoch_tasks(
    task: FitTask | None, n_epochs: int, bar: "ProgressBar | None" = None
) -> Iterator[Callback | None]:
    """A context of :class:`EpochTasks`, or of the `bar` if there are no callbacks."""
    if task is None or task.context is None:
        yield bar
        return
    training = task.begin("training", n_epochs)
    yield EpochTasks(training, bar)
    training.end()


class EpochTasks(Callback):
    """Reports every epoch to scikit-learn's callbacks, and to a progress bar.

    A callback that asks to stop ends a stage of the training, as skorch's do.

    Parameters
    ----------
    training : FitTask
        That the epochs are the parts of.
    bar : ProgressBar or None
        The one of `verbose`.
    """

    def __init__(self, training: FitTask, bar: "ProgressBar | None"):
        self.training, self.bar = training, bar

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.epoch = self.training.begin("epoch")

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.bar is not None:
            self.bar.on_epoch_end(net, **kwargs)
        if self.epoch.end():
            raise KeyboardInterrupt


class ProgressBar(Callback):
    """One tqdm bar over all trainings of a fit, as a context.

    Parameters
    ----------
    n_epochs : int
        Epochs of the whole fit.
    """

    def __init__(self, n_epochs: int):
        self.bar = tqdm(total=n_epochs, unit="epoch")

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        keys = ("train_loss", "nll", "kl", "sparsity")
        self.bar.set_postfix({k: f"{net.history[-1][k]:.4g}" for k in keys})
        self.bar.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()
