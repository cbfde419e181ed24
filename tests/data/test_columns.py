import numpy as np
import pandas as pd
import pytest

from sklearn_ard.data.columns import Columns

NAMES = np.array(["a", "b", "c"], dtype=object)
NAMED, NAMELESS = Columns(3, NAMES, "ARDRegressor"), Columns(3, None, "ARDRegressor")


@pytest.mark.parametrize(
    "given",
    [
        ["c", "a"],
        [2, 0],
        [2, "a", 0],  # twice
        [True, False, True],
        np.array([True, False, True]),
        np.array([2, 0], dtype=np.uint8),
        pd.Index(["a", "c"]),
        {"c", "a"},
    ],
)
def test_names_indices_and_masks_are_ascending_indices(given):
    assert NAMED.indices(given, "p").tolist() == [0, 2]


def test_one_name_index_or_none_at_all():
    assert NAMED.indices("b", "p").tolist() == [1]
    assert NAMED.indices(np.int64(1), "p").tolist() == [1]
    nothing = NAMED.indices([], "p")
    assert nothing.shape == (0,) and nothing.dtype.kind == "i"
    assert not len(NAMED.indices([False] * 3, "p"))


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        (NAMED, ["a", "d"], "hold names of columns of X. Got 'd', that X does not"),
        (NAMELESS, ["a"], r"hold indices or a mask where X has no names. Got \['a'\]"),
        (NAMED, [3], "hold indices from 0 to 2. Got 3"),
        (NAMED, [-1], "hold indices from 0 to 2. Got -1"),
        (NAMED, [True, False], "have one entry for each of the 3 col.*mask. Got 2"),
        (NAMED, [True, False, 1], "be a list of names or indices of columns, or a ma"),
        (NAMED, [1.0], r"be a list of names or indices.*Got \[1.0\]"),
        (NAMED, [[0, 1]], r"be a list of names or indices.*Got \[\[0, 1\]\]"),
        (NAMED, [None], r"be a list of names or indices.*Got \[None\]"),
        (NAMED, None, "be a list of names or indices.*Got None"),
        (NAMED, 1.5, "be a list of names or indices.*Got 1.5"),
    ],
)
def test_errors_name_the_parameter(columns, given, message):
    with pytest.raises(
        ValueError, match="'p' parameter of ARDRegressor must " + message
    ):
        columns.indices(given, "p")


def test_names_for_messages_and_labels():
    assert NAMED.name(1) == "column 'b'" and NAMELESS.name(1) == "column 1"
    assert NAMED.labels is NAMES
    assert NAMELESS.labels.tolist() == ["x0", "x1", "x2"]
