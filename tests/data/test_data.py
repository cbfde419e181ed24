import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats
from sklearn.preprocessing import StandardScaler

from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.merge import merge_rows
from sklearn_ard.data.moments import moments
from sklearn_ard.data.order import training_order
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.data.table import ScaledTable, Table
from sklearn_ard.data.targets import ClassTargets
from sklearn_ard.data.training_set import batch_size_for


def table(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(40, 2)).astype(float)  # with repeated rows
    return X, X[:, :1] % 2, rng.integers(0, 4, size=40).astype(float)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_weights_are_copies(container):
    X, targets, weight = table()
    rows, total = merge_rows(container(X), targets, weight)
    k = weight.astype(int)
    X2, targets2 = np.repeat(X, k, axis=0), np.repeat(targets, k, axis=0)
    shuffled = np.random.default_rng(1).permutation(len(X2))
    X2, targets2 = X2[shuffled], targets2[shuffled]
    rows2, total2 = merge_rows(container(X2), targets2, np.ones(len(X2)))
    assert np.array_equal(X[rows], X2[rows2])
    assert np.array_equal(targets[rows], targets2[rows2])
    assert np.array_equal(total, total2)
    assert len(np.unique(X[rows], axis=0)) == len(rows)
    assert total.sum() == weight.sum()


def test_rows_with_other_targets_are_other_rows():
    X, targets = np.zeros((3, 2)), np.array([[0.0], [1.0], [0.0]])
    rows, total = merge_rows(X, targets, np.ones(3))
    assert sorted(zip(targets[rows, 0], total, strict=True)) == [(0.0, 2.0), (1.0, 1.0)]


def test_rows_of_equal_hash_are_compared(monkeypatch):
    X, targets, weight = table()
    expected = {tuple(X[r]) for r in merge_rows(X, targets, weight)[0]}
    monkeypatch.setattr(
        "sklearn_ard.data.merge._hash_rows", lambda X, t: np.zeros(len(X), np.uint64)
    )
    rows, total = merge_rows(X, targets, weight)
    assert {tuple(X[r]) for r in rows} == expected
    assert total.sum() == weight.sum()


def test_minus_zero_is_zero():
    X = np.array([[0.0, 1.0], [-0.0, 1.0]])
    assert len(merge_rows(X, np.zeros((2, 1)), np.ones(2))[0]) == 1


def with_gaps(seed=0, n=60, d=4):
    """Numbers of which many are 0 and many are missing; one column has no others."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(n, d)).astype(float)
    X[rng.random((n, d)) < 0.3] = np.nan
    X[:, 3] = np.nan
    return X


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_rows_with_gaps_merge_and_weights_are_copies(container):
    X, targets = with_gaps()[:, :3], np.zeros((60, 1))
    weight = np.random.default_rng(1).integers(0, 4, size=60).astype(float)
    rows, total = merge_rows(container(X), targets, weight)
    order = np.random.default_rng(2).permutation(
        np.repeat(np.arange(60), weight.astype(int))
    )
    rows2, total2 = merge_rows(container(X[order]), targets[order], np.ones(len(order)))
    assert np.array_equal(X[rows], X[order][rows2], equal_nan=True)
    assert np.array_equal(total, total2)
    kinds = {str(row) for row in X[weight > 0]}
    assert len(rows) == len(kinds) < (weight > 0).sum()
    assert total.sum() == weight.sum()


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_rows_of_equal_hash_with_gaps_are_compared(monkeypatch, container):
    nan = np.nan
    X = np.array([[nan, 1.0], [nan, 1.0], [nan, 2.0], [nan, 2.0], [1.0, nan], [0, nan]])
    monkeypatch.setattr(
        "sklearn_ard.data.merge._hash_rows", lambda X, t: np.zeros(6, np.uint64)
    )
    rows, total = merge_rows(container(X), np.zeros((6, 1)), np.ones(6))
    assert rows.tolist() == [0, 2, 4, 5] and total.tolist() == [2, 2, 1, 1]


def test_every_gap_is_the_same():
    other = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
    X = np.array([[np.nan, 1.0], [other, 1.0], [-np.nan, 1.0]])
    assert len(merge_rows(X, np.zeros((3, 1)), np.ones(3))[0]) == 1


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_gaps_do_not_count_in_the_scale_and_become_zero(container):
    X, weight = with_gaps(), np.random.default_rng(1).random(60)
    X[:, 0] += 1e3 * (X[:, 0] > 0)
    scaler = Scaler().fit(container(X), weight)
    scaled = scaler.transform(container(X))
    for j in range(3):
        known = ~np.isnan(X[:, j])
        mean = np.average(X[known, j], weights=weight[known])
        std = np.average((X[known, j] - mean) ** 2, weights=weight[known]) ** 0.5
        np.testing.assert_allclose([scaler.mean_[j], scaler.scale_[j]], [mean, std])
        expected = np.where(known, (X[:, j] - mean) / std, 0)
        np.testing.assert_allclose(scaled[:, j], expected, atol=1e-6)
        entries = scaler.scale_entries(X[:, j], np.full(60, j))
        assert np.array_equal(entries, scaled[:, j])
    assert (scaled[:, 3] == 0).all()
    assert scaler.constant_.tolist() == [False, False, False, True]


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_scale_of_gaps_in_chunks(container, monkeypatch):
    X = with_gaps()
    whole = Scaler().fit(container(X), np.ones(60))
    monkeypatch.setattr("sklearn_ard.data.table._CHUNK_ROWS", 7)
    X[7:14, 0] = X[:7, 1] = np.nan  # nothing in a chunk
    parts = Scaler().fit(container(X), np.ones(60))
    np.testing.assert_allclose(parts.mean_[:2], np.nanmean(X[:, :2], axis=0))
    np.testing.assert_allclose(parts.scale_[:2], np.nanstd(X[:, :2], axis=0))
    np.testing.assert_allclose(parts.scale_[2], whole.scale_[2])


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_a_column_that_is_constant_but_for_gaps_is_constant(container):
    X = np.full((50, 2), 1.1)
    X[::3] = np.nan
    X[1, 1] = 1.2
    scaler = Scaler().fit(container(X), np.random.default_rng(0).random(50))
    assert scaler.constant_.tolist() == [True, False]


def test_scaler_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    X, weight = rng.normal(3.0, 5.0, size=(50, 4)), rng.random(50)
    theirs = StandardScaler().fit(X, sample_weight=weight)
    ours = Scaler().fit(X, weight)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-6)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(X)), X, atol=1e-5)
    X[rng.random(X.shape) < 0.5] = 0
    theirs = StandardScaler().fit(X, sample_weight=weight)
    ours = Scaler().fit(sp.csr_array(X), weight)
    scaled = ours.transform(sp.csr_array(X))
    assert type(scaled) is np.ndarray and scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, theirs.transform(X), atol=1e-6)


def test_pixels_of_a_channel_share_a_scale():
    X = np.random.default_rng(0).normal(size=(30, 2, 5)) * [[[1.0], [9.0]]] + 2
    flat = X.reshape(30, 10)
    scaled = Scaler(n_channels=2).fit(flat, np.ones(30)).transform(flat)
    channels = scaled.reshape(30, 2, 5)
    np.testing.assert_allclose(channels.mean(axis=(0, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(channels.std(axis=(0, 2)), 1, atol=1e-6)
    assert not np.allclose(channels.std(axis=0), 1, atol=1e-2)


@pytest.mark.parametrize("value", [0.0, 1.1, 1e10])
def test_constant_columns_become_zero(value):
    X = np.full((1000, 1), value)
    scaler = Scaler().fit(X, np.random.default_rng(0).random(1000))
    assert scaler.constant_.all() and (scaler.transform(X) == 0).all()
    X = sp.csr_array(X)
    assert (Scaler().fit(X, np.ones(1000)).transform(X) == 0).all()


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_no_unit_is_too_large_or_small(container, unit):
    X, weight = np.random.default_rng(0).normal(size=(30, 3)), np.ones(30)
    expected = Scaler().fit(container(X), weight).transform(container(X))
    X = container(X * unit)
    difference = Scaler().fit(X, weight).transform(X) - expected
    assert abs(difference).max() < 1e-6


def scaled(X, weight=None):
    """All rows of X as a table."""
    weight = np.ones(X.shape[0]) if weight is None else weight
    scaler = Scaler(n_bits=32).fit(X, weight)
    encoding = Encoding.of_numbers(X.shape[1])
    return ScaledTable(Table(X, np.arange(len(weight)), encoding), scaler)


def sparse_numbers(seed=0, n=60, d=5):
    """Numbers of which most are 0, far from 0 in one column."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.3)
    X[:, 1] = np.where(X[:, 1] != 0, X[:, 1] + 1e4, 0)
    X[:, 2] = 7.0  # constant
    return X


def test_training_order_depends_on_content_alone():
    rng = np.random.default_rng(0)
    X, targets = sparse_numbers(), rng.normal(size=(60, 1))
    order = training_order(scaled(X), targets)
    shuffled = rng.permutation(60)
    again = training_order(scaled(X[shuffled]), targets[shuffled])
    assert np.array_equal(X[order], X[shuffled][again])
    assert np.array_equal(order, training_order(scaled(sp.csr_array(X)), targets))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("has_gaps", [False, True])
def test_sparse_and_dense_rows_are_scaled_to_the_same_bits(seed, has_gaps):
    X, weight = sparse_numbers(seed), np.random.default_rng(seed).random(60)
    if has_gaps:
        X[np.random.default_rng(seed + 1).random(X.shape) < 0.2] = np.nan
    dense, sparse = scaled(X, weight), scaled(sp.csr_array(X), weight)
    assert np.array_equal(dense.scaler.mean_, sparse.scaler.mean_)
    assert np.array_equal(dense.scaler.scale_, sparse.scaler.scale_)
    assert np.array_equal(dense.in_memory(), sparse.in_memory())
    columns = np.array([0, 3])
    assert np.array_equal(dense.select(columns)[5:9], sparse.select(columns)[5:9])


def test_rounded_scales_are_those_of_all_bits_but_for_the_last():
    X, weight = sparse_numbers(), np.ones(60)
    rounded, exact = (Scaler(n_bits=bits).fit(X, weight) for bits in (32, None))
    assert not np.array_equal(rounded.scale_, exact.scale_)
    np.testing.assert_allclose(rounded.scale_, exact.scale_, rtol=2**-31)
    np.testing.assert_allclose(
        rounded.mean_ / exact.scale_, exact.mean_ / exact.scale_, atol=2**-31
    )


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_moments_are_those_of_the_scaled_columns_and_their_squares(container):
    rng = np.random.default_rng(0)
    X, rows = sparse_numbers(), rng.permutation(60)[:40]
    table = scaled(container(X))
    weight, residual = rng.random((40, 1)), rng.normal(size=(40, 2))
    residual -= residual.mean(axis=0)
    Z = scaled(X)[rows].astype(float)
    found = list(moments(table, rows, weight, residual))
    for values, (variance, covariance) in zip((Z, Z**2), found, strict=True):
        mean = np.average(values, axis=0, weights=weight[:, 0])
        expected = np.average((values - mean) ** 2, axis=0, weights=weight[:, 0])
        np.testing.assert_allclose(variance[:, 0], expected, rtol=1e-6, atol=1e-12)
        expected = values.T @ residual / weight.sum()
        np.testing.assert_allclose(covariance, expected, rtol=1e-6, atol=1e-10)


def test_batches_grow_with_the_rows():
    rows = (1, 1535, 1536, 3071, 3072, 24_575, 24_576, 65_535, 65_536, 10**6)
    sizes = [64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024]
    assert [batch_size_for(n) for n in rows] == sizes


def test_classes_without_inputs_have_their_entropy_and_one_may_be_empty():
    y = np.repeat([0.0, 1.0], [1, 3])[:, None]
    targets = ClassTargets(np.arange(3)).fit(y, np.ones(4))
    assert targets.empty_nll_ == pytest.approx(stats.entropy([0.25, 0.75]))
    even = ClassTargets(np.arange(4)).fit(np.arange(4.0)[:, None], np.ones(4))
    assert even.empty_nll_ == pytest.approx(np.log(4))
