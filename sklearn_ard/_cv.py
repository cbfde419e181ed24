"""ARDRegressorCV and ARDClassifierCV: estimators that choose their reg_factor."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from sklearn_ard._classifier import ARDClassifier
from sklearn_ard._regressor import ARDRegressor
from sklearn_ard._typing import Scorer
from sklearn_ard.nn.priors import Prior
from sklearn_ard.selection.search import CrossValidated


class ARDRegressorCV(CrossValidated, ARDRegressor):
    """ARDRegressor whose `reg_factor` is chosen by cross-validation.

    A path over all `reg_factors` (:func:`ard_path`), which costs about two fits, is
    computed for the training rows of every fold and for all rows. The point that is
    best on the folds is then taken from the path of all rows.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 64)
        As in :class:`ARDRegressor`, as are all parameters that are not listed here.
    reg_factors : array-like of float, default=None
        The points of the path, none negative. None is (0.1, 0.2, 0.5, 1, 2, 5, 10).
    feature_costs : list of float or "auto", default=None
        Prices of all columns among which to choose, too, each as `feature_cost`: there
        is a set of paths for each, and the one with the best point is taken. Low prices
        suit few rows and many weak columns. None is `feature_cost` alone.
    cv : int, cross-validation generator or iterable, default=None
        As in :func:`sklearn.model_selection.cross_val_score`: None is 5 folds without
        shuffling. Use ``KFold(5, shuffle=True)`` if the rows have an order.
    scoring : str, callable or None, default=None
        As in :func:`sklearn.model_selection.cross_val_score`; None is "r2".
    selection : {"best", "one_standard_error"}, default="best"
        The point with the best mean score, or the largest `reg_factor` whose mean score
        is within one standard error of the best. Ties go to the largest `reg_factor`.
    n_features_to_select : int, default=None
        Number of columns to select, in place of `selection`: the best point among those
        with this number of columns. If there is none, the next larger model is reduced
        to its most relevant columns and trained again.
    target_sparsity : float, default=None
        Share of pruned weights to reach, 0 to 1, in place of `selection`: the best
        point among those that reach it and keep a column.
    n_jobs : int, default=None
        Number of paths that are computed in parallel.

    Attributes
    ----------
    reg_factor_ : float
        The chosen point.
    feature_cost_ : float, "auto", array-like or dict
        The chosen one of `feature_costs`, or `feature_cost`.
    best_score_ : float
        Its mean score over the folds. A model that is reduced to `n_features_to_select`
        columns has another score.
    best_index_ : int
        Its index in `cv_results_` and `path_`.
    cv_results_ : dict of ndarray of shape (n_points,)
        With `reg_factor`, `mean_test_score`, `std_test_score`, `mean_n_features`,
        `mean_sparsity`, and `split{k}_test_score` and `split{k}_n_features` per fold.
    path_ : ARDPath
        The path of all rows.
    n_splits_ : int
        Number of folds.

    See Also
    --------
    ARDRegressor : Has the documentation of all further attributes and methods.
    ard_path : The path alone.
    CVPathDisplay : Draws the scores.

    Notes
    -----
    The model is taken from the path and is not that of an ARDRegressor at the same
    `reg_factor`: it continues from a less regularised network, and is mostly better.
    With `n_networks` it is the first network of an ensemble, and the others are trained
    at the chosen point only; folds and path use single networks.
    Noise and the encoding of numbers ("auto") are compared once, on all rows at a
    `reg_factor` of 1, and are the same in all folds.

    With scikit-learn's metadata routing, `fit` passes on what the splitter and the
    scorer request. Without it, `sample_weight` is used in training and in the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressorCV
    >>> X = np.random.default_rng(0).normal(size=(200, 10))
    >>> y = np.abs(X[:, 3]) + X[:, 7]
    >>> model = ARDRegressorCV(
    ...     reg_factors=[0.3, 1, 3], cv=3, max_iter=190, random_state=0
    ... )
    >>> model.fit(X, y).get_support(indices=True)
    array([3, 7])
    """

    _parameter_constraints: dict = {
        **CrossValidated._parameter_constraints,
        "likelihood": ARDRegressor._parameter_constraints["likelihood"],
    }
    _plain = ARDRegressor
    _default_scoring = "r2"

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
        likelihood: str = "auto",
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
        super().__init__(
            hidden_layer_sizes,
            reg_factors=reg_factors,
            feature_costs=feature_costs,
            cv=cv,
            scoring=scoring,
            selection=selection,
            n_features_to_select=n_features_to_select,
            target_sparsity=target_sparsity,
            activation=activation,
            skip_connection=skip_connection,
            input_shape=input_shape,
            conv_channels=conv_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            pool_size=pool_size,
            module=module,
            prior=prior,
            n_bins=n_bins,
            categorical_features=categorical_features,
            feature_groups=feature_groups,
            feature_cost=feature_cost,
            alpha=alpha,
            required_features=required_features,
            max_iter=max_iter,
            dense_iter=dense_iter,
            shrink=shrink,
            n_networks=n_networks,
            batch_size=batch_size,
            learning_rate_init=learning_rate_init,
            random_state=random_state,
            verbose=verbose,
            device=device,
            callbacks=callbacks,
            n_jobs=n_jobs,
        )
        self.likelihood = likelihood


class ARDClassifierCV(CrossValidated, ARDClassifier):
    """ARDClassifier whose `reg_factor` is chosen by cross-validation.

    A path over all `reg_factors` (:func:`ard_path`), which costs about two fits, is
    computed for the training rows of every fold and for all rows. The point that is
    best on the folds is then taken from the path of all rows.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 64)
        As in :class:`ARDClassifier`, as are all parameters that are not listed here.
    reg_factors : array-like of float, default=None
        The points of the path, none negative. None is (0.1, 0.2, 0.5, 1, 2, 5, 10).
    feature_costs : list of float or "auto", default=None
        Prices of all columns among which to choose, too, each as `feature_cost`: there
        is a set of paths for each, and the one with the best point is taken. Low prices
        suit few rows and many weak columns. None is `feature_cost` alone.
    cv : int, cross-validation generator or iterable, default=None
        As in :func:`sklearn.model_selection.cross_val_score`: None is 5 folds without
        shuffling. Use ``KFold(5, shuffle=True)`` if the rows have an order.
    scoring : str, callable or None, default=None
        As in :func:`sklearn.model_selection.cross_val_score`; None is "accuracy".
    selection : {"best", "one_standard_error"}, default="best"
        The point with the best mean score, or the largest `reg_factor` whose mean score
        is within one standard error of the best. Ties go to the largest `reg_factor`.
    n_features_to_select : int, default=None
        Number of columns to select, in place of `selection`: the best point among those
        with this number of columns. If there is none, the next larger model is reduced
        to its most relevant columns and trained again.
    target_sparsity : float, default=None
        Share of pruned weights to reach, 0 to 1, in place of `selection`: the best
        point among those that reach it and keep a column.
    class_weight : dict, "balanced" or None, default=None
        As in :class:`ARDClassifier`; the scores do not use it.
    n_jobs : int, default=None
        Number of paths that are computed in parallel.

    Attributes
    ----------
    reg_factor_ : float
        The chosen point.
    feature_cost_ : float, "auto", array-like or dict
        The chosen one of `feature_costs`, or `feature_cost`.
    best_score_ : float
        Its mean score over the folds. A model that is reduced to `n_features_to_select`
        columns has another score.
    best_index_ : int
        Its index in `cv_results_` and `path_`.
    cv_results_ : dict of ndarray of shape (n_points,)
        With `reg_factor`, `mean_test_score`, `std_test_score`, `mean_n_features`,
        `mean_sparsity`, and `split{k}_test_score` and `split{k}_n_features` per fold.
    path_ : ARDPath
        The path of all rows.
    n_splits_ : int
        Number of folds.

    See Also
    --------
    ARDClassifier : Has the documentation of all further attributes and methods.
    ard_path : The path alone.
    CVPathDisplay : Draws the scores.

    Notes
    -----
    The model is taken from the path and is not that of an ARDClassifier at the same
    `reg_factor`: it continues from a less regularised network, and is mostly better.
    With `n_networks` it is the first network of an ensemble, and the others are trained
    at the chosen point only; folds and path use single networks.
    How numbers are encoded (``n_bins="auto"``) is compared once, on all rows at a
    `reg_factor` of 1, and is the same in all folds.

    With scikit-learn's metadata routing, `fit` passes on what the splitter and the
    scorer request. Without it, `sample_weight` is used in training and in the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDClassifierCV
    >>> X = np.random.default_rng(0).normal(size=(300, 10))
    >>> y = np.where(X[:, 3] * X[:, 7] > 0, "same", "different")
    >>> model = ARDClassifierCV(cv=2, n_features_to_select=2, random_state=0)
    >>> model.fit(X, y).get_support(indices=True)
    array([3, 7])
    """

    _parameter_constraints: dict = {
        **CrossValidated._parameter_constraints,
        "class_weight": ARDClassifier._parameter_constraints["class_weight"],
    }
    _plain = ARDClassifier
    _default_scoring = "accuracy"

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
        class_weight: Mapping[Any, float] | str | None = None,
        callbacks: Sequence[Any] | None = None,
        n_jobs: int | None = None,
    ):
        super().__init__(
            hidden_layer_sizes,
            reg_factors=reg_factors,
            feature_costs=feature_costs,
            cv=cv,
            scoring=scoring,
            selection=selection,
            n_features_to_select=n_features_to_select,
            target_sparsity=target_sparsity,
            activation=activation,
            skip_connection=skip_connection,
            input_shape=input_shape,
            conv_channels=conv_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            pool_size=pool_size,
            module=module,
            prior=prior,
            n_bins=n_bins,
            categorical_features=categorical_features,
            feature_groups=feature_groups,
            feature_cost=feature_cost,
            alpha=alpha,
            required_features=required_features,
            max_iter=max_iter,
            dense_iter=dense_iter,
            shrink=shrink,
            n_networks=n_networks,
            batch_size=batch_size,
            learning_rate_init=learning_rate_init,
            random_state=random_state,
            verbose=verbose,
            device=device,
            callbacks=callbacks,
            n_jobs=n_jobs,
        )
        self.class_weight = class_weight
