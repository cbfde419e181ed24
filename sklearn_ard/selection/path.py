"""ard_path: the models of one data set over reg_factor.

Input: an estimator and data. Output: an :class:`ARDPath`, one entry per point.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.utils.multiclass import type_of_target

from sklearn_ard._base import BaseARD
from sklearn_ard._classifier import ARDClassifier
from sklearn_ard._context import find_device, training_on, usual_torch
from sklearn_ard._naming import naming
from sklearn_ard._regressor import ARDRegressor
from sklearn_ard._typing import MatrixLike, Scorer
from sklearn_ard._validation import check_reg_factors
from sklearn_ard.data.training_set import TrainingSet
from sklearn_ard.inference.compression import fitted_model
from sklearn_ard.selection.points import ARDPath, names_of
from sklearn_ard.selection.walk import START, Walk
from sklearn_ard.training.trained import Trained


def ard_path(
    X: MatrixLike,
    y: ArrayLike,
    *,
    estimator: BaseARD | None = None,
    reg_factors: ArrayLike | None = None,
    points_per_decade: int = 6,
    sample_weight: ArrayLike | None = None,
    scoring: str | Scorer | None = None,
    return_models: bool = False,
) -> ARDPath:
    """Models over `reg_factor`, from all inputs kept to none.

    Every point starts from the network of the point before, so that about thirty points
    cost less than four fits. The path need not be monotone.

    Parameters
    ----------
    X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    estimator : ARDRegressor or ARDClassifier, default=None
        Its parameters are used, except `reg_factor`, `warm_start` and `n_networks`; it
        is not changed. None is an ``ARDClassifier()`` for labels and two classes, an
        ``ARDRegressor()`` for floats; integer targets need an estimator.
    reg_factors : array-like of float, default=None
        The points, in any order, none negative. None chooses them: from one that keeps
        all columns (0.1 or 0.01, or 0 where these drop some) to one that keeps none.
    points_per_decade : int, default=6
        Points for each factor of 10, without `reg_factors`.
    sample_weight : array-like of shape (n_samples,), default=None
        As in `fit`; for the score as well.
    scoring : str, callable or None, default=None
        Of the train score, as in :func:`sklearn.model_selection.cross_val_score`.
    return_models : bool, default=False
        Whether to keep the model of every point.

    Returns
    -------
    ARDPath
        One entry per point.

    Raises
    ------
    ValueError
        If `reg_factors` is empty or has entries that are negative or not numbers, or
        `estimator` is not an ARDRegressor or ARDClassifier or is missing where y has
        integers, or `points_per_decade` is not a positive integer.

    See Also
    --------
    ARDRegressorCV : Picks a point by cross-validation.
    RegularizationPathDisplay : Draws the path.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ard_path
    >>> X = np.random.default_rng(0).normal(size=(200, 10))
    >>> y = np.abs(X[:, 3]) + X[:, 7]
    >>> ard_path(X, y, reg_factors=[1.0, 1e5]).n_features
    array([2, 0])
    """
    estimator = default_estimator(y) if estimator is None else clone(estimator)
    if not isinstance(estimator, BaseARD) or "reg_factor" not in estimator.get_params():
        raise ValueError(
            "The 'estimator' parameter of ard_path must be an ARDRegressor or an "
            f"ARDClassifier. Got {estimator!r} instead. A fitted CV class has its own "
            "path, path_; pass the plain class for another one."
        )
    estimator._validate_params()
    if reg_factors is not None:
        reg_factors = check_reg_factors(reg_factors, "ard_path")
    elif not isinstance(points_per_decade, Integral) or points_per_decade < 1:
        raise ValueError(
            "The 'points_per_decade' parameter of ard_path must be a positive integer. "
            f"Got {points_per_decade!r} instead."
        )
    scorer = check_scoring(estimator, scoring)
    with usual_torch(), walking(estimator, X, y, sample_weight) as (walk, data):
        if reg_factors is None:
            points = walk.from_all_to_none(points_per_decade)
        else:
            points = walk.over(reg_factors)
    options = {} if sample_weight is None else {"sample_weight": sample_weight}
    score = partial_score(scorer, X, y, options)
    with usual_torch():
        return describe(estimator, data, points, score, return_models)


@contextmanager
def walking(
    estimator: BaseARD,
    X: MatrixLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> Iterator[tuple[Walk, TrainingSet]]:
    """A context in which models of an estimator are trained over reg_factor.

    Parameters
    ----------
    estimator : ARDRegressor or ARDClassifier
        Its parameters are used. It stores number and names of the columns of X, as in
        `fit`.
    X, y, sample_weight
        As in `fit`.

    Yields
    ------
    walk : Walk
        Computes the points.
    data : TrainingSet
        Its training data.
    """
    owner = type(estimator).__name__
    device = find_device(estimator.device, owner)
    data = estimator._training_set(X, y, sample_weight, device)
    with training_on(device, owner):
        task = estimator._task(data, device, START)
        data = estimator._best_candidate(task, data).data
        yield Walk(task.on(data)), data


def describe(
    estimator: BaseARD,
    data: TrainingSet,
    points: dict[float, Trained],
    score: Callable[[BaseARD], float],
    return_models: bool = False,
) -> ARDPath:
    """The path of some points.

    Parameters
    ----------
    estimator : ARDRegressor or ARDClassifier
        Estimator of the points.
    data : TrainingSet
        Training data of the points.
    points : dict of float to Trained
        Result of a :class:`Walk`.
    score : callable
        Takes a fitted model.
    return_models : bool, default=False
        Whether to keep the models.

    Returns
    -------
    ARDPath
        One entry per point.
    """
    rows, models = [], []
    for reg_factor, trained in points.items():
        model = copy.copy(estimator).set_params(reg_factor=reg_factor)
        model._set_fitted(fitted_model(trained, data))
        rows.append(
            (
                model.get_support(),
                model.feature_importances_,
                model.sparsity_,
                model.elbo_,
                score(model),
            )
        )
        if return_models:
            models.append(model.compact())
    support, relevance, sparsity, elbo, scores = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return ARDPath(
        np.array(list(points)),
        support,
        relevance,
        sparsity,
        elbo,
        scores,
        feature_names=names_of(estimator),
        models=models if return_models else None,
        groups=data.blocks,
    )


def partial_score(
    scorer: Scorer, X: MatrixLike, y: ArrayLike, options: dict[str, Any]
) -> Callable[[BaseARD], float]:
    """A function that scores a fitted model on some rows."""

    def score(model: BaseARD) -> float:
        try:
            value = scorer(model, X, y, **options)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(
                f"The 'scoring' parameter must suit {type(model).__name__} and y. Got "
                f"{scorer!r} instead, which fails: {error}"
            ) from error
        if not isinstance(value, Real):
            raise ValueError(
                "The 'scoring' parameter must give a number. Got "
                f"{value!r} from {scorer!r} instead."
            )
        return value

    return score


def default_estimator(y: ArrayLike) -> BaseARD:
    """The estimator for a target, where the user gave none."""
    with naming("y", y):
        kind, dtype = type_of_target(y, input_name="y"), np.asarray(y).dtype.kind
    if kind == "binary" or dtype not in "fiu":
        return ARDClassifier()
    if dtype == "f":
        return ARDRegressor()
    raise ValueError(
        "The 'estimator' parameter must be given where y has integers, which may "
        "be classes or quantities: ARDClassifier() or ARDRegressor(). Got None instead."
    )
