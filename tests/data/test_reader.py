import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sklearn_ard.data.columns import Columns
from sklearn_ard.data.reader import Reader

NAN = np.nan


def table(n=30):
    """Columns of numbers and of categories, in turn, and their numbers and codes."""
    j = np.arange(n)
    frame = pd.DataFrame(
        {
            "float": np.where(j % 3 == 0, NAN, j * 0.5),
            "str": np.array(["b", "a", None], dtype=object)[j % 3],
            "int": pd.array(np.where(j % 3 == 1, None, j), dtype="Int64"),
            "category": pd.Categorical(j % 2 + 5),
            "bool": j % 2 == 0,
        }
    )
    codes = np.column_stack(
        [
            np.where(j % 3 == 0, NAN, j * 0.5),
            np.array([1, 0, 2])[j % 3],
            np.where(j % 3 == 1, NAN, j),
            j % 2,
            j % 2 == 0,
        ]
    )
    return frame, codes


def reader_of(X, categories=None):
    names = np.array(X.columns, dtype=object) if hasattr(X, "columns") else None
    return Reader(Columns(X.shape[1], names, "ARDRegressor"), categories)


def read(X, categories=None):
    return reader_of(X, categories).fit_read(X, np.ones(X.shape[0]))


def test_a_frame_becomes_numbers_and_codes():
    frame, codes = table()
    np.testing.assert_array_equal(read(frame), codes)
    reader = reader_of(frame)
    reader.fit_read(frame, np.ones(30))
    assert sorted(reader.levels_) == [1, 3]


@pytest.mark.parametrize("columns", [[0, 2], [1, 3], [1, 2, 4], [], [0, 1, 2, 3, 4]])
def test_some_columns_of_some_rows(columns):
    frame, codes = table()
    reader = reader_of(frame)
    reader.fit_read(frame, np.ones(30))
    part = reader.read(frame[:7], np.array(columns, dtype=int))
    np.testing.assert_array_equal(part, codes[:7, columns])


def test_other_columns_are_not_touched():
    frame, codes = table()
    reader = reader_of(frame)
    reader.fit_read(frame, np.ones(30))
    garbage = {"float": [{}] * 30, "category": pd.Timestamp("2020"), "bool": "junk"}
    part = reader.read(frame.assign(**garbage), np.array([1, 2]))
    np.testing.assert_array_equal(part, codes[:, [1, 2]])


def test_arrays_of_objects_are_read_as_frames_are():
    frame, codes = table()
    values = np.array(frame.astype(object).to_numpy(na_value=NAN), dtype=object)
    np.testing.assert_array_equal(read(values, np.array([1, 3])), codes)
    pl = pytest.importorskip("polars")
    rows = [[None if value != value else value for value in row] for row in values]
    polars = pl.DataFrame(rows, schema=list(frame), orient="row")
    np.testing.assert_array_equal(read(polars, np.array([1, 3])), codes)


def test_numbers_are_not_copied():
    X = np.random.default_rng(0).normal(size=(20, 3))
    assert read(X) is X
    assert read(X.astype(np.float32)).dtype == np.float32
    assert sp.issparse(read(sp.csr_array(X)))


def test_the_parameter_decides_over_dtypes():
    frame = table()[0][["float", "category"]].fillna({"float": 0})
    reader = reader_of(frame, np.array([0]))
    X = reader.fit_read(frame, np.ones(30))
    assert list(reader.levels_) == [0]
    np.testing.assert_array_equal(X[:, 1], np.arange(30) % 2 + 5)


def test_levels_are_those_of_their_training():
    frame, _ = table()
    reader = reader_of(frame)
    reader.fit_read(frame, np.ones(30))
    more = frame[:4].assign(str=["new", None, "b", "a"], category=[6, 7, 5, None])
    X = reader.read(more, np.array([1, 3]))
    assert X.tolist() == [[-1, 1], [2, -1], [1, 0], [0, -1]]


def test_a_category_that_is_missing_altogether_is_neither_string_nor_number():
    frame, _ = table()
    reader = reader_of(frame)
    reader.fit_read(frame, np.ones(30))
    nothing = frame.assign(str=NAN, category=np.full(30, None, dtype=object))
    X = reader.read(nothing, np.array([1, 3]))
    assert (X == [2, -1]).all()  # only strings had gaps


BAD = {
    "strings": (["a"] * 29 + ["b"], "Column 'c' of X must hold numbers.*Got strings"),
    "dates": (pd.date_range("2020", periods=30), "'c' of X must.*Got dtype datetime64"),
    "mixed": (np.array([1, "a"] * 15, dtype=object), "Got mixed types.*astype.str"),
    "lists": ([[1]] * 30, r"'c' of X .*Got objects \(mixed\).*Convert it to numbers"),
    "infinite": ([np.inf] * 30, "Input X contains infinity"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_number_is_named(name):
    values, message = BAD[name]
    frame = pd.DataFrame({"a": np.arange(30.0), "c": values})
    with pytest.raises(ValueError, match=message):
        read(frame, np.array([], dtype=int))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.date_range("2020", periods=30), "Column 'c' of X holds objects .datetime"),
        (np.array([1, "a"] * 15, dtype=object), "Column 'c' of X holds mixed types"),
        ([np.inf] * 30, "Column 'c' of X contains infinity"),
    ],
)
def test_what_is_no_level_is_named(values, message):
    frame = pd.DataFrame({"a": np.arange(30.0), "c": values})
    with pytest.raises(ValueError, match=message):
        read(frame, np.array([1]))


def test_levels_of_another_kind_are_named():
    frame, _ = table()
    reader = reader_of(frame)
    reader.fit_read(frame, np.ones(30))
    with pytest.raises(ValueError, match="'str' .* strings in fit. Got numbers"):
        reader.read(frame.assign(str=1), np.array([1]))
    with pytest.raises(ValueError, match="'category' .* numbers in fit. Got strings"):
        reader.read(frame.assign(category="5"), np.array([3]))


def test_sparse_matrices_have_no_categories():
    X = sp.csr_array(np.ones((30, 2)))
    with pytest.raises(ValueError, match="'categorical_features'.*Make X dense"):
        read(X, np.array([1]))
    dense = np.array([["a", 1.0]] * 30, dtype=object)
    reader = reader_of(dense, np.array([0]))
    reader.fit_read(dense, np.ones(30))
    with pytest.raises(ValueError, match="Got a sparse matrix.*Make X dense"):
        reader.read(X, np.array([0, 1]))
