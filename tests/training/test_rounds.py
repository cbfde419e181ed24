"""Rounds of training: learning rate, KL divergence, optimiser, and columns."""

from dataclasses import replace

import numpy as np
import pytest
from problems import problem
from skorch.callbacks import Callback

from sklearn_ard import ARDRegressor
from sklearn_ard.training import recipe
from sklearn_ard.training.start import mask_inputs


class Recorder(Callback):
    """Notes learning rate and weight of the KL divergence at the end of every epoch."""

    def __init__(self):
        self.rates, self.betas = [], []

    def on_epoch_end(self, net, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])
        self.betas.append(net.criterion_.beta)


@pytest.fixture(scope="module")
def recorded():
    """Records of a fit of 1,000 epochs of 3 steps: 250, 150, 400, 100 and 100."""
    recorder = Recorder()
    model = ARDRegressor(random_state=0, callbacks=[recorder])
    model.fit(*problem(ARDRegressor))
    rates, betas = np.array(recorder.rates), np.array(recorder.betas)
    return [(rates[a:b], betas[a:b]) for a, b in zip(ENDS, ENDS[1:], strict=False)]


ENDS = [0, 250, 400, 800, 900, 1000]


def test_learning_rate_falls_by_half_a_cosine(recorded):
    for k, from_share in ((0, 0.6), (1, 0.6), (2, 0.8), (3, 0.0), (4, 0.0)):
        rates, _ = recorded[k]
        n = len(rates)
        steps = 3 * np.arange(1, n + 1) - 1  # the last of every epoch
        past = np.clip((steps / (3 * n) - from_share) / (1 - from_share), 0, 1)
        peak = 0.01 if k < 3 else 0.005
        expected = peak * 0.5 * (1 + np.cos(np.pi * past))
        np.testing.assert_allclose(rates, expected, rtol=1e-6)
        assert rates[-1] < 1e-3 * peak


def test_kl_divergence_comes_in_on_a_line_and_then_geometrically(recorded):
    for k in (0, 1):
        betas = recorded[k][1]
        progress = (3 * np.arange(1, len(betas) + 1) - 1) / (3 * len(betas))
        expected = np.clip((progress - 0.05) / 0.35, 0, 1)
        np.testing.assert_allclose(betas, expected, atol=1e-9)
    betas = recorded[2][1]
    progress = (3 * np.arange(1, 401) - 1) / 1200
    expected = 0.05 ** np.clip(1 - (progress - 0.1) / 0.7, 0, 1)
    np.testing.assert_allclose(betas, np.where(progress < 0.1, 0, expected), rtol=1e-9)
    assert (recorded[3][1] == 1).all() and (recorded[4][1] == 1).all()


def test_optimiser_goes_on_from_chunk_to_chunk():
    X, y = problem(ARDRegressor)
    model = ARDRegressor((16,), random_state=0)
    for n_chunks in (1, 2, 3):
        model.partial_fit(X, y)
        assert model.net_.optimizer_.n_steps == 3 * n_chunks
    mean = model.net_.optimizer_.mean.clone()
    model.partial_fit(X, y)
    assert 0 < (model.net_.optimizer_.mean - mean).abs().max() < 10 * mean.abs().max()


@pytest.mark.parametrize("readmits", [True, False])
def test_a_column_that_was_dropped_too_soon_comes_back(monkeypatch, readmits):
    """The first round is made to drop a column that matters."""
    real, rounds = recipe.train_round, []

    def drop_column_1(task, *args, **options):
        trained = real(task, *args, **options)
        rounds.append(trained)
        if len(rounds) > 1:
            return trained
        support = trained.support & (np.arange(8) != 1)
        mask_inputs(task, trained.net, trained.inputs, support)
        return replace(trained, support=support)

    monkeypatch.setattr(recipe, "train_round", drop_column_1)
    if not readmits:  # nothing else brings it back
        monkeypatch.setattr(recipe, "readmitted", lambda *args: np.zeros(8, bool))
    X, _ = problem(ARDRegressor)  # what is left is worth its price
    options = {"likelihood": "gaussian", "n_bins": 0, "random_state": 0}
    model = ARDRegressor(**options).fit(X, 0.5 * X[:, 1] + 2 * X[:, 4])
    assert model.get_support()[[1, 4]].tolist() == [readmits, True]
