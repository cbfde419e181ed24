import numpy as np
import pytest

from sklearn_ard.data.levels import MAX_LEVELS, MIN_ROWS, UNKNOWN, Levels


def column(**rows):
    """Strings, each in so many rows; "nan" is a gap."""
    values = np.repeat(np.array(list(rows), dtype=object), list(rows.values()))
    values[values == "nan"] = np.nan
    return values


def fit(values, weight=None):
    return Levels().fit(values, np.ones(len(values)) if weight is None else weight)


def codes(levels, *values):
    return levels.codes(np.array(values, dtype=object)).tolist()


def test_codes_are_of_frequent_levels_then_infrequent_ones_then_gaps():
    levels = fit(column(d=10, b=11, c=9, a=4, nan=10))
    assert codes(levels, "b", "d", "c", "a", np.nan, "new") == [0, 1, 2, 2, 3, UNKNOWN]
    assert levels.n_codes_ == 4
    assert levels.known_.tolist() == ["a", "b", "c", "d"]
    assert not levels.are_numbers and not levels.are_rare_


@pytest.mark.parametrize(
    ("rows", "of_rare", "of_gap"),
    [
        ({"b": 9, "nan": 9}, UNKNOWN, UNKNOWN),
        ({"b": 9, "nan": 10}, UNKNOWN, 1),
        ({"b": 9, "c": 1, "nan": 9}, 1, UNKNOWN),
        ({"b": 9, "c": 1, "nan": 10}, 1, 2),
    ],
    ids=str,
)
def test_few_rows_have_no_code(rows, of_rare, of_gap):
    levels = fit(column(a=MIN_ROWS, **rows))
    assert codes(levels, "a", "b", np.nan) == [0, of_rare, of_gap]
    assert levels.n_codes_ == 1 + (of_rare != UNKNOWN) + (of_gap != UNKNOWN)


def test_numbers_are_sorted_as_numbers():
    levels = fit(np.repeat([10.0, 9.0, np.nan], 10))
    assert levels.are_numbers
    assert levels.codes(np.array([9.0, 10.0, np.nan, 8.0])).tolist() == [
        0,
        1,
        2,
        UNKNOWN,
    ]


def test_weights_are_copies():
    values = column(a=3, b=3, c=2, nan=2)
    weight = np.array([4.0, 4, 4, 3, 3, 3, 5, 6, 0, 9])
    expected = fit(np.repeat(values, weight.astype(int)))
    found = fit(values, weight)
    assert found.codes_.tolist() == expected.codes_.tolist() == [0, UNKNOWN, 1]
    assert found.missing_code_ == expected.missing_code_ == UNKNOWN
    assert found.n_codes_ == 2


def test_a_level_without_weight_is_as_one_that_is_not_there():
    weight = np.repeat([1.0, 0, 1, 1], [10, 20, 5, 5])
    levels = fit(column(a=10, b=20, c=5, d=5), weight)
    assert codes(levels, "a", "b", "c", "d", "e") == [0, UNKNOWN, 1, 1, UNKNOWN]


def test_of_very_many_levels_those_of_most_rows_have_codes():
    n = MAX_LEVELS + 10
    rows = np.full(n, 10)
    rows[5:] += 1  # the first five are the rarest
    values = np.repeat(np.arange(n) * 1.0, rows)
    levels = fit(values)
    merged = np.flatnonzero(levels.codes_ == MAX_LEVELS)
    assert merged.tolist() == [0, 1, 2, 3, 4, n - 5, n - 4, n - 3, n - 2, n - 1]
    assert levels.n_codes_ == MAX_LEVELS + 1
    assert sorted(levels.codes_)[:MAX_LEVELS] == list(range(MAX_LEVELS))


@pytest.mark.parametrize(
    ("rows", "n_codes", "are_rare"),
    [
        ({"a": 10}, 1, False),
        ({"a": 10, "b": 9}, 1, False),
        ({"a": 9}, 0, True),
        ({"a": 9, "b": 9}, 1, True),
        ({"a": 9, "b": 9, "nan": 9}, 1, True),
        ({"a": 9, "b": 9, "nan": 10}, 2, False),  # an indicator of gaps
        ({"nan": 30}, 1, False),
    ],
    ids=str,
)
def test_whether_no_level_is_frequent(rows, n_codes, are_rare):
    levels = fit(column(**rows))
    assert levels.n_codes_ == n_codes and levels.are_rare_ == are_rare


def test_order_of_rows_does_not_matter():
    values = column(a=12, b=8, c=8, nan=11)
    shuffled = np.random.default_rng(0).permutation(values)
    first, second = fit(values), fit(shuffled)
    assert first.codes_.tolist() == second.codes_.tolist()
    assert first.known_.tolist() == second.known_.tolist()
