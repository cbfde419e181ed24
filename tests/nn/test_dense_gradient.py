import pytest
import torch
from torch import nn

from sklearn_ard.nn import (
    ARD,
    CategoricalLikelihood,
    ConvARD,
    DenseARD,
    ELBOLoss,
    GaussianLikelihood,
    Likelihood,
    LinearARD,
    SkipARD,
    ard_layers,
    deterministic,
    mask_unread_units_,
)
from sklearn_ard.nn.fast.dense_gradient import DenseGradient


def make_problem(
    activation="relu", skip=True, prior="log_uniform", classes=None, mask=False
):
    """A network with its objective, and a batch."""
    torch.manual_seed(0)
    n_outputs = classes or 2
    model = DenseARD(5, n_outputs, (7, 6), activation, prior)
    if skip:
        model = SkipARD(model, 5, n_outputs, prior)
    likelihood = CategoricalLikelihood() if classes else GaussianLikelihood(2)
    for parameter in [*model.parameters(), *likelihood.parameters()]:
        parameter.data += 0.3 * torch.randn_like(parameter)
    if mask:
        for layer in ard_layers(model):
            layer.mask.copy_(torch.rand_like(layer.mask) > 0.3)
            layer.mask[:, 1] = 0  # an input, or a unit that no layer reads
        mask_unread_units_(model)
    criterion = ELBOLoss(model, 50, likelihood, reg_factor=0.7)
    criterion.beta = 0.6
    x, weight = torch.randn(9, 5), torch.rand(9)
    target = torch.randint(classes, (9,)) if classes else torch.randn(9, 2)
    return model, criterion, x, target, weight


def autograd(model, criterion, x, target, weight):
    """Loss by autograd, with the noise that DenseGradient draws; sets the gradients."""
    network = getattr(model, "network", model)
    layers = [m for m in network if isinstance(m, LinearARD)]
    sizes = [layer.out_features for layer in layers]
    sizes[0] += 0 if network is model else model.linear.out_features
    noises = torch.randn(len(x), sum(sizes)).split(sizes, dim=1)

    def sampled(layer, h, noise):
        mean = nn.functional.linear(h, layer.weight * layer.mask, layer.bias)
        variance = nn.functional.linear(h**2, layer.log_sigma2.exp() * layer.mask)
        return mean + (variance + 1e-8).sqrt() * noise

    h, rest = x, list(noises)
    for module in network:
        if isinstance(module, LinearARD):
            h = sampled(module, h, rest.pop(0)[:, : module.out_features])
        else:
            h = module(h)
    if network is not model:
        h = h + sampled(model.linear, x, noises[0][:, layers[0].out_features :])
    criterion(h, target, weight).backward()
    return criterion.nll_, h


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"skip": False},
        {"mask": True},
        {"mask": True, "skip": False, "classes": 3},
        {"classes": 3},
        {"prior": "ard"},
        *({"activation": name} for name in ("tanh", "logistic", "silu", "gelu")),
        {"activation": "identity"},
    ],
    ids=str,
)
def test_gradient_is_that_of_autograd(options):
    model, criterion, x, target, weight = make_problem(**options)
    assert DenseGradient.applies_to(model, criterion)
    gradient = DenseGradient(model, criterion)
    torch.manual_seed(1)
    nll, output = gradient.backward(x, target, weight)
    torch.manual_seed(1)
    expected_nll, expected_output = autograd(model, criterion, x, target, weight)
    torch.testing.assert_close(nll, expected_nll)
    torch.testing.assert_close(output, expected_output)
    # write the gradient where the values would go, to compare it name by name
    parameters = [*model.named_parameters(), *criterion.named_parameters()]
    expected = {name: p.grad.clone() for name, p in parameters}
    for _, parameter in parameters:
        parameter.data.zero_()
    gradient.parameter.data.copy_(gradient.parameter.grad)
    gradient.write_back()
    for name, parameter in parameters:
        torch.testing.assert_close(parameter.data, expected[name], msg=name)


class HookedARD(DenseARD):
    def forward(self, x):
        return super().forward(x.clamp(-3, 3))


def frozen():
    model = DenseARD(3, 1)
    model[0].bias.requires_grad_(False)
    return model


def hooked():
    model = DenseARD(3, 1)
    model[0].register_forward_hook(lambda layer, args, output: output * 2)
    return model


@pytest.mark.parametrize(
    "model",
    [
        ConvARD((1, 4, 4), 1),
        DenseARD(3, 1, prior="group_ard"),
        nn.Sequential(*DenseARD(3, 2, (4,)), nn.BatchNorm1d(2)),
        nn.Sequential(LinearARD(3, 4), nn.GELU("tanh"), LinearARD(4, 1)),
        nn.Sequential(LinearARD(3, 4), LinearARD(4, 1, prior=ARD())),
        HookedARD(3, 1),
        frozen(),
        hooked(),
    ],
    ids=["conv", "group", "batch norm", "gelu", "priors", "forward", "frozen", "hook"],
)
def test_everything_else_is_left_to_autograd(model):
    assert not DenseGradient.applies_to(model, ELBOLoss(model, 10))


def test_likelihoods_of_the_user_and_dense_training_are_left_to_autograd():
    model = DenseARD(3, 1)
    assert DenseGradient.applies_to(model, ELBOLoss(model, 10))
    own = ELBOLoss(model, 10, lambda output, target: (output - target)[:, 0] ** 2)
    assert not DenseGradient.applies_to(model, own)
    without_gradient = ELBOLoss(model, 10, Likelihood())
    assert not DenseGradient.applies_to(model, without_gradient)
    with deterministic(model):
        assert not DenseGradient.applies_to(model, ELBOLoss(model, 10))
