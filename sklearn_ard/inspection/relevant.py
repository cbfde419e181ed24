"""All columns that say something about y, and the kept ones that they stand in for.

Input: an estimator and a table. Output: a frame with a row per column.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from sklearn_ard._base import BaseARD
from sklearn_ard._classifier import ARDClassifier
from sklearn_ard._regressor import ARDRegressor
from sklearn_ard._typing import MatrixLike
from sklearn_ard.inspection.samples import Table, check_can_be_cloned


@validate_params(
    {
        "estimator": [HasMethods(["fit", "get_support"])],
        "sample_weight": ["array-like", None],
        "max_rounds": [Interval(Integral, 1, None, closed="left"), None],
    },
    prefer_skip_nested_validation=False,
)
def all_relevant(
    estimator: BaseEstimator,
    X: MatrixLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    max_rounds: int | None = None,
) -> pd.DataFrame:
    """All columns that say something about y, also those that others make superfluous.

    Of several columns that say the same, a fit keeps one. Here it is repeated without
    the columns that were kept before, until none is kept. What further fits keep is
    relevant as well, as Boruta understands it; a model of each column of the first fit
    finds those of them that can take its place.

    Parameters
    ----------
    estimator : estimator
        With `get_support`; clones are fitted.
    X : {DataFrame, array-like} of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights.
    max_rounds : int, default=None
        Largest number of fits; None is until none is kept.

    Returns
    -------
    DataFrame
        A row per column of X, in their order; the index has their names. `relevant`;
        `round`, the fit that kept it, 1 for the first and 0 for none; `nats`, its
        relevance there (NaN if the estimator has no `feature_importances_`);
        `stands_in_for`, a tuple with the columns of the first fit that it can replace.

    Raises
    ------
    ValueError
        If a parameter is invalid, the estimator is frozen, or X is sparse.

    See Also
    --------
    conditional_importance : What each column adds to the others.

    Notes
    -----
    Columns that were kept are held constant: parameters that name columns, or are in
    their order, stay valid. The price of a column holds in every fit: with
    ``alpha=0.1`` the last one, which has nothing left to find, keeps a column by chance
    in at most a tenth of all tables.

    A column of the first fit is a target of an ``ARDRegressor(likelihood="skew_t",
    n_bins=0)`` or ``ARDClassifier(n_bins=0)`` with the columns of each further fit;
    those that are kept stand in for it. Of an estimator of this package these have
    `hidden_layer_sizes`, `max_iter`, `batch_size` and `device`.

    References
    ----------
    Kursa, Rudnicki (2010). Feature selection with the Boruta package. Journal of
    Statistical Software 36, on all relevant and minimal optimal columns.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor
    >>> from sklearn_ard.inspection import all_relevant
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> X[:, 3] = X[:, 1]  # a copy
    >>> model = ARDRegressor((), n_bins=0, likelihood="gaussian", random_state=0)
    >>> frame = all_relevant(model, X, X[:, 0] + X[:, 1])
    >>> frame["round"].tolist()
    [1, 1, 0, 2]
    >>> frame.stands_in_for[3]
    (1,)
    """
    check_can_be_cloned(estimator, "all_relevant")
    table, options = Table(X), {}
    if sample_weight is not None:
        options["sample_weight"] = sample_weight
    n_columns, rows = len(table.names), table.X
    found, nats = np.zeros(n_columns, dtype=int), np.full(n_columns, np.nan)
    n_rounds = n_columns if max_rounds is None else max_rounds
    for k in range(1, n_rounds + 1):
        model = clone(estimator)
        if k > 1 and "required_features" in model.get_params():
            model.set_params(required_features=None)  # they were kept
        with nullcontext() if k == 1 else _quiet():
            model.fit(rows, y, **options)
        kept = model.get_support() & (found == 0)
        if not kept.any():
            break
        found[kept] = k
        nats[kept] = getattr(model, "feature_importances_", nats)[kept]
        rows = table.with_constant(rows, kept)
    stands_in_for = _stand_ins(table, found, options, _effort_of(estimator))
    return pd.DataFrame(
        {
            "relevant": found > 0,
            "round": found,
            "nats": nats,
            "stands_in_for": stands_in_for,
        },
        index=table.index,
    )


def _effort_of(estimator: BaseEstimator) -> dict[str, Any]:
    """Parameters that say how large networks are and how long they are trained."""
    names = "hidden_layer_sizes", "max_iter", "batch_size", "device"
    given = estimator.get_params() if isinstance(estimator, BaseARD) else {}
    return {name: given[name] for name in names if name in given}


def _stand_ins(
    table: Table, found: np.ndarray, options: dict[str, Any], effort: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """Of each column, those of the first fit that it can replace."""
    stands_in_for = [()] * len(found)
    for j in np.flatnonzero(found == 1):
        model = ARDRegressor(likelihood="skew_t")
        target = table.codes[:, j]
        known = np.flatnonzero(~np.isnan(target))
        if j in table.levels:
            model, known = ARDClassifier(), np.flatnonzero(target >= 0)
        model.set_params(n_bins=0, random_state=0, **effort)
        weight = {name: _safe_indexing(w, known) for name, w in options.items()}
        for k in range(2, found.max() + 1):
            others = np.flatnonzero(found == k)
            X = _safe_indexing(_safe_indexing(table.X, others, axis=1), known)
            with _quiet():
                model.fit(X, target[known], **weight)
            for other in others[model.get_support()]:
                stands_in_for[other] += (table.names[j],)
    return stands_in_for


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings: a model without columns is an answer here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
