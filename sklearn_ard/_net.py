"""The skorch net that trains an ARD network, and nothing of scikit-learn.

This is the one file that knows skorch.
"""

import math
from functools import partial

import numpy as np
import scipy.sparse as sp
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from sklearn_ard.nn import ELBOLoss, KLWarmup, kl_divergence, sparsity
from sklearn_ard.nn._adam import VectorAdam
from sklearn_ard.nn._gradient import DenseGradient
from sklearn_ard.nn._slim import Slim

_MAX_CELLS = 20_000_000  # entries of a sample of rows: bounds its memory to 80 MB
_SHUFFLED_AT_ONCE = 1_000_000  # entries of X up to which an epoch is shuffled in one go


class Batches:
    """Training data, cut into equal batches that are shuffled anew in every epoch.

    Parameters
    ----------
    x : Tensor or csr_array of shape (n, n_inputs)
        Scaled inputs, of type float32. A tensor is on the device already; sparse rows
        are made dense a batch at a time.
    target : Tensor of shape (n,) or (n, n_outputs)
        Class indices, or scaled targets.
    weight : Tensor of shape (n,)
        Sample weights of mean 1.
    batch_size : int
        Largest number of rows in a batch.
    """

    def __init__(self, x, target, weight, batch_size):
        self.x, self.target, self.weight = x, target, weight
        self.batch_size = batch_size
        self.n_batches = math.ceil(len(target) / batch_size)

    def __len__(self):
        return len(self.target)

    def __iter__(self):
        order = torch.randperm(len(self), device=self.target.device)
        if not sp.issparse(self.x) and self.x.numel() <= _SHUFFLED_AT_ONCE:
            parts = (
                part[order].tensor_split(self.n_batches)
                for part in (self.x, self.target, self.weight)
            )
            for x, target, weight in zip(*parts, strict=True):
                yield x, (target, weight)
            return
        for rows in order.tensor_split(self.n_batches):
            yield self.rows(rows)

    def rows(self, rows):
        """Some rows as (inputs, (targets, weights)), dense and on the device."""
        return self._dense(rows), (self.target[rows], self.weight[rows])

    def draw(self, n_rows):
        """Indices of at most `n_rows` random rows, fewer where rows are very long."""
        n_rows = min(n_rows, max(self.batch_size, _MAX_CELLS // self.x.shape[1]))
        order = torch.randperm(len(self), device=self.target.device)
        return order[:n_rows].sort().values

    def sample(self, n_rows):
        """As :meth:`rows`, for at most `n_rows` rows that are drawn at random."""
        return self.rows(self.draw(n_rows))

    def head(self):
        """The inputs of the first two rows, to try a network on."""
        return self._dense(torch.arange(min(2, len(self))))

    def columns(self, rows):
        """Inputs of some rows, as float64 ndarray or csr_array."""
        x = self.x if sp.issparse(self.x) else self.x.cpu().numpy()
        return x[rows.cpu().numpy()].astype(np.float64)

    def _dense(self, rows):
        if sp.issparse(self.x):
            dense = self.x[rows.cpu().numpy()].toarray()
            return torch.from_numpy(dense).to(self.target.device)
        return self.x[rows]

    def select(self, columns):
        """The same rows with some of the columns (an ndarray of indices)."""
        if sp.issparse(self.x):
            x = self.x[:, columns]
        else:
            x = self.x[:, torch.from_numpy(columns).to(self.x.device)].contiguous()
        return Batches(x, self.target, self.weight, self.batch_size)


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
        """As skorch's; a dense network is trained as one vector, without autograd."""
        self._slims, self._gradient = [], None
        if self._hooked or not DenseGradient.applies_to(self.module_, self.criterion_):
            return super().initialize_optimizer(*args, **kwargs)
        self._slims = [Slim(self.module_)]
        self._gradient = DenseGradient(self._slims[-1].network, self.criterion_)
        self.optimizer_ = VectorAdam(self._gradient.parameter, self.lr)
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
        if self._gradient is not None and self._users_callbacks:
            self._read()  # they may have changed something
        for batch in iterator or ():
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            self.notify("on_batch_end", batch=batch, training=training, **step)

    def train_step(self, batch, **fit_params):
        if self._gradient is None:
            return super().train_step(batch, **fit_params)
        x, (target, weight) = batch
        loss, output = self._gradient.backward(x, target, weight)
        self.criterion_.nll_ = loss
        self.optimizer_.step()
        return {"loss": loss, "y_pred": output}

    def on_epoch_end(self, net, **kwargs):
        self._write_back()

    def _read(self):
        """Train on with what the module has in its place."""
        for slim in self._slims:
            slim.read()
        self._gradient.read()

    def _write_back(self):
        """Give the module what was trained in its place."""
        if self._gradient is not None:
            self._gradient.write_back()
        for slim in reversed(self._slims):
            slim.write_back()

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
        progress : Callback, optional
            Takes part in this training only.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, with the net in good order.
        """
        self.initialize_optimizer()
        if resume is not None:
            self._resume_optimizer(resume)
        if self._gradient is not None:
            self._set_training(True)
            if self._slims[-1].inputs is not None:
                batches = batches.select(self._slims[-1].inputs.cpu().numpy())
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
            self.partial_fit(batches, epochs=epochs)
        finally:
            self._write_back()
            self._slims, self._gradient = [], None
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
        if self._gradient is None:
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
    """Records loss, NLL, KL (nats) and sparsity per epoch; stops at NaN."""

    def on_epoch_begin(self, net, **kwargs):
        self.nll = []

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        self.nll.append(net.criterion_.nll_.detach())

    def on_epoch_end(self, net, **kwargs):
        nll = float(torch.stack(self.nll).mean())
        criterion = net.criterion_
        with torch.no_grad():  # nobody asked for it where it does not count
            kl = float(kl_divergence(net.module_)) if criterion.beta else 0.0
        loss = nll + criterion.reg_factor * criterion.beta * kl / criterion.num_data
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"Training diverged: the loss is {loss} after {len(net.history)} "
                "epochs. Lower the 'learning_rate_init' parameter (at present "
                f"{net.lr:g}), or look for extreme values in X and y."
            )
        net.history.record("nll", nll)
        net.history.record("kl", kl)
        net.history.record("train_loss", loss)
        net.history.record("sparsity", sparsity(net.module_))


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
