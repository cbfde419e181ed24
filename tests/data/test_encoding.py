import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_ard.data.encoding import BIN, GAP, VALUE, Encoding

NAN = np.nan


def codes(n=40):
    """A number with gaps, a number, and categories of one, two, three and no codes."""
    j = np.arange(n)
    X = np.zeros((n, 6))
    X[:, 0] = np.where(j % 4 == 0, NAN, j)
    X[:, 1] = j
    X[:, 3] = j % 3 - 1  # some unknown
    X[:, 4] = j % 4 - 1
    X[:, 5] = -1
    return X


N_CODES = {2: 1, 3: 2, 4: 3, 5: 0}


def encoding(**options):
    return Encoding.of_table(codes(), np.ones(40), N_CODES, **options)


def test_what_the_inputs_are():
    found = encoding()
    assert found.column.tolist() == [0, 0, 1, 2, 3, 4, 4, 4, 5]
    assert found.level.tolist() == [VALUE, GAP, VALUE, 0, 1, 0, 1, 2, 0]
    assert not found.has_numbers_only and len(found) == 9
    without = encoding(with_gaps=False)
    assert without.column.tolist() == [0, 1, 2, 3, 4, 4, 4, 5]
    assert GAP not in without.level


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(("weight", "has_gap"), [(0.9, False), (1.0, True)])
def test_an_indicator_needs_ten_rows(container, weight, has_gap):
    X, weights = container(codes()[:, :2]), np.full(40, weight)
    found = Encoding.of_table(X, weights, {})
    assert (found.level == GAP).any() == has_gap == (not found.has_numbers_only)


def test_inputs_of_rows():
    X = codes()
    inputs = encoding()(X)
    j = np.arange(40)
    expected = np.zeros((40, 9))
    expected[:, 0] = X[:, 0]
    expected[:, 1] = j % 4 == 0
    expected[:, 2] = j
    expected[:, 3] = 1
    expected[:, 4] = np.where(j % 3 == 0, NAN, j % 3 == 2)
    for level in range(3):
        expected[:, 5 + level] = np.where(j % 4 == 0, NAN, j % 4 - 1 == level)
    expected[:, 8] = NAN
    np.testing.assert_array_equal(inputs, expected)
    np.testing.assert_array_equal(X, codes())  # X is unchanged


def test_some_inputs():
    X, chosen = codes(), np.array([1, 4, 6])
    np.testing.assert_array_equal(encoding().take(chosen)(X), encoding()(X)[:, chosen])
    assert encoding().take(np.array([0, 2])).has_numbers_only


def test_some_columns():
    X, columns = codes(), np.array([0, 3, 4])
    some = encoding().take(np.array([1, 4, 6]))
    np.testing.assert_array_equal(some.on(columns)(X[:, columns]), some(X))


def test_sparse_inputs_are_those_of_dense_rows():
    X = codes()[:, :2]
    X[1::3] = 0
    found = Encoding.of_table(X, np.ones(40), {})
    assert found == Encoding.of_table(sp.csr_array(X), np.ones(40), {})
    sparse = found(sp.csr_array(X))
    assert sp.issparse(sparse)
    np.testing.assert_array_equal(sparse.toarray(), found(X))
    # that something is there is not stored
    assert sparse.nnz == np.count_nonzero(found(X))


def test_numbers_alone_are_not_copied():
    X = np.ones((3, 4))
    assert Encoding.of_numbers(4)(X) is X
    assert Encoding.of_table(X, np.ones(3), {})(X) is X


def test_equality():
    assert encoding() == encoding() and encoding() != encoding(with_gaps=False)
    other = encoding()
    level = np.where(other.level == 2, 3, other.level)
    other = Encoding(other.column, level, other.bounds)
    assert encoding() != other


EDGES = {0: np.array([0.0, 10.0, 35.0]), 1: np.array([-5.0, 2.0, 20.0, 30.0])}


def test_bins_are_beside_the_values():
    found = encoding().with_bins(EDGES)
    assert found.column.tolist() == [0] * 4 + [1] * 4 + [2, 3, 4, 4, 4, 5]
    assert found.level[:8].tolist() == [VALUE, GAP, BIN, BIN, VALUE, BIN, BIN, BIN]
    assert found.bounds[:, 5:8].T.tolist() == [[-5, 2], [2, 20], [20, 30]]
    assert found.without_bins() == encoding() != found
    other = encoding().with_bins({**EDGES, 0: np.array([0.0, 11.0, 35.0])})
    assert other != found


def test_bins_are_a_piecewise_linear_encoding():
    """Gorishniy et al. (2022), eq. 1, but for a scale and an offset."""
    found = encoding().with_bins(EDGES)
    X = codes()
    inputs = found(X)
    for j, edges in EDGES.items():
        share = (X[:, j, None] - edges[:-1]) / np.diff(edges)
        expected = np.clip(share, 0, 1)
        of_bins = (found.column == j) & (found.level == BIN)
        lower, upper = found.bounds[:, of_bins]
        share = (inputs[:, of_bins] + np.clip(0, lower, upper) - lower) / np.diff(edges)
        np.testing.assert_allclose(share, expected, atol=1e-12)


def test_bins_of_a_column_add_up_to_its_value():
    found = encoding().with_bins({1: np.arange(0.0, 41.0, 5)})
    x = np.linspace(0, 40, 81)
    rows = np.repeat(codes()[:1], 81, axis=0)
    rows[:, 1] = x
    of_bins = (found.column == 1) & (found.level == BIN)
    np.testing.assert_allclose(found(rows)[:, of_bins].sum(axis=1), x)


@pytest.mark.parametrize("shift", [-20.0, 0.0, 3.0, 50.0])
def test_zero_stays_zero_and_sparse_rows_are_encoded_as_dense_ones(shift):
    X = codes()[:, :2]
    plain = Encoding.of_table(X, np.ones(40), {})
    found = plain.with_bins({j: edges + shift for j, edges in EDGES.items()})
    assert not found(np.zeros((1, 2))).any()
    X[X == 7] = 0
    sparse = found(sp.csr_array(X))
    np.testing.assert_array_equal(sparse.toarray(), found(X))


def test_bins_of_some_inputs_and_columns():
    found = encoding().with_bins(EDGES)
    some = np.array([2, 5, 7, 10])
    np.testing.assert_array_equal(found.take(some)(codes()), found(codes())[:, some])
    columns = np.array([0, 1, 4])
    of_columns = found.take(some).on(columns)
    np.testing.assert_array_equal(
        of_columns(codes()[:, columns]), found(codes())[:, some]
    )
