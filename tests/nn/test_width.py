import pytest
import torch

from sklearn_ard.nn import ConvARD, DenseARD, ard_layers
from sklearn_ard.nn.fast.shrink import MARGIN
from sklearn_ard.nn.fast.width import (
    connected_units,
    mask_units_,
    mask_untrained_,
    restrict_width_,
    start_narrow_,
    superfluous_units,
)


def test_connected_units_of_convolutions_are_channels():
    model = ConvARD((2, 8, 8), 3, (5, 4), hidden_layer_sizes=(6,))
    gone = [torch.arange(len(layer.mask)) % 3 == 1 for layer in ard_layers(model)[:-1]]
    mask_units_(model, gone)
    for connected, units in zip(connected_units(model), gone, strict=True):
        assert torch.equal(connected, ~units)
    start_narrow_(model, [2, 3, 4])
    assert [int(units.sum()) for units in connected_units(model)] == [2, 3, 4]


def test_a_unit_that_one_weight_reads_is_not_superfluous():
    model = DenseARD(3, 2, (4,))
    with torch.no_grad():
        model[2].log_sigma2[0] = 20.0
    assert not any(units.any() for units in superfluous_units(model, MARGIN))
    with torch.no_grad():
        model[2].log_sigma2[1, 2:] = 20.0
    inputs, units = superfluous_units(model, MARGIN)
    assert not inputs.any()
    assert units.tolist() == [False, False, True, True]


def test_networks_are_narrowed_to_their_connected_units_first():
    model = DenseARD(3, 1, (6,))
    model[2].mask[:, [0, 1, 3]] = 0
    (connected,) = connected_units(model)
    assert connected.tolist() == [False, False, True, False, True, True]
    restrict_width_(model, [4])
    for layer in (model[0], model[2]):
        layer.mask.fill_(1)
    mask_untrained_(model)
    assert model[2].mask.any(dim=0).tolist() == [1, 0, 1, 0, 1, 1]
    restrict_width_(model, [9])
    assert model[0].mask.any(dim=1).sum() == 4


def test_a_narrow_beginning_hands_on_signals_of_the_usual_size():
    torch.manual_seed(0)
    wide, narrow = DenseARD(5, 400, (1000,)), DenseARD(5, 400, (1000,))
    start_narrow_(narrow, [30])
    x = torch.randn(500, 5)
    std = [model.train()(x).std().item() for model in (wide, narrow)]
    assert std[0] == pytest.approx(std[1], rel=0.15)
