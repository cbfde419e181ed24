"""The paths that a cross-validation compares: of every fold, and of all rows.

Input: an estimator and rows. Output: paths with scores, and the table of all folds.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing

from sklearn_ard._base import BaseARD
from sklearn_ard._context import usual_torch
from sklearn_ard._typing import MatrixLike, Scorer
from sklearn_ard.selection.path import describe, partial_score, walking
from sklearn_ard.selection.points import ARDPath
from sklearn_ard.training.trained import Trained

Rows = tuple[Any, Any, Any]  # X, y and sample_weight, which can be indexed


@usual_torch()
def path_of_all(
    estimator: BaseARD,
    rows: Rows,
    reg_factors: Sequence[float],
    scorer: Scorer,
    options: dict[str, Any],
) -> tuple[dict[float, Trained], ARDPath]:
    """The points of all rows, and their path."""
    X, y, sample_weight = rows
    with walking(estimator, X, y, sample_weight) as (walk, data):
        points = walk.over(reg_factors)
    score = partial_score(scorer, X, y, options)
    return points, describe(estimator, data, points, score)


@usual_torch()
def path_of_fold(
    estimator: BaseARD,
    rows: Rows,
    reg_factors: Sequence[float],
    scorer: Scorer,
    options: dict[str, Any],
    fold: tuple[np.ndarray, np.ndarray],
) -> ARDPath:
    """The path of the training rows of a fold, with scores on its test rows."""
    train, test = ([_take(part, index) for part in rows] for index in fold)
    options = {
        # values per row are indexed like the rows; others are passed on
        name: _safe_indexing(value, fold[1])
        if hasattr(value, "__len__") and len(value) == len(rows[1])
        else value
        for name, value in options.items()
    }
    with walking(estimator, *train) as (walk, data):
        points = walk.over(reg_factors)
    score = partial_score(scorer, test[0], test[1], options)
    return describe(estimator, data, points, score)


def table_of(path: ARDPath, folds: list[ARDPath]) -> dict[str, np.ndarray]:
    """`cv_results_`: the scores of all folds, point by point."""
    scores = np.stack([fold.train_score for fold in folds], axis=1)
    results = {
        "reg_factor": path.reg_factors,
        "mean_test_score": scores.mean(axis=1),
        "std_test_score": scores.std(axis=1),
        "mean_n_features": np.mean([fold.n_features for fold in folds], axis=0),
        "mean_sparsity": np.mean([fold.sparsity for fold in folds], axis=0),
    }
    for k, fold in enumerate(folds):
        results[f"split{k}_test_score"] = fold.train_score
        results[f"split{k}_n_features"] = fold.n_features
    return results


def splits_of(
    model: Any, X: MatrixLike, y: Any, **options: Any
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The splits of a cross-validation, or an error if they are none.

    Parameters
    ----------
    model : ARDRegressorCV or ARDClassifierCV
        With the parameter `cv`.
    X, y
        As in `fit`.
    **options : dict
        Of ``splitter.split``.

    Returns
    -------
    list of (array, array)
        Indices (or masks) of the rows for training and for the test.
    """
    rows, owner, splits = np.arange(len(y)), type(model).__name__, []
    splitter = check_cv(model.cv, y, classifier=is_classifier(model))
    try:
        for split in splitter.split(X, y, **options):
            splits.append(split)
            train, test = (rows[np.asarray(part)] for part in split)
            if not (train.ndim == test.ndim == 1 and len(train) and len(test)):
                raise IndexError("training and test need a row each")
    except (IndexError, TypeError) as error:
        raise ValueError(
            f"The 'cv' parameter of {owner} must give pairs of the indices of rows, "
            f"from 0 to {len(y) - 1}, for training and test. Got {model.cv!r} instead, "
            f"which fails: {error}"
        ) from error
    if not splits:
        raise ValueError(
            f"The 'cv' parameter of {owner} must give at least one split. Got "
            f"{model.cv!r} instead."
        )
    return splits


def _take(values: Any, rows: np.ndarray) -> Any:
    return None if values is None else _safe_indexing(values, rows)
