import copy
import warnings

import pytest
import torch
from hypothesis import given, settings
from random_networks import DENSITIES, SEEDS, conv_networks, dense_networks, randomise
from torch import nn

import sklearn_ard.nn as ard
from sklearn_ard.nn import ConvARD, DenseARD, SkipARD, ard_layers, compact


def assert_same(model, x):
    found = compact(model)
    with torch.no_grad():
        torch.testing.assert_close(
            found.network(x[:, found.inputs]), model(x), rtol=1e-5, atol=1e-5
        )
    return found


@settings(deadline=None, max_examples=150, derandomize=True)
@given(seed=SEEDS, network=dense_networks(), density=DENSITIES)
def test_dense_networks_keep_their_outputs(seed, network, density):
    model, x = network
    torch.manual_seed(seed)
    found = assert_same(randomise(model, density), x)
    for name, layer in found.layers.items():
        if layer is None:
            continue
        before = dict(model.named_modules())[name]
        assert layer.in_features <= before.in_features
        assert layer.out_features <= before.out_features


@settings(deadline=None, max_examples=200, derandomize=True)
@given(seed=SEEDS, network=conv_networks(), density=DENSITIES)
def test_convolutional_networks_keep_their_outputs(seed, network, density):
    model, x = network
    torch.manual_seed(seed)
    assert_same(randomise(model, density), x)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(seed=SEEDS, network=dense_networks(), density=DENSITIES)
def test_skip_connections_keep_their_outputs(seed, network, density):
    inner, x = network
    torch.manual_seed(seed)
    with torch.no_grad():
        n_out = inner.eval()(x).shape[1]
    assert_same(randomise(SkipARD(inner, x.shape[1], n_out), density), x)


def test_no_superfluous_unit_is_left():
    model = randomise(DenseARD(30, 2, (20, 10)), 0.1)
    found = assert_same(model, torch.randn(5, 30))
    weights = [layer.weight for layer in found.network if hasattr(layer, "weight")]
    for before, after in zip(weights, weights[1:], strict=False):
        assert before.any(dim=1).all()  # every unit has a live input
        assert after.any(dim=0).all()  # and is read
    assert weights[0].any(dim=0).all()
    assert len(found.inputs) == weights[0].shape[1]


def test_flat_images_lose_the_pixels_of_dead_channels():
    model = randomise(ConvARD((3, 6, 6), 2, (5,), hidden_layer_sizes=(4,)), 1.0)
    model[0].mask_inputs_(torch.tensor([True, False, True]))
    model[0].mask_outputs_(torch.tensor([True, False, True, True, False]))
    found = assert_same(model, torch.randn(4, 108))
    assert found.inputs.tolist() == [*range(36), *range(72, 108)]
    assert found.layers["0"].weight.shape == (3, 2, 3, 3)
    assert found.layers["4"].in_features == 3 * 9


def test_a_constant_channel_stays_under_zero_padding_only():
    def widths(padding_mode):
        model = nn.Sequential(
            ard.Conv2dARD(1, 2, 1),
            nn.Sigmoid(),
            ard.Conv2dARD(2, 1, 3, padding=1, padding_mode=padding_mode),
        )
        randomise(model, 1.0)
        model[0].mask_outputs_(torch.tensor([True, False]))
        found = assert_same(model, torch.randn(2, 1, 5, 5))
        return found.layers["0"].out_channels

    assert widths("zeros") == 2
    assert widths("replicate") == 1


def test_empty_network_becomes_its_constant():
    model = randomise(DenseARD(5, 3, (4, 4)), 0.0)
    found = assert_same(model, torch.randn(2, 5))
    assert len(found.inputs) == 0
    assert len(found.network) == 1


def test_model_is_untouched_and_a_plain_one_does_not_train():
    model = randomise(DenseARD(5, 1), 0.3)
    before = copy.deepcopy(model.state_dict())
    network = compact(model).network
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert not any(p.requires_grad for p in network.parameters())
    assert not ard_layers(network)


def test_no_random_number_is_drawn():
    models = DenseARD(5, 1), ConvARD((1, 8, 8), 10), SkipARD(DenseARD(5, 1), 5, 1)
    state = torch.get_rng_state()
    for model in models:
        compact(model)
    assert torch.equal(torch.get_rng_state(), state)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = ard.LinearARD(4, 4), ard.LinearARD(4, 2)

    def forward(self, x):
        return self.second(x + torch.relu(self.first(x)))


def test_networks_with_branches_keep_their_shape_and_say_so():
    model, x = randomise(Residual(), 0.5), torch.randn(3, 4)
    with pytest.warns(UserWarning, match="cannot see through Residual.*Sequential"):
        found = compact(model)
    torch.testing.assert_close(found.network(x[:, found.inputs]), model(x))
    assert found.layers["first"].weight.shape == (4, 4)
    assert (found.layers["first"].weight == 0).sum() == (model.first.mask == 0).sum()


@pytest.mark.parametrize(
    "opaque",
    [nn.LayerNorm(4), nn.Softmax(dim=1), nn.BatchNorm1d(4, track_running_stats=False)],
)
def test_modules_that_mix_units_are_not_seen_through(opaque):
    model = nn.Sequential(ard.LinearARD(3, 4), opaque, ard.LinearARD(4, 1)).eval()
    with pytest.warns(UserWarning, match=type(opaque).__name__):
        compact(model)


def test_hooks_are_not_seen_through():
    model = DenseARD(3, 1).eval()
    model[1].register_forward_hook(lambda module, args, output: output + 1)
    with pytest.warns(UserWarning, match="hooks"):
        found = compact(model)
    x = torch.randn(2, 3)
    torch.testing.assert_close(found.network(x), model(x))


def test_a_network_without_ard_layers_is_refused():
    with pytest.raises(ValueError, match="ARD layers.*Linear with none"):
        compact(nn.Linear(3, 2))


def test_nothing_is_said_where_all_is_seen():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compact(randomise(ConvARD((1, 8, 8), 10), 0.2))
        compact(randomise(SkipARD(DenseARD(5, 1), 5, 1), 0.0))
