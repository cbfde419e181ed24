import pytest
from torch import nn

from sklearn_ard.nn import (
    Conv1dARD,
    ConvARD,
    DenseARD,
    LinearARD,
    SkipARD,
    mask_unread_units_,
)
from sklearn_ard.nn.chain import Chain, chain_of, is_dense, last_chain, modules_of


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
    assert chain_of(model) == Chain()
    assert not chain_of(model).layers


def test_a_dense_layer_along_a_series_reads_no_channels():
    model = nn.Sequential(Conv1dARD(1, 4, 3), nn.ReLU(), LinearARD(8, 2))
    model[2].mask[:, 4:] = 0
    mask_unread_units_(model)
    assert model[0].mask.all()


def test_a_chain_has_its_layers_the_modules_between_and_the_skip_connection():
    model = SkipARD(DenseARD(3, 1, (4, 5), "tanh"), 3, 1)
    chain = chain_of(model)
    assert chain.layers == [model.network[0], model.network[2], model.network[4]]
    assert chain.between == [[], [model.network[1]], [model.network[3]], []]
    assert chain.skip is model.linear
    assert is_dense(model)


def test_images_are_a_chain_whose_reshaping_is_a_module():
    model = ConvARD((1, 4, 4), 2, (3,))
    assert len(chain_of(model).layers) == 3
    assert not is_dense(model)
    modules = list(modules_of(nn.Sequential(nn.Sequential(model), nn.Tanh())))
    assert isinstance(modules[0], nn.Unflatten)
    assert modules[1:-1] == list(model)


def test_the_last_layers_are_a_chain_behind_something_else():
    first, *rest = LinearARD(3, 4), nn.Softmax(1), LinearARD(4, 4), LinearARD(4, 1)
    chain = last_chain(nn.Sequential(first, *rest))
    assert chain.layers == rest[1:] and not chain.complete
    layer = LinearARD(3, 3)
    assert last_chain(nn.Sequential(layer, nn.ReLU(), layer)).layers == []
    assert last_chain(layer).layers == []
