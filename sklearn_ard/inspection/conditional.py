"""What a column adds to the others, by rows that a model has not seen, with p-values.

Input: an estimator and a table. Output: a frame with a row per column.
"""

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import column_or_1d

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inspection.samples import Table, default_models, need_hidimstat

_MIN_ROWS = 20  # that a fold holds out
_LEAST = np.finfo(np.float64).tiny  # probability of a class that was never seen


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "cv": ["cv_object", None],
        "groups": ["array-like", None],
        "fdr": [Interval(Real, 0, 1, closed="neither")],
        "fdr_control": [StrOptions({"bh", "by"})],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "regressor": [HasMethods(["fit", "predict"]), None],
        "classifier": [HasMethods(["fit", "predict_proba"]), None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=False,
)
def conditional_importance(
    estimator: BaseEstimator,
    X: MatrixLike,
    y: ArrayLike,
    *,
    cv: Any = None,
    groups: ArrayLike | None = None,
    fdr: float = 0.1,
    fdr_control: str = "bh",
    n_draws: int = 20,
    regressor: BaseEstimator | None = None,
    classifier: BaseEstimator | None = None,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """What every column adds to the others, and whether that may be chance.

    The rows are held out fold by fold. A clone of the estimator is fitted on the
    others; then each column that it uses is replaced by draws from its distribution
    given all other columns, and the held-out targets become less likely, by so many
    nats. If a column says nothing about y that the others do not say, real values and
    draws are exchangeable, and the mean difference is 0: a one-sided t test over the
    rows gives the p-value. Neither the fit nor the selection has seen these rows.

    Parameters
    ----------
    estimator : estimator
        A classifier with `predict_proba`, or a regressor with `log_density`, as those
        of this package. A fitted one in a :class:`sklearn.frozen.FrozenEstimator` is
        not fitted again: then all rows have to be new to it.
    X : {DataFrame, array-like} of shape (n_samples, n_features)
        Inputs, also categories and gaps.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    cv : int, cross-validation generator or iterable, default=None
        Folds, as in :func:`sklearn.model_selection.cross_validate`, which hold out 20
        rows each at least, and no row twice; rows that are never held out do not count.
        None is those of the estimator if it has a `cv`, else 5.
    groups : array-like of shape (n_samples,), default=None
        For folds that keep groups of rows together.
    fdr : float, default=0.1
        Largest expected share of false ones among the columns that are selected.
    fdr_control : {"bh", "by"}, default="bh"
        Benjamini and Hochberg's procedure; or Benjamini and Yekutieli's, which allows
        for any dependence between p-values and is stricter.
    n_draws : int, default=20
        Draws in place of each column.
    regressor, classifier : estimator, default=None
        Models of a column given the others, for numbers and for categories (strings,
        and numbers with at most 10 values). None is a ridge regression with boosted
        trees for what it leaves, and boosted trees. They get an array of numbers, with
        codes of categories, and NaN for gaps.
    random_state : int, RandomState instance or None, default=None
        Of the draws.
    n_jobs : int, default=None
        Number of folds at the same time.

    Returns
    -------
    DataFrame
        A row per column of X, in their order; the index has their names. `nats` that
        the held-out rows are less likely without the column, in all, and their
        `std_error`; `p_value`; `adjusted_p_value`, the smallest `fdr` at which the
        column would be selected; `selected`. Columns that no fold uses have 0 nats and
        a p-value of 1.

    Raises
    ------
    ValueError
        If a parameter is invalid; if X and y have different lengths; if folds overlap
        or are too small; or if the estimator gives no density, or none of the classes.
    ImportError
        Without hidimstat.

    See Also
    --------
    knockoffs : Does not need held-out rows, but normal inputs.
    sklearn_ard.StabilitySelection : Bounds the number of false picks.

    Notes
    -----
    The p-values are as good as the models of the columns: where these miss how a column
    depends on others, a stand-in of a relevant column is found relevant. Columns that
    say the same (copies) are each worth nothing given the other.

    hidimstat draws numbers as a prediction plus a residual of another row, categories
    by predicted probabilities, one column at a time. What it lacks is written here:
    numbers with gaps, which are drawn in two steps (is there a gap, which number), and
    tables with columns of several kinds.

    References
    ----------
    Chamma, Engemann, Thirion (2023). Statistically valid variable importance
    assessment through conditional permutations. NeurIPS.

    Benjamini, Hochberg (1995). Controlling the false discovery rate. JRSS B 57.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_ard import ARDRegressor
    >>> from sklearn_ard.inspection import conditional_importance
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> X = X[["bmi", "sex", "s6"]]
    >>> model = ARDRegressor((), max_iter=100, likelihood="gaussian", random_state=0)
    >>> frame = conditional_importance(model, X, y, cv=2, random_state=0)
    >>> frame.loc["bmi", "selected"]
    np.True_
    """
    need_hidimstat("conditional_importance")
    table = Table(X)
    y = _checked_targets(estimator, y, len(table))
    folds = _folds(estimator, cv, table.X, y, groups)
    rng = check_random_state(random_state)
    models = [
        default if given is None else given
        for given, default in zip(
            (regressor, classifier), default_models(rng.randint(2**31 - 1)), strict=True
        )
    ]
    jobs = [
        delayed(_lost_on_fold)(
            clone(estimator), table, y, fold, models, n_draws, rng.randint(2**31 - 1)
        )
        for fold in folds
    ]
    lost = np.concatenate(Parallel(n_jobs=n_jobs)(jobs))
    return _tested(lost, table.index, fdr, fdr_control)


def _checked_targets(estimator: BaseEstimator, y: Any, n_rows: int) -> np.ndarray:
    """Targets as an array, of an estimator that gives them a density."""
    y = np.asarray(y)
    if is_classifier(estimator):
        y = column_or_1d(y, warn=True)
    if y.ndim not in (1, 2) or len(y) != n_rows:
        raise ValueError(
            f"y must have one target per row of X, {n_rows}. Got an array of shape "
            f"{y.shape} instead."
        )
    method = "predict_proba" if is_classifier(estimator) else "log_density"
    if not hasattr(estimator, method):
        raise ValueError(
            f"The 'estimator' parameter of conditional_importance must have {method}. "
            f"Got a {type(estimator).__name__} instead, which has not. Take a "
            "classifier with probabilities or a regressor of this package, the latter "
            "without a pipeline."
        )
    return y


def _folds(
    estimator: BaseEstimator, cv: Any, X: Any, y: np.ndarray, groups: ArrayLike | None
) -> list[tuple[np.ndarray, ...]]:
    """Rows to fit on and rows to hold out, as indices, of every fold."""
    if cv is None:
        cv = getattr(estimator, "cv", None)
        if not (cv is None or isinstance(cv, Integral) or hasattr(cv, "split")):
            raise ValueError(
                "The 'estimator' parameter of conditional_importance must have a 'cv' "
                "that can be used on a part of the rows, a number or a splitter. Got "
                f"splits of all rows in a {type(estimator).__name__} instead."
            )
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    rows, n_held_out = np.arange(len(y)), np.zeros(len(y), dtype=int)
    folds = [
        tuple(rows[np.asarray(part)] for part in fold)
        for fold in splitter.split(X, y, groups)
    ]
    if not folds:
        raise ValueError(
            "The 'cv' parameter of conditional_importance must give at least one fold. "
            f"Got {cv!r} instead."
        )
    for train, test in folds:
        n_held_out[test] += 1
        n_fitted_on = len(np.intersect1d(train, test))
        if len(test) < _MIN_ROWS or n_fitted_on:
            raise ValueError(
                "The 'cv' parameter of conditional_importance must hold out at least "
                f"{_MIN_ROWS} rows in every fold (draws are made of others there), and "
                f"fit on none of them. Got a fold of {len(test)}, of which "
                f"{n_fitted_on} are fitted on. Take fewer folds."
            )
    if n_held_out.max() > 1:
        raise ValueError(
            "The 'cv' parameter of conditional_importance must hold out no row twice: "
            f"rows would count as several. Got {cv!r} instead. Take KFold or the like."
        )
    return folds


def _lost_on_fold(
    model: BaseEstimator,
    table: Table,
    y: np.ndarray,
    fold: tuple[np.ndarray, ...],
    models: list[BaseEstimator],
    n_draws: int,
    seed: int,
) -> np.ndarray:
    """Nats that each held-out row is less likely without each column."""
    train, test = fold
    model.fit(_safe_indexing(table.X, train), y[train])
    lost = np.zeros((len(test), len(table.names)))
    used = np.ones(len(table.names), dtype=bool)
    if hasattr(model, "get_support"):
        used = model.get_support()
    held_out, rng = _safe_indexing(table.X, test), np.random.default_rng(seed)
    log_density = _log_density(model, held_out, y[test])
    for j in np.flatnonzero(used).tolist():
        for draw in table.draws(j, train, test, models, n_draws, rng):
            replaced = table.with_column(held_out, j, draw)
            lost[:, j] += log_density - _log_density(model, replaced, y[test])
    return lost / n_draws


def _log_density(model: BaseEstimator, X: Any, y: np.ndarray) -> np.ndarray:
    """Of every row, in nats."""
    if not is_classifier(model):
        return model.log_density(X, y)
    found = pd.Index(model.classes_).get_indexer(y)
    if (found < 0).all():
        raise ValueError(
            f"y must have classes that the estimator knows, {model.classes_[:5]}. Got "
            f"only others, {np.unique(y)[:5]}."
        )
    p = np.asarray(model.predict_proba(X), dtype=np.float64)
    p = np.where(found < 0, 0.0, p[np.arange(len(p)), found])
    return np.log(np.maximum(p, _LEAST))


def _tested(
    lost: np.ndarray, index: pd.Index, fdr: float, fdr_control: str
) -> pd.DataFrame:
    """The frame of all columns."""
    n_rows, is_used = len(lost), (lost != 0).any(axis=0)
    p_value = np.ones(len(index))
    test = stats.ttest_1samp(lost[:, is_used], 0, axis=0, alternative="greater")
    p_value[is_used] = test.pvalue
    adjusted = stats.false_discovery_control(p_value, method=fdr_control)
    return pd.DataFrame(
        {
            "nats": lost.sum(axis=0),
            "std_error": np.sqrt(n_rows) * lost.std(axis=0, ddof=1),
            "p_value": p_value,
            "adjusted_p_value": adjusted,
            "selected": adjusted <= fdr,
        },
        index=index,
    )
