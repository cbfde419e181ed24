import copy
import math
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_ard.nn import (
    Conv1dARD,
    Conv2dARD,
    Conv3dARD,
    ConvARD,
    DenseARD,
    LinearARD,
    SkipARD,
    ard_layers,
    noise_from,
)
from sklearn_ard.nn.noise import drawn_from

X, IMAGES, LARGE = torch.randn(8, 6), torch.randn(2, 3, 4, 4), torch.randn(3, 4, 9, 9)

OPERATORS = {
    "linear": lambda: nn.Linear(3, 3).weight,
    "bilinear": lambda: nn.Bilinear(2, 2, 2).weight,
    "conv": lambda: nn.Conv2d(2, 3, 2).bias,
    "embedding": lambda: nn.Embedding(3, 3).weight,
    "lstm": lambda: nn.LSTM(6, 5, num_layers=2, dropout=0.5)(X)[0],
    "attention": lambda: nn.MultiheadAttention(6, 2, dropout=0.5)(X, X, X)[0],
    "orthogonal_": lambda: nn.init.orthogonal_(torch.empty(3, 3)),
    "trunc_normal_": lambda: nn.init.trunc_normal_(torch.empty(3, 3)),
    "xavier_normal_": lambda: nn.init.xavier_normal_(torch.empty(3, 3)),
    "dropout": lambda: nn.Dropout()(X),
    "dropout in place": lambda: F.dropout(X.clone(), inplace=True),
    "dropout with gradient": lambda: nn.Dropout()(X.clone().requires_grad_()),
    "native_dropout": lambda: torch.native_dropout(X, 0.5, True)[0],
    "dropout1d": lambda: nn.Dropout1d()(X),
    "dropout2d": lambda: nn.Dropout2d()(IMAGES),
    "dropout3d": lambda: nn.Dropout3d()(IMAGES[None]),
    "alpha_dropout": lambda: nn.AlphaDropout()(X),
    "feature_alpha_dropout": lambda: nn.FeatureAlphaDropout()(IMAGES),
    "rrelu": lambda: nn.RReLU()(X),
    "fractional pooling": lambda: nn.FractionalMaxPool2d(2, output_size=3)(LARGE),
    "gumbel_softmax": lambda: F.gumbel_softmax(X),
    "bernoulli_": lambda: X.clone().bernoulli_(0.5),
    "bernoulli": lambda: torch.bernoulli(X.sigmoid()),
    "uniform_": lambda: X.clone().uniform_(),
    "normal_": lambda: X.clone().normal_(),
    "random_": lambda: X.clone().random_(),
    "exponential_": lambda: X.clone().exponential_(),
    "normal": lambda: torch.normal(X, 1.0),
    "multinomial": lambda: torch.multinomial(X.exp(), 3),
    "poisson": lambda: torch.poisson(X.exp()),
    "rand": lambda: torch.rand(8),
    "rand_like": lambda: torch.rand_like(X),
    "randn": lambda: torch.randn(8, dtype=torch.float64),
    "randn out": lambda: torch.randn(8, out=torch.empty(8)),
    "randn_like": lambda: torch.randn_like(X),
    "randint": lambda: torch.randint(1000, (8,)),
    "randint low": lambda: torch.randint(10, 1000, (8,)),
    "randint_like": lambda: torch.randint_like(X, 1000),
    "randint_like low": lambda: torch.randint_like(X, 10, 1000),
    "randperm": lambda: torch.randperm(50),
    "distribution": lambda: torch.distributions.Gamma(1.0, 1.0).sample((8,)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_random_operators_draw_from_the_generator_alone(name):
    draw, generator = OPERATORS[name], torch.Generator()
    state, results = torch.get_rng_state(), []
    for seed in (0, 0, 1):
        with drawn_from(generator.manual_seed(seed)):
            results.append(draw())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_a_generator_that_was_given_stays():
    one, other = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    state = one.get_state()
    with drawn_from(one):
        found = torch.randn(3, generator=other), X.clone().normal_(generator=other)
    assert torch.equal(one.get_state(), state)
    other.manual_seed(0)
    assert torch.equal(found[0], torch.randn(3, generator=other))


def test_dropout_keeps_the_expectation_and_its_gradient():
    x = torch.ones(20_000, requires_grad=True)
    with drawn_from(torch.Generator().manual_seed(0)):
        output, mask = torch.native_dropout(x, 0.2, True)
        assert torch.native_dropout(x, 1.0, True)[0].eq(0).all()
        assert torch.native_dropout(x, 0.2, False)[0].eq(1).all()
    output.sum().backward()
    assert output.mean().item() == pytest.approx(1, abs=0.02)
    torch.testing.assert_close(output, mask / 0.8)
    torch.testing.assert_close(x.grad, output.detach())


NETWORKS = {
    "linear": lambda g: LinearARD(4, 3, generator=g),
    "linear without bias": lambda g: LinearARD(4, 3, bias=False, generator=g),
    "conv1d": lambda g: Conv1dARD(4, 6, 2, groups=2, generator=g),
    "conv2d": lambda g: Conv2dARD(2, 3, 2, generator=g),
    "conv3d": lambda g: Conv3dARD(2, 3, 2, generator=g),
    "dense": lambda g: DenseARD(4, 1, (5,), generator=g),
    "skip": lambda g: SkipARD(DenseARD(4, 1, generator=g), 4, 1, generator=g),
    "images": lambda g: ConvARD((1, 4, 4), 2, (3,), generator=g),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_initial_weights_come_from_the_generator_alone(name):
    state, generator = torch.get_rng_state(), torch.Generator()
    first, again, other = (
        NETWORKS[name](generator.manual_seed(seed)).state_dict() for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), state)
    for key, value in first.items():
        assert torch.equal(value, again[key])
        assert not key.endswith("0.weight") or not torch.equal(value, other[key])
    torch.manual_seed(3)
    one = NETWORKS[name](None).state_dict()
    torch.manual_seed(3)
    for key, value in NETWORKS[name](None).state_dict().items():
        assert torch.equal(value, one[key])


def test_initial_weights_have_the_variance_of_their_inputs():
    layer = LinearARD(100, 2000, generator=torch.Generator().manual_seed(0))
    assert layer.weight.var().item() == pytest.approx(1 / 100, rel=0.02)
    assert layer.bias.var().item() == pytest.approx(1 / 300, rel=0.1)
    assert layer.bias.abs().max() <= 0.1
    expected = torch.full_like(layer.weight, -2 - math.log(100))
    torch.testing.assert_close(layer.log_sigma2.detach(), expected)


class Functional(nn.Module):
    """Dropout that no module shows."""

    def __init__(self):
        super().__init__()
        self.layer = LinearARD(6, 2)

    def forward(self, x):
        return F.dropout(self.layer(x), training=self.training)


@pytest.mark.parametrize(
    "model",
    [
        DenseARD(6, 2, (4,)),
        nn.Sequential(LinearARD(6, 4), nn.Dropout(), LinearARD(4, 2)),
        nn.Sequential(LinearARD(6, 4), nn.RReLU(), LinearARD(4, 2)),
        Functional(),
    ],
    ids=["plain", "dropout", "rrelu", "functional"],
)
def test_noise_in_training_comes_from_the_generator_alone(model):
    state, generator, results = torch.get_rng_state(), torch.Generator(), []
    source = noise_from(model.train(), generator)
    for seed in (0, 0, 1):
        generator.manual_seed(seed)
        with source:
            results.append(model(X))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    assert all(layer.generator is None for layer in ard_layers(model))


def test_known_modules_do_not_pay_for_unknown_ones(monkeypatch):
    def fail(*args):
        raise AssertionError

    monkeypatch.setattr(drawn_from, "__torch_dispatch__", fail)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 6)), Conv1dARD(1, 2, 3), nn.BatchNorm1d(2), nn.GELU(),
        nn.MaxPool1d(2), nn.Flatten(), nn.Linear(4, 2), SkipARD(DenseARD(2, 1), 2, 1),
    )  # fmt: skip
    with noise_from(model, torch.Generator()):
        model(X)
    with pytest.raises(AssertionError), noise_from(Functional(), torch.Generator()):
        torch.randn(3)


def test_without_a_generator_everything_stays_as_it_is():
    model, generator = DenseARD(6, 1), torch.Generator()
    with noise_from(model, generator), noise_from(model, None):
        assert ard_layers(model)[0].generator is generator


def test_generators_are_neither_copied_nor_pickled():
    model = DenseARD(6, 1)
    with noise_from(model, torch.Generator()):
        copies = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
    for other in copies:
        assert all("generator" not in vars(layer) for layer in ard_layers(other))
        assert torch.equal(other.eval()(X), model.eval()(X))


@pytest.mark.parametrize(
    ("layer", "shape", "mask_shape"),
    [
        (nn.Dropout(0.3), (50, 200), (50, 200)),
        (nn.Dropout1d(0.3), (50, 200, 3), (50, 200, 1)),
        (nn.Dropout2d(0.3), (50, 200, 2, 2), (50, 200, 1, 1)),
        (nn.Dropout3d(0.3), (50, 200, 2, 1, 2), (50, 200, 1, 1, 1)),
    ],
)
def test_dropout_layers_draw_from_the_generator_and_keep_the_mean(
    layer, shape, mask_shape
):
    state, x = torch.get_rng_state(), torch.ones(shape)
    found = []
    for seed in (0, 0, 1):
        with noise_from(layer, torch.Generator().manual_seed(seed)):
            found.append(layer(x))
    assert torch.equal(torch.get_rng_state(), state) and "forward" not in vars(layer)
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    kept = found[0][tuple(slice(n) for n in mask_shape)]
    torch.testing.assert_close(found[0], kept.expand(shape))  # whole channels
    assert kept.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]
    assert kept.mean().item() == pytest.approx(1, abs=0.03)
    with noise_from(layer.eval(), torch.Generator()):
        assert torch.equal(layer(x), x)
    layer.train()


def test_a_context_can_be_entered_within_itself():
    model = nn.Sequential(LinearARD(3, 3), nn.Dropout())
    context = noise_from(model, torch.Generator().manual_seed(0))
    with context:
        with context:
            model(torch.ones(2, 3))
        assert model[0].generator is not None and "forward" in vars(model[1])
        state = torch.get_rng_state()
        model(torch.ones(2, 3))
        assert torch.equal(torch.get_rng_state(), state)
    assert model[0].generator is None and "forward" not in vars(model[1])


def test_tensors_without_data_are_left_to_torch():
    with drawn_from(torch.Generator()):
        assert nn.Linear(2, 2, device="meta").weight.is_meta
        assert torch.empty(2, device="meta").normal_().is_meta
