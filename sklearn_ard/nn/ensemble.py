"""Several networks as one: a deep ensemble."""

import torch
from torch import Tensor, nn


class Ensemble(nn.Module):
    """The mean of the outputs of several networks.

    Networks that were trained from different random weights err differently where the
    data do not say what is right: their mean errs less than each of them, and how far
    they are apart tells how sure they can be.

    Parameters
    ----------
    networks : list of Module
        From the same inputs to the same outputs.

    References
    ----------
    Lakshminarayanan, Pritzel, Blundell (2017). Simple and Scalable Predictive
    Uncertainty Estimation using Deep Ensembles. arXiv:1612.01474.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import DenseARD, Ensemble
    >>> Ensemble([DenseARD(5, 2) for _ in range(3)])(torch.zeros(4, 5)).shape
    torch.Size([4, 2])
    """

    def __init__(self, networks):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([network(x) for network in self.networks]).mean(dim=0)
