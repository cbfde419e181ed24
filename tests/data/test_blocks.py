import math

import numpy as np
import pandas as pd
import pytest

from sklearn_ard.data.blocks import Blocks, Groups
from sklearn_ard.data.columns import Columns
from sklearn_ard.data.encoding import Encoding

NAMES = np.array(list("abcde"), dtype=object)
COLUMNS = Columns(5, NAMES, "ARDRegressor")


def groups(*args, **kwargs):
    return Groups.of(COLUMNS, *args, **kwargs)


def test_without_groups_every_column_is_a_block():
    found = groups()
    assert found.of_column.tolist() == [0, 1, 2, 3, 4] and len(found) == 5
    assert found.names.tolist() == list("abcde")
    assert not found.required.any()
    np.testing.assert_allclose(found.costs, math.log(5))


@pytest.mark.parametrize(
    "given", [[["d", "b"]], [[3, 1]], ({1, 3},), [[False, True, False, True, False]]]
)
def test_blocks_are_in_the_order_of_their_first_columns(given):
    found = groups(given)
    assert found.of_column.tolist() == [0, 1, 2, 1, 3]
    assert found.names.tolist() == ["a", "b, d", "c", "e"]
    np.testing.assert_allclose(found.costs, math.log(4))  # of four things


def test_groups_with_names():
    found = groups({"last": ["e", "d"], "first": [0, 1]})
    assert found.of_column.tolist() == [0, 0, 1, 2, 2]
    assert found.names.tolist() == ["first", "c", "last"]


def test_channels_are_groups_that_cost_as_pixels_do():
    found = Groups.of(Columns(12, None, "ARDRegressor"), 3)
    assert found.of_column.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert found.names.tolist() == ["channel 0", "channel 1", "channel 2"]
    np.testing.assert_allclose(found.costs, math.log(12))


AUTO = math.log(3)


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ("auto", [AUTO, AUTO, AUTO]),
        (2.5, [2.5, 2.5, 2.5]),
        (0, [0, 0, 0]),
        ([1, 2, 3, 4, 5], [8, 2, 5]),  # groups cost what their columns cost
        (np.arange(1, 6), [8, 2, 5]),
        (pd.Series(range(1, 6)), [8, 2, 5]),
        ({}, [AUTO, AUTO, AUTO]),
        ({"b": 7}, [AUTO, 7, AUTO]),
        ({1: 7}, [AUTO, 7, AUTO]),
        ({"g": 7, 4: 0}, [7, AUTO, 0]),
        ({"a": 1, "d": 2}, [3, AUTO, AUTO]),
        ({"a": 0.0}, [0, AUTO, AUTO]),
    ],
    ids=str,
)
def test_costs(cost, expected):
    found = groups({"g": ["a", "c", "d"]}, cost)
    np.testing.assert_allclose(found.costs, expected)


def test_a_group_is_required_with_any_of_its_columns():
    given = [["a", "c"]]
    assert groups(given, required=["c"]).required.tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert groups(given, required="b").required.tolist() == [False, True, False, False]
    assert not groups(given, required=[]).required.any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([["a", "b"], ["b"]], "every column at most once. Got column 'b' twice"),
        ({"g": [0, 1], "h": [1]}, "every column at most once. Got column 'b' twice"),
        ([["a", "z"]], "names of columns of X. Got 'z', that X does not have"),
        ([[0, 5]], "indices from 0 to 4. Got 5"),
        ([[]], r"lists of at least one column. Got \[\]"),
        (["a"], "lists of names or indices. Got 'a'"),
        ({"g": 1}, "lists of names or indices. Got 1"),
        ([None], "be a list of names or indices of columns.*Got None"),
    ],
)
def test_bad_groups(given, message):
    with pytest.raises(ValueError, match="'feature_groups' parameter.*" + message):
        groups(given)


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ([1, 2], "one price for each of the 5 columns of X. Got 2"),
        ([], "one price for each of the 5 columns of X. Got 0"),
        ([1, 2, 3, 4, -1], "finite numbers, none negative. Got -1"),
        ([1, 2, 3, 4, np.nan], "finite numbers, none negative. Got nan"),
        ({"a": np.inf}, "finite numbers, none negative. Got inf"),
        ({"a": "1"}, "finite numbers, none negative. Got '1'"),
        ({"a": True}, "finite numbers, none negative. Got True"),
        ({"z": 1}, "names of columns of X. Got 'z', that X does not have"),
        ({7: 1}, "indices from 0 to 4. Got 7"),
        ({("a", "b"): 1}, r"map names of columns.*Got the key \('a', 'b'\)"),
        ({1.0: 1}, "map names of columns.*Got the key 1.0"),
    ],
)
def test_bad_costs(cost, message):
    with pytest.raises(ValueError, match="'feature_cost' parameter.*" + message):
        groups(None, cost)


def test_sums_over_columns():
    found = groups([["a", "e"], ["b", "c"]])
    values = np.array([[1, 2, 3, 4, 5], [10, 20, 30, 40, 50]])
    assert found.total(values).tolist() == [[6, 5, 4], [60, 50, 40]]


def test_inputs_of_blocks():
    column = np.array([0, 1, 1, 2, 3, 3, 4])
    encoding = Encoding.unbounded(column, np.zeros(7, dtype=int))
    blocks = Blocks.of_inputs(groups([["a", "d"]], required=["c"]), encoding)
    assert blocks.of_input.tolist() == [0, 1, 1, 2, 0, 0, 3]
    inputs = np.array([0, 0, 1, 0, 0, 1, 0], dtype=bool)
    assert blocks.having(inputs).tolist() == [True, True, False, False]
    assert blocks.support(inputs).tolist() == [True, True, True, True, False]
    assert blocks.opened(inputs).tolist() == [0, 0, 1, 1, 0, 1, 0]
    values = np.array([1.0, 2, 5, 3, 9, 4, -1])
    assert blocks.largest(values).tolist() == [9, 5, 3, 0]
