import pytest
import torch
from torch.distributions import Normal, kl_divergence

from sklearn_ard.nn import ARD, GroupARD, LogUniform, log_alpha
from sklearn_ard.nn.priors import get_prior

PRIORS = [LogUniform(), ARD(), GroupARD()]


def posterior(shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(shape, generator=generator, dtype=torch.float64)
    log_sigma2 = torch.randn(shape, generator=generator, dtype=torch.float64) * 2 - 1
    return weight, log_sigma2, torch.ones_like(weight)


@pytest.mark.parametrize("log_alpha", [-8.0, -4.0, -2.0, 0.0, 1.0, 2.0, 4.0])
def test_log_uniform_kl_agrees_with_monte_carlo(log_alpha):
    # KL = E log|1 + √α ε| - ½ log α - E log|ε|, the last term making KL(∞) zero
    noise = torch.randn(4_000_000, dtype=torch.float64)
    alpha = torch.tensor(log_alpha, dtype=torch.float64).exp()
    expected = torch.log((1 + alpha.sqrt() * noise).abs()).mean()
    expected = expected - 0.5 * log_alpha - torch.log(noise.abs()).mean()
    one = torch.ones(1, dtype=torch.float64)
    kl = LogUniform().kl(one, one * log_alpha, one)
    # eq. 14 is a fitted approximation, measured here to be good to about 0.01 nats
    assert kl.item() == pytest.approx(expected.item(), abs=0.012)


def test_ard_kl_is_that_of_the_best_gaussian_prior():
    weight, log_sigma2, mask = posterior((4, 3))
    sigma = (0.5 * log_sigma2).exp()
    gamma = (weight**2 + sigma**2).sqrt()
    expected = kl_divergence(Normal(weight, sigma), Normal(0.0, gamma))
    torch.testing.assert_close(
        ARD().kl(weight, log_sigma2, mask), expected, atol=1e-6, rtol=1e-6
    )
    for factor in (0.9, 1.1):  # any other prior variance is worse
        other = kl_divergence(Normal(weight, sigma), Normal(0.0, gamma * factor))
        assert (other > expected).all()


def test_group_ard_kl_is_that_of_the_best_shared_gaussian_prior():
    weight, log_sigma2, mask = posterior((4, 3))
    sigma = (0.5 * log_sigma2).exp()
    gamma = (weight**2 + sigma**2).mean(dim=0).sqrt()  # one per input
    expected = kl_divergence(Normal(weight, sigma), Normal(0.0, gamma)).sum(dim=0)
    kl = GroupARD().kl(weight, log_sigma2, mask).sum(dim=0)
    torch.testing.assert_close(kl, expected)
    assert (kl >= 0).all()


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
@pytest.mark.parametrize("shape", [(4, 0), (0, 3), (0, 0)])
def test_a_layer_without_weights_costs_nothing(prior, shape):
    empty = posterior(shape)
    assert prior.kl(*empty).shape == prior.keep(*empty).shape == shape


def test_group_ard_groups_the_weights_of_a_channel_in_grouped_convolutions():
    weight, log_sigma2, mask = posterior((6, 2, 3))
    kl = GroupARD().kl(weight, log_sigma2, mask, groups=2)
    halves = [
        GroupARD().kl(weight[rows], log_sigma2[rows], mask[rows])
        for rows in (slice(0, 3), slice(3, 6))
    ]
    torch.testing.assert_close(kl, torch.cat(halves))


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.name)
def test_gradient_of_the_kl_is_exact(prior):
    weight, log_sigma2, mask = posterior((4, 3))
    mask[0, 1] = 0
    weight.requires_grad_()
    log_sigma2.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda w, s: prior.kl(w, s, mask), (weight, log_sigma2)
    )


@pytest.mark.parametrize("prior", [LogUniform(), ARD()], ids=lambda p: p.name)
def test_written_out_slope_is_the_derivative_by_log_alpha(prior):
    weight, log_sigma2, mask = posterior((4, 3))
    log_sigma2.requires_grad_()
    (expected,) = torch.autograd.grad(
        prior.kl(weight, log_sigma2, mask).sum(), log_sigma2
    )
    with torch.no_grad():
        slope = prior.slope(weight.square() + 1e-8, log_sigma2, log_sigma2.exp())
    torch.testing.assert_close(slope, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.name)
def test_masked_weights_cost_nothing_and_stay_pruned(prior):
    weight, log_sigma2, mask = posterior((4, 3))
    mask[1] = 0
    assert (prior.kl(weight, log_sigma2, mask)[1] == 0).all()
    assert not prior.keep(weight, log_sigma2, mask)[1].any()


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.name)
def test_kl_and_gradient_are_finite_for_extreme_weights(prior):
    weight = torch.tensor([[0.0, 1e-12, 1e6, 1.0]]).requires_grad_()
    log_sigma2 = torch.tensor([[20.0, 0.0, -30.0, -60.0]]).requires_grad_()
    kl = prior.kl(weight, log_sigma2, torch.ones(1, 4))
    kl.sum().backward()
    assert kl.isfinite().all()
    assert weight.grad.isfinite().all() and log_sigma2.grad.isfinite().all()


@pytest.mark.parametrize("prior", [LogUniform(), ARD()], ids=lambda p: p.name)
def test_a_weight_is_kept_while_log_alpha_is_below_the_threshold(prior):
    weight = torch.ones(1, 4)
    log_sigma2 = torch.tensor([[-5.0, 2.9, 3.1, 8.0]])
    keep = prior.keep(weight, log_sigma2, torch.ones(1, 4))
    assert keep.tolist() == [[True, True, False, False]]
    torch.testing.assert_close(log_alpha(weight, log_sigma2), log_sigma2)


def test_group_ard_drops_an_input_whose_weights_are_all_noise():
    weight = torch.tensor([[1.0, 0.3], [1.0, 0.01], [1.0, 0.01]])
    log_sigma2 = torch.full((3, 2), -2.0)
    log_sigma2[1:, 1] = 3.0
    keep = GroupARD().keep(weight, log_sigma2, torch.ones(3, 2))
    # the first weight of the second input would be kept on its own
    assert ARD().keep(weight, log_sigma2, torch.ones(3, 2))[0, 1]
    assert keep.tolist() == [[True, False]] * 3


def test_unknown_prior_is_named():
    with pytest.raises(ValueError, match=r"'prior'.*log_uniform.*Got 'normal'"):
        get_prior("normal")
