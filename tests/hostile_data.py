"""Data that users pass by mistake, and some that are good: X, y and weights.

Each is a function of ordinary data, under a name that says what it becomes.
"""

import datetime
from importlib.util import find_spec

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from hostile import INF, NAN


def _frame(X):
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])


def _with_column(make):
    """X as a data frame with another first column, made for its number of rows."""

    def frame(X):
        frame = _frame(X)
        column = pd.Series(make(len(X)))
        return frame.assign(x0=column) if X.shape[1] else frame

    return frame


def _repeated(*values, dtype=object):
    def make(n):
        return pd.Series([values[i % len(values)] for i in range(n)], dtype=dtype)

    return _with_column(make)


def _polars(*values):
    def frame(X):
        import polars as pl

        columns = {f"x{j}": X[:, j] for j in range(X.shape[1])}
        if values:
            some = [values[i % len(values)] for i in range(len(X))]
            columns["x0"] = pl.Series(some, strict=False)
        return pl.DataFrame(columns)

    return frame


def _set(value, where=np.s_[:1, :1], dtype=np.float64):
    def changed(X):
        X = np.array(X, dtype=dtype)
        if X.size:
            X[where] = value
        return X

    return changed


def _sparse(kind, change=lambda X: X):
    def matrix(X):
        return kind(change(X * (np.abs(X) > 0.7)))

    return matrix


def _named(names):
    def frame(X):
        return pd.DataFrame(X, columns=[names(j) for j in range(X.shape[1])])

    return frame


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def _unsorted(X):
    X = sp.csr_array(X)
    X.indices, X.data = X.indices[::-1].copy(), X.data[::-1].copy()
    return X


_DATE = datetime.datetime(2020, 1, 1)

X_KINDS = {
    "float64": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "float16": lambda X: X.astype(np.float16),
    "long double": lambda X: X.astype(np.longdouble),
    "big endian": lambda X: X.astype(">f8"),
    "int64": lambda X: (4 * X).astype(np.int64),
    "int8": lambda X: (4 * X).astype(np.int8),
    "large uint64": lambda X: np.uint64(2**64 - 1) - (np.abs(X)).astype(np.uint64),
    "bool": lambda X: X > 0,
    "complex": lambda X: X + 1j,
    "datetimes": lambda X: X.astype("int64").astype("datetime64[s]"),
    "timedeltas": lambda X: X.astype("int64").astype("timedelta64[s]"),
    "objects": lambda X: X.astype(object),
    "objects with None": _set(None, dtype=object),
    "objects with text": _set("a", dtype=object),
    "objects with pd.NA": _set(pd.NA, dtype=object),
    "huge integer": _set(10**400, dtype=object),
    "lists in cells": _set([1], np.s_[0, 0], dtype=object),
    "text": lambda X: np.where(X > 0, "a", "b"),
    "numbers as text": lambda X: X.astype(str),
    "bytes": lambda X: np.where(X > 0, b"a", b"b"),
    "records": lambda X: np.zeros(len(X), dtype=[("a", float), ("b", float)]),
    "masked": lambda X: np.ma.masked_greater(X, 0),
    "lists": lambda X: X.tolist(),
    "ragged lists": lambda X: [row[: 1 + i % 2] for i, row in enumerate(X.tolist())],
    "read-only": _read_only,
    "column-major": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "reversed": lambda X: X[::-1, ::-1],
    "constant": lambda X: np.ones_like(X),
    "one constant column": _set(3.0, np.s_[:, 0]),
    "zeros": lambda X: 0 * X,
    "copies of a row": lambda X: np.repeat(X[:1], len(X), axis=0),
    "huge": lambda X: 1e300 * X,
    "largest": lambda X: np.sign(X) * np.finfo(float).max,
    "over float32": lambda X: 1e39 * X,
    "tiny": lambda X: 1e-300 * X,
    "denormal": lambda X: 5e-324 * np.sign(X),
    "far from 0": lambda X: X + 1e15,
    "one outlier": _set(1e300),
    "nan": _set(NAN),
    "column of nan": _set(NAN, np.s_[:, 0]),
    "all nan": lambda X: NAN * X,
    "inf": _set(INF),
    "minus inf": _set(-INF, dtype=np.float32),
    "1-D": lambda X: X.ravel(),
    "3-D": lambda X: X[:, :, None],
    "0-D": lambda X: np.float64(1.0),
    "number": lambda X: 1.0,
    "None": lambda X: None,
    "string": lambda X: "X",
    "dict": lambda X: {"x0": X[:, :1].ravel()},
    "iterator": lambda X: iter(X.tolist()),
    "tensor": lambda X: torch.tensor(X),
    "tensor with gradient": lambda X: torch.tensor(X, requires_grad=True),
    "tensor of bfloat16": lambda X: torch.tensor(X).bfloat16(),
    "frame": _frame,
    "frame of float32": lambda X: _frame(X.astype(np.float32)),
    "Series": lambda X: pd.Series(X.ravel()[: len(X)]),
    "numbers as names": lambda X: pd.DataFrame(X),
    "mixed names": _named(lambda j: j if j else "x0"),
    "equal names": _named(lambda j: "x0"),
    "tuples as names": _named(lambda j: ("a", j)),
    "missing names": _named(lambda j: None),
    "other names": _named(lambda j: f"z{j}"),
    "category": _repeated("a", "b", dtype="category"),
    "category of numbers": _repeated(1, 2, dtype="category"),
    "category with gaps": _repeated("a", None, dtype="category"),
    "strings": _repeated("a", "b", "c"),
    "empty strings": _repeated("", " "),
    "strings and gaps": _repeated("a", None, NAN, pd.NA),
    "strings and numbers": _repeated("a", 1, 2.5),
    "numbers in objects": _repeated(1, 2.5, None),
    "truth values and gaps": _repeated(True, None, False),
    "tuples": _repeated((1, 2), (3,)),
    "a level per row": _with_column(lambda n: [f"name {i}" for i in range(n)]),
    "no values": _repeated(None),
    "Int64": _repeated(1, 2, None, dtype="Int64"),
    "Float64": _repeated(1.5, 2, None, dtype="Float64"),
    "boolean": _repeated(True, None, dtype="boolean"),
    "strings with pd.NA": _repeated("a", None, dtype="string"),
    "pyarrow numbers": _repeated(1.5, None, dtype="double[pyarrow]"),
    "pyarrow strings": _repeated("a", None, dtype="string[pyarrow]"),
    "pyarrow dates": _repeated(_DATE, None, dtype="timestamp[us][pyarrow]"),
    "sparse column": _repeated(0, 0, 1.5, dtype=pd.SparseDtype(float, 0)),
    "dates": _repeated(_DATE, dtype="datetime64[ns]"),
    "dates in objects": _repeated(_DATE),
    "durations": _repeated(_DATE - _DATE, dtype="timedelta64[ns]"),
    "periods": _with_column(lambda n: pd.period_range("2020", periods=n, freq="D")),
    "intervals": _with_column(lambda n: pd.interval_range(0, n, n)),
    "complex column": _repeated(1j, dtype=complex),
    "inf in a column": _repeated(1.0, INF, dtype=float),
    "csr": _sparse(sp.csr_array),
    "csc": _sparse(sp.csc_array),
    "coo": _sparse(sp.coo_array),
    "csr matrix": _sparse(sp.csr_matrix),
    "lil": _sparse(sp.lil_array),
    "dia": _sparse(sp.dia_array),
    "dok": _sparse(sp.dok_array),
    "csr of integers": _sparse(sp.csr_array, lambda X: X.astype(np.int64)),
    "csr of truth": _sparse(sp.csr_array, lambda X: X > 0),
    "csr of complex": _sparse(sp.csr_array, lambda X: X + 0j),
    "csr with nan": _sparse(sp.csr_array, _set(NAN)),
    "csr with inf": _sparse(sp.csr_array, _set(INF)),
    "huge csr": _sparse(sp.csr_array, lambda X: 1e300 * X),
    "unsorted csr": _unsorted,
    "empty csr": lambda X: sp.csr_array(X.shape),
}
if find_spec("polars"):
    X_KINDS |= {
        "polars": _polars(),
        "polars strings": _polars("a", "b", None),
        "polars integers": _polars(1, 2, None),
        "polars dates": _polars(_DATE, None),
        "polars lists": _polars([1], [2, 3]),
        "polars without values": _polars(None),
    }


def _text(y):
    return np.where(y > np.median(y), "yes", "no") if len(y) else y.astype(str)


Y_KINDS = {
    "numbers": lambda y: y,
    "labels": _text,
    "float32": lambda y: y.astype(np.float32),
    "float16": lambda y: y.astype(np.float16),
    "integers": lambda y: (4 * y).astype(int),
    "int8": lambda y: (4 * y).astype(np.int8),
    "uint64": lambda y: np.uint64(2**64 - 1) - (y > 0),
    "truth": lambda y: y > 0,
    "list": lambda y: y.tolist(),
    "labels in a list": lambda y: _text(y).tolist(),
    "labels in objects": lambda y: _text(y).astype(object),
    "Series": lambda y: pd.Series(y),
    "Series of categories": lambda y: pd.Series(_text(y), dtype="category"),
    "Series of strings": lambda y: pd.Series(_text(y), dtype="string"),
    "Int64": lambda y: pd.Series((4 * y).astype(int), dtype="Int64"),
    "Int64 with gaps": lambda y: pd.Series(
        [None, *[1] * len(y)][: len(y)], dtype="Int64"
    ),
    "frame": lambda y: pd.DataFrame({"y": y}),
    "column": lambda y: y[:, None],
    "two columns": lambda y: np.c_[y, -y],
    "two columns of labels": lambda y: np.c_[_text(y), _text(y)],
    "no columns": lambda y: np.empty((len(y), 0)),
    "3-D": lambda y: y[:, None, None],
    "number": lambda y: 1.0,
    "None": lambda y: None,
    "tensor": lambda y: torch.tensor(y),
    "constant": lambda y: np.ones_like(y),
    "one label": lambda y: np.full(len(y), "a"),
    "a label per row": lambda y: np.array([f"a{i}" for i in range(len(y))], dtype="U9"),
    "labels and None": lambda y: np.array([None, *_text(y)], dtype=object)[: len(y)],
    "labels and numbers": lambda y: np.array([1, *_text(y)], dtype=object)[: len(y)],
    "huge": lambda y: 1e300 * y,
    "largest": lambda y: np.sign(y) * np.finfo(float).max,
    "1e160": lambda y: 1e160 * y,
    "tiny": lambda y: 1e-300 * y,
    "1e-170": lambda y: 1e-170 * y,
    "denormal": lambda y: 5e-324 * np.sign(y),
    "far from 0": lambda y: y + 1e15,
    "positive": lambda y: np.exp(y),
    "one outlier": lambda y: np.where(np.arange(len(y)) == 0, 1e300, y),
    "nan": lambda y: np.where(np.arange(len(y)) == 0, NAN, y),
    "inf": lambda y: np.where(np.arange(len(y)) == 0, INF, y),
    "complex": lambda y: y + 1j,
    "dates": lambda y: y.astype(int).astype("datetime64[s]"),
    "sparse": lambda y: sp.csr_array(y[:, None]),
    "too short": lambda y: y[:-1],
    "too long": lambda y: np.r_[y, 0.0],
    "huge integers": lambda y: np.array(
        [10**400 * int(v > 0) for v in y], dtype=object
    ),
}

WEIGHTS = {
    "none": lambda n: None,
    "ones": np.ones,
    "zeros": np.zeros,
    "one row": lambda n: (np.arange(n) == 0) * 1.0,
    "few rows": lambda n: (np.arange(n) < 3) * 1.0,
    "integers": lambda n: np.arange(n),
    "shares": lambda n: np.full(n, 1 / max(n, 1)),
    "negative": lambda n: np.arange(n) - 1.0,
    "nan": lambda n: np.where(np.arange(n) == 0, NAN, 1.0),
    "inf": lambda n: np.where(np.arange(n) == 0, INF, 1.0),
    "1e38": lambda n: np.full(n, 1e38),
    "1e308": lambda n: np.full(n, 1e308),
    "1e11": lambda n: np.full(n, 1e10),
    "one of 1e11": lambda n: np.where(np.arange(n) == 0, 1e11, 1.0),
    "1e-200": lambda n: np.full(n, 1e-200),
    "denormal": lambda n: np.full(n, 5e-324),
    "one of 1e-300": lambda n: np.where(np.arange(n) == 0, 1e-300, 1.0),
    "too short": lambda n: np.ones(max(n - 1, 0)),
    "2-D": lambda n: np.ones((n, 1)),
    "number": lambda n: 2.0,
    "text": lambda n: np.full(n, "a"),
    "objects": lambda n: np.full(n, None),
    "truth": lambda n: np.arange(n) % 2 == 0,
    "list": lambda n: [1] * n,
    "Series": lambda n: pd.Series(np.ones(n)),
    "complex": lambda n: np.full(n, 1j),
    "float16": lambda n: np.full(n, 2, dtype=np.float16),
    "dict": lambda n: {"a": 1},
}

SHAPES = [
    *[(24, 3)] * 6,
    *((0, 3), (1, 3), (2, 3), (3, 3), (24, 0), (0, 0), (24, 1), (6, 40), (60, 3)),
]
