import pytest
import torch
from torch import nn

from sklearn_ard.nn import DenseARD, LinearARD, SkipARD, ard_layers, mask_unread_units_
from sklearn_ard.nn._slim import Slim


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
