"""The priors over weights: their KL divergence, and which weights they keep.

Means, variances and masks of the weights of a layer come in; a KL term in nats, or
whether it is kept, goes out for each. A prior is a small immutable object.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Molchanov et al. (2017), eq. 14: constants of the fitted approximation.
_K1, _K2, _K3 = 0.63576, 1.87320, 1.48695

# Molchanov et al. (2017), section 4.3: a weight whose log alpha is above this has a
# binary dropout rate above 0.95.
LOG_ALPHA_THRESHOLD = 3.0

# Keeps log(weight ** 2) finite; the value that the paper's authors used.
EPS = 1e-8


def log_alpha(weight: Tensor, log_sigma2: Tensor | float) -> Tensor:
    """Logarithm of the noise-to-signal ratio, log(sigma² / weight²), of every weight.

    Parameters
    ----------
    weight : Tensor
        Posterior means.
    log_sigma2 : Tensor or float
        Natural logarithms of the posterior variances, of the same shape or one for all.

    Returns
    -------
    Tensor
        log alpha, of the same shape; never clamped.
    """
    return log_sigma2 - torch.log(weight.square() + EPS)


class Prior:
    """Base of the priors, with pruning of each weight by its log alpha.

    Parameters
    ----------
    threshold : float, default=3.0
        A weight is kept while its log alpha is below this.

    References
    ----------
    Molchanov, Ashukha, Vetrov (2017). Variational Dropout Sparsifies Deep Neural
    Networks. arXiv:1701.05369, section 4.3.
    """

    name: str

    def __init__(self, threshold: float = LOG_ALPHA_THRESHOLD):
        self.threshold = threshold

    def kl(
        self, weight: Tensor, log_sigma2: Tensor, mask: Tensor, groups: int = 1
    ) -> Tensor:
        """KL divergence of the posterior from the prior, in nats.

        Parameters
        ----------
        weight, log_sigma2 : Tensor of shape (n_out, n_in / groups, ...)
            Posterior means and natural logarithms of the posterior variances.
        mask : Tensor of the same shape
            1 for live weights, 0 for those that were pruned permanently.
        groups : int, default=1
            Number of blocks of a grouped convolution.

        Returns
        -------
        Tensor of the same shape
            One term per weight, 0 where `mask` is 0; their sum is the KL divergence.
        """
        raise NotImplementedError

    def keep(
        self, weight: Tensor, log_sigma2: Tensor, mask: Tensor, groups: int = 1
    ) -> Tensor:
        """Which weights are kept.

        Parameters
        ----------
        weight, log_sigma2, mask, groups
            As in :meth:`kl`.

        Returns
        -------
        bool Tensor of the same shape
            False for weights that are masked, or pruned by the rule of this prior.
        """
        return (log_alpha(weight, log_sigma2) < self.threshold) & mask.bool()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(threshold={self.threshold})"


class LogAlphaPrior(Prior):
    """Base of the priors whose KL divergence depends on log alpha alone.

    Nothing is clamped: with softplus and the logistic function value and gradient are
    exact at any log alpha.
    """

    def kl(
        self, weight: Tensor, log_sigma2: Tensor, mask: Tensor, groups: int = 1
    ) -> Tensor:
        return self._values(weight.square().add_(EPS), log_sigma2).mul_(mask)

    def _values(self, square: Tensor, log_sigma2: Tensor) -> Tensor:
        """KL of every weight; `square` is weight² + 1e-8."""
        raise NotImplementedError

    def slope(self, square: Tensor, log_sigma2: Tensor, sigma2: Tensor) -> Tensor:
        """Derivative of every weight's KL by its log alpha.

        Parameters
        ----------
        square, log_sigma2, sigma2 : Tensor
            Squared weights plus 1e-8 (which keeps the logarithm finite), logarithms of
            the variances, and these. They are not changed.

        Returns
        -------
        Tensor of the same shape
            In nats.
        """
        raise NotImplementedError


class LogUniform(LogAlphaPrior):
    """Log-uniform prior ``p(|w|) ∝ 1 / |w|``: sparse variational dropout.

    Parameters
    ----------
    threshold : float, default=3.0
        A weight is kept while its log alpha is below this.

    References
    ----------
    Molchanov, Ashukha, Vetrov (2017). arXiv:1701.05369, eq. 14. The additive constant
    is the one that makes the KL of a pruned weight (alpha → ∞) exactly 0.
    """

    name = "log_uniform"

    def _values(self, square: Tensor, log_sigma2: Tensor) -> Tensor:
        minus_la = torch.log(square).sub_(log_sigma2)
        s = torch.sigmoid(torch.add(_K2, minus_la, alpha=-_K3))
        return F.softplus(minus_la).mul_(0.5).sub_(s, alpha=_K1).add_(_K1)

    def slope(self, square: Tensor, log_sigma2: Tensor, sigma2: Tensor) -> Tensor:
        log_alpha = torch.sub(log_sigma2, torch.log(square))
        s = torch.add(_K2, log_alpha, alpha=_K3).sigmoid_()
        slope = torch.addcmul(s, s, s, value=-1).mul_(-_K1 * _K3)
        return slope.sub_(square / (square + sigma2), alpha=0.5)


class ARD(LogAlphaPrior):
    """Automatic relevance determination, one prior variance per weight.

    The prior of weight i is N(0, γ_i) with the γ_i that maximises the evidence lower
    bound, γ_i = weight² + sigma² (empirical Bayes). The KL divergence is then
    ½ log(1 + weight² / sigma²), exactly.

    Parameters
    ----------
    threshold : float, default=3.0
        A weight is kept while its log alpha is below this.

    References
    ----------
    Kharitonov, Molchanov, Vetrov (2018). Variational Dropout via Empirical Bayes.
    arXiv:1811.00596.
    """

    name = "ard"

    def _values(self, square: Tensor, log_sigma2: Tensor) -> Tensor:
        return F.softplus(torch.log(square).sub_(log_sigma2)).mul_(0.5)

    def slope(self, square: Tensor, log_sigma2: Tensor, sigma2: Tensor) -> Tensor:
        return torch.div(square, square + sigma2).mul_(-0.5)


class GroupARD(Prior):
    """Automatic relevance determination, one prior variance per input (or channel).

    All weights that leave one input share the prior N(0, γ), with the γ that maximises
    the evidence lower bound: the mean of weight² + sigma² over the group. The KL
    divergence of the group is ½ Σ_j (log γ - log sigma²_j), exactly; by Jensen's
    inequality it is never negative.

    Parameters
    ----------
    threshold : float, default=3.0
        A weight is kept while its log alpha is below this and so is that of its group,
        log(mean sigma² / mean weight²).

    References
    ----------
    Neal (1996). Bayesian Learning for Neural Networks, section 4.1.
    MacKay (1994). Bayesian Non-linear Modeling for the Prediction Competition.
    """

    name = "group_ard"

    def kl(
        self, weight: Tensor, log_sigma2: Tensor, mask: Tensor, groups: int = 1
    ) -> Tensor:
        second_moment = weight.square() + log_sigma2.exp()
        gamma = _group_mean(second_moment, mask, groups)
        return 0.5 * (torch.log(gamma + EPS**2) - log_sigma2) * mask

    def keep(
        self, weight: Tensor, log_sigma2: Tensor, mask: Tensor, groups: int = 1
    ) -> Tensor:
        signal = _group_mean(weight.square(), mask, groups)
        noise = _group_mean(log_sigma2.exp(), mask, groups)
        live = torch.log(noise) - torch.log(signal + EPS) < self.threshold
        return super().keep(weight, log_sigma2, mask, groups) & live


def _group_mean(values: Tensor, mask: Tensor, groups: int) -> Tensor:
    """Mean over all live weights that leave an input, in the shape of `values`."""
    blocks = (groups, len(values) // groups, *values.shape[1:])
    values, mask = values.reshape(blocks), mask.reshape(blocks)
    over = (1, *range(3, values.dim()))  # all but (block, input within the block)
    mean = (values * mask).sum(over, keepdim=True)
    mean = mean / mask.sum(over, keepdim=True).clamp(min=1)
    return mean.expand_as(values).flatten(0, 1)


PRIORS = {prior.name: prior for prior in (LogUniform, ARD, GroupARD)}


def get_prior(prior: str | Prior) -> Prior:
    """The prior of that name, or `prior` itself if it is a Prior.

    Parameters
    ----------
    prior : {"log_uniform", "ard", "group_ard"} or Prior
        What to look up.

    Returns
    -------
    Prior
        A prior object.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if isinstance(prior, Prior):
        return prior
    if prior not in PRIORS:
        raise ValueError(
            f"The 'prior' parameter must be one of {sorted(PRIORS)} or a Prior object. "
            f"Got {prior!r} instead."
        )
    return PRIORS[prior]()
