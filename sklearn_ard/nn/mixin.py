"""Gaussian weights for a torch layer: the mixin that all ARD layers share.

Inputs come in; in training mode a sample of the outputs goes out, in evaluation mode
the outputs of the weights that are kept.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ard.nn.priors import Prior, get_prior, log_alpha

# Keeps the gradient of sqrt(variance) finite at 0; the value of the paper's authors
# (a smaller one makes that gradient explode).
_EPS = 1e-8

# Initial log(sigma² / E[weight²]). With much less noise a network fits noise columns
# before the KL divergence is at full weight; with a multiple of it nothing is learned.
INITIAL_LOG_ALPHA = -2.0


def reparameterize(
    mean: Tensor, variance: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """A sample of a Gaussian as a differentiable function of its moments.

    Parameters
    ----------
    mean, variance : Tensor
        Of the same shape.
    noise : Tensor
        Standard normal numbers, of that shape.

    Returns
    -------
    sample, std : Tensor
        The sample, and the standard deviation that it was made with.

    References
    ----------
    Kingma, Salimans, Welling (2015). arXiv:1506.02557, section 2.3.
    """
    std = (variance + _EPS).sqrt_()
    return torch.mul(std, noise).add_(mean), std


class ARDMixin(nn.Module):
    """Gaussian weights with local reparameterisation, mixed in left of a torch layer.

    In training mode the layer samples its output from the Gaussian that its uncertain
    weights induce, N(x·μ + b, x²·σ²); the bias is deterministic. In evaluation mode it
    is the torch layer with the weights that its prior does not keep set to zero.

    Attributes
    ----------
    weight : Parameter
        Posterior means μ, as in the torch layer.
    log_sigma2 : Parameter
        Natural logarithms of the posterior variances, of the shape of `weight`.
    mask : Tensor
        1 for live weights; 0 for weights pruned permanently by :meth:`prune_`, which
        have neither mean nor variance any more.
    prior : Prior
        Computes the KL divergence, and decides which weights are kept.
    deterministic : bool
        While True, no noise is added and no weight counts as superfluous: the layer is
        the torch layer with the weights that were not pruned permanently. See
        :func:`deterministic`.
    generator : torch.Generator or None
        Where the noise of training mode comes from, on the device of the outputs; None
        for torch's global one. See :class:`noise_from`. It is not copied or pickled.

    References
    ----------
    Kingma, Salimans, Welling (2015). Variational Dropout and the Local
    Reparameterization Trick. arXiv:1506.02557, section 2.3.
    """

    weight: Tensor
    bias: Any  # Parameter or None; the layers of torch declare it differently
    mask: Tensor
    _conv_forward: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    deterministic = False
    generator: torch.Generator | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "generator"}

    def _init_ard(self, prior: str | Prior) -> None:
        """Add prior, log variances (not yet set) and mask to a torch layer."""
        self.prior = get_prior(prior)
        self.log_sigma2 = nn.Parameter(
            torch.zeros_like(self.weight), self.weight.requires_grad
        )
        self.register_buffer("mask", torch.ones_like(self.weight.detach()))

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights and biases, of variance 1 / fan_in and a third of that.

        All variances become e⁻² / fan_in, and no weight is masked.

        Parameters
        ----------
        generator : torch.Generator, optional
            Where they come from; torch's global one by default.
        """
        if not hasattr(self, "log_sigma2"):  # called by the constructor of torch
            return
        fan_in = self.weight[0].numel()
        for values, variance in ((self.weight, 1.0), (self.bias, 1 / 3)):
            if values is not None:
                bound = math.sqrt(3 * variance / fan_in)
                values.uniform_(-bound, bound, generator=generator)
        self.log_sigma2.fill_(INITIAL_LOG_ALPHA - math.log(fan_in))
        self.mask.fill_(1)

    @torch.no_grad()
    def reset_variances(self) -> None:
        """Set the variance of every weight to e⁻² · weight², so that none is pruned.

        The variance is set for each weight by itself. One for the whole layer would
        prune the small weights of a trained network at once.
        """
        self.log_sigma2.copy_(INITIAL_LOG_ALPHA - log_alpha(self.weight, 0.0))

    @property
    def log_alpha(self) -> Tensor:
        """Natural logarithm of σ² / μ², one per weight."""
        return log_alpha(self.weight, self.log_sigma2)

    def kl(self) -> Tensor:
        """KL divergence from the prior in nats, one term per weight."""
        groups = getattr(self, "groups", 1)
        return self.prior.kl(self.weight, self.log_sigma2, self.mask, groups)

    @torch.no_grad()
    def keep(self) -> Tensor:
        """Boolean tensor, True for the weights that evaluation mode uses."""
        if self.deterministic:
            return self.mask.bool()
        groups = getattr(self, "groups", 1)
        return self.prior.keep(self.weight, self.log_sigma2, self.mask, groups)

    @torch.no_grad()
    def prune_(self) -> None:
        """Mask permanently the weights that the prior does not keep."""
        self.mask.copy_(self.keep())

    @torch.no_grad()
    def per_input(self, values: Tensor) -> Tensor:
        """Sum of values over all weights that leave an input (unit or channel).

        Parameters
        ----------
        values : Tensor of the shape of `weight`
            One value per weight.

        Returns
        -------
        Tensor of shape (in_features,) or (in_channels,)
            One sum per input.
        """
        groups = getattr(self, "groups", 1)
        blocks = values.reshape(groups, -1, *values.shape[1:])
        over = (1, *range(3, blocks.dim()))
        return blocks.sum(over).flatten()

    @torch.no_grad()
    def leaves_inputs(self, inputs: Tensor) -> Tensor:
        """1 for the weights that leave `inputs` (indices or a mask), 0 elsewhere."""
        groups = getattr(self, "groups", 1)
        n_in = self.mask.shape[1]
        chosen = self.mask.new_zeros(groups * n_in)
        chosen[inputs] = 1
        blocks = chosen.view(groups, 1, n_in, *(1,) * (self.mask.dim() - 2))
        shape = (groups, len(self.mask) // groups, *self.mask.shape[1:])
        return blocks.expand(shape).flatten(0, 1)

    @torch.no_grad()
    def mask_inputs_(self, live: Tensor) -> None:
        """Prune permanently all weights that leave the inputs where `live` is False."""
        self.mask.mul_(self.leaves_inputs(live))

    @torch.no_grad()
    def mask_outputs_(self, live: Tensor) -> None:
        """Prune permanently all weights that enter the units where `live` is False."""
        live = live.to(self.mask.dtype)
        self.mask.mul_(live.reshape(-1, *(1,) * (self.mask.dim() - 1)))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self._map(x, self.weight * self.keep(), self.bias)
        mean = self._map(x, self.weight * self.mask, self.bias)
        if self.deterministic:
            return mean
        variance = self._map(x.square(), self.log_sigma2.exp() * self.mask, None)
        return self.sample(mean, variance)

    def sample(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Draw from N(mean, variance), differentiably."""
        return reparameterize(mean, variance, self.draw_noise(mean))[0]

    def draw_noise(self, like: Tensor) -> Tensor:
        """Standard normal numbers in the shape of a tensor."""
        return torch.empty_like(like).normal_(generator=self.generator)

    def _map(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The linear map of the torch layer, with other weights."""
        return self._conv_forward(x, weight, bias)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, prior={self.prior.name!r}"
