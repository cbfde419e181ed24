import numpy as np
import pytest

from sklearn_ard import ARDRegressor
from sklearn_ard.training import inputs, recipe
from sklearn_ard.training.recipe import MIN_STEPS, N_STEPS, STAGES, plan


@pytest.mark.parametrize("n_batches", [1, 3, 20, 1000, 20_000])
def test_automatic_length_counts_steps_within_bounds_of_epochs(n_batches):
    epochs = sum(n for _, n in plan("auto", n_batches))
    assert 10 <= epochs <= 1000
    if 10 < epochs < 1000:
        assert epochs * n_batches == pytest.approx(N_STEPS, rel=0.05)


@pytest.mark.parametrize("max_iter", [1, 2, 5, 17, 1000])
@pytest.mark.parametrize("n_batches", [1, 7, 500])
def test_given_length_is_kept(max_iter, n_batches):
    stages = plan(max_iter, n_batches)
    assert sum(n for _, n in stages) == max_iter
    assert stages[0][0].restart
    if max_iter * n_batches < MIN_STEPS:
        assert len(stages) == 1


def test_shares_are_of_the_whole():
    assert sum(stage.share for stage in STAGES) == pytest.approx(1)


def test_a_short_training_drops_no_input():
    X = np.random.default_rng(0).normal(size=(100, 5))
    assert ARDRegressor(max_iter=3).fit(X, X[:, 0]).get_support().all()


@pytest.mark.parametrize("residuals", [True, False])
def test_inputs_get_a_second_chance(monkeypatch, residuals):
    """The first weighing is made to drop everything, and residuals may stay silent."""
    X = np.random.default_rng(0).normal(size=(200, 6))
    y = X[:, 1] + X[:, 4] ** 2 + 0.1 * X[:, 0]
    if not residuals:
        monkeypatch.setattr(recipe, "readmitted", lambda *args: np.zeros(6, bool))
    real, calls = inputs.weigh_inputs, []

    def drop_all_at_first(model, *args, cost=None, **options):
        calls.append(cost)
        return real(model, *args, cost=1e9 if len(calls) == 1 else cost, **options)

    monkeypatch.setattr(inputs, "weigh_inputs", drop_all_at_first)
    model = ARDRegressor(n_bins=0, random_state=0).fit(X, y)
    assert model.get_support()[[1, 4]].all()
    assert model.score(X, y) > 0.97
