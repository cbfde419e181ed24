import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from sklearn_ard.data import frames

DATES = pd.date_range("2020", periods=2)
KINDS = {  # the values of a column, and what they are
    "int": (np.array([1, 2], dtype=np.int8), "number"),
    "float": ([1.5, np.nan], "number"),
    "bool": ([True, False], "number"),
    "Int64": (pd.array([1, pd.NA], dtype="Int64"), "number"),
    "Float64": (pd.array([1, pd.NA], dtype="Float64"), "number"),
    "boolean": (pd.array([True, pd.NA], dtype="boolean"), "number"),
    "sparse": (pd.arrays.SparseArray([0.0, 2.0]), "number"),
    "object of numbers": (np.array([1, 2.5], dtype=object), "number"),
    "object of numbers and gaps": (np.array([1, None], dtype=object), "number"),
    "object of bool": (np.array([True, None], dtype=object), "number"),
    "object of gaps": (np.array([None, np.nan], dtype=object), "number"),
    "decimal": (np.array([Decimal("1.5"), None]), "number"),
    "object of strings": (np.array(["a", None], dtype=object), "category"),
    "str": (pd.Series(["a", "b"]), "category"),
    "string": (pd.array(["a", pd.NA], dtype="string"), "category"),
    "category": (pd.Categorical(["a", None]), "category"),
    "category of numbers": (pd.Categorical([1, 2]), "category"),
    "mixed": (np.array([1, "a"], dtype=object), "mixed types"),
    "category of mixed": (pd.Categorical([1, "a"]), "mixed types"),
    "complex": ([1j, 2], "complex numbers"),
    "datetime": (DATES, "dtype datetime64"),
    "timedelta": (DATES - DATES[0], "dtype timedelta64"),
    "category of dates": (pd.Categorical(DATES), "objects (datetime64)"),
    "object of dates": (np.array([datetime.date(2020, 1, 1)] * 2), "objects (date)"),
    "lists": (pd.Series([[1], [2, 3]]), "objects (mixed)"),
    "intervals": (pd.cut([1.0, 2.0], 2), "objects (interval)"),
}


@pytest.mark.parametrize("name", KINDS)
def test_kind_of_a_column_of_pandas(name):
    values, kind = KINDS[name]
    found = frames.kind_of(pd.Series(values))
    assert found.startswith(kind) and (found == kind or kind.startswith("dtype"))


def test_kind_of_a_column_of_arrow():
    pa = pytest.importorskip("pyarrow")
    kinds = {
        "number": [pa.int32(), pa.float32(), pa.bool_(), pa.decimal128(5, 2)],
        "category": [pa.string(), pa.large_string()],
        "dtype": [pa.timestamp("ns"), pa.list_(pa.int64())],
    }
    kinds["category"].append(pa.dictionary(pa.int32(), pa.string()))
    for kind, arrow_types in kinds.items():
        for arrow_type in arrow_types:
            series = pd.Series([None, None], dtype=pd.ArrowDtype(arrow_type))
            assert frames.kind_of(series).startswith(kind), arrow_type


def test_kind_of_a_column_of_polars():
    pl = pytest.importorskip("polars")
    kinds = {
        "number": [pl.Int8, pl.UInt64, pl.Float32, pl.Boolean, pl.Null, pl.Decimal],
        "category": [pl.String, pl.Categorical, pl.Enum(["a"])],
        "dtype": [pl.Date, pl.List(pl.Int8), pl.Struct({"a": pl.Int8}), pl.Object],
    }
    for kind, dtypes in kinds.items():
        for dtype in dtypes:
            series = pl.Series([None, None], dtype=dtype)
            assert frames.kind_of(series).startswith(kind), dtype


@pytest.mark.parametrize(
    "values",
    [
        pd.array([3, pd.NA], dtype="Int64"),
        pd.array([3, pd.NA], dtype="Float64"),
        pd.Categorical([3, None]),
        pd.arrays.SparseArray([3.0, np.nan]),
        np.array([3, None], dtype=object),
        np.array([Decimal(3), pd.NA]),
        np.array([3, np.nan], dtype=np.float32),
    ],
    ids=lambda values: str(values.dtype),
)
def test_numbers_are_float64_with_nan_for_gaps(values):
    numbers = frames.numbers_of(pd.Series(values))
    assert type(numbers) is np.ndarray and numbers.dtype == np.float64
    np.testing.assert_array_equal(numbers, [3, np.nan])


def test_numbers_of_arrow_and_polars():
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    of_arrow = pd.ArrowDtype(pa.decimal128(5, 2))
    columns = [
        pd.Series([3, None], dtype="int64[pyarrow]"),
        pd.Series([Decimal(3), None], dtype=of_arrow),
        pl.Series([3, None]),
        pl.Series([Decimal(3), None]),
        pl.Series([3.0, float("nan")]),
    ]
    for column in columns:
        numbers = frames.numbers_of(column)
        assert numbers.dtype == np.float64
        np.testing.assert_array_equal(numbers, [3, np.nan])
    for column in (
        pd.Series([True, None], dtype="bool[pyarrow]"),
        pl.Series([True, None]),
    ):
        np.testing.assert_array_equal(frames.numbers_of(column), [1, np.nan])


def strings():
    return [
        pd.Series(["b", None]),
        pd.Series(["b", pd.NA], dtype="string"),
        pd.Series(["b", None], dtype=object),
        pd.Series(["b", None], dtype="category"),
    ]


def test_levels_of_strings_are_objects_with_nan():
    pl = pytest.importorskip("polars")
    of_polars = [pl.Series(["b", None], dtype=d) for d in (pl.String, pl.Categorical)]
    for series in strings() + of_polars:
        levels = frames.levels_of(series)
        assert levels.dtype == object and levels[0] == "b", series.dtype
        assert type(levels[0]) is str
        assert isinstance(levels[1], float) and np.isnan(levels[1])


@pytest.mark.parametrize("dtype", ["category", "Int64", "Float64", object, float])
def test_levels_that_are_numbers_are_float64(dtype):
    levels = frames.levels_of(pd.Series([3, None], dtype=dtype))
    assert levels.dtype == np.float64
    np.testing.assert_array_equal(levels, [3, np.nan])


def test_uniform_is_the_same_for_every_dtype_of_equal_levels():
    for values in ([1, 2], [1.0, 2.0], np.array([1, 2], dtype=object), [1, np.int8(2)]):
        levels = frames.uniform(np.array(values))
        assert levels.dtype == np.float64 and levels.tolist() == [1, 2]
    exact = 2**40 + 1
    assert frames.uniform(np.array([exact, None], dtype=object))[0] == exact
    for values in (np.array(["a", "b"]), np.array(["a", "b"], dtype=object)):
        levels = frames.uniform(values)
        assert levels.dtype == object and levels.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([1, "a"], "mixed types"),
        ([datetime.date(2020, 1, 1)], r"objects \(date\)"),
        ([b"a"], r"objects \(bytes\)"),
    ],
)
def test_uniform_says_what_is_no_level(values, what):
    with pytest.raises(TypeError, match=what):
        frames.uniform(np.array(values, dtype=object))


def test_frames_and_what_is_none():
    pl = pytest.importorskip("polars")
    a = pd.DataFrame({"a": [1]})
    assert frames.is_frame(a) and frames.is_frame(pl.DataFrame({"a": [1]}))
    others = [a["a"], a.to_numpy(), [[1]], csr_array([[1]]), pl.Series([1])]
    assert not any(map(frames.is_frame, [*others, pl.LazyFrame({"a": [1]})]))


def test_columns_are_found_by_position():
    pl = pytest.importorskip("polars")
    data = {"a": [1, 2], "b": [3, 4], "c": [5, 6]}
    for X in (pd.DataFrame(data, index=[7, 7]), pl.DataFrame(data)):
        assert list(frames.column(X, 1)) == [3, 4]
        assert frames.columns(X, np.array([0, 2])).to_numpy().tolist() == [
            [1, 5],
            [2, 6],
        ]


def test_only_plain_numbers_convert_at_once():
    numbers = pd.DataFrame({"a": [1], "b": [1.5], "c": [True]})
    assert frames.converts_at_once(numbers)
    sparse = pd.arrays.SparseArray([0.0, 2.0], fill_value=0)
    assert frames.converts_at_once(pd.DataFrame({"a": sparse}))
    for other in ("x", pd.array([1], dtype="Int64"), pd.Categorical([1]), DATES[:1]):
        assert not frames.converts_at_once(numbers.assign(d=other))
    assert not frames.converts_at_once(numbers.iloc[:, :0])
