"""The walk over reg_factor: which of two networks it takes, and what comes back."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_ard import ARDRegressor
from sklearn_ard.selection.path import walking
from sklearn_ard.training.trained import Trained

FAST = {"hidden_layer_sizes": (16,), "max_iter": 100, "random_state": 0}


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    return X, X[:, 1] + np.abs(X[:, 4]) + 0.1 * rng.normal(size=200)


def found(elbo, kl, n_columns):
    """What a training might have given."""
    support = np.arange(6) < n_columns
    return Trained(SimpleNamespace(), np.arange(6), support, elbo=elbo, kl=kl)


# objective at reg_factor 0.5: -elbo - KL / 2 + 0.5 · price · columns
@pytest.mark.parametrize(
    ("above", "below", "better"),
    [
        (found(-100, 40, 2), found(-110, 40, 2), "above"),
        (found(-110, 40, 2), found(-100, 40, 2), "below"),
        (found(-100, 40, 2), found(-100, 60, 2), "below"),  # its likelihood is larger
        (found(-100, 40, 3), found(-100, 40, 2), "below"),
        (found(-99.5, 40, 3), found(-100, 40, 2), "below"),
        (found(-99.0, 40, 3), found(-100, 40, 2), "above"),
    ],
)
def test_the_network_with_the_better_objective_is_taken(
    monkeypatch, above, below, better
):
    with walking(ARDRegressor(feature_cost=1.5, **FAST), *data()) as (walk, _):
        monkeypatch.setattr(walk, "_continue", lambda *args, **options: above)
        monkeypatch.setattr(walk, "_start", lambda *args, **options: {0.5: below})
        _, points = walk._decade(above, 1.0, 0.1, [0.5])
    assert points[0.5] is {"above": above, "below": below}[better]


def test_columns_come_back_on_the_way_down_if_the_residuals_ask_for_them():
    with walking(ARDRegressor(**FAST), *data()) as (walk, _):
        trained = walk.on_inputs(1.0, walk.over([1.0])[1.0], np.arange(6) == 1)
        assert np.flatnonzero(trained.support).tolist() == [1]
        down = walk._continue(trained, 1.0, 0.5, 0.3)
        assert {1, 4} <= set(np.flatnonzero(down.support).tolist())
        fixed = walk._continue(trained, 1.0, 2.0, 0.3, choose=False)
        assert np.flatnonzero(fixed.support).tolist() == [1]


def test_a_walk_has_no_use_for_an_interrupted_training(monkeypatch):
    with walking(ARDRegressor(**FAST), *data()) as (walk, _):
        trained = walk.over([1.0])[1.0]
        monkeypatch.setattr(
            "sklearn_ard.selection.walk.continue_at",
            lambda task, trained, *args, **options: replace(trained, interrupted=True),
        )
        with pytest.raises(KeyboardInterrupt):
            walk._continue(trained, 1.0, 2.0, 0.1)
