import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_ard.data.bins import bin_edges


def numbers(n=101):
    """Plain, with gaps, with ties, of two values, constant, and missing altogether."""
    rng = np.random.default_rng(0)
    X = np.stack([rng.normal(size=n), rng.exponential(size=n)], axis=1)
    X[rng.random(n) < 0.3, 1] = np.nan
    ties, two = rng.integers(4, size=n), rng.integers(2, size=n)
    return np.column_stack([X, ties, two, np.ones(n), np.full(n, np.nan)])


def test_edges_are_quantiles():
    X = numbers()
    edges = bin_edges(X, np.ones(len(X)), range(6), 5)
    for j in (0, 1):
        q = np.linspace(0, 1, 6)
        expected = np.nanquantile(X[:, j], q, method="inverted_cdf")
        np.testing.assert_array_equal(edges[j], expected)
    assert sorted(edges) == [0, 1, 2], "two values or fewer make no two bins"
    assert edges[2].tolist() == [0, 1, 2, 3]


def test_only_the_columns_that_are_asked_for():
    X = numbers()
    assert list(bin_edges(X, np.ones(len(X)), [1], 5)) == [1]


def test_as_many_bins_as_rows_at_most():
    X = numbers(60)
    most = bin_edges(X, np.ones(60), [0], 10**12)[0]
    assert set(most) <= set(X[:, 0]) and len(most) >= 58


def test_a_weight_counts_as_rows():
    X = numbers()
    weight = np.random.default_rng(1).integers(0, 4, len(X))
    weighted = bin_edges(X, weight.astype(float), range(3), 8)
    copies = np.repeat(X, weight, axis=0)
    copied = bin_edges(copies, np.ones(len(copies)), range(3), 8)
    for j in range(3):
        np.testing.assert_array_equal(weighted[j], copied[j])


@pytest.mark.parametrize("sparse", [sp.csr_array, sp.csc_array])
def test_zeros_of_sparse_columns_count(sparse):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)) * (rng.random((200, 4)) < [0.9, 0.5, 0.05, 0])
    X[:, 0][rng.random(200) < 0.2] = np.nan
    weight = rng.integers(1, 4, 200).astype(float)
    dense = bin_edges(X, weight, range(4), 8)
    found = bin_edges(sparse(X), weight, range(4), 8)
    assert sorted(found) == sorted(dense)
    for j, edges in dense.items():
        np.testing.assert_array_equal(found[j], edges)
