"""A user's table as numbers.

Input: a data frame, an array or a sparse matrix. Output: one number per column, the
code of its level where the column is a category. What is missing stays NaN.
"""

import copy
from collections.abc import Iterable

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils import check_array

from sklearn_ard._typing import Frame, Matrix
from sklearn_ard.data import frames
from sklearn_ard.data.columns import Columns
from sklearn_ard.data.levels import Levels

OF_NUMBERS = {  # options of check_array
    "accept_sparse": "csr",
    "dtype": [np.float64, np.float32],
    "ensure_all_finite": "allow-nan",
    "ensure_min_features": 0,
}
_MEND = "Convert it to numbers or strings, or drop it."
_MENDS = {
    "strings": "Name it there, or drop it.",
    "mixed types": "Make all of it strings, by X[column].astype(str), or numbers.",
}


class Reader:
    """Reads the columns of a table.

    Parameters
    ----------
    columns : Columns
        The columns of X.
    categories : int ndarray or None
        Those that are categories; None decides by the dtypes of a data frame, where
        strings, objects that are strings and categories of pandas or polars are.

    Attributes
    ----------
    levels_ : dict of int to Levels
        Those of each category.
    """

    def __init__(self, columns: Columns, categories: np.ndarray | None):
        self.columns, self.categories = columns, categories
        self.levels_: dict[int, Levels] = {}

    def fit_read(self, X: Frame | Matrix, weight: np.ndarray) -> Matrix:
        """Find the levels of the categories, and read all columns.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_columns)
            Table.
        weight : ndarray of shape (n_samples,)
            Weights of the rows.

        Returns
        -------
        {ndarray, csr_array} of shape (n_samples, n_columns)
            Of type float32 or float64.

        Raises
        ------
        ValueError
            If a column is neither numbers nor a category, or infinite; it is named.
        """
        for j in self._find_categories(X):
            values = self._level_values(X, j)
            self.levels_[j] = Levels().fit(values, weight)
        return self.read(X, np.arange(self.columns.n_columns))

    @property
    def has_categories(self) -> bool:
        """Whether any column is a category."""
        return bool(self.levels_)

    def only(self, columns: np.ndarray) -> "Reader":
        """A reader of some of the columns, without the levels of the others."""
        reader = copy.copy(self)
        reader.levels_ = {
            j: levels if j in columns else levels.emptied()
            for j, levels in self.levels_.items()
        }
        return reader

    def read(self, X: Frame | Matrix, columns: np.ndarray) -> Matrix:
        """Read some columns of a table.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_columns)
            Table.
        columns : int ndarray
            Which columns, ascending. Of a data frame no others are touched.

        Returns
        -------
        {ndarray, csr_array} of shape (n_samples, len(columns))
            Of type float32 or float64.
        """
        is_category = np.isin(columns, list(self.levels_))
        if not is_category.any():
            return self._numbers(X, columns)
        if sp.issparse(X):
            raise ValueError(
                f"X must be a data frame or an array, since {self.columns.owner} was "
                "fitted with categories. Got a sparse matrix instead. Make X dense."
            )
        numbers = columns[~is_category]
        codes = np.empty((len(X), len(columns)))
        if len(numbers):
            codes[:, ~is_category] = self._numbers(X, numbers)
        for k in np.flatnonzero(is_category):
            codes[:, k] = self._codes(X, columns[k])
        return codes

    def _find_categories(self, X: Frame | Matrix) -> Iterable[int]:
        """Indices of the columns that are categories."""
        given = self.categories
        if sp.issparse(X) and given is not None and len(given):
            raise ValueError(
                f"The 'categorical_features' parameter of {self.columns.owner} must be "
                "'from_dtype' or None for a sparse X, which holds numbers only. Got "
                f"{self.columns.name(given[0])} among them. Make X dense."
            )
        if given is not None or not frames.is_frame(X):
            return [] if given is None else given
        if frames.converts_at_once(X):
            return []
        kinds = (
            frames.kind_of(frames.column(X, j)) for j in range(self.columns.n_columns)
        )
        return [j for j, kind in enumerate(kinds) if kind == "category"]

    def _level_values(self, X: Frame | Matrix, j: int) -> np.ndarray:
        """The values of a category, as numbers or strings."""
        try:
            if frames.is_frame(X):
                values = frames.levels_of(frames.column(X, j))
            else:
                values = frames.uniform(X[:, j])
        except TypeError as error:
            raise ValueError(
                f"The levels of a category must be numbers or strings. {self.name(j)} "
                f"of X holds {error}. Convert it, for instance by "
                "X[column].astype(str), or drop it."
            ) from error
        if values.dtype.kind == "f" and np.isinf(values).any():
            raise ValueError(
                f"{self.name(j)} of X contains infinity, which is no level of a "
                "category. Convert it to NaN, which means that it is missing."
            )
        return values

    def _codes(self, X: Frame | Matrix, j: int) -> np.ndarray:
        """Codes of the levels of a category."""
        values, levels = self._level_values(X, j), self.levels_[j]
        are_numbers = values.dtype.kind == "f"
        if are_numbers != levels.are_numbers:
            if _all_missing(values):
                return np.full(len(values), levels.missing_code_)
            was, is_now = ("numbers", "strings")[:: 1 if levels.are_numbers else -1]
            raise ValueError(
                f"{self.name(j)} of X is a category whose levels were {was} in fit. "
                f"Got {is_now} instead. Convert it to what it was."
            )
        return levels.codes(values)

    def _numbers(self, X: Frame | Matrix, columns: np.ndarray) -> Matrix:
        """Columns that are numbers."""
        if not frames.is_frame(X):
            part = X[:, columns] if len(columns) < X.shape[1] else X
        elif frames.converts_at_once(part := frames.columns(X, columns)):
            pass
        else:
            part = np.empty((len(X), len(columns)))
            for k, j in enumerate(columns):
                part[:, k] = self._number_values(X, j)
        try:
            return check_array(part, input_name="X", **OF_NUMBERS)
        except ValueError as error:
            name_strings(error, part, self.columns.owner, columns)
            raise

    def _number_values(self, X: Frame | Matrix, j: int) -> np.ndarray:
        series = frames.column(X, j)
        kind = frames.kind_of(series)
        if kind == "category":
            values = frames.levels_of(series)
            if values.dtype.kind == "f":
                return values
            kind = "strings"
        elif kind == "number":
            return frames.numbers_of(series)
        raise ValueError(
            f"{self.name(j)} of X must hold numbers, or be a category by "
            f"'categorical_features' when {self.columns.owner} is fitted. Got {kind} "
            f"instead. {_MENDS.get(kind, _MEND)}"
        )

    def name(self, j: int) -> str:
        """What to call a column at the start of a message."""
        name = self.columns.name(j)
        return name[0].upper() + name[1:]


def _all_missing(values: np.ndarray) -> bool:
    return bool(pd.isna(values).all())


def name_strings(
    error: ValueError, X: Frame | Matrix, owner: str, columns: np.ndarray | None = None
) -> None:
    """Raise an error that names the column, where an array holds strings.

    Parameters
    ----------
    error : ValueError
        That of the conversion to numbers.
    X : array-like of shape (n_samples, n_columns)
        What was converted.
    owner : str
        Class name for the message.
    columns : int ndarray of shape (n_columns,), optional
        Indices of the columns.
    """
    if "could not convert string to float" not in str(error):
        return
    for k, values in enumerate(np.asarray(X, dtype=object).T):
        if any(isinstance(value, str) for value in values):
            raise ValueError(
                f"{error}. Column {k if columns is None else columns[k]} of X holds "
                f"strings: name it in the 'categorical_features' parameter of {owner}, "
                "or pass a data frame with its dtypes."
            ) from error
