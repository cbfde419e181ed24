"""ARDRegressorCV and ARDClassifierCV: estimators that choose their reg_factor."""

from sklearn_ard._classifier import ARDClassifier
from sklearn_ard._regressor import ARDRegressor
from sklearn_ard.selection.search import CrossValidated


class ARDRegressorCV(CrossValidated, ARDRegressor):
    """ARDRegressor whose `reg_factor` is chosen by cross-validation.

    The rows are walked over once per fold and once as a whole (:func:`ard_path`), each
    walk a path over all of `reg_factors` that costs little more than one fit. The point
    that the folds speak for is then taken from the walk over all rows.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 64)
        As all parameters that are not named here, that of :class:`ARDRegressor`.
    reg_factors : array-like of float, default=None
        The points, 0 or more each. None is (0.1, 0.2, 0.5, 1, 2, 5, 10).
    cv : int, cross-validation generator or iterable, default=None
        As in :func:`sklearn.model_selection.cross_val_score`: None is 5 folds, which
        are not shuffled. Take ``KFold(5, shuffle=True)`` if the rows have an order.
    scoring : str, callable or None, default=None
        As in :func:`sklearn.model_selection.cross_val_score`; None is "r2".
    selection : {"best", "one_standard_error"}, default="best"
        The point with the best mean score, or the largest `reg_factor` whose mean score
        is within one standard error of that. Of equally good points it is always the
        largest.
    n_features_to_select : int, default=None
        Wish for a number of columns, in place of `selection`: of the points that keep
        as many the one with the best score is taken. If there is none, the next larger
        model is cut down to its most relevant columns and trained anew.
    target_sparsity : float, default=None
        Wish for a share of pruned weights, 0 to 1, in place of `selection`: of the
        points that reach it and keep a column, the one with the best score is taken.
    n_jobs : int, default=None
        Number of walks at the same time.

    Attributes
    ----------
    reg_factor_ : float
        The chosen point.
    best_score_ : float
        Its mean score over the folds. (A model that was cut down has another.)
    best_index_ : int
        Its index in `cv_results_` and `path_`.
    cv_results_ : dict of ndarray of shape (n_points,)
        With `reg_factor`, `mean_test_score`, `std_test_score`, `mean_n_features`,
        `mean_sparsity`, and `split{k}_test_score` and `split{k}_n_features` per fold.
    path_ : ARDPath
        The walk over all rows.
    n_splits_ : int
        Number of folds.

    See Also
    --------
    ARDRegressor : With all further attributes and methods, which are here as well.
    ard_path : The path alone.
    CVPathDisplay : Draws the scores.

    Notes
    -----
    The model is the one that a walk has found, not that of an ARDRegressor: it comes
    from less regularisation, and is mostly the better one. With `n_networks` it is the
    first one of an ensemble, for which the others are trained at the chosen point
    alone; folds and path are of single networks.

    With scikit-learn's metadata routing, `fit` hands on what the splitter and the
    scorer request. Without, `sample_weight` is used in training and in the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressorCV
    >>> X = np.random.default_rng(0).normal(size=(200, 10))
    >>> y = np.abs(X[:, 3]) + X[:, 7]
    >>> model = ARDRegressorCV(reg_factors=[0.3, 1, 3], cv=3, random_state=0)
    >>> model.fit(X, y).get_support(indices=True)
    array([3, 7])
    """

    _plain = ARDRegressor
    _default_scoring = "r2"


class ARDClassifierCV(CrossValidated, ARDClassifier):
    """ARDClassifier whose `reg_factor` is chosen by cross-validation.

    The rows are walked over once per fold and once as a whole (:func:`ard_path`), each
    walk a path over all of `reg_factors` that costs little more than one fit. The point
    that the folds speak for is then taken from the walk over all rows.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 64)
        As all parameters that are not named here, that of :class:`ARDClassifier`.
    reg_factors : array-like of float, default=None
        The points, 0 or more each. None is (0.1, 0.2, 0.5, 1, 2, 5, 10).
    cv : int, cross-validation generator or iterable, default=None
        As in :func:`sklearn.model_selection.cross_val_score`: None is 5 folds, which
        are not shuffled. Take ``KFold(5, shuffle=True)`` if the rows have an order.
    scoring : str, callable or None, default=None
        As in :func:`sklearn.model_selection.cross_val_score`; None is "accuracy".
    selection : {"best", "one_standard_error"}, default="best"
        The point with the best mean score, or the largest `reg_factor` whose mean score
        is within one standard error of that. Of equally good points it is always the
        largest.
    n_features_to_select : int, default=None
        Wish for a number of columns, in place of `selection`: of the points that keep
        as many the one with the best score is taken. If there is none, the next larger
        model is cut down to its most relevant columns and trained anew.
    target_sparsity : float, default=None
        Wish for a share of pruned weights, 0 to 1, in place of `selection`: of the
        points that reach it and keep a column, the one with the best score is taken.
    class_weight : dict, "balanced" or None, default=None
        As in :class:`ARDClassifier`; the scores do not know of it.
    n_jobs : int, default=None
        Number of walks at the same time.

    Attributes
    ----------
    reg_factor_ : float
        The chosen point.
    best_score_ : float
        Its mean score over the folds. (A model that was cut down has another.)
    best_index_ : int
        Its index in `cv_results_` and `path_`.
    cv_results_ : dict of ndarray of shape (n_points,)
        With `reg_factor`, `mean_test_score`, `std_test_score`, `mean_n_features`,
        `mean_sparsity`, and `split{k}_test_score` and `split{k}_n_features` per fold.
    path_ : ARDPath
        The walk over all rows.
    n_splits_ : int
        Number of folds.

    See Also
    --------
    ARDClassifier : With all further attributes and methods, which are here as well.
    ard_path : The path alone.
    CVPathDisplay : Draws the scores.

    Notes
    -----
    The model is the one that a walk has found, not that of an ARDClassifier: it comes
    from less regularisation, and is mostly the better one. With `n_networks` it is the
    first one of an ensemble, for which the others are trained at the chosen point
    alone; folds and path are of single networks.

    With scikit-learn's metadata routing, `fit` hands on what the splitter and the
    scorer request. Without, `sample_weight` is used in training and in the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDClassifierCV
    >>> X = np.random.default_rng(0).normal(size=(300, 10))
    >>> y = np.where(X[:, 3] * X[:, 7] > 0, "same", "different")
    >>> model = ARDClassifierCV(cv=3, n_features_to_select=2, random_state=0)
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
        hidden_layer_sizes=(64, 64),
        *,
        reg_factors=None,
        cv=None,
        scoring=None,
        selection="best",
        n_features_to_select=None,
        target_sparsity=None,
        activation="relu",
        skip_connection=True,
        input_shape=None,
        conv_channels=(),
        kernel_size=3,
        stride=1,
        padding="same",
        pool_size=2,
        module=None,
        prior="log_uniform",
        feature_cost="auto",
        max_iter="auto",
        dense_iter=0,
        shrink=True,
        n_networks=1,
        batch_size="auto",
        learning_rate_init=0.01,
        random_state=None,
        verbose=0,
        device="cpu",
        class_weight=None,
        callbacks=None,
        n_jobs=None,
    ):
        super().__init__(
            hidden_layer_sizes,
            reg_factors=reg_factors,
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
            feature_cost=feature_cost,
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
