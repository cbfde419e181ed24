"""One of several classes."""

import torch.nn.functional as F
from torch import Tensor

from sklearn_ard.nn.likelihoods.base import Likelihood


class CategoricalLikelihood(Likelihood):
    """One of several classes, with the network's outputs as logits."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target, reduction="none")

    def gradient(
        self, output: Tensor, target: Tensor, sample_weight: Tensor
    ) -> tuple[Tensor, ...]:
        weight = sample_weight[:, None] / len(output)
        log_share = F.log_softmax(output, dim=1)
        column = target[:, None]
        nll = -(log_share.gather(1, column) * weight).sum()
        slope = log_share.exp_().mul_(weight)
        return nll, slope.scatter_add_(1, column, -weight)
