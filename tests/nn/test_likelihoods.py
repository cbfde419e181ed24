import math

import pytest
import torch
from torch.distributions import Categorical, Normal

from sklearn_ard.nn import CategoricalLikelihood, GaussianLikelihood, Likelihood


def test_gaussian_likelihood_is_the_normal_density():
    likelihood = GaussianLikelihood(2)
    with torch.no_grad():
        likelihood.log_noise_variance.copy_(torch.tensor([-1.0, 0.5]))
    output, target = torch.randn(5, 2), torch.randn(5, 2)
    std = (0.5 * likelihood.log_noise_variance).exp()
    expected = -Normal(output, std).log_prob(target).sum(dim=1)
    torch.testing.assert_close(likelihood(output, target), expected)


@pytest.mark.parametrize("n_classes", [None, 3])
def test_written_out_gradient_is_that_of_autograd(n_classes):
    if n_classes is None:
        likelihood = GaussianLikelihood(2, torch.tensor([-1.0, 0.5]))
        target = torch.randn(9, 2)
    else:
        likelihood, target = CategoricalLikelihood(), torch.randint(n_classes, (9,))
    output, weight = torch.randn(9, n_classes or 2, requires_grad=True), torch.rand(9)
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


def test_expected_nll_is_the_entropy_of_the_noise():
    likelihood = GaussianLikelihood(2, torch.tensor([-1.0, 0.5]))
    std = (0.5 * likelihood.log_noise_variance.detach()).exp()
    expected = Normal(torch.zeros(2), std).entropy().sum()
    assert likelihood.expected_nll() == pytest.approx(expected.item())


def test_entropy_of_classes_of_which_one_may_be_empty():
    shares = torch.tensor([0.25, 0.75, 0.0])
    expected = Categorical(shares[:2]).entropy()
    assert CategoricalLikelihood.entropy(shares) == pytest.approx(expected.item())
    assert CategoricalLikelihood.entropy(torch.ones(4) / 4) == pytest.approx(
        math.log(4)
    )


def test_the_interface_alone_has_no_formula():
    with pytest.raises(NotImplementedError):
        Likelihood()(torch.zeros(2, 1), torch.zeros(2))
