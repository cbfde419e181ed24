"""Several networks as one: a deep ensemble.

Networks come in; a module whose output is the mean of theirs goes out.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Ensemble(nn.Module):
    """The mean of the outputs of several networks.

    Networks that were trained from different random weights make different errors where
    there are few data: their mean has a smaller one, and their variance is a measure of
    it.

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

    def __init__(self, networks: Iterable[nn.Module]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([network(x) for network in self.networks]).mean(dim=0)
