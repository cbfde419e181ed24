"""Networks that the tests of evidence and pruning share."""

import torch
from torch import nn

from sklearn_ard.nn import Conv2dARD, ConvARD, DenseARD, LinearARD


class TwoReaders(nn.Module):
    """Two layers that read the input, one of them through a reshape."""

    def __init__(self):
        super().__init__()
        self.deep = DenseARD(6, 1, (4,))
        self.direct = LinearARD(6, 1)

    def forward(self, x):
        return self.deep(x) + self.direct(x.view(-1, 6))


MODELS = {
    "dense": (lambda: DenseARD(6, 1, (4,)), 6, 6),
    "linear": (lambda: DenseARD(6, 1, ()), 6, 6),
    "two readers": (TwoReaders, 6, 6),
    "images": (lambda: ConvARD((3, 4, 4), 1, (4,), 3, ()), 48, 3),
    "grouped": (
        lambda: nn.Sequential(
            nn.Unflatten(1, (4, 3, 3)),
            Conv2dARD(4, 6, 3, groups=2),
            nn.ReLU(),
            nn.Flatten(),
            LinearARD(6, 1),
        ),
        36,
        4,
    ),
}


def certain(model):
    """Without noise, so that an objective needs no draws."""
    for layer in model.modules():
        if hasattr(layer, "log_sigma2"):
            with torch.no_grad():
                layer.log_sigma2.fill_(-40.0)
    return model
