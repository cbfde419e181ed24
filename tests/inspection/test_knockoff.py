"""Knockoffs: the statistic, the false discovery rate, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hidimstat import ModelXKnockoff
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression

from sklearn_ard import ARDRegressor
from sklearn_ard.inspection import knockoffs
from sklearn_ard.inspection.knockoff import _least_e_value

FAST = {"n_bins": 0, "likelihood": "gaussian", "max_iter": 100}


class ByCorrelation(BaseEstimator):
    """Finds every column worth the size of its correlation."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.feature_importances_ = np.abs(
            [np.corrcoef(x, y)[0, 1] for x in np.asarray(X).T]
        )
        return self


class Draws(ByCorrelation):
    """Finds columns worth what the random numbers say."""

    def fit(self, X, y):
        self.feature_importances_ = self.random_state.random_sample(X.shape[1])
        return self


def linear(seed, n=300, d=40, k=12, size=0.6):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X[:, :k] @ rng.choice([-size, size], k) + rng.normal(size=n)


@pytest.mark.parametrize("fdr", [0.1, 0.2])
def test_false_discovery_rate_is_that_level_at_most(fdr):
    shares, power = [], []
    for seed in range(60):
        X, y = linear(seed, size=0.25)
        kept = knockoffs(ByCorrelation(), X, y, fdr=fdr, random_state=seed).selected
        shares.append(kept[12:].sum() / max(1, kept.sum()))
        power.append(kept[:12].mean())
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) < fdr + 2 * error
    assert np.mean(power) > 0.3


def test_our_network_finds_what_is_no_line():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 20))
    y = (X[:, :6] ** 2).sum(axis=1) + 0.5 * rng.normal(size=600)
    model = ARDRegressor((16,), n_bins=0, likelihood="gaussian")
    frame = knockoffs(model, X, y, fdr=0.2, random_state=0)
    assert np.flatnonzero(frame.selected).tolist() == list(range(6))
    assert (frame.nats[:6] > 10).all()


def test_one_draw_is_the_selection_of_hidimstat():
    X, y = linear(0)
    frame = knockoffs(ByCorrelation(), X, y, random_state=0)
    threshold = ModelXKnockoff.knockoff_threshold(frame.nats.to_numpy(), fdr=0.1)
    np.testing.assert_array_equal(frame.selected, frame.nats >= threshold)
    assert frame.selected.sum() >= 10


def test_several_draws_are_put_together_by_e_values():
    X, y = linear(0)
    frame = knockoffs(ByCorrelation(), X, y, n_draws=5, fdr=0.2, random_state=0)
    least = frame.e_value[frame.selected].min()
    assert frame.selected.sum() * least >= 40 / 0.2
    assert frame.selected[:12].all() and frame.selected[12:].sum() <= 2
    other = knockoffs(
        ByCorrelation(), X, y, n_draws=5, fdr=0.2, random_state=0, n_jobs=2
    )
    pd.testing.assert_frame_equal(frame, other)


def test_nothing_is_selected_where_nothing_is_found():
    X, _ = linear(0)
    y = np.random.default_rng(1).normal(size=len(X))
    assert not knockoffs(ByCorrelation(), X, y, random_state=0).selected.any()
    constant = knockoffs(LinearRegression_(), X, y, random_state=0)
    assert not constant.selected.any()


class LinearRegression_(ByCorrelation):
    """Finds every column worth nothing."""

    def fit(self, X, y):
        self.feature_importances_ = np.zeros(X.shape[1])
        return self


def test_e_values_are_selected_by_the_rule_of_wang_and_ramdas():
    # 2 · 20 >= 4 / 0.1, while 1 · 20 is too few
    assert _least_e_value(np.array([0.0, 20.0, 20.0, 3.0]), 0.1) == 20
    assert _least_e_value(np.array([0.0, 20.0, 0.0, 3.0]), 0.1) == np.inf
    assert _least_e_value(np.zeros(4), 0.1) == np.inf


def test_few_columns_are_never_selected():
    X, y = linear(0, d=6, k=6)
    with pytest.warns(UserWarning, match="At fdr=0.1 at least 10 columns.*X has 6"):
        assert not knockoffs(ByCorrelation(), X, y, random_state=0).selected.any()


def test_clones_have_seeds_of_their_own():
    X, y = linear(0)
    first = knockoffs(Draws(), X, y, random_state=0)
    pd.testing.assert_frame_equal(first, knockoffs(Draws(), X, y, random_state=0))
    assert not first.equals(knockoffs(Draws(), X, y, random_state=1))


def test_names_are_those_of_the_frame():
    X, y = linear(0)
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(40)])
    expected = knockoffs(ByCorrelation(), X, y, random_state=0)
    found = knockoffs(ByCorrelation(), frame, y, random_state=0)
    assert found.index.tolist() == list(frame)
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())


def _with(value):
    X = pd.DataFrame(linear(0)[0]).astype(object)
    X.iloc[3, 2] = value
    return X


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"fdr": 0}, "'fdr' parameter of knockoffs"),
        ({"n_draws": 0}, "'n_draws' parameter"),
        ({"X": _with("high")}, "numbers only.*Column 2 has dtype"),
        ({"X": _with(None)}, "Column 2 has gaps. Take conditional_importance"),
        ({"estimator": LinearRegression()}, "must have feature_importances_.*Linear"),
        ({"estimator": FrozenEstimator(ByCorrelation())}, "must not be frozen"),
        (
            {"estimator": ARDRegressor(feature_cost=np.ones(40))},
            "'feature_cost'.*not n",
        ),
        ({"estimator": ARDRegressor(required_features=np.arange(2))}, "'required_f"),
        ({"y": None}, r"as many rows.*\(300, 40\) and \(\)"),
    ],
)
def test_bad_input_is_refused(change, match):
    X, y = linear(0)
    given = {"estimator": ByCorrelation(), "X": X, "y": y, **change}
    with pytest.raises(ValueError, match=match):
        knockoffs(**given)
