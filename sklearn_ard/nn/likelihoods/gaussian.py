"""Gaussian noise of unknown variance."""

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from sklearn_ard.nn.likelihoods.base import Likelihood


class GaussianLikelihood(Likelihood):
    """Gaussian noise of unknown variance, one per output.

    Parameters
    ----------
    n_outputs : int, default=1
        Number of outputs.
    log_noise_variance : Tensor of shape (n_outputs,), optional
        Initial value; 0 by default.

    Attributes
    ----------
    log_noise_variance : Parameter of shape (n_outputs,)
        Natural logarithm of the noise variance, learned with the network.
    """

    def __init__(self, n_outputs: int = 1, log_noise_variance: Tensor | None = None):
        super().__init__()
        self.log_noise_variance = nn.Parameter(torch.zeros(n_outputs))
        if log_noise_variance is not None:
            self.log_noise_variance.data.copy_(torch.as_tensor(log_noise_variance))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        log_variance = self.log_noise_variance
        squared = (output - target.reshape(output.shape)).square()
        nll = squared * torch.exp(-log_variance) + log_variance + math.log(2 * math.pi)
        return 0.5 * nll.sum(dim=1)

    def gradient(
        self,
        output: Tensor,
        target: Tensor,
        sample_weight: Tensor,
        log_noise_variance: Tensor,
    ) -> tuple[Tensor, ...]:
        weight = sample_weight[:, None] / len(output)
        residual = output - target.reshape(output.shape)
        slope = (residual * weight).mul_(torch.exp(-log_noise_variance))
        squared = torch.linalg.vecdot(residual, slope, dim=0)
        n_weighted = weight.sum()
        constant = n_weighted * (log_noise_variance + math.log(2 * math.pi))
        return (
            (constant + squared).sum() * 0.5,
            slope,
            torch.sub(n_weighted, squared).mul_(0.5),
        )

    @torch.no_grad()
    def average_(self, others: Sequence[Self]) -> None:
        """Set the noise variance to the mean of those of several likelihoods."""
        values = torch.stack([other.log_noise_variance for other in others])
        self.log_noise_variance.copy_(values.logsumexp(dim=0) - math.log(len(others)))
