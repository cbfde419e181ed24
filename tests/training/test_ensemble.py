"""Deep ensembles: the mean of several networks, on the columns of the first."""

import pickle

import numpy as np
import pytest
import torch
from problems import problem
from sklearn.base import clone
from torch import nn

from sklearn_ard import (
    ARDClassifier,
    ARDClassifierCV,
    ARDRegressor,
    ARDRegressorCV,
    SparsityDisplay,
)
from sklearn_ard.inference.compression import fitted_model
from sklearn_ard.nn import (
    DenseARD,
    Ensemble,
    LinearARD,
    SkipARD,
    ard_layers,
    compact,
    output_variance,
)
from sklearn_ard.selection.path import walking
from sklearn_ard.training.ensemble import join


def random_network(kept, skip):
    network = DenseARD(10, 2, (8, 6))
    network = SkipARD(network, 10, 2) if skip else network
    for layer in ard_layers(network):
        nn.init.normal_(layer.weight)
        layer.mask.copy_((torch.rand_like(layer.mask) < kept).float())
    return network


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("kept", [[0.4] * 3, [0.05] * 3, [0.0] * 3, [0.5, 0.0, 0.1]])
@pytest.mark.parametrize("seed", range(3))
def test_compact_ensemble_says_what_the_whole_one_says(kept, skip, seed):
    torch.manual_seed(seed)
    ensemble = Ensemble([random_network(share, skip) for share in kept]).eval()
    network, inputs, layers = compact(ensemble)
    x = torch.randn(7, 10)
    mean = sum(part(x) for part in ensemble.networks) / 3
    torch.testing.assert_close(ensemble(x), mean)
    torch.testing.assert_close(network(x[:, inputs]), mean, rtol=1e-5, atol=1e-5)
    parts = {name for name, part in ensemble.named_modules() if hasattr(part, "bias")}
    assert layers.keys() == parts
    left = {id(part) for part in network.modules() if isinstance(part, nn.Linear)}
    assert {id(layer) for layer in layers.values() if layer is not None} <= left


def test_linear_parts_become_one_layer():
    ensemble = Ensemble([SkipARD(DenseARD(5, 1, (4,)), 5, 1) for _ in range(3)])
    network, _, _ = compact(ensemble.eval())
    assert len(network.networks) == 4
    linear = Ensemble([LinearARD(5, 1) for _ in range(3)])
    assert [type(part) for part in compact(linear.eval()).network] == [nn.Linear]


def test_ensemble_of_networks_that_end_otherwise_keeps_its_shape():
    ensemble = Ensemble([nn.Sequential(LinearARD(3, 2), nn.Tanh()) for _ in range(2)])
    with pytest.warns(UserWarning, match="Ensemble of networks whose last layer is"):
        network, inputs, _ = compact(ensemble.eval())
    x = torch.randn(4, 3)
    torch.testing.assert_close(network(x[:, inputs]), ensemble(x))


def test_variance_is_that_of_the_mixture():
    first, second = LinearARD(3, 1), LinearARD(3, 1)
    with torch.no_grad():
        for layer, log_sigma2 in ((first, -5.0), (second, -4.0)):
            layer.weight.normal_(std=2.0)
            layer.log_sigma2.fill_(log_sigma2)
    x = torch.randn(20, 3)
    found = output_variance(Ensemble([first, second]), x, n_draws=8000)
    within = (np.exp(-5) + np.exp(-4)) / 2 * x.square().sum(dim=1, keepdim=True)
    between = (first.eval()(x) - second.eval()(x)).square() / 4
    torch.testing.assert_close(found.float(), within + between, rtol=0.1, atol=0)


@pytest.fixture(scope="module", params=[ARDRegressor, ARDClassifier])
def models(request):
    """An ensemble, the single network, and their data."""
    X, y = problem(request.param)
    single = request.param(random_state=0).fit(X, y)
    return clone(single).set_params(n_networks=3).fit(X, y), single, X, y


def outputs_of(model, X):
    x = torch.from_numpy(
        model._fitted.data.scaler.transform(X)[:, model._fitted.trained.inputs]
    )
    networks = model.net_.module_.eval().networks
    return np.stack([network(x).detach().numpy() for network in networks])


def test_first_network_is_the_single_one_and_chooses_the_columns(models):
    ensemble, single, X, _ = models
    assert np.array_equal(ensemble.get_support(indices=True), [1, 4])
    first = outputs_of(ensemble, X)[0]
    np.testing.assert_allclose(first, single._outputs(X), rtol=1e-4, atol=1e-5)


def test_prediction_is_the_mean_of_different_networks(models):
    ensemble, _, X, _ = models
    outputs = outputs_of(ensemble, X)
    assert len(outputs) == 3 and outputs.std(axis=0).min() > 0
    np.testing.assert_allclose(
        ensemble._outputs(X), outputs.mean(axis=0), rtol=1e-4, atol=1e-5
    )


def test_compact_model_and_pickle_say_the_same(models):
    ensemble, single, X, _ = models
    expected = ensemble.predict(X)
    for model in (ensemble.compact(), pickle.loads(pickle.dumps(ensemble))):
        assert np.array_equal(model.predict(X), expected)
    before, after = (m.compression_report() for m in (single, ensemble))
    total = "total", ("weights", "before")
    assert after.loc[total] == 3 * before.loc[total]


def test_onnx_says_the_same(models, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    ensemble, _, X, _ = models
    ensemble.to_onnx(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    if isinstance(ensemble, ARDClassifier):
        (found,) = session.run(["probabilities"], {"X": X})
        np.testing.assert_allclose(found, ensemble.predict_proba(X), atol=1e-5)
    else:
        (found,) = session.run(["prediction"], {"X": X})
        np.testing.assert_allclose(found, ensemble.predict(X), rtol=1e-4, atol=1e-4)


def test_weights_of_an_ensemble_are_copies(estimator):
    X, y = problem(estimator, n=60)
    model = estimator(n_networks=2, max_iter=30, random_state=0)
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = clone(model).fit(X, y, sample_weight=weight)
    copied = model.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert np.array_equal(weighted.predict(X), copied.predict(X))


def test_standard_deviation_knows_how_far_the_networks_are_apart():
    X, y = problem(ARDRegressor)
    options = {"likelihood": "gaussian", "random_state": 0}
    model = ARDRegressor(n_networks=4, **options).fit(X, y)
    for far in (X, 20 * X):
        spread = outputs_of(model, far).std(axis=0)[:, 0] * y.std()
        _, std = model.predict(far, return_std=True)
        assert (std >= np.hypot(spread, model.noise_std_) * (1 - 1e-5)).all()
    assert np.median(std) > 3 * model.noise_std_  # nobody knows there


def test_noise_is_that_of_a_network_in_the_mean():
    X, y = problem(ARDRegressor, n=400)
    model = ARDRegressor(n_networks=3, random_state=0).fit(X, y)
    assert model.noise_std_ == pytest.approx(0.1, rel=0.35)


def test_ensemble_errs_less_than_its_networks_on_new_data():
    X, y = problem(ARDRegressor, n=100)
    X_test, y_test = problem(ARDRegressor, n=2000, seed=5)
    model = ARDRegressor(n_networks=4, random_state=0).fit(X, y)
    outputs = outputs_of(model, X_test)[:, :, 0]
    errors = ((outputs * y.std() + y.mean() - y_test) ** 2).mean(axis=1)
    assert ((model.predict(X_test) - y_test) ** 2).mean() < errors.mean()


def test_nothing_is_added_to_an_empty_model(estimator):
    model = estimator(n_networks=3, feature_cost=1e4, max_iter=400, random_state=0)
    with pytest.warns(UserWarning, match="No input is worth its price"):
        model.fit(*problem(estimator))
    assert not model.get_support().any()
    assert not isinstance(model.net_.module_, Ensemble)


@pytest.mark.parametrize("n_networks", [0, 1.5, -1])
def test_number_of_networks_is_checked(estimator, n_networks):
    with pytest.raises(ValueError, match=f"'n_networks' parameter.*Got {n_networks}"):
        estimator(n_networks=n_networks).fit(*problem(estimator))


def test_training_that_goes_on_wants_a_single_network(estimator):
    X, y = problem(estimator)
    model = estimator(n_networks=2, max_iter=20, warm_start=True)
    with pytest.raises(ValueError, match="'n_networks'.*must be 1 for warm_start=True"):
        model.fit(X, y)
    classes = {"classes": ["high", "low"]} if estimator is ARDClassifier else {}
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as error:
        model.partial_fit(X, y, **classes)
    assert "'n_networks' parameter" in str(error.value.__cause__)
    assert not hasattr(model, "net_")


# 1,000 epochs of three batches, and 600 for each further network
EPOCHS = [(700, 1, 700), (1100, 1, 1000), (1700, 2, 1600)]


@pytest.mark.parametrize(("epoch", "n_networks", "n_epochs"), EPOCHS)
def test_interrupted_ensemble_has_the_networks_that_are_done(
    epoch, n_networks, n_epochs, interrupt_at
):
    pinned = {"n_bins": 0, "likelihood": "gaussian"}  # no candidates before
    model = ARDRegressor(n_networks=6, random_state=0, **pinned)
    interrupt_at(epoch)
    with pytest.warns(UserWarning, match=f"interrupted after {n_epochs} epochs"):
        model.fit(*problem(ARDRegressor))
    parts = model.net_.module_
    assert len(getattr(parts, "networks", [parts])) == n_networks


@pytest.mark.parametrize("cv", [ARDRegressorCV, ARDClassifierCV])
def test_cross_validation_trains_an_ensemble_where_it_has_chosen(cv):
    X, y = problem(cv._plain)
    model = cv(reg_factors=[0.3, 1], cv=2, n_networks=3, random_state=0).fit(X, y)
    assert len(model.net_.module_.networks) == 3
    assert np.array_equal(model.get_support(), model.path_.support[model.best_index_])
    np.testing.assert_allclose(
        model._outputs(X), outputs_of(model, X).mean(axis=0), rtol=1e-4, atol=1e-5
    )


def test_networks_that_read_different_columns_become_one(estimator):
    X, y = problem(estimator)
    model = estimator((16,), random_state=0)

    def outputs_of_network(trained):
        model._set_fitted(fitted_model(trained, data))
        return model._outputs(X)

    with walking(model, X, y) as (walk, data):
        members = [walk.over([1.0])[1.0]]
    for columns in ([1, 4], [1, 2, 4], [1], [3, 4, 6]):
        support = np.isin(np.arange(8), columns)
        members.append(walk.on_inputs(1.0, members[0], support))
    outputs = [outputs_of_network(member) for member in members]
    found = outputs_of_network(join(walk.task, members))
    np.testing.assert_allclose(found, np.mean(outputs, axis=0), rtol=1e-4, atol=1e-5)


def test_images_and_trained_networks(estimator):
    X, y = problem(estimator)
    for options in (
        {"input_shape": (2, 4), "conv_channels": (3,), "hidden_layer_sizes": (8,)},
        {"module": DenseARD(8, 2 if estimator is ARDClassifier else 1, (8,))},
    ):
        model = estimator(n_networks=2, max_iter=40, random_state=0, **options)
        model.fit(X, y)
        np.testing.assert_allclose(
            model._outputs(X), outputs_of(model, X).mean(axis=0), atol=1e-4
        )


def test_display_shows_a_layer_of_all_networks_at_once():
    X, y = problem(ARDRegressor)
    model = ARDRegressor((8,), n_networks=3, random_state=0, max_iter=60).fit(X, y)
    display = SparsityDisplay.from_estimator(model)
    n_read = len(model._fitted.trained.inputs)
    shapes = [mask.shape for mask in display.masks]
    assert shapes == [(24, n_read), (3, 8), (3, n_read)]
