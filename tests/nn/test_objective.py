import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal

from sklearn_ard.nn import (
    DenseARD,
    ELBOLoss,
    GaussianLikelihood,
    KLWarmup,
    LinearARD,
    ard_layers,
    kl_divergence,
)


def test_loss_is_nll_plus_kl_per_sample():
    model = DenseARD(3, 4, (5,)).eval()
    x, target = torch.randn(8, 3), torch.randint(4, (8,))
    criterion = ELBOLoss(model, 50, "categorical", reg_factor=0.3)
    criterion.beta = 0.5
    loss = criterion(model(x), target)
    nll = nn.functional.cross_entropy(model(x), target)
    expected = nll + 0.3 * 0.5 / 50 * sum(la.kl().sum() for la in ard_layers(model))
    torch.testing.assert_close(loss, expected)


def test_sample_weights_count_like_copies():
    model = DenseARD(3, 1, ()).eval()
    x, target = torch.randn(3, 3), torch.randn(3)
    rows = torch.tensor([0, 0, 1, 2, 2, 2])
    criterion = ELBOLoss(model, 6)
    copies = criterion(model(x[rows]), target[rows])
    weight = torch.tensor([2.0, 1.0, 3.0]) / 2  # of mean 1
    torch.testing.assert_close(criterion(model(x), target, weight), copies)


def test_any_callable_with_one_loss_per_sample_is_a_likelihood():
    model = DenseARD(3, 1, ())
    criterion = ELBOLoss(model, 10, lambda output, target: (output - target)[:, 0] ** 2)
    assert criterion(torch.ones(4, 1), torch.zeros(4, 1)) > 1.0


def test_the_model_is_no_submodule_of_the_loss():
    criterion = ELBOLoss(DenseARD(3, 1, ()), 10)
    assert [name for name, _ in criterion.named_parameters()] == [
        "likelihood.log_noise_variance"
    ]


def test_a_layer_that_is_used_twice_counts_once():
    layer = LinearARD(3, 3)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    torch.testing.assert_close(kl_divergence(model), layer.kl().sum())


def test_a_linear_model_finds_the_evidence_of_bayesian_regression():
    """Where the posterior is Gaussian and factorises, the ELBO is the log evidence."""
    torch.manual_seed(0)
    n, noise, gamma = 40, 0.5, 2.0
    x = torch.linalg.qr(torch.randn(n, 3))[0] * math.sqrt(n)  # orthogonal columns
    y = x @ torch.tensor([1.0, -2.0, 0.5]) + noise * torch.randn(n)
    precision = n / noise**2 + 1 / gamma**2
    model = LinearARD(3, 1, bias=False)
    mean = x.T @ y / noise**2 / precision
    with torch.no_grad():
        model.weight.copy_(mean[None])
        model.log_sigma2.fill_(-math.log(precision))

    likelihood = GaussianLikelihood()
    with torch.no_grad():
        likelihood.log_noise_variance.fill_(2 * math.log(noise))
        output = model.eval()(x)
        # expected NLL in closed form: the squared error plus the weights' variance
        expected_nll = likelihood(output, y[:, None]).sum()
        expected_nll += 0.5 * (x**2).sum() / precision / noise**2
        sigma = precision**-0.5
        kl = torch.distributions.kl_divergence(
            Normal(mean, sigma), Normal(0.0, gamma)
        ).sum()
        covariance = noise**2 * torch.eye(n) + gamma**2 * x @ x.T
        evidence = torch.distributions.MultivariateNormal(
            torch.zeros(n), covariance
        ).log_prob(y)
        torch.testing.assert_close(-expected_nll - kl, evidence, rtol=1e-3, atol=0)
        # the sampled objective agrees with the closed form
        draws = torch.stack(
            [likelihood(model.train()(x), y[:, None]).sum() for _ in range(2000)]
        )
    torch.testing.assert_close(draws.mean(), expected_nll, rtol=0, atol=0.3)


def test_warmup_is_a_straight_line():
    warmup = KLWarmup(0.2, 0.6)
    assert [warmup(p) for p in (0.0, 0.2, 0.6, 1.0)] == [0.0, 0.0, 1.0, 1.0]
    assert warmup(0.3) == pytest.approx(0.25)
    assert KLWarmup(0.0, 0.0)(0.0) == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((nn.Linear(2, 2), 10), "'model' of ELBOLoss.*Got Linear"),
        ((LinearARD(2, 2), 0), "'num_data' of ELBOLoss.*Got 0"),
        ((LinearARD(2, 2), 10, "poisson"), "'likelihood'.*categorical.*Got 'poisson'"),
        ((LinearARD(2, 2), 10, "gaussian", -1), "'reg_factor' of ELBOLoss.*Got -1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ELBOLoss(*arguments)


def test_layers_with_different_priors_add_up():
    model = nn.Sequential(
        LinearARD(3, 4, prior="ard"),
        LinearARD(4, 4),
        LinearARD(4, 4, prior="group_ard"),
        LinearARD(4, 2),
    )
    with torch.no_grad():
        model[1].mask[0] = 0
    expected = sum(layer.kl().sum() for layer in model)
    torch.testing.assert_close(kl_divergence(model), expected)


def test_kl_divergence_needs_ard_layers():
    with pytest.raises(ValueError, match="'model' of kl_divergence must contain ARD"):
        kl_divergence(nn.Linear(2, 2))


def test_the_kl_of_another_network_can_count():
    model, part = DenseARD(3, 1, (4,)), DenseARD(2, 1)
    criterion = ELBOLoss(model, 50, reg_factor=0.3)
    criterion.beta = 0.5
    assert criterion.kl_factor == pytest.approx(0.3 * 0.5 / 50)
    output, target, weight = torch.randn(4, 1), torch.randn(4), torch.rand(4)
    loss = criterion(output, target, weight, part)
    assert criterion.kl_ == kl_divergence(part)
    expected = criterion.nll_ + criterion.kl_factor * kl_divergence(part)
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_likelihood_that_is_no_longer_per_sample_is_refused(reduction):
    model = DenseARD(3, 1, (4,))
    criterion = ELBOLoss(model, 10, nn.MSELoss(reduction=reduction))
    with pytest.raises(ValueError, match=r"shape \(4,\). Got one of shape \(\)"):
        criterion(torch.randn(4, 1), torch.randn(4, 1))


def test_a_warm_up_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="'start' of KLWarmup must be at most 'stop'"):
        KLWarmup(0.9, 0.1)
