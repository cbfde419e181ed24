import pytest
import torch
from torch import nn

from sklearn_ard.nn import (
    Conv1dARD,
    ConvARD,
    DenseARD,
    LinearARD,
    SkipARD,
    ard_layers,
    kl_divergence,
    mask_unread_units_,
)
from sklearn_ard.nn.fast.live_network import (
    Slim,
    begin_narrow_,
    connected_units,
    mask_units_,
    unit_chain,
)


def make_masked(skip=True):
    torch.manual_seed(0)
    model = DenseARD(5, 2, (7, 6))
    if skip:
        model = SkipARD(model, 5, 2)
    for layer in ard_layers(model):
        layer.mask.copy_(torch.rand_like(layer.mask) > 0.3)
        layer.mask[:, 1] = 0  # an input, or a unit that nobody reads
    mask_unread_units_(model)
    return model


@pytest.mark.parametrize("skip", [False, True])
def test_the_small_network_is_the_same_function(skip):
    model = make_masked(skip)
    slim = Slim(model)
    assert slim.inputs.tolist() == [0, 2, 3, 4]
    for layer, small in zip(*map(ard_layers, (model, slim.network)), strict=True):
        assert small.weight.numel() < layer.weight.numel()
    x = torch.randn(9, 5)
    torch.testing.assert_close(slim.network.eval()(x[:, slim.inputs]), model.eval()(x))


def test_changes_are_written_back_where_they_belong():
    model = make_masked()
    slim = Slim(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    slim.write_back()
    assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())
    with torch.no_grad():
        for parameter in slim.network.parameters():
            parameter += 1
    slim.write_back()
    x = torch.randn(9, 5)
    torch.testing.assert_close(slim.network.eval()(x[:, slim.inputs]), model.eval()(x))
    for name, layer in model.named_modules():
        if isinstance(layer, LinearARD):
            changed = layer.weight != before[f"{name}.weight"]
            assert not changed[:, 1].any()  # what is not live is left alone
            assert changed[layer.mask.bool()].all()


def test_masks_are_written_back():
    model = make_masked()
    slim = Slim(model)
    slim.network.linear.mask_inputs_(torch.tensor([True, False, True, True]))
    slim.write_masks_back()
    assert not model.linear.mask[:, 2].any()
    assert model.linear.mask[:, [0, 3, 4]].any()


@pytest.mark.parametrize(
    "model",
    [DenseARD(3, 1, (4,)), nn.Sequential(LinearARD(3, 2), nn.BatchNorm1d(2))],
    ids=["nothing is masked", "no dense chain"],
)
def test_other_networks_are_left_as_they_are(model):
    slim = Slim(model)
    slim.write_back()
    assert slim.network is model
    assert slim.inputs is None


def test_a_network_of_which_nothing_is_live_is_still_one():
    model = DenseARD(3, 2, (4,))
    for layer in ard_layers(model):
        layer.mask.zero_()
    slim = Slim(model)
    assert slim.network(torch.zeros(5, 0)).shape == (5, 2)
    slim.write_back()


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
def test_channels_that_nobody_reads_leave_a_network_of_convolutions(kind, prior):
    model, gone, x = make_masked_channels(kind, prior)
    slim = Slim(model)
    assert slim.inputs is None
    layers, small = ard_layers(model), ard_layers(slim.network)
    for layer, little, units in zip(layers, small, gone, strict=False):
        assert len(little.weight) == len(layer.weight) - units.sum()
    torch.testing.assert_close(slim.network.eval()(x), model.eval()(x))
    torch.testing.assert_close(kl_divergence(slim.network), kl_divergence(model))
    with torch.no_grad():
        for parameter in slim.network.parameters():
            parameter += 1
    slim.write_back()
    torch.testing.assert_close(slim.network.eval()(x), model.eval()(x))
    slim.read()
    torch.testing.assert_close(slim.network.eval()(x), model.eval()(x))


def test_connected_units_of_convolutions_are_channels():
    model, gone, _ = make_masked_channels("images")
    for connected, units in zip(connected_units(model), gone, strict=True):
        assert torch.equal(connected, ~units)
    begin_narrow_(model, [2, 3, 4])
    assert [int(units.sum()) for units in connected_units(model)] == [2, 3, 4]


def test_convolutions_of_which_nothing_is_live_are_still_a_network():
    model, _, x = make_masked_channels("images")
    for layer in ard_layers(model):
        layer.mask.zero_()
    slim = Slim(model)
    torch.testing.assert_close(slim.network.eval()(x), model.eval()(x))
    assert [len(layer.weight) for layer in ard_layers(slim.network)] == [1, 1, 1, 3]


def make_tied():
    model = DenseARD(3, 1, (3, 3))
    model[2].weight = model[0].weight
    return model


@pytest.mark.parametrize(
    "model",
    [
        make_tied(),
        nn.Sequential(Conv1dARD(2, 4, 3, groups=2), nn.Flatten(), LinearARD(8, 1)),
        nn.Sequential(Conv1dARD(1, 4, 3), nn.BatchNorm1d(4), Conv1dARD(4, 1, 3)),
        nn.Sequential(Conv1dARD(1, 4, 3), LinearARD(8, 2)),  # along the series
        nn.Sequential(nn.Sequential(LinearARD(3, 2)), LinearARD(2, 1)),
    ],
    ids=["shared weights", "groups", "norm", "no flattening", "nested"],
)
def test_these_are_no_chains(model):
    assert unit_chain(model) == ([], None)


def test_a_dense_layer_along_a_series_reads_no_channels():
    model = nn.Sequential(Conv1dARD(1, 4, 3), nn.ReLU(), LinearARD(8, 2))
    model[2].mask[:, 4:] = 0
    mask_unread_units_(model)
    assert model[0].mask.all()
