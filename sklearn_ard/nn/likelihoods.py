"""Likelihoods of targets, given the outputs of a network.

Outputs and targets come in; negative log-likelihoods in nats and their gradient go out.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Likelihood(nn.Module):
    """Base of the likelihoods; its parameters are trained with the network.

    A subclass has a ``forward``. With a `gradient` as well, dense networks train
    without autograd, in less than half of the time.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood of every sample.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs)
            Outputs of the network.
        target : Tensor of shape (n,) or (n, n_outputs)
            Targets.

        Returns
        -------
        Tensor of shape (n,)
            In nats, differentiable.
        """
        raise NotImplementedError

    @staticmethod
    def gradient(
        output: Tensor, target: Tensor, sample_weight: Tensor, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        """Weighted mean of the negative log-likelihood, and its gradient.

        Parameters
        ----------
        output, target
            As in :meth:`forward`.
        sample_weight : Tensor of shape (n,)
            Weights.
        *parameters : Tensor
            Values of the parameters of the likelihood.

        Returns
        -------
        tuple of Tensor
            The mean in nats, its gradient by the output, and by each parameter.
        """
        raise NotImplementedError

    def average_(self, others: Sequence["Likelihood"]) -> None:
        """Set the parameters to the mean of those of several likelihoods, if any."""


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

    def __init__(self, n_outputs=1, log_noise_variance=None):
        super().__init__()
        self.log_noise_variance = nn.Parameter(torch.zeros(n_outputs))
        if log_noise_variance is not None:
            self.log_noise_variance.data.copy_(torch.as_tensor(log_noise_variance))

    def forward(self, output, target):
        log_variance = self.log_noise_variance
        squared = (output - target.reshape(output.shape)).square()
        nll = squared * torch.exp(-log_variance) + log_variance + math.log(2 * math.pi)
        return 0.5 * nll.sum(dim=1)

    @staticmethod
    def gradient(output, target, sample_weight, log_noise_variance):
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
    def average_(self, others):
        """Set the noise variance to the mean of those of several likelihoods."""
        values = torch.stack([other.log_noise_variance for other in others])
        self.log_noise_variance.copy_(values.logsumexp(dim=0) - math.log(len(others)))

    def expected_nll(self) -> float:
        """Negative log-likelihood that a sample has on average where the mean is right.

        Returns
        -------
        float
            Entropy of the noise of all outputs in nats, ½ Σ (log 2π + 1 + log σ²).
        """
        log_variance = self.log_noise_variance.detach().cpu().double()
        return 0.5 * float((math.log(2 * math.pi) + 1 + log_variance).sum())


class CategoricalLikelihood(Likelihood):
    """One of several classes, with the network's outputs as logits."""

    def forward(self, output, target):
        return F.cross_entropy(output, target, reduction="none")

    @staticmethod
    def gradient(output, target, sample_weight):
        weight = sample_weight[:, None] / len(output)
        log_share = F.log_softmax(output, dim=1)
        column = target[:, None]
        nll = -(log_share.gather(1, column) * weight).sum()
        slope = log_share.exp_().mul_(weight)
        return nll, slope.scatter_add_(1, column, -weight)

    @staticmethod
    def entropy(shares: Tensor) -> float:
        """Negative log-likelihood that a sample has on average under its class shares.

        Parameters
        ----------
        shares : Tensor of shape (n_classes,)
            Shares of the classes, with sum 1; any may be 0.

        Returns
        -------
        float
            Entropy in nats, -Σ p log p.
        """
        shares = torch.as_tensor(shares).cpu().double()
        return -float(torch.special.xlogy(shares, shares).sum())


LIKELIHOODS = {"gaussian": GaussianLikelihood, "categorical": CategoricalLikelihood}
