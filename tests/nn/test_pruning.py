import torch
from small_networks import MODELS, certain

from sklearn_ard.nn import (
    ConvARD,
    DenseARD,
    ard_layers,
    input_layers,
    live_inputs,
    prune_,
)


def test_input_layers_are_those_that_read_the_input_itself():
    model = MODELS["two readers"][0]().train()
    found = input_layers(model, torch.randn(4, 6))
    assert list(found) == [model.deep[0], model.direct] and model.training
    model = MODELS["images"][0]()
    assert list(input_layers(model, torch.randn(4, 48)).values()) == [(3, 4, 4)]


def test_inputs_are_live_that_a_layer_reads_with_a_kept_weight():
    model = certain(DenseARD(3, 1, (4,)))
    with torch.no_grad():
        model[0].log_sigma2[:, 0] = 20.0
        model[0].mask[1:, 2] = 0
    assert live_inputs(ard_layers(model)[:1]).tolist() == [False, True, True]


def test_units_that_no_layer_reads_are_pruned():
    model = certain(DenseARD(3, 1, (4, 2)))
    with torch.no_grad():
        model[4].mask[0, 1] = 0  # the second unit of the last hidden layer
        model[2].mask[0, 3] = 0  # the only other way out of the fourth unit before
    prune_(model)
    assert model[2].mask[1].sum() == 0
    assert model[0].mask[3].sum() == 0
    assert model[0].mask[:3].all() and model[2].mask[0, :3].all()


def test_channels_that_no_layer_reads_are_pruned_through_flatten():
    model = certain(ConvARD((1, 4, 4), 2, (3,), 3, ()))
    dense = model[-1]
    with torch.no_grad():
        dense.mask[:, 4:8] = 0  # all four pixels of the second channel
        dense.mask[:, 8] = 0  # one pixel of the third
    prune_(model)
    assert model[0].mask.sum(dim=(1, 2, 3)).tolist() == [9.0, 0.0, 9.0]
