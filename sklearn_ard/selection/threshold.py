"""threshold_curve: sparsity and score of a fitted model over pruning thresholds.

Input: a fitted estimator and rows to score it on. Output: one table row per threshold.
"""

import copy
import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import check_scoring
from sklearn.utils.validation import check_is_fitted

from sklearn_ard._base import BaseARD
from sklearn_ard._context import usual_torch
from sklearn_ard._typing import MatrixLike, Scorer
from sklearn_ard.nn import ard_layers


@usual_torch()
def threshold_curve(
    estimator: BaseARD,
    X: MatrixLike,
    y: ArrayLike,
    *,
    thresholds: ArrayLike | None = None,
    scoring: str | Scorer | None = None,
) -> pd.DataFrame:
    """Sparsity, number of columns and score of a fitted model over thresholds.

    Pruning by another threshold needs no training [1]_.

    Parameters
    ----------
    estimator : ARDRegressor or ARDClassifier
        Fitted; it is not changed.
    X : array-like of shape (n_samples, n_features)
        Inputs, preferably of rows that the estimator was not fitted on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    thresholds : array-like of float, default=None
        Largest log α of a kept weight. None takes those that keep 1/10, 2/10, ... 10/10
        of the weights that `fit` kept.
    scoring : str, callable or None, default=None
        As in :func:`sklearn.model_selection.cross_val_score`.

    Returns
    -------
    DataFrame
        One row per threshold, in the given order, with `threshold`, `sparsity`,
        `n_features` and `score`.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If there is no threshold, or one is not a number.

    References
    ----------
    .. [1] Gale, Elsen, Hooker (2019). The state of sparsity in deep neural networks.
       arXiv:1902.09574.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor, threshold_curve
    >>> X = np.random.default_rng(0).normal(size=(200, 10))
    >>> y = np.abs(X[:, 3]) + X[:, 7]
    >>> model = ARDRegressor(max_iter=150, random_state=0).fit(X, y)
    >>> threshold_curve(model, X, y, thresholds=[3.0])["n_features"].tolist()
    [2]
    """
    if not isinstance(estimator, BaseARD):
        raise ValueError(
            "The 'estimator' parameter of threshold_curve must be an estimator of this "
            f"package. Got a {type(estimator).__name__} instead."
        )
    check_is_fitted(estimator)
    if thresholds is None:
        thresholds = _deciles(estimator)
    thresholds = np.ravel(thresholds)
    if not len(thresholds):
        raise ValueError(
            "The 'thresholds' parameter of threshold_curve must hold at least one "
            f"number. Got {thresholds!r} instead."
        )
    score = check_scoring(estimator, scoring)
    estimator = copy.deepcopy(estimator)
    rows = []
    for threshold in thresholds.tolist():
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "No weight has a log alpha")
            estimator.set_threshold(threshold)
        rows.append(
            {
                "threshold": threshold,
                "sparsity": estimator.sparsity_,
                "n_features": int(estimator.get_support().sum()),
                "score": score(estimator, X, y),
            }
        )
    return pd.DataFrame(rows)


def _deciles(estimator: BaseARD) -> list[float]:
    """Thresholds that keep 1/10, 2/10, ... 10/10 of the kept weights."""
    layers = ard_layers(estimator.net_.module_)
    kept = np.concatenate(
        [layer.log_alpha[layer.keep()].detach().cpu().numpy() for layer in layers]
    )
    trained = max(layer.prior.threshold for layer in layers)
    if not len(kept):
        return [trained]
    return [*np.quantile(kept, np.linspace(0.1, 0.9, 9)), trained]
