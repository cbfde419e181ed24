"""Draws of a column given the others, for tables with columns of several kinds.

Input: a table. Output: numbers and codes in place of a column, and tables with them.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import ArrayLike
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard._typing import MatrixLike

_MOST_LEVELS = 10  # of a number that is drawn as a category, as in hidimstat


class LinearAndTrees(RegressorMixin, BaseEstimator):
    """A linear regression, and boosted trees of what it leaves.

    Trees alone miss a part of every correlation, so that columns which say nothing
    beyond another one look relevant. Gaps are read as the mean by the former.

    Parameters
    ----------
    random_state : int, default=None
        Of the rows by which the trees stop.
    """

    def __init__(self, random_state: Any = None):
        self.random_state = random_state

    def fit(self, X: MatrixLike, y: ArrayLike) -> Self:
        """Fit both."""
        self.linear_ = make_pipeline(
            SimpleImputer(keep_empty_features=True), StandardScaler(), RidgeCV()
        ).fit(X, y)
        self.trees_ = HistGradientBoostingRegressor(
            early_stopping=True, random_state=self.random_state
        ).fit(X, y - self.linear_.predict(X))
        return self

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict numbers of shape (n,)."""
        return self.linear_.predict(X) + self.trees_.predict(X)


def default_models(random_state: Any) -> tuple[BaseEstimator, BaseEstimator]:
    """Models of a number and of a category."""
    # no early stopping of the latter: that needs two rows of every level
    trees = HistGradientBoostingClassifier(
        max_iter=30, early_stopping=False, random_state=random_state
    )
    return LinearAndTrees(random_state), trees


class Table:
    """A table, and its columns as numbers.

    Parameters
    ----------
    X : {DataFrame, array-like} of shape (n_samples, n_features)
        Numbers, and in a data frame also strings and categories, with gaps.

    Attributes
    ----------
    X : {DataFrame, ndarray}
        The table, of pandas or numpy.
    names : list
        Of the columns; their positions in an array.
    codes : ndarray of shape (n_samples, n_features)
        Numbers, and codes of categories; NaN, or a code of -1, for gaps.
    levels : dict of int to array
        Levels of each category, by code.
    """

    def __init__(self, X: Any):
        if sp.issparse(X):
            raise ValueError(
                f"X must be dense: columns are drawn whole. Got a {type(X).__name__} "
                "instead. Pass X.toarray(), of the columns that matter if it is wide."
            )
        if hasattr(X, "to_pandas"):  # polars
            X = X.to_pandas()
        self.X = X if isinstance(X, pd.DataFrame) else np.asarray(X)
        if self.X.ndim != 2 or not all(self.X.shape):
            raise ValueError(
                "X must be a table with rows and columns. Got an array of shape "
                f"{self.X.shape} instead."
            )
        frame = pd.DataFrame(self.X).infer_objects()
        self.names, self.levels = list(frame.columns), {}
        self.codes = np.empty(frame.shape)
        for j in range(frame.shape[1]):
            column = frame.iloc[:, j]
            is_number = is_numeric_dtype(column) and not is_bool_dtype(column)
            if is_number and column.nunique() > _MOST_LEVELS:
                self.codes[:, j] = column.to_numpy(np.float64, na_value=np.nan)
            else:
                self.codes[:, j], self.levels[j] = pd.factorize(column)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def index(self) -> pd.Index:
        """The names as an index of a frame with a row per column."""
        return pd.Index(self.names, name="column", tupleize_cols=False)

    def draws(
        self,
        j: int,
        train: np.ndarray,
        test: np.ndarray,
        models: Sequence[BaseEstimator],
        n_draws: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draws of a column given all others.

        Parameters
        ----------
        j : int
            The column.
        train, test : ndarray of int
            Rows that its model is fitted on, and rows to draw.
        models : tuple of regressor and classifier
            To be cloned.
        n_draws : int
            Number of draws.
        rng : Generator
            Of the draws.

        Returns
        -------
        ndarray of shape (n_draws, n_test)
            Numbers or codes.
        """
        others = np.delete(self.codes, j, axis=1)
        if not others.shape[1]:
            others = np.zeros((len(self), 1))
        x, (regressor, classifier) = self.codes[:, j], models
        if j in self.levels:
            return _drawn(classifier, others, x, train, test, n_draws, rng)
        is_gap = np.isnan(x)
        known = train[~is_gap[train]]
        if not is_gap[test].any() and len(known) == len(train):
            return _drawn(regressor, others, x, train, test, n_draws, rng)
        # hidimstat has no numbers with gaps: first whether there is one, then which
        gaps = _drawn(classifier, others, 1.0 * is_gap, train, test, n_draws, rng)
        x = _filled(
            x, is_gap, clone(regressor).fit(others[known], x[known]), others, rng
        )
        numbers = _drawn(regressor, others, x, known, test, n_draws, rng)
        return np.where(gaps == 1, np.nan, numbers)

    def with_column(self, rows: Any, j: int, drawn: Any) -> Any:
        """Some rows of the table, with another column.

        Parameters
        ----------
        rows : {DataFrame, ndarray} of shape (n, n_features)
            Of `X`.
        j : int
            The column.
        drawn : ndarray of shape (n,)
            Numbers or codes.

        Returns
        -------
        {DataFrame, ndarray}
            A copy.
        """
        if j in self.levels:
            levels, codes = self.levels[j], drawn.astype(int)
            drawn = pd.api.extensions.take(levels, codes, allow_fill=True)
        if not isinstance(rows, pd.DataFrame):
            rows = rows.astype(np.result_type(rows, np.float32))
            rows[:, j] = drawn
            return rows
        if j in self.levels:
            drawn = pd.array(drawn, dtype=rows.dtypes.iloc[j])
        rows = rows.copy()
        rows.isetitem(j, drawn)
        return rows

    def with_constant(self, rows: Any, columns: np.ndarray) -> Any:
        """Some rows of the table, with columns that say nothing.

        Parameters
        ----------
        rows : {DataFrame, ndarray} of shape (n, n_features)
            Of `X`.
        columns : bool ndarray of shape (n_features,)
            True for those columns, which get a value that they have.

        Returns
        -------
        {DataFrame, ndarray}
            A copy.
        """
        rows = rows.copy()
        for j in np.flatnonzero(columns):
            if isinstance(rows, pd.DataFrame):
                rows.isetitem(j, rows.iloc[np.zeros(len(rows), dtype=int), j].array)
            else:
                rows[:, j] = rows[0, j]
        return rows


def _drawn(
    model: BaseEstimator,
    others: np.ndarray,
    x: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    n_draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws of a column by hidimstat."""
    from hidimstat.samplers import ConditionalSampler

    if len(np.unique(x[train])) == 1:
        return np.full((n_draws, len(test)), x[train[0]])
    kind = "categorical" if hasattr(model, "predict_proba") else "continuous"
    sampler = ConditionalSampler(clone(model), clone(model), data_type=kind)
    sampler.fit(others[train], x[train])
    drawn = sampler.sample(others[test], x[test], n_samples=n_draws, random_state=rng)
    return drawn.reshape(n_draws, len(test))


def _filled(
    x: np.ndarray,
    is_gap: np.ndarray,
    model: BaseEstimator,
    others: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Numbers without gaps: there are predictions, plus residuals of other rows."""
    predicted = model.predict(others)
    residuals = (x - predicted)[~is_gap]
    return np.where(is_gap, predicted + rng.choice(residuals, len(x)), x)


def need_hidimstat(name: str) -> None:
    """An error where hidimstat is not installed."""
    try:
        import hidimstat  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{name} needs hidimstat: pip install 'sklearn-ard[inspection]'."
        ) from error


def check_can_be_cloned(estimator: BaseEstimator, name: str) -> None:
    """Refuse an estimator that cannot be fitted again."""
    if isinstance(estimator, FrozenEstimator):
        raise ValueError(
            f"The 'estimator' parameter of {name} must not be frozen: clones of it are "
            "fitted. Got a FrozenEstimator instead. Pass its 'estimator'."
        )
