import numpy as np
import pytest
import torch

from sklearn_ard.data.noise import (
    GaussianNoise,
    HeteroscedasticNoise,
    SkewTNoise,
    StudentTNoise,
)
from sklearn_ard.nn import (
    CategoricalLikelihood,
    GaussianLikelihood,
    HeteroscedasticLikelihood,
    Likelihood,
    SkewTLikelihood,
    StudentTLikelihood,
)
from sklearn_ard.nn.likelihoods import LIKELIHOODS

NOISES = {
    noise.likelihood: noise
    for noise in (GaussianNoise, HeteroscedasticNoise, StudentTNoise, SkewTNoise)
}


def some_likelihood(name):
    """One for two targets, with parameters of its own for each."""
    likelihood = LIKELIHOODS[name](2)
    with torch.no_grad():
        for values in likelihood.state_dict().values():
            values.copy_(torch.randn(2))
        if name != "gaussian":
            likelihood.least_scale2.copy_(torch.tensor([0.0, 0.3]))
    return likelihood


@pytest.mark.parametrize("name", NOISES)
def test_likelihood_is_the_density_of_scipy(name):
    torch.manual_seed(1)
    likelihood, target = some_likelihood(name).double(), 3 * torch.randn(20, 2).double()
    output = torch.randn(20, 2 * NOISES[name].n_outputs).double()
    state = {key: value.numpy() for key, value in likelihood.state_dict().items()}
    density = NOISES[name](**state).distribution(output.numpy()).logpdf(target.numpy())
    found = likelihood(output, target).detach().numpy()
    np.testing.assert_allclose(found, -density.sum(axis=1), rtol=1e-8)


def test_pruned_spread_is_the_noise_that_is_the_same_everywhere():
    target = torch.randn(9, 2)
    location, nothing = torch.randn(9, 2), torch.zeros(9, 2)
    uneven = HeteroscedasticLikelihood(2, torch.tensor([-1.0, 0.5]))
    even = GaussianLikelihood(2, torch.tensor([-1.0, 0.5]))
    found = uneven(torch.cat([location, nothing], dim=1), target)
    torch.testing.assert_close(found, even(location, target))


def test_skew_t_with_two_equal_tails_is_student_t():
    skewed, even = SkewTLikelihood(1), StudentTLikelihood(1)
    with torch.no_grad():
        for logit in (skewed.logit_left, skewed.logit_right, even.logit_df):
            logit.fill_(-3.0)
    location, target = torch.randn(9, 1), 5 * torch.randn(9, 1)
    found = skewed(torch.cat([location, torch.zeros(9, 1)], dim=1), target)
    torch.testing.assert_close(found, even(location, target))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_written_out_gradient_is_that_of_autograd(name):
    torch.manual_seed(0)
    if name == "categorical":
        likelihood, target, n_outputs = LIKELIHOODS[name](), torch.tensor([0, 2] * 4), 3
    else:
        likelihood, target = some_likelihood(name), 3 * torch.randn(8, 2)
        n_outputs = 2 * NOISES[name].n_outputs
    output, weight = torch.randn(8, n_outputs, requires_grad=True), torch.rand(8)
    parameters = list(likelihood.parameters())
    nll = (likelihood(output, target) * weight).mean()
    expected = torch.autograd.grad(nll, [output, *parameters])
    with torch.no_grad():
        found = likelihood.gradient(output, target, weight, *parameters)
    for ours, theirs in zip(found, (nll.detach(), *expected), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_mean_of_several_noises_is_that_of_their_variances():
    variances = torch.tensor([[0.5, 2.0], [1.5, 4.0]])
    mean = GaussianLikelihood(2)
    mean.average_([GaussianLikelihood(2, values.log()) for values in variances])
    torch.testing.assert_close(mean.log_noise_variance.exp(), variances.mean(dim=0))
    CategoricalLikelihood().average_([CategoricalLikelihood()])


def test_the_mean_of_several_shapes_is_that_of_their_parameters():
    torch.manual_seed(0)
    others = [some_likelihood("skew_t") for _ in range(3)]
    mean = SkewTLikelihood(2)
    mean.average_(others)
    scales = torch.stack([other.log_scale2.exp() for other in others])
    torch.testing.assert_close(mean.log_scale2.exp(), scales.mean(dim=0))
    logits = torch.stack([other.logit_right for other in others])
    torch.testing.assert_close(mean.logit_right, logits.mean(dim=0))


def test_the_interface_alone_has_no_formula():
    with pytest.raises(NotImplementedError):
        Likelihood()(torch.zeros(2, 1), torch.zeros(2))
