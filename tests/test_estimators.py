"""Promises that both estimators make."""

import copy
import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from problems import problem
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback, EarlyStopping
from skorch.utils import noop
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.nn import ConvARD, DenseARD, ELBOLoss, LinearARD, ard_layers
from sklearn_ard.training.recipe import plan


def test_finds_the_columns_that_matter(fitted):
    model, X, y = fitted
    assert model.get_support(indices=True).tolist() == [1, 4]
    assert model.score(X, y) > 0.95
    names = ["column 1", "column 4"]
    assert model.get_feature_names_out().tolist() == names
    model.set_output(transform="pandas")
    pd.testing.assert_frame_equal(model.transform(X), X[names])
    model.set_output(transform="default")
    back = model.inverse_transform(model.transform(X))
    assert (back[:, [0, 2, 3]] == 0).all() and np.array_equal(back[:, 1], X["column 1"])


def test_says_how_sparse_and_how_sure_it_is(fitted):
    model, X, y = fitted
    assert 0.9 < model.sparsity_ < 1
    relevance = model.feature_importances_
    assert (relevance[[1, 4]] > 10).all()
    assert (np.delete(relevance, [1, 4]) == 0).all()
    kept = sum(int(layer.keep().sum()) for layer in ard_layers(model.net_.module_))
    n_outputs = model._fitted.targets.n_outputs
    total = 64 * 8 + 64 * 64 + 64 * n_outputs + 8 * n_outputs
    assert model.sparsity_ == pytest.approx(1 - kept / total)
    if isinstance(model, ARDRegressor):
        assert model.noise_std_ == pytest.approx(0.1, rel=0.5)
        # the log-density of the data is at most that of the true noise
        best = -len(y) * (np.log(0.1) + 0.5 * np.log(2 * np.pi) + 0.5)
        assert best - 300 < model.elbo_ < best + 20
    else:
        assert -len(y) * np.log(2) < model.elbo_ < 0


def test_history_has_every_epoch(fitted):
    model, *_ = fitted
    history = model.net_.history
    assert len(history) == model.n_iter_
    for key in ("train_loss", "nll", "kl", "sparsity"):
        assert np.isfinite(history[:, key]).all()
    assert history[-1, "sparsity"] > history[0, "sparsity"]


def test_copies_and_pickles_predict_the_same(fitted):
    model, X, _ = fitted
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "net_")


def test_seeds_make_fits_equal_and_leave_the_world_alone(estimator):
    X, y = problem(estimator)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    first, second, other = (
        estimator(max_iter=10, random_state=seed).fit(X, y) for seed in (3, 3, 4)
    )
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])
    outputs = [model._outputs(X) for model in (first, second, other)]
    assert np.array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])


def test_order_and_scale_of_the_data_do_not_matter(estimator):
    X, y = problem(estimator)
    model = estimator(max_iter=60, random_state=0).fit(X, y)
    shuffled = np.random.default_rng(0).permutation(len(X))
    again = estimator(max_iter=60, random_state=0).fit(X[shuffled], y[shuffled])
    assert np.array_equal(model.predict(X), again.predict(X))
    X2 = X.copy()
    X2[:, 1] *= 1e6
    X2[:, 4] += 1e4
    y2 = y if estimator is ARDClassifier else y * 1e-3
    scaled = estimator(max_iter=60, random_state=0).fit(X2, y2)
    assert np.array_equal(scaled.get_support(), model.get_support())
    assert scaled.score(X2, y2) == pytest.approx(model.score(X, y), abs=1e-3)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix, sp.csc_array])
def test_weights_count_as_copies(estimator, container):
    X, y = problem(estimator, n=40)
    weight = np.random.default_rng(0).integers(0, 4, size=40)
    weighted = estimator(max_iter=20, feature_cost=0, random_state=0)
    weighted.fit(container(X), y, sample_weight=weight)
    copies = clone(weighted).fit(
        container(np.repeat(X, weight, axis=0)), np.repeat(y, weight)
    )
    assert np.array_equal(
        weighted._outputs(container(X)), copies._outputs(container(X))
    )
    assert weighted.elbo_ == copies.elbo_


def test_sparse_input_gives_the_same_columns(estimator):
    X, y = problem(estimator)
    X[np.abs(X) < 0.3] = 0
    model = estimator(random_state=0).fit(sp.csr_matrix(X), y)
    assert model.get_support(indices=True).tolist() == [1, 4]
    np.testing.assert_allclose(
        model._outputs(sp.csr_matrix(X)),
        model._outputs(X),
        rtol=1e-4,
        atol=1e-5,
    )
    assert sp.issparse(model.transform(sp.csr_matrix(X)))


def test_constant_columns_are_dropped(estimator):
    X, y = problem(estimator)
    X = np.column_stack([X, np.full(len(X), 1e8), np.zeros(len(X))])
    for cost in ("auto", 0):
        model = estimator(max_iter=10, feature_cost=cost, random_state=0).fit(X, y)
        assert not model.get_support()[-2:].any()
        assert np.isfinite(model._outputs(X)).all()


def test_without_a_price_only_the_prior_drops_inputs(estimator):
    X, y = problem(estimator)
    free = estimator(feature_cost=0, random_state=0).fit(X, y)
    assert free.get_support()[[1, 4]].all()
    dear = estimator(feature_cost=1e6, random_state=0)
    with pytest.warns(UserWarning, match="No input is worth its price.*reg_factor=1.0"):
        dear.fit(X, y)
    assert not dear.get_support().any()


def test_a_larger_reg_factor_prunes_more(estimator):
    X, y = problem(estimator)
    sparsities = [
        estimator(reg_factor=factor, random_state=0, max_iter=200).fit(X, y).sparsity_
        for factor in (0.01, 1.0)
    ]
    assert sparsities[0] < sparsities[1]


def test_warm_start_goes_on_from_the_last_weights(estimator):
    X, y = problem(estimator)
    model = estimator(max_iter=100, random_state=0, warm_start=True).fit(X, y)
    score = model.score(X, y)
    model.set_params(max_iter=3).fit(X, y)
    cold = estimator(max_iter=3, random_state=0, feature_cost=0).fit(X, y)
    assert model.score(X, y) > score - 0.05 > cold.score(X, y)


def test_warm_start_with_weights_that_do_not_fit(estimator):
    X, y = problem(estimator)
    model = estimator(max_iter=3, random_state=0, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="X has 5 features.*warm_start=True.*for 8"):
        model.fit(X[:, :5], y)
    with pytest.raises(ValueError, match="do not fit the network"):
        model.set_params(hidden_layer_sizes=(3,)).fit(X, y)
    assert model.predict(X).shape == y.shape


def test_partial_fit_learns_from_chunks(estimator):
    X, y = problem(estimator, n=40_000)  # rows that come again count as more of them
    model = estimator(random_state=0)
    extra = {"classes": np.unique(y)} if estimator is ARDClassifier else {}
    for rows in np.array_split(np.arange(len(X)), 80):
        model.partial_fit(X[rows], y[rows], **extra)
    assert model.score(X, y) > 0.95
    assert model.get_support(indices=True).tolist() == [1, 4]
    assert model.n_iter_ == 80


def test_partial_fit_keeps_all_inputs_until_it_knows_better(estimator):
    X, y = problem(estimator)
    extra = {"classes": np.unique(y)} if estimator is ARDClassifier else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = estimator(random_state=0).partial_fit(X, y, **extra)
    assert model.get_support().sum() > 2


def test_partial_fit_goes_on_after_fit(estimator):
    X, y = problem(estimator)
    model = estimator(max_iter=100, random_state=0).fit(X, y)
    score = model.score(X, y)
    model.partial_fit(X, y)
    assert model.score(X, y) > score - 0.1


def test_in_a_pipeline_and_a_grid_search(estimator):
    X, y = problem(estimator)
    pipeline = make_pipeline(estimator(random_state=0, max_iter=20))
    name = f"{estimator.__name__.lower()}__reg_factor"
    search = GridSearchCV(pipeline, {name: [0.1, 1.0]}, cv=2, n_jobs=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_selects_for_another_model():
    X, y = problem(ARDRegressor)
    pipe = make_pipeline(ARDRegressor(random_state=0), LinearRegression()).fit(X, y)
    assert pipe[-1].n_features_in_ == 2


def test_images_with_convolutions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2, 6, 6))
    y = (X[:, 0, 1:3, 1:3].mean(axis=(1, 2)) > 0).astype(int)  # the first channel alone
    X = X.reshape(300, -1)
    model = ARDClassifier(
        input_shape=(2, 6, 6), conv_channels=(4,), hidden_layer_sizes=(), random_state=0
    ).fit(X, y)
    assert isinstance(model.net_.module_, ConvARD)
    support = model.get_support().reshape(2, 36)
    assert support[0].all() and not support[1].any()
    assert model.score(X, y) > 0.85
    relevance = model.feature_importances_.reshape(2, 36)
    assert len(np.unique(relevance[0])) == 1 and relevance[0, 0] > 0


def test_own_module():
    X, y = problem(ARDRegressor)
    asked = []

    def make(n_inputs, n_outputs):
        asked.append((n_inputs, n_outputs))
        return nn.Sequential(
            LinearARD(n_inputs, 32), nn.Tanh(), LinearARD(32, n_outputs)
        )

    model = ARDRegressor(module=make, random_state=0).fit(X, y)
    assert set(asked) == {(8, 1)}
    assert isinstance(model.net_.module_[1], nn.Tanh)
    assert model.get_support(indices=True).tolist() == [1, 4]


def test_callbacks_take_part():
    class Counter(Callback):
        epochs = 0

        def on_epoch_end(self, net, **kwargs):
            self.epochs += 1

    counter = Counter()
    X, y = problem(ARDRegressor)
    model = ARDRegressor(max_iter=12, callbacks=[counter]).fit(X, y)
    assert counter.epochs == model.n_iter_ == 12


def test_progress_bar_shows_the_figures(capsys, estimator):
    X, y = problem(estimator)
    estimator(max_iter=3, verbose=1).fit(X, y)
    bar = capsys.readouterr().err
    assert "3/3" in bar and "nll=" in bar and "kl=" in bar and "sparsity=" in bar
    estimator(max_iter=3).fit(X, y)
    assert capsys.readouterr() == ("", "")


def test_interrupted_training_leaves_a_usable_model(estimator, interrupt_at):
    X, y = problem(estimator)
    interrupt_at(5)
    with pytest.warns(UserWarning, match="interrupted after 5 epochs"):
        model = estimator(max_iter=30).fit(X, y)
    assert model.n_iter_ == 5
    assert len(model.predict(X)) == len(X)
    assert model.get_support().any()


def test_interrupted_chunk_changes_nothing(estimator, interrupt_at):
    X, y = problem(estimator)
    classes = {} if estimator is ARDRegressor else {"classes": np.unique(y)}
    model = estimator(n_bins=0, random_state=0).partial_fit(X, y, **classes)
    again = copy.deepcopy(model).partial_fit(X, y)
    before = dict(vars(model))
    interrupt_at(1)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    assert vars(model) == before
    assert model.partial_fit(X, y).elbo_ == again.elbo_


def test_a_callback_ends_a_stage_and_not_the_fit(estimator):
    X, y = problem(estimator)
    stop = EarlyStopping("train_loss", patience=3, threshold=1e9, sink=noop)
    options = {"max_iter": 100, "batch_size": 20, "n_bins": 0, "random_state": 0}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Training was interrupted")
        warnings.filterwarnings("ignore", "No input is worth its price")
        model = estimator(callbacks=[stop], **options).fit(X, y)
    assert len(plan(100, math.ceil(len(X) / 20))) == 5
    epochs = model.net_.history[:, "epoch"]
    assert 6 < model.n_iter_ == len(epochs) < 100
    assert model.n_iter_ % 4 == 0  # stages of an epoch, and three that are no better


class Poison(Callback):
    def on_epoch_begin(self, net, **kwargs):
        ard_layers(net.module_)[0].weight.data.fill_(np.nan)


def test_training_that_diverges_says_so_and_changes_nothing(estimator):
    X, y = problem(estimator)
    model = estimator(max_iter=5, random_state=0).fit(X, y)
    before = model.predict(X)
    model.set_params(callbacks=[Poison()])
    message = "Training diverged: the loss is nan.*learning_rate_init"
    with pytest.raises(FloatingPointError, match=message):
        model.fit(X[:, :5], y)
    assert model.n_features_in_ == 8
    assert np.array_equal(model.predict(X), before)
    with pytest.raises(FloatingPointError, match=message):
        model.partial_fit(X, y)
    assert np.array_equal(model.predict(X), before)


def test_what_pytorch_ard_did_can_be_done_with_the_torch_storey():
    x, labels = make_blobs(300, centers=3, n_features=5, random_state=0)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(labels)
    model = DenseARD(5, 3, (16,))
    criterion = ELBOLoss(model, len(x), "categorical")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(300):
        criterion.beta = min(1.0, step / 150)
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = (model.eval()(x).argmax(dim=1) == y).float().mean()
    assert accuracy > 0.9


@pytest.mark.parametrize("prior", ["log_uniform", "ard", "group_ard"])
def test_network_that_loses_its_inputs_on_the_way_is_no_error(estimator, prior):
    # its hidden layers are pruned, though the skip connection may be alive
    X, y = problem(estimator)
    model = estimator(prior=prior, max_iter=60, random_state=0)
    assert np.isfinite(model.fit(X, y).elbo_)


def test_batches_are_larger_on_long_tables_only():
    X = np.random.default_rng(0).normal(size=(1600, 4))
    options = {"hidden_layer_sizes": (4,), "max_iter": 1, "random_state": 0}

    def predictions(method="fit", **more):
        model = ARDRegressor(**options, **more)
        return getattr(model, method)(X, X[:, 0]).predict(X)

    assert np.array_equal(predictions(), predictions(batch_size=128))
    for more in (
        {"method": "partial_fit"},
        {"input_shape": (1, 2, 2)},
        {"module": lambda n_in, n_out: LinearARD(n_in, n_out)},
    ):
        small = predictions(**more, batch_size=64)
        assert np.array_equal(predictions(**more), small)
        assert not np.array_equal(predictions(**more, batch_size=128), small)


@pytest.mark.parametrize("reg_factor", [0.1, 1.0])
def test_too_short_a_training_says_so(estimator, reg_factor):
    X, y = problem(estimator)
    options = {"n_bins": 0, "random_state": 0, "reg_factor": reg_factor}
    noise = np.random.default_rng(0).permutation(y)
    with pytest.warns(ConvergenceWarning, match="After 1 epochs .* Raise 'max_iter'"):
        estimator(max_iter=1, **options).fit(X, noise)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        estimator(**options).fit(X, y)
        estimator(max_iter=1, **options).partial_fit(
            X, y, **({} if estimator is ARDRegressor else {"classes": np.unique(y)})
        )
