"""Networks of the user's own: callables, trained networks, images, dense training."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.nn import ConvARD, DenseARD, ard_layers, prune_, to_ard

FROZEN = {"max_iter": 1, "learning_rate_init": 1e-30, "feature_cost": 0}


def data(n=200):
    X = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)
    X[:, 5] = 3.0  # constant, but not 0: a given network reads it
    y = 100 + 10 * X[:, 1] * X[:, 4]
    return X, y


def trained_network(X, y, steps=300):
    """A plain torch network, on the units of X and y."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(X.shape[1], 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1)
    )
    with torch.no_grad():
        network[-1].bias.fill_(float(y.mean()))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    x, target = torch.from_numpy(X), torch.from_numpy(y)
    for _ in range(steps):
        optimizer.zero_grad()
        (network(x)[:, 0] - target).square().mean().backward()
        optimizer.step()
    return network.eval()


def outputs(network, X):
    with torch.no_grad():
        return network.eval()(torch.from_numpy(X)).numpy()


@pytest.fixture(scope="module")
def pretrained():
    return trained_network(*data())


def test_training_starts_from_the_weights_of_a_given_network(pretrained):
    X, y = data()
    network = copy.deepcopy(pretrained)
    network[1].momentum = 0.0  # batch norm would move on with its batches
    model = ARDRegressor(module=network, **FROZEN).fit(X, y)
    np.testing.assert_allclose(model.predict(X), outputs(network, X)[:, 0], rtol=1e-5)
    assert model.sparsity_ == 0


def test_a_given_network_is_pruned_and_keeps_its_accuracy(pretrained):
    X, y = data()
    before = pickle.dumps(pretrained.state_dict())
    model = ARDRegressor(module=pretrained, random_state=0).fit(X, y)
    assert pickle.dumps(pretrained.state_dict()) == before
    assert not ard_layers(pretrained)
    assert model.get_support(indices=True).tolist() == [1, 4]
    assert model.sparsity_ > 0.5
    X_new, y_new = np.random.default_rng(1).normal(size=(2, 500, 6))
    X_new[:, 5] = 3.0
    y_new = 100 + 10 * X_new[:, 1] * X_new[:, 4]
    assert model.score(X_new, y_new) > 0.9
    assert 0 < model.noise_std_ < 5  # in units of y, whose standard deviation is 10


def test_copies_of_the_estimator_have_the_weights(pretrained):
    X, y = data()
    model = ARDRegressor(module=pretrained, random_state=0, **FROZEN)
    expected = model.fit(X, y).predict(X)
    for other in (
        clone(model),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ):
        assert np.array_equal(other.fit(X, y).predict(X), expected)
    search = GridSearchCV(model, {"reg_factor": [0.1, 1.0]}, cv=2).fit(X, y)
    assert np.array_equal(search.predict(X), expected)


def test_an_ard_network_is_taken_as_it_is():
    X, y = data()
    network = DenseARD(6, 1, (8,))
    with torch.no_grad():
        network[0].mask[:, 2] = 0
    prune_(network)
    model = ARDRegressor(module=network, **FROZEN).fit(X, y)
    assert not model.get_support()[2]
    np.testing.assert_allclose(
        model.predict(X), outputs(network, X)[:, 0], rtol=1e-4, atol=1e-5
    )


def test_warm_start_goes_on_from_the_last_fit_and_not_from_the_module(pretrained):
    X, y = data()
    model = ARDRegressor(module=pretrained, max_iter=30, random_state=0).fit(X, y)
    fitted = model.predict(X)
    model.set_params(warm_start=True, **FROZEN).fit(X, y)
    again = np.abs(model.predict(X) - fitted).mean()
    from_module = np.abs(outputs(pretrained, X)[:, 0] - fitted).mean()
    assert again < 0.5 * from_module


def test_partial_fit_starts_from_a_given_network(pretrained):
    X, y = data()
    model = ARDRegressor(module=pretrained, learning_rate_init=1e-30)
    model.partial_fit(X, y)
    assert model.score(X, y) > 0.95


def test_an_empty_model_of_a_given_network_predicts_the_mean_of_y(pretrained):
    X, y = data()
    with pytest.warns(UserWarning, match="the model is empty"):
        model = ARDRegressor(module=pretrained, reg_factor=1e6).fit(X, y)
    np.testing.assert_allclose(model.predict(X), np.full(len(X), y.mean()), rtol=1e-6)
    assert model.noise_std_ == pytest.approx(y.std(), rel=1e-5)
    expected = -0.5 * len(y) * (np.log(2 * np.pi * y.var()) + 1)
    assert model.elbo_ == pytest.approx(expected, rel=1e-5)


def test_a_callable_may_return_a_plain_network():
    X, y = data()
    model = ARDRegressor(
        module=lambda i, o: nn.Sequential(
            nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o)
        ),
        random_state=0,
    ).fit(X, y)
    assert model.get_support(indices=True).tolist() == [1, 4]


def test_given_convolutional_network_gets_images():
    images, y = load_digits(return_X_y=True)
    X = (images / 16).astype(np.float32)[:300]
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 10)
    )
    model = ARDClassifier(module=network, input_shape=(1, 8, 8), **FROZEN)
    model.fit(X, y[:300])
    expected = outputs(network, X.reshape(-1, 1, 8, 8))
    np.testing.assert_allclose(
        model.predict_proba(X),
        torch.from_numpy(expected).softmax(1).numpy(),
        rtol=1e-4,
    )


def test_given_network_of_other_images_says_both_sizes():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2))
    X, y = np.random.default_rng(0).normal(size=(20, 64)), np.arange(20) % 2
    message = r"images of shape \(1, 8, 8\).*Conv2d, takes 3 inputs"
    with pytest.raises(ValueError, match=message):
        ARDClassifier(module=network, input_shape=(1, 8, 8)).fit(X, y)


@pytest.mark.parametrize("shape", [(20, 8, 8), (20, 1, 8, 8)])
def test_images_that_are_not_flat_get_a_hint(shape):
    X, y = np.zeros(shape), np.arange(20) % 2
    message = r"X.reshape\(len\(X\), -1\).*input_shape=\(1, 8, 8\)"
    with pytest.raises(ValueError, match=message):
        ARDClassifier().fit(X, y)
    model = ARDClassifier(max_iter=1).fit(np.random.rand(20, 64), y)
    with pytest.raises(ValueError, match=message):
        model.predict(X)


def test_lenet_5_caffe_by_constructor_arguments_alone():
    model = ARDClassifier(
        input_shape=(1, 28, 28),
        conv_channels=(20, 50),
        kernel_size=5,
        padding="valid",
        hidden_layer_sizes=(500,),
        max_iter=1,
    )
    X = np.random.default_rng(0).normal(size=(4, 784))
    model.fit(X, [0, 1, 0, 1])
    shapes = [tuple(la.weight.shape) for la in ard_layers(model.net_.module_)]
    assert shapes == [(20, 1, 5, 5), (50, 20, 5, 5), (500, 800), (2, 500)]


class Watch(Callback):
    """Notes whether there is noise in training mode."""

    def __init__(self):
        self.noisy = []

    def on_batch_begin(self, net, batch=None, **kwargs):
        with torch.random.fork_rng():
            first, second = net.module_.train()(batch[0]), net.module_(batch[0])
        self.noisy.append(not torch.equal(first, second))


def test_dense_training_has_neither_noise_nor_prior():
    X, y = data()
    watch = Watch()
    model = ARDRegressor(
        dense_iter=5, max_iter=10, batch_size=200, callbacks=[watch], random_state=0
    ).fit(X[:, :5], y)
    assert model.n_iter_ == 15
    assert watch.noisy == [False] * 5 + [True] * 10
    assert model.net_.history[:5, "kl"] == [0.0] * 5
    assert model.net_.history[:5, "sparsity"] == [0.0] * 5
    assert model.net_.history[-1, "kl"] > 0


def test_evidence_leaves_batch_norm_and_dropout_alone(pretrained):
    from sklearn_ard.nn import ELBOLoss, elbo, weigh_inputs

    X, y = data()
    model = to_ard(nn.Sequential(pretrained, nn.Dropout(0.5)))
    with torch.no_grad():
        for layer in ard_layers(model):
            layer.log_sigma2.fill_(-40.0)
    criterion = ELBOLoss(model, len(X))
    x, target = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    before = pickle.dumps(model.state_dict())
    modes = [module.training for module in model.modules()]
    weigh_inputs(model, criterion, x, target)
    value = elbo(model, criterion, x, target)
    assert pickle.dumps(model.state_dict()) == before
    assert [module.training for module in model.modules()] == modes
    with torch.no_grad():
        nll = criterion.likelihood(model.eval()(x), target).sum()
        kl = sum(float(layer.kl().sum()) for layer in ard_layers(model))
    assert value == pytest.approx(-float(nll) - kl, rel=1e-3)


class PastTheLayers(nn.Module):
    """A network with a column that no ARD layer can drop."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_outputs)

    def forward(self, x):
        return self.layer(x) + 0.1 * x[:, [2]]


def test_columns_that_are_read_past_the_ard_layers_are_not_called_dropped():
    X, y = data()
    model = ARDRegressor(module=PastTheLayers, random_state=0).fit(X, X[:, 0])
    assert model.get_support(indices=True).tolist() == [0, 2]


def test_conv_network_of_the_estimator_takes_all_settings():
    X, y = np.random.default_rng(0).normal(size=(20, 2 * 13)), np.arange(20) % 2
    model = ARDClassifier(
        input_shape=(2, 13),
        conv_channels=(3, 4),
        kernel_size=(5, 3),
        stride=(2, 1),
        padding=(0, "same"),
        pool_size=(1, 2),
        hidden_layer_sizes=(),
        max_iter=1,
    ).fit(X, y)
    module = model.net_.module_
    assert isinstance(module, ConvARD)
    assert [tuple(la.weight.shape) for la in ard_layers(module)] == [
        (3, 2, 5),
        (4, 3, 3),
        (2, 8),
    ]


def test_a_fit_inside_of_the_callable_of_another_one():
    X, y = data()

    def network(n_inputs, n_outputs):
        ARDRegressor((4,), max_iter=1, random_state=0).fit(X[:20], y[:20])
        return nn.Linear(n_inputs, n_outputs)

    model = ARDRegressor(module=network, max_iter=2, random_state=0).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
