"""Columns of data frames, of pandas or polars, as numbers or as levels.

Input: a data frame from the user. Output: which columns are numbers and which are
categories, and their values as arrays, with NaN for what is missing.
"""

import importlib
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from sklearn_ard._typing import Frame, Series

_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"}
MIXED = "mixed types"


def is_frame(X: object) -> bool:
    """Whether X is a data frame of pandas or polars."""
    return is_pandas(X) or _is_of_polars(X) and hasattr(X, "get_columns")


def is_pandas(X: object) -> bool:
    """Whether X is a data frame of pandas."""
    return hasattr(X, "iloc") and getattr(X, "ndim", 0) == 2


def _is_of_polars(X: object) -> bool:
    return type(X).__module__.split(".")[0] == "polars"


def column(X: Frame, j: int) -> Series:
    """Column number `j` of a data frame, as a series."""
    return X.iloc[:, j] if is_pandas(X) else X.to_series(j)


def columns(X: Frame, indices: np.ndarray) -> Frame:
    """Some columns of a data frame, as a data frame."""
    return X.iloc[:, indices] if is_pandas(X) else X[:, list(map(int, indices))]


def names_of(table: Any) -> list[str] | None:
    """Names of the columns of a data frame, if they are distinct strings, or None."""
    names = list(table.columns) if is_frame(table) else []
    are_names = all(isinstance(name, str) for name in names)
    return names if names and are_names and len(set(names)) == len(names) else None


def converts_at_once(X: Frame) -> bool:
    """Whether numpy makes numbers of a data frame without a look at each column."""
    if not is_pandas(X) or not len(X.columns):
        return False
    dtypes = set(X.dtypes)
    all_sparse = all(
        isinstance(dtype, pd.SparseDtype) and dtype.fill_value == 0 for dtype in dtypes
    )
    return all_sparse or all(
        isinstance(dtype, np.dtype) and dtype.kind in "fiub" for dtype in dtypes
    )


def to_array(X: Frame) -> np.ndarray:
    """A data frame as ndarray: of numbers, or of objects where there are others."""
    if converts_at_once(X):
        return X.to_numpy()
    parts = [column(X, j) for j in range(X.shape[1])]
    if all(kind_of(part) == "number" for part in parts):
        return np.column_stack([numbers_of(part) for part in parts])
    values = np.empty(X.shape, dtype=object)
    for j, part in enumerate(parts):
        values[:, j] = part.to_list()
    return values


def to_frame(X: Frame, library: str) -> Frame:
    """A data frame of "pandas" or "polars" with the columns of one of the other."""
    columns: dict[str, Any] = {}
    for j, name in enumerate(X.columns):
        part = column(X, j)
        if kind_of(part) == "number":
            columns[name] = numbers_of(part)
        else:
            values = part.to_list()
            columns[name] = [None if pd.isna(value) else value for value in values]
    return importlib.import_module(library).DataFrame(columns)


def kind_of(series: Series) -> str:
    """What a column holds, by its dtype; of objects, by what they are.

    Parameters
    ----------
    series : Series
        Of pandas or polars.

    Returns
    -------
    str
        "number" (bool is one), "category" (of numbers or strings), or another word for
        what is neither.
    """
    dtype = series.dtype
    if _is_of_polars(series):
        return _kind_in_polars(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        kind = _kind_of_objects(dtype.categories)
        return "category" if kind in ("number", "category") else kind
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    if types.is_complex_dtype(dtype):
        return "complex numbers"
    if types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype):
        return "number"
    if types.is_object_dtype(dtype):
        return _kind_of_objects(series)
    is_category = types.is_string_dtype(dtype) or str(dtype).startswith("dictionary<")
    return "category" if is_category else f"dtype {dtype}"


def _kind_in_polars(dtype: Any) -> str:
    if dtype.is_numeric() or str(dtype) in ("Boolean", "Null"):
        return "number"
    name = str(dtype).split("(")[0]
    categories = ("String", "Categorical", "Enum")
    return "category" if name in categories else f"dtype {dtype}"


def _kind_of_objects(values: Any) -> str:
    kind = types.infer_dtype(values, skipna=True)
    if kind in _NUMBERS:
        return "number"
    return {"string": "category", "mixed-integer": MIXED}.get(kind, f"objects ({kind})")


def numbers_of(series: Series) -> np.ndarray:
    """A column of numbers as ndarray of type float64."""
    if _is_of_polars(series):
        return series.cast(float).to_numpy()
    if isinstance(series.dtype, pd.SparseDtype):
        series = series.sparse.to_dense()
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def levels_of(series: Series) -> np.ndarray:
    """A column of categories: numbers as float64, strings as objects."""
    if _is_of_polars(series):
        if series.dtype.is_numeric() or str(series.dtype) == "Boolean":
            return numbers_of(series)
        return uniform(np.array(series.to_list(), dtype=object))
    return uniform(series.astype(object).to_numpy(dtype=object))


def uniform(values: np.ndarray) -> np.ndarray:
    """Levels as an array of numbers or of strings, with NaN for what is missing.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Of any dtype.

    Returns
    -------
    ndarray of shape (n,)
        Numbers as float64, strings as objects.

    Raises
    ------
    TypeError
        If they are neither, or both; its message says what they are.
    """
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    values = values.astype(object)
    kind = _kind_of_objects(values)
    missing = pd.isna(values)
    if kind == "number":
        numbers = np.full(len(values), np.nan)
        numbers[~missing] = values[~missing].astype(np.float64)
        return numbers
    if kind != "category":
        raise TypeError(kind)
    return np.where(missing, np.nan, values)
