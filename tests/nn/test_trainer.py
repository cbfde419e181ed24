import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_friedman1
from skorch.callbacks import Callback

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.nn import ConvARD, DenseARD, ELBOLoss, SkipARD, ard_layers
from sklearn_ard.nn.fast.shrink import MARGIN
from sklearn_ard.nn.fast.trainer import Trainer


def make_trainer(lose=False):
    """A trainer of a network wide enough to shrink, and a batch."""
    torch.manual_seed(0)
    model = SkipARD(DenseARD(6, 1, (200, 150)), 6, 1)
    with torch.no_grad():
        for layer in ard_layers(model):
            layer.weight.copy_(layer.weight.sign() * 0.1)
    if lose:
        lose_half(model)
    trainer = Trainer(model, ELBOLoss(model, 100), lr=0.01)
    batch = torch.randn(64, 6), torch.randn(64), torch.ones(64)
    return model, trainer, batch


def lose_half(model):
    """Make input 2 and most units as superfluous as can be."""
    first, second, last, skip = ard_layers(model)
    with torch.no_grad():
        for layer, start in ((second, 50), (last, 20)):
            layer.log_sigma2[:, start:] = 9.0
        for layer in (first, skip):
            layer.log_sigma2[:, 2] = 9.0


def test_what_is_lost_leaves_and_the_rest_trains_on_where_it_was():
    model, trainer, batch = make_trainer(lose=True)
    trainer.step(*batch)
    trainer.write_back()
    before = trainer.optimizer
    assert not trainer.shrink()  # it may be by chance, the first time
    assert trainer.shrink()
    assert trainer.inputs.tolist() == [0, 1, 3, 4, 5]
    first, second, last, _ = ard_layers(model)
    assert first.mask[:50, 0].all() and not first.mask[50:].any()
    assert second.mask[:20, :50].all() and not last.mask[:, 20:].any()
    n = 50 * 5 + 5 + 20 * 50 + 20  # weights; each has a variance, units have biases
    assert len(trainer.optimizer.mean) == 2 * n + 50 + 20 + 1 + 1
    assert trainer.optimizer.n_steps == 1
    # the moments are those of the same weights as before
    np.testing.assert_array_equal(
        trainer.optimizer.mean[: 50 * 5].reshape(50, 5),
        before.mean[: 200 * 6].reshape(200, 6)[:50, trainer.inputs],
    )
    x, target, weight = batch
    old = second.weight.clone()
    trainer.step(x[:, trainer.inputs], target, weight)
    trainer.write_back()
    changed = second.weight != old
    assert changed[:20, :50].all()
    assert not changed[20:].any() and not changed[:, 50:].any()


def test_channels_that_are_lost_leave():
    torch.manual_seed(0)
    model = ConvARD((1, 8, 8), 1, (6, 8), hidden_layer_sizes=(10,))
    with torch.no_grad():
        for layer in ard_layers(model):
            layer.weight.copy_(layer.weight.sign() * 0.1)
        ard_layers(model)[1].log_sigma2[:, :2] = 9.0  # channels 0 and 1 of the first
        ard_layers(model)[2].log_sigma2[:, : 3 * 4] = 9.0  # 0 to 2 of the second
    trainer = Trainer(model, ELBOLoss(model, 100), lr=0.01)
    batch = torch.randn(16, 64), torch.randn(16), torch.ones(16)
    trainer.step(*batch)
    before = trainer.optimizer.mean
    assert not trainer.shrink()
    assert trainer.shrink()
    live = trainer.live()
    shapes = [tuple(layer.weight.shape) for layer in ard_layers(live)]
    assert shapes == [(4, 1, 3, 3), (5, 4, 3, 3), (10, 20), (1, 10)]
    # the moments are those of the same weights as before
    first = ard_layers(model)[0].weight.numel()
    torch.testing.assert_close(
        trainer.optimizer.mean[: 4 * 9], before[:first].view(6, 9)[2:].flatten()
    )
    trainer.step(*batch)
    trainer.write_back()
    torch.testing.assert_close(live.eval()(batch[0]), model.eval()(batch[0]))
    assert not trainer.shrink() and not trainer.shrink()  # nothing is left to lose


def test_inputs_of_convolutions_stay():
    model = ConvARD((2, 4, 4), 1, (3,), hidden_layer_sizes=())
    ard_layers(model)[0].mask[:, 0] = 0
    trainer = Trainer(model, ELBOLoss(model, 100), lr=0.01)
    assert not any(trainer.shrink() for _ in range(3))
    assert trainer.inputs is None


def test_nothing_leaves_that_is_within_the_margin():
    model, trainer, _ = make_trainer()
    threshold = ard_layers(model)[0].prior.threshold
    with torch.no_grad():
        for layer in ard_layers(model):
            log_square = layer.weight.square().add(1e-8).log()
            layer.log_sigma2.copy_(log_square + threshold + MARGIN - 0.1)
    trainer.read()
    assert not any(trainer.shrink() for _ in range(3))
    assert all(layer.mask.all() for layer in ard_layers(model))


class Sizes(Callback):
    """Notes how many numbers the optimiser trains."""

    def __init__(self):
        self.found = []

    def on_epoch_end(self, net, **kwargs):
        (parameter,) = net.optimizer_.param_groups[0]["params"]
        self.found.append(len(parameter))


@pytest.mark.parametrize("shrink", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_wide_networks_are_trained_as_narrow_as_they_need_to_be(shrink):
    X, y = make_friedman1(800, n_features=20, noise=1.0, random_state=0)
    sizes = Sizes()
    model = ARDRegressor((300, 300), shrink=shrink, random_state=0, callbacks=[sizes])
    model.fit(X[:600], y[:600])
    full = 2 * (20 * 300 + 20 + 300 * 300 + 300)
    assert (max(sizes.found) > full) is not shrink
    assert sizes.found[-1] < 0.1 * full
    assert model.get_support(indices=True).tolist() == [0, 1, 2, 3, 4]
    assert model.score(X[600:], y[600:]) > 0.9
    # sparsity is measured on the network that was asked for
    n_weights = 5 * 300 + 5 + 300 * 300 + 300
    kept = sum(layer.keep().sum().item() for layer in ard_layers(model.net_.module_))
    assert model.sparsity_ >= 1 - kept / n_weights
    assert model.net_.module_.network[2].weight.shape == (300, 300)


def test_a_convolutional_network_trains_in_fewer_channels():
    X, y = load_digits(return_X_y=True)
    sizes = Sizes()
    model = ARDClassifier(
        input_shape=(1, 8, 8), conv_channels=(16, 16), reg_factor=5.0, max_iter=60,
        random_state=0, callbacks=[sizes],
    ).fit(X[:1200], y[:1200])  # fmt: skip
    assert sizes.found[-1] < 0.9 * sizes.found[0]
    assert model.score(X[1200:], y[1200:]) > 0.85


class Watch(Callback):
    def on_epoch_end(self, net, **kwargs):
        self.last = ard_layers(net.module_)[0].weight.detach().clone()


def test_a_callback_that_looks_on_changes_nothing():
    X, y = make_friedman1(300, n_features=6, random_state=0)
    watch = Watch()
    plain, watched = (
        ARDRegressor((8,), max_iter=40, random_state=0, callbacks=callbacks).fit(X, y)
        for callbacks in (None, [watch])
    )
    np.testing.assert_array_equal(plain.predict(X), watched.predict(X))
    torch.testing.assert_close(watch.last, ard_layers(watched.net_.module_)[0].weight)


def test_a_network_that_is_given_keeps_its_width():
    X, y = make_friedman1(300, n_features=6, random_state=0)
    torch.manual_seed(0)
    given = torch.nn.Sequential(
        torch.nn.Linear(6, 300), torch.nn.ReLU(), torch.nn.Linear(300, 1)
    )
    sizes = Sizes()
    ARDRegressor(module=given, random_state=0, callbacks=[sizes]).fit(X, y)
    assert sizes.found[0] > 2 * (6 * 300 + 300)


def test_units_that_were_never_trained_get_no_new_chance():
    X, y = make_friedman1(800, n_features=6, noise=1.0, random_state=0)
    model = ARDRegressor((300, 300), random_state=0).fit(X, y)
    before = model.sparsity_
    model.partial_fit(X[:100], y[:100])  # all others do
    assert model.sparsity_ > before - 0.02


@pytest.mark.parametrize("dense", [True, False])
def test_steps_with_a_generator_repeat_and_leave_the_global_one_alone(dense):
    def train():
        generator = torch.Generator().manual_seed(7)
        if dense:
            network = DenseARD(16, 1, (5,), generator=generator)
            model = SkipARD(network, 16, 1, generator=generator)
        else:
            model = ConvARD((1, 4, 4), 1, (3,), generator=generator)
        trainer = Trainer(model, ELBOLoss(model, 100), 0.01, generator)
        for _ in range(2):
            trainer.step(x, x[:, 0], torch.ones(9))
        trainer.write_back()
        return model.state_dict(), generator.get_state()

    x = torch.randn(9, 16)
    state = torch.get_rng_state()
    first, after = train()
    second, again = train()
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(after, again)
    for name, value in first.items():
        assert torch.equal(value, second[name])
