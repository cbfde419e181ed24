"""Base class of ARDRegressor and ARDClassifier: `fit` and later methods.

Input: X and y. Output: fitted attributes, and one :class:`FittedModel` that the methods
read.
"""

import math
import warnings
from dataclasses import fields, replace
from typing import Any, Self

import pandas as pd
import torch
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from sklearn_ard._callbacks import CallbackSupportMixin, fit_task
from sklearn_ard._context import (
    find_device,
    make_generators,
    training_on,
    unchanged_on_error,
    usual_torch,
)
from sklearn_ard._parameters import Parameters
from sklearn_ard._typing import MatrixLike
from sklearn_ard._validation import (
    check_callbacks,
    check_input_shape,
    check_learning_rate,
    check_n_bins,
    check_sizes,
    check_threshold,
    check_training_data,
    check_varies,
    needs_one_network,
    other_noise,
    warn_of_training,
)
from sklearn_ard.data.blocks import Groups
from sklearn_ard.data.frames import names_of
from sklearn_ard.data.targets import ClassTargets
from sklearn_ard.data.training_set import SMALL_BATCH, TrainingSet, training_set
from sklearn_ard.inference.compact import CompactClassifier, CompactRegressor
from sklearn_ard.inference.compression import FittedModel, fitted_model
from sklearn_ard.inference.estimator_format import (
    ESTIMATORS,
    plain_estimator,
    set_estimator,
)
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.inference.saving import Saved
from sklearn_ard.training.build import Architecture
from sklearn_ard.training.callbacks import progress_bar
from sklearn_ard.training.candidates import Candidate, choose, report_of
from sklearn_ard.training.checkpoint import checkpoint_of
from sklearn_ard.training.ensemble import train_networks
from sklearn_ard.training.rounds import train_chunk
from sklearn_ard.training.task import Task
from sklearn_ard.training.trained import Trained


class BaseARD(Saved, CallbackSupportMixin, Parameters, Predictor):
    """Training and prediction of both estimators."""

    _archive = ESTIMATORS
    _plain_state, _set_plain_state = plain_estimator, set_estimator

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train the network and choose its inputs.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Numbers in any units, and categories; NaN where they are missing. Images are
            flattened.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; only regression takes several outputs.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of k is equivalent to k copies of the row; 0 excludes the row. They
            are numbers of rows: divide other ones by their mean. If they sum to 1 or
            less, as boosting has them, they are shares of the rows that have any.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is invalid.
        FloatingPointError
            If the training diverged. The estimator is then unchanged.
        KeyboardInterrupt
            After Ctrl-C while candidates are compared; the same.

        Warns
        -----
        UserWarning
            If no input is worth its price, or if Ctrl-C ended the training early.
        ConvergenceWarning
            If the evidence lower bound is worse than that of a model without inputs.
        """
        stored = checkpoint_of(self, X=X, y=y, sample_weight=sample_weight)
        with (
            fit_task(self, X, y, sample_weight) as whole,
            stored as checkpoint,
            usual_torch(),
        ):
            device = find_device(self.device, type(self).__name__)
            data = self._training_set(X, y, sample_weight, device)
            data, previous = self._continued(data)
            with training_on(device, type(self).__name__):
                task = self._task(data, device, self.reg_factor)
                task = replace(task, checkpoint=checkpoint)
                data = self._best_candidate(task, data, previous).data
                trained = train_networks(
                    task.on(data),
                    self.n_networks,
                    previous=previous,
                    verbose=self.verbose,
                    fit_task=whole,
                )
            self._set_fitted(fitted_model(trained, data))
            if checkpoint is not None:
                checkpoint.finished = not trained.interrupted
            warn_of_training(self, trained, data.targets)
        return self

    def _best_candidate(
        self, task: Task, data: TrainingSet, previous: Trained | None = None
    ) -> Candidate:
        """The candidate that a fit becomes, of those that the parameters leave."""
        is_given = self.module is not None or self.input_shape is not None
        n_bins, likelihood = self.n_bins, self._likelihood
        if is_given or previous is not None:
            n_bins = 0
            if likelihood == "auto":
                likelihood = data.targets.likelihood
        chosen, self.candidates_ = choose(task, data, n_bins, likelihood)
        if self.verbose and len(self.candidates_):
            print(f"[{type(self).__name__}] {report_of(self.candidates_)}.")
        return chosen

    def _continued(self, data: TrainingSet) -> tuple[TrainingSet, Trained | None]:
        """The training set of a warm start, and the model that it continues or None."""
        if not self.warm_start:
            return data, None
        if self.n_networks > 1:
            raise ValueError(needs_one_network(self, "warm_start=True"))
        fitted = vars(self).get("_fitted")
        if fitted is None:
            return data, None
        encoding, likelihood = fitted.data.encoding, fitted.targets.likelihood
        if self._likelihood not in ("auto", likelihood):
            raise ValueError(other_noise(self, fitted.targets, "warm_start=True"))
        if data.encoding != encoding.without_bins():
            raise ValueError(
                f"X has {self.n_features_in_} features, which make "
                f"{len(data.encoding)} inputs of the network, but the weights that "
                f"warm_start=True begins with are for {len(fitted.support)} features "
                f"and {len(encoding.without_bins())} inputs (or for other levels). Set "
                "warm_start=False for other data."
            )
        if encoding.has_bins:
            data = data.encoded(encoding)
        return data.with_likelihood(likelihood), fitted.trained

    @property
    def _likelihood(self) -> str:
        """Noise of the targets, or "auto"; that of classes leaves no choice."""
        return vars(self).get("likelihood", ClassTargets.likelihood)

    def _partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        **options: Any,
    ) -> Self:
        """One pass over a chunk of the training data."""
        fitted = vars(self).get("_fitted")
        with unchanged_on_error(self), usual_torch():
            device = find_device(self.device, type(self).__name__)
            data = self._training_set(
                X, y, sample_weight, device, before=fitted, is_chunk=True, **options
            )
            n_bins = 0 if isinstance(self.n_bins, str) else self.n_bins
            if fitted is None and n_bins > 0:
                data = data.with_bins(n_bins)
                data.scaler.constant_[:] = False  # they may vary in later chunks
                data.varies[:] = True
            if fitted is None and self._likelihood != "auto":
                data = data.with_likelihood(self._likelihood)
            with training_on(device, type(self).__name__):
                # the same noise for every chunk would be fitted like a signal
                turn = 0 if fitted is None else self.n_iter_
                task = self._task(data, device, self.reg_factor, turn)
                before = None
                n_steps: float = 0
                if fitted is not None:
                    before = fitted.trained
                    n_steps = math.inf if fitted.n_steps is None else fitted.n_steps
                with progress_bar(1, self.verbose) as progress:
                    task = replace(task, progress=progress)
                    trained = train_chunk(task, before, n_steps)
                if trained.interrupted:
                    raise KeyboardInterrupt
            n_steps += data.batches.n_batches
            self._set_fitted(fitted_model(trained, data, n_steps))
            warn_of_training(self, trained)
        return self

    def _training_set(
        self,
        X: MatrixLike,
        y: Any,
        sample_weight: ArrayLike | None,
        device: torch.device,
        *,
        before: FittedModel | None = None,
        is_chunk: bool = False,
        **options: Any,
    ) -> TrainingSet:
        """Check the data, scale them and split them into batches."""
        names = names_of(y)
        X, y, weight, reader = check_training_data(
            self,
            X,
            y,
            sample_weight,
            reader=None if before is None else before.data.reader,
            ensure_min_samples=1 if is_chunk else 2,
            **self._y_options,
        )
        check_input_shape(self, reader)
        check_n_bins(self)
        shape = self.input_shape
        given = shape is not None and self.module is None
        has_channels = given and len(self.conv_channels)
        groups = Groups.of(
            reader.columns,
            int(shape[0])
            if shape is not None and has_channels
            else self.feature_groups,
            self.feature_cost,
            self.required_features,
            alpha=self.alpha,
        )
        if before is None:
            y, weight, targets = self._check_targets(y, weight, **options)
            targets.names = names
        else:
            y, weight, targets = self._check_more_targets(y, weight, before.targets)
        data = training_set(
            X,
            y,
            weight,
            targets,
            reader,
            groups,
            with_gaps=self._standardizes and shape is None,
            n_channels=None if shape is None else int(shape[0]),
            standardize=self._standardizes,
            batch_size=self._rows_per_batch(is_chunk),
            device=device,
            before=None if before is None else before.data,
            is_chunk=is_chunk,
            with_copies=self.module is not None or shape is not None,
        )
        check_varies(self, data)
        return data

    def _rows_per_batch(self, is_chunk: bool) -> int | str:
        """The `batch_size`; "auto" only where it depends on the number of rows."""
        whole_table = self.module is None and self.input_shape is None and not is_chunk
        if self.batch_size == "auto" and not whole_table:
            return SMALL_BATCH
        return self.batch_size

    @property
    def _standardizes(self) -> bool:
        """Whether to standardise; a given Module receives X and y unscaled."""
        return not isinstance(self.module, torch.nn.Module)

    def _task(
        self, data: TrainingSet, device: torch.device, reg_factor: float, turn: int = 0
    ) -> Task:
        """The :class:`Task` of a fit."""
        given = {
            field.name: getattr(self, field.name) for field in fields(Architecture)
        }
        for name in ("hidden_layer_sizes", "conv_channels", "input_shape"):
            if given[name] is not None:
                given[name] = check_sizes(self, name)
        return Task(
            architecture=Architecture(**given),
            batches=data.batches,
            targets=data.targets,
            num_data=data.total_weight,
            varies=data.varies,
            blocks=data.blocks,
            reg_factor=reg_factor,
            learning_rate=check_learning_rate(self),
            max_iter=self.max_iter,
            dense_iter=self.dense_iter,
            shrink=self.shrink,
            callbacks=check_callbacks(self),
            device=device,
            generators=make_generators(self.random_state, device, turn),
        )

    def _set_fitted(self, fitted: FittedModel) -> None:
        """Store a fitted model and set the public fitted attributes."""
        self._fitted = fitted
        self.net_ = fitted.trained.net
        self.n_iter_ = max(1, len(self.net_.history))
        self.sparsity_ = fitted.sparsity
        self.feature_importances_ = fitted.relevance
        self.elbo_ = fitted.elbo

    def compact(self) -> CompactRegressor | CompactClassifier:
        """Return a small fitted predictor that does not need torch.

        Returns
        -------
        CompactRegressor or CompactClassifier
            With the same `predict`, `transform`, names and (for a classifier)
            `predict_proba` and `classes_`; it holds numpy and scipy arrays. Its pickle
            is as small as the remaining network, and can be loaded and used where torch
            is not installed.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the network contains a module that only torch can run.

        Warns
        -----
        UserWarning
            If the model is trained by `partial_fit`: later chunks do not change the
            compact model.
        """
        check_is_fitted(self)
        why = getattr(self._fitted.network, "why", None)
        if why:
            raise ValueError(
                f"{type(self).__name__}.compact needs a network that can run without "
                f"torch. Got one with a {why}. Use a Sequential of linear layers, "
                "convolutions, batch norm, pooling and the activations that the "
                "'activation' parameter offers as 'module'."
            )
        if self._fitted.n_steps is not None:
            warnings.warn(
                f"{type(self).__name__}.compact takes a snapshot of a model that "
                "partial_fit still trains: later chunks will not change it.",
                UserWarning,
                stacklevel=2,
            )
        return self._compact_class._from_estimator(self)

    def compression_report(self) -> pd.DataFrame:
        """Sizes of the network before and after, layer by layer.

        Returns
        -------
        DataFrame
            One row per layer, in the order of the network that was trained, and
            "total". Columns are "before" and "after" of `inputs` and `units` (or
            channels), `weights` (other than zero), `multiply_adds` per row, and
            `bytes`; for the last three also the "ratio" before / after. "before" is the
            network that the parameters define, with all columns of X; "after" is the
            network that predicts.
        """
        check_is_fitted(self)
        return self._fitted.report()

    def set_threshold(self, threshold: float) -> Self:
        """Prune again with another threshold, without training.

        A weight is kept while its noise-to-signal ratio log α = log(σ² / μ²) is below
        the threshold. Weights that `fit` has pruned stay pruned: only thresholds below
        that of `prior` (3 by default) have an effect, and setting that one restores the
        model. Estimates of `fit` do not change: `elbo_`, the noise, and the relevance
        of the columns that are still in use.

        Parameters
        ----------
        threshold : float
            Largest log α of a weight that is kept.

        Returns
        -------
        self
            With the support, `sparsity_` and predictions of the remaining network.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the threshold is not a number.

        Warns
        -----
        UserWarning
            If no weight is kept.

        See Also
        --------
        threshold_curve : What each threshold would cost.
        """
        check_is_fitted(self)
        check_threshold(self, threshold)
        with unchanged_on_error(self):
            self._set_fitted(self._fitted.at_threshold(threshold))
        if not self.get_support().any():
            warnings.warn(
                f"No weight has a log alpha below {threshold}: the model is empty, and "
                "predicts what it would predict without any inputs. Raise the "
                "threshold.",
                UserWarning,
                stacklevel=2,
            )
        return self
