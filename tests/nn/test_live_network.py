import pytest
import torch
from torch import nn

from sklearn_ard.nn import (
    ConvARD,
    DenseARD,
    LinearARD,
    SkipARD,
    ard_layers,
    kl_divergence,
    mask_unread_units_,
    noise_from,
)
from sklearn_ard.nn.fast.live_network import LiveNetwork
from sklearn_ard.nn.fast.width import mask_units_


def make_masked(skip=True):
    torch.manual_seed(0)
    model = DenseARD(5, 2, (7, 6))
    if skip:
        model = SkipARD(model, 5, 2)
    for layer in ard_layers(model):
        layer.mask.copy_(torch.rand_like(layer.mask) > 0.3)
        layer.mask[:, 1] = 0  # an input, or a unit that no layer reads
    mask_unread_units_(model)
    return model


@pytest.mark.parametrize("skip", [False, True])
def test_the_small_network_is_the_same_function(skip):
    model = make_masked(skip)
    live = LiveNetwork(model)
    assert live.inputs.tolist() == [0, 2, 3, 4]
    for layer, small in zip(*map(ard_layers, (model, live.network)), strict=True):
        assert small.weight.numel() < layer.weight.numel()
    x = torch.randn(9, 5)
    torch.testing.assert_close(live.network.eval()(x[:, live.inputs]), model.eval()(x))


def test_changes_are_written_back_where_they_belong():
    model = make_masked()
    live = LiveNetwork(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    live.write_back()
    assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())
    with torch.no_grad():
        for parameter in live.network.parameters():
            parameter += 1
    live.write_back()
    x = torch.randn(9, 5)
    torch.testing.assert_close(live.network.eval()(x[:, live.inputs]), model.eval()(x))
    for name, layer in model.named_modules():
        if isinstance(layer, LinearARD):
            changed = layer.weight != before[f"{name}.weight"]
            assert not changed[:, 1].any()  # what is not live is left alone
            assert changed[layer.mask.bool()].all()


def test_masks_are_written_back():
    model = make_masked()
    live = LiveNetwork(model)
    live.network.linear.mask_inputs_(torch.tensor([True, False, True, True]))
    live.write_masks_back()
    assert not model.linear.mask[:, 2].any()
    assert model.linear.mask[:, [0, 3, 4]].any()


@pytest.mark.parametrize(
    "model",
    [DenseARD(3, 1, (4,)), nn.Sequential(LinearARD(3, 2), nn.BatchNorm1d(2))],
    ids=["nothing is masked", "no dense chain"],
)
def test_other_networks_are_left_as_they_are(model):
    live = LiveNetwork(model)
    live.write_back()
    assert live.network is model
    assert live.inputs is None


def test_a_network_of_which_nothing_is_live_is_still_one():
    model = DenseARD(3, 2, (4,))
    for layer in ard_layers(model):
        layer.mask.zero_()
    live = LiveNetwork(model)
    assert live.network(torch.zeros(5, 0)).shape == (5, 2)
    live.write_back()


CONVOLUTIONS = {
    "images": lambda prior: ConvARD(
        (2, 8, 8), 3, (5, 4), hidden_layer_sizes=(6,), prior=prior
    ),
    "series": lambda prior: ConvARD(
        (1, 12), 2, (6,), 5, hidden_layer_sizes=(), padding=2, pool_size=3, prior=prior
    ),
}


def make_masked_channels(kind, prior="log_uniform"):
    torch.manual_seed(0)
    model = CONVOLUTIONS[kind](prior)
    layers = ard_layers(model)
    for layer in layers:
        layer.mask.copy_(torch.rand_like(layer.mask) > 0.3)
    gone = [torch.arange(len(layer.mask)) % 3 == 1 for layer in layers[:-1]]
    mask_units_(model, gone)
    x = torch.randn(9, *model.input_shape).flatten(1)
    return model, gone, x


@pytest.mark.parametrize("prior", ["log_uniform", "group_ard"])
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_channels_that_no_layer_reads_leave_a_network_of_convolutions(kind, prior):
    model, gone, x = make_masked_channels(kind, prior)
    live = LiveNetwork(model)
    assert live.inputs is None
    layers, small = ard_layers(model), ard_layers(live.network)
    for layer, little, units in zip(layers, small, gone, strict=False):
        assert len(little.weight) == len(layer.weight) - units.sum()
    torch.testing.assert_close(live.network.eval()(x), model.eval()(x))
    torch.testing.assert_close(kl_divergence(live.network), kl_divergence(model))
    with torch.no_grad():
        for parameter in live.network.parameters():
            parameter += 1
    live.write_back()
    torch.testing.assert_close(live.network.eval()(x), model.eval()(x))
    live.read()
    torch.testing.assert_close(live.network.eval()(x), model.eval()(x))


def test_convolutions_of_which_nothing_is_live_are_still_a_network():
    model, _, x = make_masked_channels("images")
    for layer in ard_layers(model):
        layer.mask.zero_()
    live = LiveNetwork(model)
    torch.testing.assert_close(live.network.eval()(x), model.eval()(x))
    assert [len(layer.weight) for layer in ard_layers(live.network)] == [1, 1, 1, 3]


def test_the_small_network_draws_from_the_generator_of_the_model():
    model, generator = make_masked(), torch.Generator()
    state = torch.get_rng_state()
    with noise_from(model, generator.manual_seed(1)):
        live = LiveNetwork(model)
    x = torch.randn(9, 4, generator=generator.manual_seed(2))
    with noise_from(live.network, generator.manual_seed(3)):
        expected = live.network(x)
    generator.manual_seed(3)
    assert all(layer.generator is generator for layer in ard_layers(live.network))
    assert torch.equal(live.network(x), expected)
    assert torch.equal(torch.get_rng_state(), state)
