"""Choice of reg_factor by cross-validation: folds, scores, one standard error.

Input: data and the values of reg_factor. Output: the model of the chosen value.
"""

import copy
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from itertools import islice
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import _fit_context, is_classifier
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, check_random_state, indexable
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.parallel import delayed

from sklearn_ard._archive import Archive
from sklearn_ard._base import BaseARD
from sklearn_ard._callbacks import FitTask, fit_task
from sklearn_ard._context import (
    find_device,
    make_generators,
    training_on,
    usual_torch,
)
from sklearn_ard._naming import naming
from sklearn_ard._typing import MatrixLike, Scorer
from sklearn_ard._validation import check_reg_factors, warn_of_training
from sklearn_ard.data.blocks import Groups
from sklearn_ard.data.targets import Targets
from sklearn_ard.inference.compression import fitted_model
from sklearn_ard.inference.estimator_format import ESTIMATORS
from sklearn_ard.nn.priors import Prior
from sklearn_ard.selection.choice import Choice, check_feature_costs, choose_point
from sklearn_ard.selection.folds import (
    path_of_all,
    path_of_fold,
    splits_of,
    table_of,
)
from sklearn_ard.selection.jobs import results_of
from sklearn_ard.selection.points import ARDPath
from sklearn_ard.selection.walk import START, Walk
from sklearn_ard.training.ensemble import train_ensemble
from sklearn_ard.training.trained import Trained

REG_FACTORS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

# Parameters of the plain estimators only.
_PLAIN_ONLY = ("reg_factor", "warm_start", "checkpoint")


class CrossValidated(BaseARD):
    """A plain estimator whose reg_factor is chosen by cross-validation."""

    _archive = Archive(
        {"path": (ARDPath, " ".join(field.name for field in fields(ARDPath)))},
        parent=ESTIMATORS,
    )

    _parameter_constraints: dict = {
        **{
            k: v
            for k, v in BaseARD._parameter_constraints.items()
            if k not in _PLAIN_ONLY
        },
        "reg_factors": ["array-like", None],
        "feature_costs": ["array-like", None],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "selection": [StrOptions({"best", "one_standard_error"})],
        "n_features_to_select": [Interval(Integral, 1, None, closed="left"), None],
        "target_sparsity": [Interval(Real, 0, 1, closed="left"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (64, 64),
        *,
        reg_factors: ArrayLike | None = None,
        feature_costs: Collection[float | str] | None = None,
        cv: Any = None,
        scoring: str | Scorer | None = None,
        selection: str = "best",
        n_features_to_select: int | None = None,
        target_sparsity: float | None = None,
        activation: str = "relu",
        skip_connection: bool = True,
        input_shape: Sequence[int] | None = None,
        conv_channels: Sequence[int] = (),
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: str | int | Sequence[str | int] = "same",
        pool_size: int | Sequence[int] = 2,
        module: Callable[..., Any] | None = None,
        prior: str | Prior = "log_uniform",
        n_bins: int | str = "auto",
        categorical_features: ArrayLike | None = "from_dtype",
        feature_groups: Collection[ArrayLike] | Mapping[Any, ArrayLike] | None = None,
        feature_cost: ArrayLike | Mapping[Any, float] = "auto",
        alpha: float = 0.1,
        required_features: ArrayLike | None = None,
        max_iter: int | str = "auto",
        dense_iter: int = 0,
        shrink: bool = True,
        n_networks: int = 1,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.01,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        device: str | torch.device = "cpu",
        callbacks: Sequence[Any] | None = None,
        n_jobs: int | None = None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.reg_factors = reg_factors
        self.feature_costs = feature_costs
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.n_features_to_select = n_features_to_select
        self.target_sparsity = target_sparsity
        self.activation = activation
        self.skip_connection = skip_connection
        self.input_shape = input_shape
        self.conv_channels = conv_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.pool_size = pool_size
        self.module = module
        self.prior = prior
        self.n_bins = n_bins
        self.categorical_features = categorical_features
        self.feature_groups = feature_groups
        self.feature_cost = feature_cost
        self.alpha = alpha
        self.required_features = required_features
        self.max_iter = max_iter
        self.dense_iter = dense_iter
        self.shrink = shrink
        self.n_networks = n_networks
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.random_state = random_state
        self.verbose = verbose
        self.device = device
        self.callbacks = callbacks
        self.n_jobs = n_jobs

    @property
    def reg_factor(self) -> float:  # type: ignore[override] # chosen, and no parameter
        """The value that was chosen."""
        return self.reg_factor_

    @property
    def partial_fit(self) -> Any:
        """Not available: cross-validation needs all of the data."""
        raise AttributeError(
            f"{type(self).__name__} has no partial_fit, since cross-validation needs "
            f"all of the data. Use {self._plain.__name__} with a reg_factor."
        )

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Compute the paths of all folds and of all rows, and choose a point.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs in any units.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; only regression takes several outputs.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of k is equivalent to k copies of the row, in training and in the
            scores.
        **params : dict
            With metadata routing, what the splitter (such as `groups`) and the scorer
            request.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data, a parameter or a fold is invalid, or no point has a finite
            score. The estimator is then unchanged.

        Warns
        -----
        UserWarning
            If no point reaches `n_features_to_select` or `target_sparsity`, if a score
            is not finite, or if no input is kept.
        """
        _raise_for_params(params, self, "fit")
        with fit_task(self, X, y, sample_weight) as whole, usual_torch():
            self._fit_and_choose(X, y, sample_weight, params, whole)
        return self

    def _fit_and_choose(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        params: dict[str, Any],
        whole: FitTask,
    ) -> None:
        owner = type(self).__name__
        reg_factors = REG_FACTORS if self.reg_factors is None else self.reg_factors
        reg_factors = check_reg_factors(reg_factors, owner)
        costs = check_feature_costs(self)
        with naming("X, y or sample_weight"):
            X, y, sample_weight = rows = indexable(X, y, sample_weight)
        device = find_device(self.device, owner)
        data = self._training_set(X, y, sample_weight, device)
        self._check_selection(data.blocks)
        # drawn here, for the same result whatever the number of jobs
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        routed = self._route(sample_weight, params)
        splits = splits_of(self, X, y, **routed.splitter.split)
        scorer, options = self._get_scorer(), routed.scorer.score
        if is_classifier(self):
            self._check_folds(y, sample_weight, splits, data.targets, scorer)
        # one encoding for all paths, so that their points are of one model
        plain = self._make_plain(seed)
        with training_on(device, owner):
            task = plain._task(data, device, START)
            chosen = self._best_candidate(task, data)
        data, plain = chosen.data, plain.set_params(**chosen.parameters)
        jobs = []
        for cost in costs:
            priced = copy.copy(plain).set_params(feature_cost=cost)
            given = priced, rows, reg_factors, scorer, options
            jobs.append(delayed(path_of_all)(*given))
            jobs += [delayed(path_of_fold)(*given, fold) for fold in splits]
        found = results_of(jobs, self.n_jobs, whole, "path", self.verbose)
        choices = [
            self._choice(cost, next(found), list(islice(found, len(splits))))
            for cost in costs
        ]
        best = max(choices, key=lambda choice: choice.score)  # the first of equals
        self.feature_cost_, self.path_ = best.feature_cost, best.path
        self.cv_results_, self.n_splits_ = best.results, len(splits)
        self.best_index_, self.best_score_ = best.index, best.score
        self.reg_factor_ = float(reg_factors[best.index])
        task = replace(
            self._task(data, device, self.reg_factor_),
            generators=make_generators(seed, device, turn=1),
        )
        trained = best.points[self.reg_factor_]
        with training_on(device, owner):
            if best.n_features is not None:
                trained = Walk(task).cut(self.reg_factor_, trained, best.n_features)
            trained = train_ensemble(task, trained, self.n_networks)
        self._set_fitted(fitted_model(trained, data))
        warn_of_training(self, trained, data.targets)

    def _choice(
        self,
        feature_cost: Any,
        of_all: tuple[dict[float, Trained], ARDPath],
        folds: list[ARDPath],
    ) -> Choice:
        """The best point at a price of the columns."""
        points, path = of_all
        results = table_of(path, folds)
        self._check_scores(results)
        point = choose_point(self, path, results)
        return Choice(feature_cost, path, points, results, *point)

    def _make_plain(self, seed: int) -> BaseARD:
        """The plain estimator whose paths are computed."""
        given = {**self.get_params(deep=False), "random_state": seed}
        names = self._plain().get_params(deep=False)
        return self._plain(**{name: given[name] for name in names if name in given})

    def _check_selection(self, blocks: Groups) -> None:
        owner, n_features = type(self).__name__, self.n_features_to_select
        if n_features is not None and self.target_sparsity is not None:
            raise ValueError(
                f"{owner} takes only one of 'n_features_to_select' and "
                f"'target_sparsity'. Got {n_features!r} and {self.target_sparsity!r}. "
                "Set one of them to None."
            )
        if n_features is None:
            return
        n_columns = np.bincount(blocks.of_column)
        most, fewest = self.n_features_in_, n_columns[blocks.required].sum()
        if not blocks.required.any():
            fewest = n_columns.min()
        if not fewest <= n_features <= most:
            raise ValueError(
                f"The 'n_features_to_select' parameter of {owner} must be at least "
                f"{fewest}, for the smallest group and all required columns, and at "
                f"most the number of columns of X, {most}. Got {n_features} instead."
            )

    def _check_folds(
        self,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        splits: list[tuple[np.ndarray, np.ndarray]],
        targets: Targets,
        scorer: Scorer,
    ) -> None:
        """Raise an error if classes that are needed have no rows to train on.

        As in scikit-learn, labels can be scored without a rare class in some splits,
        probabilities cannot.
        """
        labels = np.ravel(y)
        weight = np.ones(len(labels)) if sample_weight is None else sample_weight
        _, weight, _ = self._check_more_targets(
            labels, np.array(weight, float), targets
        )
        missing = [
            set(self.classes_) - set(labels[train][weight[train] > 0])
            for train, _ in splits
        ]
        of_labels = getattr(scorer, "_response_method", "predict") == "predict"
        in_all = set.intersection(*missing)
        for k, classes in enumerate(missing):
            if of_labels and len(classes) < len(self.classes_) - 1:
                classes = classes & in_all
            if classes:
                raise ValueError(
                    f"The 'cv' parameter of {type(self).__name__} must leave rows of "
                    f"every class to train on. Split {k} has none of "
                    f"{np.array(sorted(classes)).tolist()}. Take fewer splits, or "
                    "stratified ones, or leave out rare classes."
                )

    def _check_scores(self, results: dict[str, np.ndarray]) -> None:
        mean = results["mean_test_score"]
        bad = ~np.isfinite(mean)
        if bad.all():
            raise ValueError(
                f"The 'scoring' parameter of {type(self).__name__} must give finite "
                f"scores. Got {mean.tolist()} as means over the folds. Take another "
                "score, or splits with more test rows."
            )
        if bad.any():
            values = results["reg_factor"][bad].tolist()
            warnings.warn(
                f"The scores at reg_factor in {values} are not finite in every fold: "
                "these points are not chosen. Take another 'scoring', or splits with "
                "more test rows.",
                UserWarning,
                stacklevel=4,
            )

    def _route(self, sample_weight: ArrayLike | None, params: dict[str, Any]) -> Any:
        """The parameters that are passed to splitter and scorer."""
        if _routing_enabled():
            if sample_weight is not None:
                params = {"sample_weight": sample_weight, **params}
            return process_routing(self, "fit", **params)
        score = {} if sample_weight is None else {"sample_weight": sample_weight}
        return Bunch(splitter=Bunch(split={}), scorer=Bunch(score=score))

    def get_metadata_routing(self) -> MetadataRouter:
        """Metadata routing of this estimator, its splitter and its scorer.

        Returns
        -------
        MetadataRouter
            For scikit-learn's metadata routing.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                splitter=check_cv(self.cv),
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
            .add(
                scorer=self._get_scorer(),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
        )

    def _get_scorer(self) -> Scorer:
        return get_scorer(self.scoring or self._default_scoring)
