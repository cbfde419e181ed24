"""The skorch net that trains an ARD network, and nothing of scikit-learn.

This is the one file that knows skorch.
"""

import math
from functools import partial

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from sklearn_ard._context import threads_for
from sklearn_ard.nn import ELBOLoss, KLWarmup, kl_divergence
from sklearn_ard.nn.fast.trainer import Trainer
from sklearn_ard.nn.layers import count_weights

STATISTICS_EVERY = 50  # steps, at most, between two looks at KL and sparsity
SHRINK_EVERY = 50  # steps, at least, between two looks for units that are lost


class ARDNet(NeuralNet):
    """A skorch net whose criterion is the evidence lower bound of its module.

    Parameters
    ----------
    module : callable
        Returns the network.
    criterion__num_data, criterion__likelihood, criterion__reg_factor
        As in :class:`~sklearn_ard.nn.ELBOLoss`.
    lr : float
        Learning rate of Adam at its peak.
    callbacks : list
        skorch callbacks of the user, after this net's own.

    Attributes
    ----------
    interrupted_ : bool
        Whether Ctrl-C stopped the training.
    """

    def __init__(self, module, *, callbacks=(), lr=0.01, device="cpu", **criterion):
        super().__init__(
            module,
            criterion=ELBOLoss,
            optimizer=partial(torch.optim.Adam, fused=True),
            lr=lr,
            train_split=None,
            device=device,
            callbacks=[("ard_statistics", _Statistics()), *callbacks],
            verbose=0,
            **criterion,
        )

    @property
    def _default_callbacks(self):
        return []

    def initialize_criterion(self):
        parameters = self.get_params_for("criterion")
        self.criterion_ = self.criterion(self.module_, **parameters).to(self.device)
        return self

    def initialize(self):
        super().initialize()
        self.interrupted_ = False
        return self

    def initialize_optimizer(self, *args, **kwargs):
        """As skorch's; None for a chain of layers, which is trained as one vector."""
        self._trainer = None
        if self._hooked or not Trainer.applies_to(self.module_):
            return super().initialize_optimizer(*args, **kwargs)
        self.optimizer_ = None  # of the trainer that each training makes
        return self

    @property
    def _users_callbacks(self):
        own = _Statistics, _Schedule, ProgressBar
        return [cb for _, cb in self.callbacks_ if not isinstance(cb, own)]

    @property
    def _hooked(self):
        """Whether a callback of the user's wants to see the network in every step."""
        return any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for callback in self._users_callbacks
            for hook in ("on_batch_begin", "on_batch_end", "on_grad_computed")
        )

    def get_dataset(self, X, y=None):
        return X

    def get_iterator(self, dataset, training=False):
        return dataset

    def get_loss(self, y_pred, y_true, X=None, training=False):
        return self.criterion_(y_pred, *y_true)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """As skorch's, without records of single batches: those wait for the device."""
        if iterator is None:  # of rows for validation: there are none
            return
        if self._trainer is not None:
            if self._users_callbacks:
                self._trainer.read()  # they may have changed something
            iterator = self._batches
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            self.notify("on_batch_end", batch=batch, training=training, **step)

    def train_step(self, batch, **fit_params):
        if self._trainer is None:
            return super().train_step(batch, **fit_params)
        x, (target, weight) = batch
        loss, output = self._trainer.step(x, target, weight)
        self.criterion_.nll_ = loss
        return {"loss": loss, "y_pred": output}

    def on_epoch_end(self, net, **kwargs):
        if self._trainer is None:
            return
        self._to_shrink -= self._batches.n_batches
        if self._to_shrink <= 0:
            self._to_shrink = SHRINK_EVERY
            if self._trainer.shrink():
                self.optimizer_ = self._trainer.optimizer
                self._narrow_batches()
        if self._users_callbacks:
            self._trainer.write_back()

    def live_module(self):
        """What is live of the network, as it is now. Not to be changed."""
        return self.module_ if self._trainer is None else self._trainer.live()

    def _narrow_batches(self):
        """Leave out what the trainer does not read."""
        inputs = self._trainer.inputs
        if inputs is not None and len(inputs) < self._batches.x.shape[1]:
            self._batches = self._all_batches.select(inputs.cpu().numpy())

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        try:
            return super().fit_loop(X, y, epochs, **fit_params)
        except KeyboardInterrupt:
            self.interrupted_ = True
            raise  # skorch's partial_fit ends the training in good order

    def train(
        self,
        batches,
        epochs,
        *,
        learning_rate,
        warmup=None,
        decay_from=0.0,
        first_step=0,
        n_steps=None,
        resume=None,
        shrink=False,
        progress=None,
    ):
        """Train for some epochs under one schedule.

        The learning rate follows half a cosine to zero.

        Parameters
        ----------
        batches : Batches
            The training data.
        epochs : int
            Passes over it.
        learning_rate : float
            At the start.
        warmup : KLWarmup, optional
            Weight of the KL divergence; by default it counts in full.
        decay_from : float or None, default=0.0
            Share of the schedule (0 to 1) after which the learning rate falls; None
            keeps it.
        first_step, n_steps : float, default=0, None
            Where in a schedule of how many steps the training begins; None for one
            that ends with it.
        resume : ARDNet, optional
            A net whose optimiser's state is taken over if its parameters look the same;
            otherwise the optimiser starts afresh.
        shrink : bool, default=False
            Whether what was pruned for good leaves the training at once.
        progress : Callback, optional
            Takes part in this training only.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, with the net in good order.
        """
        self.initialize_optimizer()
        if self.optimizer_ is None:
            self._trainer = Trainer(self.module_, self.criterion_, self.lr)
            self.optimizer_ = self._trainer.optimizer
        if resume is not None:
            self._resume_optimizer(resume)
        self._to_shrink = SHRINK_EVERY if shrink else math.inf
        if self._trainer is not None:
            self._set_training(True)
            self._batches = self._all_batches = batches
            self._narrow_batches()
        schedule = _Schedule(
            learning_rate,
            warmup or KLWarmup(0.0, 0.0),
            decay_from,
            first_step,
            n_steps or epochs * batches.n_batches,
        )
        callbacks = list(self.callbacks_)
        self.callbacks_.append(("ard_schedule", schedule))
        if progress is not None:
            self.callbacks_.append(("progress", progress))
        try:
            with threads_for(self._trainer or self.module_):
                self.partial_fit(batches, epochs=epochs)
        finally:
            if self._trainer is not None:
                self._trainer.write_back()
            self._trainer = self._batches = self._all_batches = None
            self.callbacks_ = callbacks
            self.criterion_.beta = 1.0
        if self.interrupted_:
            raise KeyboardInterrupt

    def _resume_optimizer(self, other):
        mine, theirs = (
            [p.shape for group in net.optimizer_.param_groups for p in group["params"]]
            for net in (self, other)
        )
        if mine != theirs:
            return
        if self._trainer is None:
            self.optimizer_.load_state_dict(other.optimizer_.state_dict())
        else:
            self.optimizer_.resume(other.optimizer_, torch.clone)


class _Schedule(Callback):
    """Sets learning rate and KL weight before every step."""

    def __init__(self, learning_rate, warmup, decay_from, step, n_steps):
        self.learning_rate = learning_rate
        self.warmup = warmup
        self.decay_from = decay_from
        self.step = step
        self.n_steps = n_steps

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        progress = self.step / self.n_steps
        rate = self.learning_rate
        if self.decay_from is not None and progress > self.decay_from:
            past = (progress - self.decay_from) / (1 - self.decay_from)
            rate *= 0.5 * (1 + math.cos(math.pi * past))
        for group in net.optimizer_.param_groups:
            group["lr"] = rate
        net.criterion_.beta = self.warmup(progress)
        self.step += 1


class _Statistics(Callback):
    """Records loss, NLL, KL (nats) and sparsity per epoch; stops at NaN.

    KL and sparsity are those of some steps ago where epochs have few: to take them
    costs as much as a step. The last ones of a training are exact.
    """

    def on_train_begin(self, net, **kwargs):
        self.due, self.n_weights = 0, count_weights(net.module_)[1]

    def on_epoch_begin(self, net, **kwargs):
        self.nll = []

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        self.nll.append(net.criterion_.nll_.detach())

    def on_epoch_end(self, net, **kwargs):
        nll = float(torch.stack(self.nll).mean())
        self.due -= len(self.nll)
        if self.due <= 0:
            self.due = STATISTICS_EVERY
            self._look(net)
        criterion = net.criterion_
        factor = criterion.reg_factor * criterion.beta / criterion.num_data
        loss = nll + factor * self.kl
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"Training diverged: the loss is {loss} after {len(net.history)} "
                "epochs. Lower the 'learning_rate_init' parameter (at present "
                f"{net.lr:g}), or look for extreme values in X and y."
            )
        net.history.record("nll", nll)
        net.history.record("train_loss", loss)
        self._record(net)

    def on_train_end(self, net, **kwargs):
        if self.due < STATISTICS_EVERY and not net.interrupted_:
            self._look(net)
            self._record(net)

    def _look(self, net):
        # nobody asks for the KL divergence where it does not count
        with torch.no_grad():
            live, beta = net.live_module(), net.criterion_.beta
            self.kl = float(kl_divergence(live)) if beta else 0.0
            self.sparsity = 1 - count_weights(live)[0] / self.n_weights

    def _record(self, net):
        net.history.record("kl", self.kl)
        net.history.record("sparsity", self.sparsity)


class ProgressBar(Callback):
    """One tqdm bar over all stages of a fit.

    Parameters
    ----------
    n_epochs : int
        Epochs of the whole fit.
    """

    def __init__(self, n_epochs):
        self.bar = tqdm(total=n_epochs, unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        keys = ("train_loss", "nll", "kl", "sparsity")
        self.bar.set_postfix({k: f"{net.history[-1][k]:.4g}" for k in keys})
        self.bar.update()
