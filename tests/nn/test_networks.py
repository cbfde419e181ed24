import pytest
import torch

from sklearn_ard.nn import Conv1dARD, Conv3dARD, ConvARD, DenseARD, ard_layers


def test_dense_network_has_the_layers_asked_for():
    model = DenseARD(7, 3, (5, 4), activation="tanh", prior="ard")
    shapes = [tuple(layer.weight.shape) for layer in ard_layers(model)]
    assert shapes == [(5, 7), (4, 5), (3, 4)]
    assert isinstance(model[1], torch.nn.Tanh)
    assert all(layer.prior.name == "ard" for layer in ard_layers(model))


def test_dense_network_without_hidden_layers_is_linear():
    model = DenseARD(4, 2, ()).eval()
    x = torch.randn(3, 4)
    torch.testing.assert_close(
        model(2 * x) - model(torch.zeros_like(x)),
        2 * (model(x) - model(torch.zeros_like(x))),
    )


@pytest.mark.parametrize(
    ("shape", "convolution", "n_flat"),
    [
        ((2, 9), Conv1dARD, 6 * 2),
        ((1, 8, 5), torch.nn.Conv2d, 6 * 2 * 1),
        ((1, 4, 4, 1), Conv3dARD, 6 * 1 * 1 * 1),
    ],
)
def test_convolutional_network_halves_its_images(shape, convolution, n_flat):
    model = ConvARD(shape, 3, conv_channels=(4, 6), hidden_layer_sizes=(5,))
    layers = ard_layers(model)
    assert isinstance(layers[0], convolution)
    assert layers[2].in_features == n_flat
    x = torch.randn(2, *shape)
    assert model(x).shape == (2, 3)
    model.eval()
    torch.testing.assert_close(model(x), model(x.flatten(1)))


def test_lenet_5_caffe_by_arguments_alone():
    model = ConvARD(
        (1, 28, 28), 10, (20, 50), 5, hidden_layer_sizes=(500,), padding="valid"
    )
    shapes = [tuple(layer.weight.shape) for layer in ard_layers(model)]
    assert shapes == [(20, 1, 5, 5), (50, 20, 5, 5), (500, 800), (10, 500)]


@pytest.mark.parametrize(
    ("options", "n_flat"),
    [
        ({}, 4 * 3 * 2),
        ({"stride": 2}, 4 * 1 * 1),
        ({"stride": (2, 1)}, 4 * 1 * 1),
        ({"padding": "valid", "kernel_size": 2}, 4 * 2 * 1),
        ({"padding": (0, 1), "pool_size": (1, 3)}, 4 * 3 * 2),
        ({"pool_size": 1}, 4 * 13 * 9),
        ({"pool_size": 100}, 4),
        ({"kernel_size": (5, 3), "padding": ("same", 2)}, 4 * 4 * 3),
    ],
)
def test_stride_padding_and_pooling_set_the_size(options, n_flat):
    model = ConvARD((2, 13, 9), 3, (5, 4), **options)
    assert ard_layers(model)[2].in_features == n_flat
    assert model(torch.zeros(2, 2 * 13 * 9)).shape == (2, 3)


def test_without_pooling_there_is_no_pooling_layer():
    model = ConvARD((2, 4), 3, (5,), pool_size=1)
    assert not any(isinstance(layer, torch.nn.MaxPool1d) for layer in model)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DenseARD(2, 1, activation="step"), "'activation'.*Got 'step'"),
        (lambda: ConvARD((5,), 1), r"'input_shape'.*Got \(5,\)"),
        (lambda: DenseARD(2, 1, prior="flat"), "'prior'.*Got 'flat'"),
        (
            lambda: ConvARD((1, 4, 4), 1, (2, 2), kernel_size=(3, 3, 3)),
            r"'kernel_size' .* each of the 2 convolutions. Got \(3, 3, 3\)",
        ),
        (
            lambda: ConvARD((1, 4, 4), 1, (2,), pool_size=2.5),
            r"'pool_size' .* an integer of at least 1.* Got 2.5",
        ),
        (
            lambda: ConvARD((1, 4, 4), 1, (2,), stride=(0,)),
            r"'stride' .* an integer of at least 1.* Got \(0,\)",
        ),
        (
            lambda: ConvARD((1, 4, 4), 1, (2,), padding=("reflect",)),
            r"'padding' .* 'same' or 'valid' or an integer of at least 0.*reflect",
        ),
        (
            lambda: ConvARD((1, 4, 4), 1, kernel_size=3, padding="valid"),
            r"'kernel_size' .* 'input_shape' \(1, 4, 4\). Got 3 .*padding='valid'",
        ),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
