import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from sklearn_ard.nn import (
    ARD,
    Conv2dARD,
    DenseARD,
    ELBOLoss,
    LinearARD,
    ard_layers,
    kl_divergence,
    sparsity,
    to_ard,
)


class Residual(nn.Module):
    """Nested, branched, with batch norm, dropout and a layer used twice."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.block = nn.Conv2d(4, 4, 3, padding=1)
        self.again = self.block
        self.unregistered = (self.block,)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 3))

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = x + torch.relu(self.block(x))
        x = x + torch.tanh(self.again(x)) + self.unregistered[0](x)
        return self.head(x)


@pytest.fixture
def residual():
    model = Residual()
    for _ in range(3):  # buffers that are not those of a new batch norm
        model(2 * torch.randn(8, 2, 4, 4) + 1)
    return model


@pytest.mark.parametrize("prior", ["log_uniform", "ard", "group_ard"])
def test_converted_layers_equal_the_original(layer_kind, prior):
    kind, arguments, options, shape = layer_kind
    layer, x = getattr(nn, kind)(*arguments, **options), torch.randn(5, *shape)
    with torch.no_grad():
        layer.weight.view(-1)[:3] = torch.tensor([0.0, 1e-7, 1e-3])  # small ones too
    converted = to_ard(layer, prior).eval()
    assert type(converted).__name__ == f"{kind}ARD"
    assert torch.equal(converted(x), layer(x))
    assert converted.prior.name == prior
    assert sparsity(converted) == 0


def test_converted_network_equals_the_original(residual):
    x = torch.randn(8, 2, 4, 4)
    before = copy.deepcopy(residual.state_dict())
    converted = to_ard(residual)
    assert converted.training
    torch.testing.assert_close(
        converted.eval()(x), residual.eval()(x), rtol=0, atol=1e-6
    )
    assert len(ard_layers(converted)) == 3
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.equal(
            getattr(converted.stem[1], name), getattr(residual.stem[1], name)
        )
    # training the new network does not touch the old one
    criterion = ELBOLoss(converted.train(), 8, "categorical")
    optimizer = torch.optim.Adam(converted.parameters())
    criterion(converted(x), torch.zeros(8, dtype=torch.int64)).backward()
    optimizer.step()
    assert not ard_layers(residual)
    for name, value in residual.state_dict().items():
        assert torch.equal(value, before[name])


def test_shared_layers_stay_shared(residual):
    converted = to_ard(residual)
    assert converted.block is converted.again is converted.unregistered[0]
    n_weights = 4 * 2 * 9 + 4 * 4 * 9 + 3 * 64
    assert sum(layer.weight.numel() for layer in ard_layers(converted)) == n_weights
    assert kl_divergence(converted).isfinite()


def test_every_weight_starts_with_noise_relative_to_its_size():
    layer = nn.Linear(30, 50)
    with torch.no_grad():
        layer.weight[0] = 0.0
        layer.weight[1] *= 1e-3
    log_alpha = to_ard(layer).log_alpha
    torch.testing.assert_close(log_alpha, torch.full_like(log_alpha, -2.0))


def test_hooks_dtype_and_mode_are_kept():
    layer = nn.Linear(3, 2, dtype=torch.float64).eval()
    layer.register_forward_hook(lambda module, args, output: output + 1)
    converted = to_ard(layer)
    x = torch.randn(4, 3, dtype=torch.float64)
    assert torch.equal(converted(x), layer(x))
    assert converted.log_sigma2.dtype == torch.float64
    assert not converted.training


def test_frozen_layers_stay_frozen():
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    network[0].requires_grad_(False)
    converted = to_ard(network)
    assert not converted[0].log_sigma2.requires_grad
    assert converted[1].log_sigma2.requires_grad


def test_deep_copies_and_state_dicts_carry_everything(residual):
    converted = to_ard(residual, ARD(threshold=1.0)).eval()
    with torch.no_grad():
        converted.block.log_sigma2.normal_()
    x = torch.randn(2, 2, 4, 4)
    other = to_ard(Residual().eval(), ARD(threshold=1.0))
    other.load_state_dict(converted.state_dict())
    assert torch.equal(copy.deepcopy(converted)(x), converted(x))
    assert torch.equal(other(x), converted(x))


@pytest.mark.parametrize(
    "exclude, n_converted", [("head.2", 2), (["head"], 2), (("stem", "block"), 1)]
)
def test_excluded_layers_stay_as_they_are(residual, exclude, n_converted):
    converted = to_ard(residual, exclude=exclude)
    assert len(ard_layers(converted)) == n_converted


def test_ard_layers_of_a_mixed_network_are_left_alone():
    network = nn.Sequential(LinearARD(3, 4, prior="ard"), nn.Linear(4, 2))
    with torch.no_grad():
        network[0].mask[0] = 0
    converted = to_ard(network)
    assert [layer.prior.name for layer in ard_layers(converted)] == [
        "ard",
        "log_uniform",
    ]
    assert torch.equal(converted[0].mask, network[0].mask)


def parametrized():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    parametrizations.weight_norm(network[0])
    return network


class Scaled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


NOT_CONVERTED = {
    "embedding": (lambda: nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 1)), "'0'"),
    "recurrent": (lambda: nn.ModuleDict({"rnn": nn.LSTM(3, 4), "a": nn.Linear(4, 1)}),
                  "'rnn'"),
    "subclass": (lambda: nn.Sequential(Scaled(3, 4), nn.Linear(4, 1)), "'0'"),
    "parametrized": (parametrized, "'0'"),
    "transposed": (
        lambda: nn.Sequential(nn.ConvTranspose2d(2, 2, 3), nn.Conv2d(2, 2, 3)),
        "'0'",
    ),
    "transformer": (
        lambda: nn.Sequential(nn.TransformerEncoderLayer(8, 2), nn.Linear(8, 1)),
        "'0.self_attn', '0.self_attn.out_proj', '0.linear1', '0.linear2'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_CONVERTED)
def test_what_is_not_converted_is_named(name):
    make, left = NOT_CONVERTED[name]
    network = make()
    with pytest.warns(UserWarning, match=f"keeps the weights of {left} as they are"):
        converted = to_ard(network)
    assert len(ard_layers(converted)) == 1


@pytest.mark.filterwarnings("error")
def test_normalisation_and_excluded_layers_are_no_reason_to_warn():
    to_ard(nn.Sequential(nn.Linear(3, 3), nn.LayerNorm((2, 3)), nn.BatchNorm1d(3)))
    network = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 1))
    to_ard(network, exclude="0")


def pruned():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    prune.l1_unstructured(network[0], "weight", 0.5)
    return network


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 3), nn.Linear(3, 3)
        self.decoder.weight = self.encoder.weight


class Quantized(nn.Module):
    __module__ = "torch.ao.nn.quantized.modules.linear"


REFUSED = {
    "pruning hook": (pruned, {}, "torch.nn.utils.prune.remove"),
    "nothing to convert": (lambda: nn.ReLU(), {}, "Got ReLU with none of them"),
    "all excluded": (lambda: nn.Sequential(nn.Linear(2, 2)), {"exclude": "0"}, "none"),
    "ARD already": (lambda: DenseARD(2, 1), {}, "Got DenseARD with ARD layers already"),
    "lazy": (
        lambda: nn.Sequential(nn.LazyLinear(2)),
        {},
        "Got the lazy '0' .LazyLinear.: run the network on a batch first",
    ),
    "quantised": (
        lambda: nn.Sequential(nn.Linear(2, 2), Quantized()),
        {},
        "Got the quantised '1'",
    ),
    "half": (lambda: nn.Linear(2, 2).half(), {}, "Got torch.float16 in network itself"),
    "shared weight": (Tied, {}, "'encoder.weight', 'decoder.weight'.* are one"),
    "unknown exclude": (
        lambda: nn.Linear(2, 2),
        {"exclude": ["fc"]},
        "'exclude' of to_ard .*Got 'fc'",
    ),
    "unknown prior": (lambda: nn.Linear(2, 2), {"prior": "l1"}, "'prior'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_converted_is_refused(name):
    make, options, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        to_ard(make(), **options)


def test_only_modules_are_converted():
    with pytest.raises(TypeError, match="'module' of to_ard must be a torch.nn.Module"):
        to_ard(lambda x: x)


def test_lazy_layers_are_converted_once_they_are_known():
    network = nn.Sequential(nn.LazyConv2d(3, 2), nn.Flatten(), nn.LazyLinear(2))
    x = torch.randn(2, 1, 4, 4)
    network(x)
    converted = to_ard(network).eval()
    assert isinstance(converted[0], Conv2dARD)
    assert torch.equal(converted(x), network.eval()(x))
