"""One of several classes."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_ard.nn.likelihoods.base import Likelihood


class CategoricalLikelihood(Likelihood):
    """One of several classes, with the network's outputs as logits."""

    def forward(self, output, target):
        return F.cross_entropy(output, target, reduction="none")

    def gradient(self, output, target, sample_weight):
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
