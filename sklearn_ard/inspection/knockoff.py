"""Columns at a false discovery rate, by knockoffs and the relevance of a model.

Input: an estimator and a table of numbers. Output: a frame with a row per column.
"""

import math
import warnings
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from numpy.typing import ArrayLike
from pandas.api.types import is_numeric_dtype
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inspection.samples import (
    Table,
    check_can_be_cloned,
    need_hidimstat,
)

_MIN_ROWS = 10


@validate_params(
    {
        "estimator": [HasMethods(["fit"])],
        "fdr": [Interval(Real, 0, 1, closed="neither")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=False,
)
def knockoffs(
    estimator: BaseEstimator,
    X: MatrixLike,
    y: ArrayLike,
    *,
    fdr: float = 0.1,
    n_draws: int = 1,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Columns at a false discovery rate, by a fit on them and on copies of them.

    A knockoff of a column depends on the other columns as the column does, and says
    nothing about y. The estimator is fitted on both; a column counts by how much more
    it is worth than its knockoff, W = nats(column) - nats(knockoff). Columns that say
    nothing have positive and negative W equally often: so the negative ones beyond a
    threshold estimate how many of the positive ones are false.

    Parameters
    ----------
    estimator : estimator
        With `feature_importances_` after `fit`; clones are fitted.
    X : {DataFrame, array-like} of shape (n_samples, n_features)
        Numbers without gaps, normal or nearly so (transform skewed ones before).
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    fdr : float, default=0.1
        Largest expected share of false ones among the columns that are selected. At
        least 1 / fdr of them are selected, or none: with ``fdr=0.1``, ten.
    n_draws : int, default=1
        Draws of the knockoffs, with a fit each. The selections of several, each at half
        of the `fdr`, are put together by e-values: they depend on luck less, and need
        about twice as many relevant columns.
    random_state : int, RandomState instance or None, default=None
        Of the draws, and of the clones.
    n_jobs : int, default=None
        Number of fits at the same time.

    Returns
    -------
    DataFrame
        A row per column of X, in their order; the index has their names. `nats`, the
        mean W; `e_value`, the mean over the draws; `selected`.

    Raises
    ------
    ValueError
        If a parameter is invalid; if a column is no number or has gaps; if the
        estimator has no `feature_importances_`, is frozen, or has parameters that name
        columns (`feature_groups`, `required_features`, a `feature_cost` for each).
    ImportError
        Without hidimstat.

    Warns
    -----
    UserWarning
        If X has fewer than 1 / fdr columns: none can be selected.

    See Also
    --------
    conditional_importance : For columns of all kinds, and few of them.

    Notes
    -----
    Knockoffs are those of hidimstat: draws from a normal distribution with the
    covariance of X, equi-correlated. The rate holds if X is distributed like that,
    whatever y depends on, and however (Candès et al., theorem 3.4).

    The estimator is fitted as it is given: with ``feature_cost=1`` it keeps more
    columns, among them weak ones, and the knockoffs sort out which of them are false.
    Where columns are correlated, that finds more
    (``examples/benchmarks/knockoffs.py``).

    References
    ----------
    Candès, Fan, Janson, Lv (2018). Panning for gold: model-X knockoffs for high
    dimensional controlled variable selection. JRSS B 80, eq. 3.2 and 3.9.

    Ren, Barber (2024). Derandomised knockoffs: leveraging e-values for false discovery
    rate control. JRSS B 86.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor
    >>> from sklearn_ard.inspection import knockoffs
    >>> X = np.random.default_rng(0).normal(size=(300, 20))
    >>> y = X[:, :6].sum(axis=1)
    >>> model = ARDRegressor((), n_bins=0, likelihood="gaussian")
    >>> knockoffs(model, X, y, fdr=0.2, random_state=0).query("selected").index
    Index([0, 1, 2, 3, 4, 5], dtype='int64', name='column')
    """
    need_hidimstat("knockoffs")
    from hidimstat import ModelXKnockoff

    table = Table(X)
    numbers, y = _numbers(table), np.asarray(y)
    _check(estimator, numbers, y, fdr)
    seed = check_random_state(random_state).randint(2**31 - 1)
    test = ModelXKnockoff(
        _ByNats(estimator),
        n_repeats=n_draws,
        preconfigure_lasso_path=False,  # which only a Lasso has
        random_state=seed,
        n_jobs=effective_n_jobs(n_jobs),
    )
    test.fit(numbers, y)
    statistics = test.importance()
    level = fdr if n_draws == 1 else fdr / 2  # Ren and Barber's, of each draw
    e_value = np.mean([_e_values(test, w, level) for w in statistics], axis=0)
    return pd.DataFrame(
        {
            "nats": statistics.mean(axis=0),
            "e_value": e_value,
            "selected": e_value >= _least_e_value(e_value, fdr),
        },
        index=table.index,
    )


def _check(
    estimator: BaseEstimator, numbers: np.ndarray, y: np.ndarray, fdr: float
) -> None:
    """Check what hidimstat does not."""
    if y.ndim not in (1, 2) or len(y) != len(numbers) or len(y) < _MIN_ROWS:
        raise ValueError(
            f"X and y must have as many rows, {_MIN_ROWS} at least. Got arrays of "
            f"shape {numbers.shape} and {y.shape} instead."
        )
    check_can_be_cloned(estimator, "knockoffs")
    given = estimator.get_params()
    cost = given.get("feature_cost")
    names = ["feature_groups", "required_features"]
    names = [name for name in names if given.get(name) is not None]
    if not (cost is None or isinstance(cost, (Real, str))):
        names.append("feature_cost")
    if names:
        raise ValueError(
            f"The {names[0]!r} parameter of the estimator must not name columns: it is "
            "fitted on twice as many, without names. Got "
            f"{given[names[0]]!r} instead."
        )
    if numbers.shape[1] < 1 / fdr:
        warnings.warn(
            f"At fdr={fdr} at least {math.ceil(1 / fdr)} columns are selected, or "
            f"none: X has {numbers.shape[1]}. Take conditional_importance.",
            UserWarning,
            stacklevel=4,
        )


class _ByNats(BaseEstimator):
    """An estimator whose relevances are what hidimstat compares."""

    def __init__(self, estimator: BaseEstimator | None, random_state: Any = None):
        self.estimator = estimator
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        model = clone(self.estimator)
        if "random_state" in model.get_params():
            model.set_params(random_state=self.random_state)
        model.fit(X, y)
        if not hasattr(model, "feature_importances_"):
            raise ValueError(
                "The 'estimator' parameter of knockoffs must have "
                f"feature_importances_ after fit. Got a {type(model).__name__} "
                "instead, which has not."
            )
        self.coef_ = model.feature_importances_
        return self


def _numbers(table: Table) -> np.ndarray:
    """The table as an array, if all columns are numbers without gaps."""
    frame = pd.DataFrame(table.X).infer_objects()
    for name, column in frame.items():
        is_number = is_numeric_dtype(column)
        if not is_number or column.isna().any():
            raise ValueError(
                "X must have numbers only, and no gaps: knockoffs are draws from a "
                f"normal distribution. Column {name!r} has "
                f"{'gaps' if is_number else f'dtype {column.dtype}'}. Take "
                "conditional_importance for such tables, or leave the column out."
            )
    return frame.to_numpy(np.float64)


def _e_values(test: Any, w: np.ndarray, level: float) -> np.ndarray:
    """That of each column, by the statistics of one draw."""
    threshold = test.knockoff_threshold(w, fdr=level)
    return len(w) * (w >= threshold) / (1 + (w <= -threshold).sum())


def _least_e_value(e_values: np.ndarray, fdr: float) -> float:
    """That of a column that is selected by e-BH; infinite if none is.

    (hidimstat 0.4 selects the largest ones where none is large enough.)
    """
    descending = np.sort(e_values)[::-1]
    rank = 1 + np.arange(len(descending))
    enough = np.flatnonzero(rank * descending >= len(descending) / fdr)
    return descending[enough[-1]] if len(enough) else np.inf
