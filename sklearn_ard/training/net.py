"""The skorch net that trains an ARD network, independent of scikit-learn.

Input: a network, batches and a schedule. Output: the trained network, with skorch's
history. skorch is imported here and in `callbacks` only.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor, nn

from sklearn_ard._context import Generators, threads_for
from sklearn_ard.data.batches import Batch, Batches
from sklearn_ard.nn import ELBOLoss
from sklearn_ard.nn.fast.trainer import Trainer
from sklearn_ard.nn.noise import noise_from
from sklearn_ard.training.callbacks import ProgressBar, Schedule, Statistics
from sklearn_ard.training.checkpoint import Checkpoint

SHRINK_EVERY = 50  # steps, at least, between two searches for units to remove


class _EndOfStage(Exception):
    """A callback has ended a training."""


class ARDNet(NeuralNet):
    """A skorch net whose criterion is the evidence lower bound of its module.

    Parameters
    ----------
    module : Module
        The network. It is trained in place.
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

    callbacks_: list[tuple[str, Callback]]
    optimizer_: Any
    _trainer: Trainer | None
    _stored: dict[str, Any] | None
    _checkpoint: Checkpoint | None
    _to_shrink: float
    # None after a training
    _batches: Any
    _all_batches: Any
    _generators: Any
    _schedule: Any

    def __init__(
        self,
        module: nn.Module,
        *,
        callbacks: Sequence[Callback] = (),
        lr: float = 0.01,
        device: torch.device | str = "cpu",
        **criterion: Any,
    ):
        super().__init__(
            module,
            criterion=ELBOLoss,
            optimizer=partial(torch.optim.Adam, fused=True),
            lr=lr,
            train_split=None,
            device=device,
            callbacks=[("ard_statistics", Statistics()), *callbacks],
            verbose=0,
            **criterion,
        )

    @property
    def _default_callbacks(self) -> list:
        return []

    def initialize_criterion(self) -> Self:
        parameters = self.get_params_for("criterion")
        self.criterion_ = self.criterion(self.module_, **parameters).to(self.device)
        return self

    def set_module(self, module: nn.Module) -> None:
        """Replace the network."""
        self.module = self.module_ = module.to(self.device)
        self.initialize_criterion()

    def initialize(self) -> Self:
        super().initialize()
        self.interrupted_ = False
        self._checkpoint, self._n_done, self._stored = None, 0, None
        return self

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> Self:
        """As skorch's; None for a chain of layers, which is trained as one vector."""
        self._trainer = None
        if self._hooked or not Trainer.applies_to(self.module_):
            return super().initialize_optimizer(*args, **kwargs)
        self.optimizer_ = None  # of the trainer that each training makes
        return self

    @property
    def _users_callbacks(self) -> list[Callback]:
        own = Statistics, Schedule, ProgressBar
        return [cb for _, cb in self.callbacks_ if not isinstance(cb, own)]

    @property
    def _hooked(self) -> bool:
        """Whether a callback of the user is called in every step."""
        return any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for callback in self._users_callbacks
            for hook in ("on_batch_begin", "on_batch_end", "on_grad_computed")
        )

    def get_dataset(self, X: Batches, y: None = None) -> Batches:
        return X

    def get_iterator(self, dataset: Batches, training: bool = False) -> Batches:
        return dataset

    def get_loss(
        self,
        y_pred: Tensor,
        y_true: tuple[Tensor, Tensor],
        X: Tensor | None = None,
        training: bool = False,
    ) -> Tensor:
        return self.criterion_(y_pred, *y_true)

    def run_single_epoch(
        self,
        iterator: Batches | None,
        training: bool,
        prefix: str,
        step_fn: Callable,
        **fit_params: Any,
    ) -> None:
        """As skorch's, without records of batches, which synchronise the device."""
        if iterator is None:  # validation data, which are not used
            return
        if self._trainer is not None and self._users_callbacks:
            self._trainer.read()  # a callback may have changed the parameters
        for batch in self._batches.shuffled(self._generators.cpu):
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            self.notify("on_batch_end", batch=batch, training=training, **step)

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        if self._trainer is None:
            return super().train_step(batch, **fit_params)
        x, (target, weight) = batch
        loss, output = self._trainer.step(x, target, weight)
        self.criterion_.nll_ = loss
        return {"loss": loss, "y_pred": output}

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
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

    def live_module(self) -> nn.Module:
        """The live part of the network with its present weights; not to be changed."""
        return self.module_ if self._trainer is None else self._trainer.live()

    def _narrow_batches(self) -> None:
        """Leave out the columns that the trainer does not read."""
        inputs = None if self._trainer is None else self._trainer.inputs
        if inputs is not None and len(inputs) < self._batches.x.shape[1]:
            self._batches = self._all_batches.select(inputs.cpu().numpy())

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """As skorch's, but a callback that raises KeyboardInterrupt ends a stage.

        That is how skorch's EarlyStopping ends a training; Ctrl-C ends them all.
        """
        getattr(self, method_name)(self, **kwargs)
        users = self._users_callbacks
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt as error:
                if callback in users:
                    raise _EndOfStage from error
                raise
        if method_name == "on_epoch_end":
            self._n_done += 1
            if self._checkpoint is not None and self._checkpoint.is_due:
                self._checkpoint.save(self._state())

    def fit_loop(
        self, X: Batches, y: None = None, epochs: int | None = None, **fit_params: Any
    ) -> Self:
        if self._stored is not None:  # here, since callbacks have begun anew
            self._statistics.__dict__.update(self._stored["statistics"])
            assert epochs is not None
            epochs -= self._n_done
        try:
            return super().fit_loop(X, y, epochs, **fit_params)
        except _EndOfStage:
            return self
        except KeyboardInterrupt:
            self.interrupted_ = True
            raise  # skorch's partial_fit catches it and ends the training

    def train_epochs(
        self,
        batches: Batches,
        epochs: int,
        schedule: Schedule,
        *,
        generators: Generators,
        resume: "ARDNet | None" = None,
        shrink: bool = False,
        progress: Callback | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Train for some epochs under one schedule.

        Parameters
        ----------
        batches : Batches
            The training data.
        epochs : int
            Passes over it.
        schedule : Schedule
            Of learning rate and KL divergence.
        generators : Generators
            Of the order of rows and of the noise.
        resume : ARDNet, optional
            A net whose optimiser state is used if its parameters have the same shapes;
            otherwise the optimiser is new.
        shrink : bool, default=False
            Whether units and inputs that are pruned permanently are removed during
            training.
        progress : Callback, optional
            Used in this training only.
        checkpoint : Checkpoint, optional
            Stores the state of this training, and has it if it was trained before.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, with the net in a consistent state.
        """
        if schedule.n_steps is None:
            schedule.n_steps = epochs * batches.n_batches
        self._generators, self._schedule = generators, schedule
        self._checkpoint, self._n_done, self._stored = checkpoint, 0, None
        if checkpoint is not None:
            self._stored = checkpoint.begin()
        if self._stored is not None:
            self.module_.load_state_dict(self._stored["module"])
            self.criterion_.load_state_dict(self._stored["criterion"])
        self.initialize_optimizer()
        if self.optimizer_ is None:
            self._trainer = Trainer(
                self.module_, self.criterion_, self.lr, generators.device
            )
            self.optimizer_ = self._trainer.optimizer
        if resume is not None:
            self._resume_optimizer(resume)
        self._to_shrink = SHRINK_EVERY if shrink else math.inf
        self._batches = self._all_batches = batches
        if self._stored is not None:
            self._continue(self._stored)
        is_over = self._n_done == epochs
        if self._trainer is not None:
            self._set_training(True)
            self._narrow_batches()
        callbacks = list(self.callbacks_)
        self.callbacks_.append(("ard_schedule", schedule))
        if progress is not None:
            self.callbacks_.append(("progress", progress))
        try:
            with (
                threads_for(self._trainer or self.module_),
                noise_from(self.module_, None if self._trainer else generators.device),
            ):
                self.partial_fit(batches, epochs=epochs)
            if checkpoint is not None and not (is_over or self.interrupted_):
                checkpoint.save(self._state())
        finally:
            if self._trainer is not None:
                self._trainer.write_back()
            self._trainer = self._batches = self._all_batches = None
            self._generators = self._schedule = None
            self._checkpoint = self._stored = None
            self.callbacks_ = callbacks
            self.criterion_.beta = 1.0
        if self.interrupted_:
            raise KeyboardInterrupt

    def _state(self) -> dict[str, Any]:
        """All that continues this training, on the rows that it has."""
        if self._trainer is not None:
            self._trainer.write_back()
        return {
            "module": dict(self.module_.state_dict()),
            "criterion": dict(self.criterion_.state_dict()),
            "optimizer": (self._trainer or self.optimizer_).state_dict(),
            "generators": [each.get_state() for each in self._generators],
            "history": [dict(row) for row in self.history],
            "statistics": vars(self._statistics) | {"nll": None},
            "step": self._schedule.step,
            "to_shrink": self._to_shrink,
            "n_done": self._n_done,
        }

    def _continue(self, state: dict[str, Any]) -> None:
        """Continue from a state whose weights are there already."""
        (self._trainer or self.optimizer_).load_state_dict(state["optimizer"])
        for generator, value in zip(self._generators, state["generators"], strict=True):
            generator.set_state(value)
        self.history_[:] = state["history"]
        self._schedule.step = state["step"]
        self._to_shrink, self._n_done = state["to_shrink"], state["n_done"]

    @property
    def _statistics(self) -> Statistics:
        return next(cb for _, cb in self.callbacks_ if isinstance(cb, Statistics))

    def _resume_optimizer(self, other: "ARDNet") -> None:
        if other.optimizer_ is None:  # it was interrupted before its first step
            return
        own, others = (
            [p.shape for group in net.optimizer_.param_groups for p in group["params"]]
            for net in (self, other)
        )
        if own != others:
            return
        if self._trainer is None:
            self.optimizer_.load_state_dict(other.optimizer_.state_dict())
        else:
            self.optimizer_.resume(other.optimizer_, torch.clone)
